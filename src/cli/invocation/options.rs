//! The options of every command of the program itself.

use crate::config::edit::TypedSetting;
use crate::manual::Page;
use crate::model::os::OsName;
use crate::model::size::DiskSize;
use crate::operation::options::{DryRun, Format, FormatArgs};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `init`.
#[derive(Clone, Copy, Debug, Args)]
pub struct InitArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Write the file without a question
    #[arg(long)]
    pub yes: bool,
}

/// The options of `check`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct CheckArgs {
    /// List the names of all findings instead of checking
    #[arg(long)]
    pub list: bool,
    /// Format of the findings: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
}

/// The options of `status`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct StatusArgs {
    /// Also show the cpus and the memory of each guest
    #[arg(short = 'a', long)]
    pub all: bool,
    /// Repeat every 2 s, until Ctrl-C
    #[arg(long, conflicts_with = "format")]
    pub watch: bool,
    /// --format
    #[command(flatten)]
    pub format: FormatArgs,
}

/// The options of `inspect`.
#[derive(Clone, Debug, Args)]
pub struct InspectArgs {
    /// --format
    #[command(flatten)]
    pub format: FormatArgs,
    /// The VM, or an image file or a disk, whose path has a slash
    #[arg(value_name = "VM|FILE", index = 1)]
    pub what: OsString,
}

impl InspectArgs {
    /// Whether a file is named, not a VM.
    pub fn is_file(&self) -> bool {
        self.what.as_encoded_bytes().contains(&b'/')
    }
}

/// The options of `os`.
#[derive(Clone, Debug, Args)]
pub struct OsArgs {
    /// --format
    #[command(flatten)]
    pub format: FormatArgs,
    /// The profile to explain
    #[arg(value_name = "NAME", index = 1)]
    pub name: Option<String>,
}

/// Options of `set`.
#[derive(Clone, Debug, Args)]
pub struct SetArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// The VM and its settings, or without a VM settings of the host; an empty value counts as not set
    #[arg(value_name = "[VM] KEY=VALUE", required = true, index = 1, value_parser = set_word())]
    pub words: Vec<SetWord>,
}

/// A word of `set`.
#[derive(Clone, Debug)]
pub enum SetWord {
    /// A word without `=`.
    Vm(String),
    /// A setting of a VM or of the host.
    Setting(TypedSetting),
}

/// Options of `new`.
#[derive(Clone, Debug, Args)]
pub struct NewArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Install from this ISO image
    #[arg(long, value_name = "ISO")]
    pub cd: Option<PathBuf>,
    /// Use the profile of this operating system
    #[arg(long, value_name = "NAME", value_parser = OsName::parse)]
    pub os: Option<OsName>,
    /// Also make the VM's disk, of this size
    #[arg(long, value_name = "SIZE", value_parser = DiskSize::parse)]
    pub disk: Option<DiskSize>,
    /// Write into this file of the configuration instead of the first one
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Also make the links, as setup does
    #[arg(long)]
    pub links: bool,
    /// The new VM
    #[arg(value_name = "VM", index = 1)]
    pub vm: String,
    /// Settings; the default id is the smallest number from 1 that neither a VM nor a tap has
    #[arg(value_name = "KEY=VALUE", index = 2, value_parser = setting())]
    pub settings: Vec<TypedSetting>,
}

/// Options of `disk`.
#[derive(Clone, Debug, Args)]
pub struct DiskArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Allocate blocks only when they are written
    #[arg(short = 's', long)]
    pub sparse: bool,
    /// The VM
    #[arg(value_name = "VM", index = 1)]
    pub vm: String,
    /// The size of the new disk; by default that of hd0
    #[arg(value_name = "SIZE", index = 2, value_parser = DiskSize::parse)]
    pub size: Option<DiskSize>,
}

/// Options of `rename`.
#[derive(Clone, Debug, Args)]
pub struct RenameArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Keep the MAC addresses and the UUID that are derived from the name: write them into the configuration
    #[arg(long)]
    pub keep: bool,
    /// Do not ask before MAC addresses or the UUID change
    #[arg(short = 'f', long, conflicts_with = "keep")]
    pub force: bool,
    /// The VM
    #[arg(value_name = "OLD", index = 1)]
    pub vm: String,
    /// Its new name
    #[arg(value_name = "NEW", index = 2)]
    pub new: String,
}

