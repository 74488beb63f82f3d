//! The verbs and commands: the one clap definition.

use super::PROGRAM;
use super::options::{
    CheckArgs, CompleteArgs, CompletionsArgs, DestroyArgs, DiskArgs, DoctorArgs, ImportArgs,
    InitArgs, InspectArgs, ManArgs, NewArgs, OsArgs, RenameArgs, SetArgs, SetupArgs, StatusArgs,
};
use crate::operation::TypedVerb;
use crate::operation::options::{DryRun, EndArgs, FormatArgs};
use clap::{Args, Command, Parser, Subcommand};
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
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) call: Option<Call>,
}

/// The options of every verb and command.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Read this configuration and no other
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// The requested action.
#[derive(Debug, Subcommand)]
pub enum Call {
    /// A verb of a VM.
    #[command(flatten)]
    Vm(TypedVerb),
    /// A command of easy-bhyve itself.
    #[command(flatten)]
    Admin(Admin),
    /// Print a text from clap: help or the version.
    #[command(skip)]
    Show(String),
}

/// A command of easy-bhyve itself.
#[derive(Debug, Subcommand)]
pub enum Admin {
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
    /// Report what this host lacks for VMs, each with its remedy
    Doctor(DoctorArgs),
    /// Show what is on the disks of a VM or in an image file, and which loader boots it
    Inspect(InspectArgs),
    /// List the profiles of operating systems, or explain one
    Os(OsArgs),
    /// Change settings of a VM, or of the host, in the configuration
    Set(SetArgs),
    /// Write the settings of a new VM into the configuration
    New(NewArgs),
    /// Give a VM one more disk
    Disk(DiskArgs),
    /// Give a VM another name
    Rename(RenameArgs),
    /// Remove a VM: its lines, its links and its log, and with --disks its disks
    Destroy(DestroyArgs),
    /// Print the VMs of another manager as lines of the configuration, or add them
    Import(ImportArgs),
    /// Shut every running VM down, and cut the power of those that still run after 40 s
    StopAll(EndArgs),
    /// Boot every VM that has autostart=YES, in ascending order of ids
    Autostart(DryRun),
    /// Print the completions of a shell, for a file that the shell reads at its start
    Completions(CompletionsArgs),
    /// Show a manual page
    Man(ManArgs),
    /// Print the words that can stand at the end of a command line, for the scripts of completions
    #[command(hide = true)]
    Complete(CompleteArgs),
}

/// Defines the arguments of a command.
type Augment = fn(Command) -> Command;

impl Admin {
    /// The commands, and what defines the arguments of each, as the definition of all does.
    const DEFINED: [(&'static str, Augment); 19] = [
        ("init", InitArgs::augment_args),
        ("setup", SetupArgs::augment_args),
        ("list", FormatArgs::augment_args),
        ("status", StatusArgs::augment_args),
        ("check", CheckArgs::augment_args),
        ("doctor", DoctorArgs::augment_args),
        ("inspect", InspectArgs::augment_args),
        ("os", OsArgs::augment_args),
        ("set", SetArgs::augment_args),
        ("new", NewArgs::augment_args),
        ("disk", DiskArgs::augment_args),
        ("rename", RenameArgs::augment_args),
        ("destroy", DestroyArgs::augment_args),
        ("import", ImportArgs::augment_args),
        ("stop-all", EndArgs::augment_args),
        ("autostart", DryRun::augment_args),
        ("completions", CompletionsArgs::augment_args),
        ("man", ManArgs::augment_args),
        ("complete", CompleteArgs::augment_args),
    ];

    /// The definition of one command; none if there is no such command.
    pub(super) fn define(name: &str) -> Option<Command> {
        let mut all = Self::DEFINED.into_iter();
        let (name, augment) = all.find(|(known, _)| *known == name)?;
        Some(augment(clap::Command::new(name)))
    }
}
