//! The options of every verb: the one clap definition.

use super::PROGRAM;
use crate::config::edit::TypedSetting;
use crate::manual::Page;
use crate::model::os::OsName;
use crate::model::size::DiskSize;
use crate::operation::TypedVerb;
use crate::operation::options::{DryRun, EndArgs, Format, FormatArgs};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(
    name = PROGRAM,
    version,
    about = "Manage bhyve(8) VMs by ordinary commands",
    after_help = "Without a command, the status is shown. Each verb is also a link, made by setup: \
                  `fbsd0-boot -d` is `easy-bhyve boot fbsd0 -d`."
)]
pub(super) struct Cli {
    /// Read this configuration and no other
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Typed>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Typed {
    #[command(flatten)]
    Vm(TypedVerb),
    /// Write the first configuration, for this host
    Init(InitArgs),
    /// Make one link per VM and verb
    Setup(SetupArgs),
    /// List the VMs
    List(FormatArgs),
    /// Show the running VMs and leftover resources
    Status(StatusArgs),
    /// Report errors and warnings about the configuration
    Check(CheckArgs),
    /// Show what is on the disks of a VM or in an image file, and which loader boots it
    Inspect(InspectArgs),
    /// List the profiles of operating systems, or explain one
    Os(OsArgs),
    /// Change settings of a VM, or of the host, in the configuration
    Set(SetArgs),
    /// Write the settings of a new VM into the configuration
    New(NewArgs),
    /// Shut every running VM down, and cut the power of those that still run after 40 s
    StopAll(EndArgs),
    /// Boot every VM that has autostart=YES, in ascending order of ids
    Autostart(DryRun),
    /// Show a manual page
    Man(ManArgs),
}

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

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct StatusArgs {
    /// Also show the cpus and the memory of each guest
    #[arg(short = 'a', long)]
    pub(super) all: bool,
    /// Repeat every 2 s, until Ctrl-C
    #[arg(long, conflicts_with = "format")]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) format: FormatArgs,
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

/// Options of `setup`.
#[derive(Clone, Debug, Args)]
pub struct SetupArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Write the manual pages below this directory, such as /usr/local/share/man, and make no link
    #[arg(long, value_name = "DIR")]
    pub man: Option<PathBuf>,
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
