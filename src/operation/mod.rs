//! What can be done to a VM: one file an operation, from typed words to plan.
//!
//! ```text
//! typed words ── Work ──▶ Operation::begin ──▶ Outcome: a text, a plan, or what is Asked as root
//! Asked.request ── wire ──▶ words behind one escalation ── wire ──▶ the same Request
//! Request ── RootJob::plan ──▶ Planned: to be shown, or carried out by the root side
//! ```
//!
//! To add an operation:
//!
//! 1. `src/verb.rs`: a row for its name.
//! 2. `src/operation/NAME.rs`: its typed arguments (`Args`, with the help of each option) and for them
//!    [`Operation`]; where it is done as root, a struct of what is to be done and for that [`RootJob`]:
//!    its words, its locks, its plan. Refusals that another operation has, too, stand in `refuse`.
//! 3. Here: a variant of [`Work`] with its line of help, an arm of [`Work::begin`], and a row of `jobs!`.
//! 4. `src/tools/PROGRAM.rs`: each command that the host has to run and that is not there yet.
//!
//! The compiler asks for the rest, and a test for the verb's row in README.

pub mod boot;
pub mod clean;
pub mod clone;
pub mod console;
pub mod context;
pub mod free;
mod gone;
pub mod history;
pub mod options;
pub mod plan_context;
pub(crate) mod refuse;
pub mod resources;
pub mod restart;
pub mod rollback;
pub mod shutdown;
pub mod snapshot;
pub mod wire;

use crate::config::resolve::{self, Wanted};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::plan::Plan;
use clap::Subcommand;
use context::{Context, Outcome};
use options::{Of, Override};
use plan_context::PlanContext;
use wire::{Options, Words};

/// A verb with what was typed behind it.
// Differs: An option that a verb does not have is refused, and options may stand behind words
#[derive(Debug, Subcommand)]
pub enum Work {
    /// Boot the VM from its first CD on this terminal, to install it
    Install(Of<boot::install::Args>),
    /// Boot the installed VM in the background
    Boot(Of<boot::Args>),
    /// Boot the installed VM on this terminal
    Ttyboot(Of<boot::ttyboot::Args>),
    /// Connect this terminal to the console of a running VM; ~. leaves
    Console(Of<console::Args>),
    /// Show every setting of the VM, or make its disk first
    Resources(Of<resources::Args>),
    /// Press the VM's power button, wait for its end, free its resources
    Shutdown(Of<shutdown::Args>),
    /// Shut the VM down, if it runs, and boot it again in the background
    Restart(Of<restart::Args>),
    /// Free what a VM that is not running has left
    #[command(alias = "clear")]
    Clean(Of<clean::Args>),
    /// Take a snapshot of the VM's disk, or list them
    Snapshot(Of<snapshot::Args>),
    /// Roll the VM's disk back to a snapshot
    Rollback(Of<rollback::Args>),
    /// Make new VMs' disks of this VM's disk
    Clone(Of<clone::Args>),
    /// Show where the VM's disk comes from
    History(Of<history::Args>),
}