/// Options of `destroy`.
#[derive(Clone, Debug, Args)]
pub struct DestroyArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Do not ask for the name of the VM
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Also destroy its disks directly below volroot, with their snapshots, and its store of UEFI variables
    #[arg(long)]
    pub disks: bool,
    /// The VM
    #[arg(value_name = "VM", index = 1)]
    pub vm: String,
}

/// Options of `doctor`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DoctorArgs {
    /// Show the line that doas, sudo and mdo need, and try the one in use
    #[arg(long)]
    pub privilege: bool,
    /// Print Markdown for a bug report, without the names of VMs, disks, users and hosts
    #[arg(long, conflicts_with = "format")]
    pub report: bool,
    /// Format of the table: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
}

/// Options of `setup`.
#[derive(Clone, Debug, Args)]
pub struct SetupArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Also list the links that are added and removed
    #[arg(short = 'v', long)]
    pub verbose: bool,
    /// Also write the completions of every shell into files next to the configuration
    #[arg(long)]
    pub completions: bool,
    /// Write the manual pages below this directory, such as /usr/local/share/man, and make no link
    #[arg(long, value_name = "DIR")]
    pub man: Option<PathBuf>,
}

/// Options of `completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell: bash, zsh, fish or tcsh
    #[arg(value_name = "SHELL", index = 1, hide_possible_values = true)]
    pub shell: Shell,
}

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash(1).
    Bash,
    /// zsh(1).
    Zsh,
    /// fish(1).
    Fish,
    /// tcsh(1).
    Tcsh,
}

/// Options of `complete`.
#[derive(Clone, Debug, Args)]
pub struct CompleteArgs {
    /// Print the names of all links instead
    #[arg(long)]
    pub links: bool,
    /// Print a tab and the meaning behind each word
    #[arg(long)]
    pub describe: bool,
    /// Take the words from COMMAND_LINE, a line of this shell, and list the names of files
    #[arg(long, value_name = "SHELL", hide_possible_values = true)]
    pub line: Option<Shell>,
    /// The words of the command line up to the cursor
    #[arg(value_name = "WORD", index = 1, last = true)]
    pub words: Vec<OsString>,
}

/// Options of `import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Add the lines to the configuration instead of printing them
    #[arg(long)]
    pub add: bool,
    /// The manager: vm-bhyve, iohyve or libvirt
    #[arg(value_name = "MANAGER", index = 1, hide_possible_values = true)]
    pub manager: Manager,
    /// vm-bhyve: the datastore, a directory or zfs:DATASET; iohyve: a file with the output of zfs get all;
    /// libvirt: an XML file of virsh dumpxml
    #[arg(value_name = "FROM", index = 2, required_if_eq("manager", "libvirt"))]
    pub from: Option<PathBuf>,
}

/// Another manager of bhyve VMs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Manager {
    /// vm-bhyve.
    VmBhyve,
    /// iohyve.
    Iohyve,
    /// libvirt.
    Libvirt,
}

/// Options of `man`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ManArgs {
    /// Print the page as mdoc source, for a directory of manual pages, instead of formatting it
    #[arg(long)]
    pub source: bool,
    /// The page: easy-bhyve (or 1), the commands; easy-bhyve.conf (or 5), the configuration;
    /// easy-bhyve-examples (or 7), recipes; easy-bhyve.ja (or ja), the commands in Japanese
    #[arg(
        value_name = "PAGE",
        index = 1,
        hide_possible_values = true,
        default_value = "easy-bhyve",
        hide_default_value = true
    )]
    pub page: Page,
}

fn set_word() -> impl TypedValueParser<Value = SetWord> {
    OsStringValueParser::new().try_map(|word| match word.to_str() {
        Some(vm) if !vm.contains('=') => Ok(SetWord::Vm(vm.to_owned())),
        _ => TypedSetting::parse_any(&word).map(SetWord::Setting),
    })
}

fn setting() -> impl TypedValueParser<Value = TypedSetting> {
    OsStringValueParser::new().try_map(|word| TypedSetting::parse(&word))
}
