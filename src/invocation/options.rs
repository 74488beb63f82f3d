//! The options of every verb: the one clap definition.

use super::PROGRAM;
use crate::config::edit::Setting;
use crate::model::cpu::CpuTopology;
use crate::model::size::{DiskSize, MemSize};
use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// How something is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, or as a script.
    #[default]
    Text,
    /// As data.
    Json,
}

#[derive(Debug, Parser)]
#[command(
    name = PROGRAM,
    version,
    about = "VMs under FreeBSD's bhyve, handled like ordinary commands",
    after_help = "Without a command it shows the status. Every verb is also a link that setup makes: \
                  `fbsd0-boot -d` is `easy-bhyve boot fbsd0 -d`.",
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    /// Read this configuration and no other
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Typed>,
}

// Differs: An option that a verb does not have is refused, and options may stand behind words
#[derive(Debug, Subcommand)]
pub(super) enum Typed {
    /// Boot the VM from its first CD on this terminal, to install it
    Install(Of<StartArgs>),
    /// Boot the installed VM in the background
    Boot(Of<BootArgs>),
    /// Boot the installed VM on this terminal
    Ttyboot(Of<TtybootArgs>),
    /// Connect this terminal to the console of a running VM; ~. leaves
    Console(Of<ConsoleArgs>),
    /// Show every setting of the VM, or make its disk first
    Resources(Of<ResourcesArgs>),
    /// Press the VM's power button, wait for its end, free its resources
    Shutdown(Of<ShutdownArgs>),
    /// Shut the VM down, if it runs, and boot it again in the background
    Restart(Of<RestartArgs>),
    /// Free what a VM that is not running has left
    #[command(alias = "clear")]
    Clean(Of<DryRun>),
    /// Take a snapshot of the VM's disk, or list them
    Snapshot(Of<SnapshotArgs>),
    /// Roll the VM's disk back to a snapshot
    Rollback(Of<RollbackArgs>),
    /// Make new VMs' disks of this VM's disk
    Clone(Of<CloneArgs>),
    /// Show where the VM's disk comes from
    History(Of<FormatArgs>),
    /// Make one link per VM and verb
    Setup(DryRun),
    /// List the VMs
    List(FormatArgs),
    /// Show the running VMs and what is left over
    Status(StatusArgs),
    /// Tell what is wrong with the configuration, or looks so
    Check(CheckArgs),
    /// Change settings of a VM in the configuration
    Set(SetArgs),
    /// Write the settings of a new VM into the configuration
    New(NewArgs),
    /// Shut every running VM down, and cut the power of those that run on for 40 s
    StopAll(EndArgs),
    /// Boot every VM that has autostart=YES, in the order of their ids
    Autostart(DryRun),
}

/// The options of `check`.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct CheckArgs {
    /// Show the names of all findings instead, with what each is
    #[arg(long)]
    pub list: bool,
    /// How the findings are shown: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
}

/// A verb's options behind the name of its VM.
#[derive(Debug, Args)]
pub(super) struct Of<T: Args> {
    /// The VM
    #[arg(value_name = "VM", index = 1)]
    pub(super) vm: String,
    #[command(flatten)]
    pub(super) options: T,
}

/// Whether the plan is shown instead of carried out.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DryRun {
    /// Show the commands as a script instead of running them
    #[arg(short = 'd', long)]
    pub dry_run: bool,
    /// With -d, how the plan is shown: text or json
    #[arg(
        long,
        value_name = "FORMAT",
        requires = "dry_run",
        hide_possible_values = true
    )]
    pub format: Option<Format>,
}

/// As [`DryRun`] for verbs whose result has formats of its own.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct DryRunOrFormat {
    /// Show the commands as a script instead of running them
    #[arg(short = 'd', long)]
    pub dry_run: bool,
    /// How the result is shown: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub format: Option<Format>,
}