impl Work {
    /// Does what was typed, as far as planning goes.
    ///
    /// # Errors
    /// What is wrong with the configuration, the VM's state, or the host.
    pub fn begin(self, context: &mut Context<'_>) -> Result<Outcome> {
        match self {
            Self::Install(typed) => begin(context, typed),
            Self::Boot(typed) => begin(context, typed),
            Self::Ttyboot(typed) => begin(context, typed),
            Self::Console(typed) => begin(context, typed),
            Self::Resources(typed) => begin(context, typed),
            Self::Shutdown(typed) => begin(context, typed),
            Self::Restart(typed) => begin(context, typed),
            Self::Clean(typed) => begin(context, typed),
            Self::Snapshot(typed) => begin(context, typed),
            Self::Rollback(typed) => begin(context, typed),
            Self::Clone(typed) => begin(context, typed),
            Self::History(typed) => begin(context, typed),
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
    let vm = resolve::vm(context.config, &typed.vm, &wanted)?;
    typed.options.begin(context, vm)
}

/// The typed arguments of a verb.
pub trait Operation: clap::Args {
    /// What is needed of the VM.
    const NEED: Need;

    /// What was typed in place of settings.
    fn given(&self) -> Option<&Override> {
        None
    }

    /// Does what was typed for this VM, as far as planning goes.
    ///
    /// # Errors
    /// What is wrong with the configuration, the VM's state, or the host.
    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome>;
}

/// What is done as root for one operation.
pub trait RootJob {
    /// The verb of the root side behind `root-`.
    fn verb(&self) -> &'static str;

    /// What others read that find the VM locked, in words that follow its name.
    fn does(&self) -> &'static str;

    /// What only one process may work on at a time.
    fn locks(&self) -> Locks;

    /// Whose terminal it has, and for how long.
    fn place(&self) -> Place {
        Place::Caller
    }

    /// Whether it concerns several VMs.
    fn takes_several(&self) -> bool {
        false
    }

    /// Writes the words behind those of the VM.
    fn write(&self, words: &mut Words);

    /// Reads the words that [`Self::write`] has written; none if the verb is another's.
    ///
    /// # Errors
    /// If one is missing, or its newtype refuses its value.
    fn parse(verb: &str, options: &mut Options<'_>) -> Result<Option<Job>>
    where
        Self: Sized;

    /// The plan, after a look at the host.
    ///
    /// # Errors
    /// What stands in its way: the VM's state, or the host.
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned>;
}

/// What an operation has to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// Nothing: the supervisor of a VM that runs has it, and ends by it.
    Nothing,
    /// The VM.
    Vm,
    /// The VM and all of its disks.
    VmAndDisks,
    /// The VM, and the place of its first disk, which it makes.
    VmAndNewDisk,
}

/// Where the process of the root side works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the caller's terminal, until it is done.
    Caller,
    /// There, and supervises the VM, which ps(1) must show as a process of the root side.
    Supervisor,
    /// In the background: its caller waits until the guest runs, and it supervises the VM.
    Background,
}

/// Makes [`Job`] of the structs of the operations.
macro_rules! jobs {
    ($($(#[doc = $doc:literal])* $job:ident($content:ty),)*) => {
        /// What is to be done as root.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Job {
            $($(#[doc = $doc])* $job($content),)*
        }

        impl Job {
            fn content(&self) -> &dyn RootJob {
                match self {
                    $(Self::$job(content) => content,)*
                }
            }

            fn parse(verb: &str, options: &mut Options<'_>) -> Result<Self> {
                $(if let Some(job) = <$content as RootJob>::parse(verb, options)? {
                    return Ok(job);
                })*
                Err(Error::usage(format!("{}{verb} is no verb of the root side", wire::PREFIX)))
            }
        }

        $(impl From<$content> for Job {
            fn from(content: $content) -> Self {
                Self::$job(content)
            }
        })*
    };
}

jobs! {
    /// Starts a VM.
    Start(boot::Boot),
    /// Ends a VM, if it runs, and starts it again in the background.
    Restart(restart::Restart),
    /// Connects to the console of a VM.
    Console(console::Console),
    /// Makes the first disk of a VM.
    MakeDisk(resources::MakeDisk),
    /// Ends VMs.
    Shutdown(shutdown::Shutdown),
    /// Frees what a VM has left.
    Clean(clean::Clean),
    /// Takes a snapshot of a VM's first disk.
    Snapshot(snapshot::Snapshot),
    /// Rolls a VM's first disk back.
    Rollback(rollback::Rollback),
    /// Makes new volumes of a VM's first disk.
    Clone(clone::Clone),
}

impl Job {
    /// See [`RootJob::verb`].
    pub fn verb(&self) -> &'static str {
        self.content().verb()
    }

    /// See [`RootJob::does`].
    pub fn does(&self) -> &'static str {
        self.content().does()
    }

    /// See [`RootJob::locks`].
    pub fn locks(&self) -> Locks {
        self.content().locks()
    }

    /// Whether it goes on in the background once its caller has read that it is done.
    pub fn is_detached(&self) -> bool {
        self.content().place() == Place::Background
    }

    /// Whether a process supervises a VM for it.
    pub fn supervises(&self) -> bool {
        self.content().place() != Place::Caller
    }
}

/// A job with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub job: Job,
    /// To these VMs; all but [`Job::Shutdown`] concern one.
    pub vms: Vec<Vm>,
    /// Other VMs of the configuration that have one of their disks.
    pub rivals: Vec<VmName>,
    /// The program as it was called, for messages.
    pub title: String,
}

/// A plan with what goes with it.
#[derive(Debug, Default)]
pub struct Planned {
    /// What ends the VM before its lock can be had; the root side plans anew behind it.
    pub ending: Plan,
    /// The plan.
    pub plan: Plan,
    /// What is said on standard error beforehand.
    pub notes: Vec<String>,
    /// What is said on standard error when it is done.
    pub done: Option<String>,
}

/// The plan of a request: to refuse it in time, to show it, and to carry it out.
///
/// # Errors
/// What stands in its way: the VM's state, or the host.
pub fn plan(context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
    request.job.content().plan(context, request)
}

impl Request {
    /// The VM, of several the first; a request without any VM is none.
    ///
    /// # Errors
    /// If there is none.
    pub fn vm(&self) -> Result<&Vm> {
        let none = || Error::usage("no VM is named");
        self.vms.first().ok_or_else(none)
    }
}
