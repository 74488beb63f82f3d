//! The typed verbs: the single list of the verbs of the command line.

use super::context::{Context, Outcome};
use super::options::Of;
use super::{
    Operation, boot, clean, clone, console, history, log, promote, resize, resources, restart,
    rollback, shutdown, snapshot, vnc,
};
use crate::config::resolve::{self, Wanted};
use crate::error::Result;
use crate::verb::Verb;
use clap::{Args, Command, Subcommand};

/// A verb with its arguments.
// Differs: An option that a verb does not have is refused, and options may stand behind words
#[derive(Debug, Subcommand)]
pub enum TypedVerb {
    /// Boot the VM from its first CD on this terminal, to install it
    Install(Of<boot::install::Args>),
    /// Boot the installed VM in the background
    Boot(Of<boot::Args>),
    /// Boot the installed VM on this terminal
    Ttyboot(Of<boot::ttyboot::Args>),
    /// Connect this terminal to the console of a running VM; ~. leaves
    Console(Of<console::Args>),
    /// Say where the screen of a running VM is, and open a viewer
    Vnc(Of<vnc::Args>),
    /// Show the settings of the VM; with -V, first make its disk
    Resources(Of<resources::Args>),
    /// Press the VM's power button, wait until the VM ends, and free its resources
    Shutdown(Of<shutdown::Args>),
    /// Shut the VM down, if it runs, and boot it again in the background
    Restart(Of<restart::Args>),
    /// Free the leftovers of a VM that is not running
    #[command(alias = "clear")]
    Clean(Of<clean::Args>),
    /// Show the log: starts, ends with their meaning, output of loader and bhyve
    Log(Of<log::Args>),
    /// Make a disk of the VM larger
    Resize(Of<resize::Args>),
    /// Take a snapshot of the VM's disks, list snapshots, or destroy them
    Snapshot(Of<snapshot::Args>),
    /// Roll the VM's disks back to a snapshot
    Rollback(Of<rollback::Args>),
    /// Clone the VM's disks for new VMs
    Clone(Of<clone::Args>),
    /// List the ancestors of the VM's disk, or all clones of the oldest
    History(Of<history::Args>),
    /// Make the VM's cloned disks independent of their origins
    Promote(Of<promote::Args>),
}

impl TypedVerb {
    /// The definition of one verb, with the arguments that it has in the definition of all.
    pub(crate) fn define(verb: Verb) -> Command {
        let augment: fn(Command) -> Command = match verb {
            Verb::Install => Of::<boot::install::Args>::augment_args,
            Verb::Boot => Of::<boot::Args>::augment_args,
            Verb::Ttyboot => Of::<boot::ttyboot::Args>::augment_args,
            Verb::Console => Of::<console::Args>::augment_args,
            Verb::Vnc => Of::<vnc::Args>::augment_args,
            Verb::Resources => Of::<resources::Args>::augment_args,
            Verb::Shutdown => Of::<shutdown::Args>::augment_args,
            Verb::Restart => Of::<restart::Args>::augment_args,
            Verb::Clean => Of::<clean::Args>::augment_args,
            Verb::Log => Of::<log::Args>::augment_args,
            Verb::Resize => Of::<resize::Args>::augment_args,
            Verb::Snapshot => Of::<snapshot::Args>::augment_args,
            Verb::Rollback => Of::<rollback::Args>::augment_args,
            Verb::Clone => Of::<clone::Args>::augment_args,
            Verb::History => Of::<history::Args>::augment_args,
            Verb::Promote => Of::<promote::Args>::augment_args,
        };
        augment(clap::Command::new(verb.as_str()))
    }

    /// Carries out the operation up to its plan.
    ///
    /// # Errors
    /// If the configuration is wrong, or the VM's state or the host forbids the operation.
    pub fn begin(self, context: &mut Context<'_>) -> Result<Outcome> {
        match self {
            Self::Install(typed) => begin(context, typed),
            Self::Boot(typed) => begin(context, typed),
            Self::Ttyboot(typed) => begin(context, typed),
            Self::Console(typed) => begin(context, typed),
            Self::Vnc(typed) => begin(context, typed),
            Self::Resources(typed) => begin(context, typed),
            Self::Shutdown(typed) => begin(context, typed),
            Self::Restart(typed) => begin(context, typed),
            Self::Clean(typed) => begin(context, typed),
            Self::Log(typed) => begin(context, typed),
            Self::Resize(typed) => begin(context, typed),
            Self::Snapshot(typed) => begin(context, typed),
            Self::Rollback(typed) => begin(context, typed),
            Self::Clone(typed) => begin(context, typed),
            Self::History(typed) => begin(context, typed),
            Self::Promote(typed) => begin(context, typed),
        }
    }
}

fn begin<T: Operation>(context: &mut Context<'_>, typed: Of<T>) -> Result<Outcome> {
    let given = typed.options.given();
    let wanted = Wanted {
        cpu: given.and_then(|given| given.cpu.clone()),
        mem: given.and_then(|given| given.mem.clone()),
        ..context.wanted(T::NEED)
    };
    let resolved = resolve::vm(context.config, &typed.vm, &wanted);
    let vm = shutdown::or_unconfigured(resolved, context, &typed.vm, T::NEED)?;
    typed.options.begin(context, vm)
}