impl From<DryRunOrFormat> for DryRun {
    fn from(options: DryRunOrFormat) -> Self {
        Self {
            dry_run: options.dry_run,
            format: options.format,
        }
    }
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct FormatArgs {
    /// How the result is shown: text or json
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(super) format: Option<Format>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct StatusArgs {
    /// Show the configured cpus and memory, too
    #[arg(short = 'a', long)]
    pub(super) all: bool,
    /// Show it again and again, until Ctrl-C
    #[arg(long, conflicts_with = "format")]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) format: FormatArgs,
}

/// Options of `set`.
#[derive(Clone, Debug, Args)]
pub struct SetArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// The VM
    #[arg(value_name = "VM", index = 1)]
    pub vm: String,
    /// What it is to have; an empty value is as if the key were not there
    #[arg(value_name = "KEY=VALUE", required = true, index = 2, value_parser = setting())]
    pub settings: Vec<Setting>,
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
    /// Make the VM's disk, too, of this size
    #[arg(long, value_name = "SIZE", value_parser = |text: &str| text.parse::<DiskSize>())]
    pub disk: Option<DiskSize>,
    /// Write into this file of the configuration instead of its first
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Make the links, too, as setup does
    #[arg(long)]
    pub links: bool,
    /// The new VM
    #[arg(value_name = "VM", index = 1)]
    pub vm: String,
    /// Further settings; without id the smallest number that no VM has
    #[arg(value_name = "KEY=VALUE", index = 2, value_parser = setting())]
    pub settings: Vec<Setting>,
}

fn setting() -> impl TypedValueParser<Value = Setting> {
    OsStringValueParser::new().try_map(|word| Setting::parse(&word))
}

/// How VMs are ended: options of `stop-all`, and of the verbs that end one.
#[derive(Clone, Copy, Debug, Args)]
pub struct EndArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Cut the power instead of pressing the button
    #[arg(short = 'f', long)]
    pub force: bool,
    /// Say nothing while waiting
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

/// What of a VM is given on the command line instead of in the configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct Override {
    /// This many cpus, or bhyve's topology form
    #[arg(short = 'c', long, value_name = "N", value_parser = |text: &str| text.parse::<CpuTopology>())]
    pub cpu: Option<CpuTopology>,
    /// This much memory
    #[arg(short = 'm', long, value_name = "SIZE", value_parser = |text: &str| text.parse::<MemSize>())]
    pub mem: Option<MemSize>,
}

/// Options of `install`.
#[derive(Clone, Debug, Args)]
pub struct StartArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// -c, -m
    #[command(flatten)]
    pub with: Override,
}

/// Options of `ttyboot`.
#[derive(Clone, Debug, Args)]
pub struct TtybootArgs {
    /// -d, -c, -m
    #[command(flatten)]
    pub start: StartArgs,
    /// Stop at grub's prompt
    #[arg(short = 'p', long)]
    pub pause: bool,
}

/// Options of `boot`.
#[derive(Clone, Debug, Args)]
pub struct BootArgs {
    /// -d, -c, -m, -p
    #[command(flatten)]
    pub start: TtybootArgs,
    /// Boot on this terminal: the same as ttyboot
    #[arg(short = 't', long, conflicts_with = "console")]
    pub tty: bool,
    /// Connect this terminal to the console before the loader starts; ~. leaves
    #[arg(long)]
    pub console: bool,
    /// Take a snapshot first, and roll back to it when the VM ends: a run without a trace
    #[arg(short = 'T', long)]
    pub temp: bool,
}

/// Options of `console`.
#[derive(Clone, Copy, Debug, Args)]
pub struct ConsoleArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Take the line over from who is on it
    #[arg(short = 'f', long)]
    pub force: bool,
}

/// Options of `resources`.
#[derive(Clone, Debug, Args)]
pub struct ResourcesArgs {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// Show every setting, also each that is as if nobody had set it
    #[arg(short = 'a', long)]
    pub all: bool,
    /// First make the VM's disk, of this size
    #[arg(short = 'V', long, value_name = "SIZE", value_parser = |text: &str| text.parse::<DiskSize>())]
    pub size: Option<DiskSize>,
    /// With -V, allocate its blocks only when they are written
    #[arg(short = 's', long, requires = "size")]
    pub sparse: bool,
    /// -c, -m
    #[command(flatten)]
    pub with: Override,
}

/// Options of `shutdown`.
#[derive(Clone, Debug, Args)]
pub struct ShutdownArgs {
    /// -d, -f, -q
    #[command(flatten)]
    pub end: EndArgs,
    /// Further VMs, which are waited for together
    #[arg(value_name = "VM", index = 2)]
    pub others: Vec<String>,
}

/// Options of `restart`.
#[derive(Clone, Debug, Args)]
pub struct RestartArgs {
    /// -d, -f, -q
    #[command(flatten)]
    pub end: EndArgs,
    /// -c, -m
    #[command(flatten)]
    pub with: Override,
}

/// Options of `snapshot`.
#[derive(Clone, Debug, Args)]
pub struct SnapshotArgs {
    /// -d, --format
    #[command(flatten)]
    pub dry_run: DryRunOrFormat,
    /// What the snapshot is for; without words the snapshots are listed
    #[arg(value_name = "WORD", index = 2)]
    pub words: Vec<String>,
}

/// Options of `rollback`.
#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Do not ask before newer snapshots are destroyed
    #[arg(short = 'f', long)]
    pub force: bool,
    /// The snapshot: NAME, @NAME or VOLUME@NAME; without it the newest
    #[arg(value_name = "SNAP", index = 2)]
    pub snapshot: Option<String>,
}

/// Options of `clone`.
#[derive(Clone, Debug, Args)]
pub struct CloneArgs {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// The new VMs; a first word that begins with @ or _ is the snapshot to clone
    #[arg(value_name = "NEW", required = true, index = 2)]
    pub words: Vec<String>,
}
