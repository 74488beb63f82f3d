//! What can be done to a VM: one file for each operation, from typed words to a plan.
//!
//! ```text
//! typed words ── TypedVerb ──▶ Operation::begin ──▶ Outcome: a text, a plan, or what is Asked as root
//! Asked.request ── wire ──▶ words behind one escalation ── wire ──▶ the same Request
//! Request ── RootJob::plan ──▶ Planned: to be shown, or carried out by the root side
//! ```
//!
//! To add an operation:
//!
//! 1. `src/verb.rs`: a row for its name.
//! 2. `src/operation/NAME.rs`: its typed arguments (`Args`, with the help of each option), which
//!    implement [`Operation`]; for work as root, a struct with [`RootJob`]: its words, its locks, its
//!    plan. Errors that several operations share stand in `refuse`.
//! 3. Here: a variant of [`TypedVerb`] with its line of help, an arm of [`TypedVerb::begin`], and a row of `jobs!`.
//! 4. `src/tools/PROGRAM.rs`: each command that the host has to run and that is new.
//!
//! The compiler asks for the rest; tests ask for the verb's row in README, and for its entry with an
//! example in `src/manual/pages/verbs.mdoc`.

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
    /// Clone the VM's disk for new VMs
    Clone(Of<clone::Args>),
    /// Show where the VM's disk comes from
    History(Of<history::Args>),
}

impl TypedVerb {
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
    /// What the operation needs of the VM.
    const NEED: Need;

    /// The options that replace settings.
    fn given(&self) -> Option<&Override> {
        None
    }

    /// Carries out the operation for this VM up to its plan.
    ///
    /// # Errors
    /// If the configuration is wrong, or the VM's state or the host forbids the operation.
    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome>;
}

/// The part of an operation that is done as root.
pub trait RootJob {
    /// The verb of the root side, without the prefix `root-`.
    fn verb(&self) -> &'static str;

    /// What the job does, in words behind the VM's name: others who find it locked read this.
    fn does(&self) -> &'static str;

    /// What the job locks.
    fn locks(&self) -> Locks;

    /// Where its process works.
    fn attachment(&self) -> Attachment {
        Attachment::Caller
    }

    /// Whether it takes several VMs.
    fn takes_several(&self) -> bool {
        false
    }

    /// Writes the options of the job, which follow the words of the first VM.
    fn write(&self, words: &mut Words);

    /// Reads the options that [`Self::write`] has written; `None` if the verb is not this job's.
    ///
    /// # Errors
    /// If an option is missing, or its newtype refuses the value.
    fn parse(verb: &str, options: &mut Options<'_>) -> Result<Option<Job>>
    where
        Self: Sized;

    /// Looks at the host and makes the plan.
    ///
    /// # Errors
    /// If the VM's state or the host forbids the job.
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned>;
}

/// What a job locks against other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// Nothing. While a VM runs, its supervisor holds the lock, which ends with the supervisor.
    Nothing,
    /// The VM.
    Vm,
    /// The VM and all of its disks.
    VmAndDisks,
    /// The VM, and the path of its first disk, which the job makes.
    VmAndNewDisk,
}

/// Where the process of the root side works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// On the caller's terminal, until the job is done.
    Caller,
    /// On the caller's terminal, as the supervisor: ps(1) must show it as a process of the root side.
    Supervisor,
    /// In the background, as the supervisor: the caller waits until the guest runs.
    Background,
}

/// Makes [`Job`] from the structs of the operations.
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
    Console(console::OpenConsole),
    /// Makes the first disk of a VM.
    MakeDisk(resources::MakeDisk),
    /// Ends VMs.
    Shutdown(shutdown::Shutdown),
    /// Frees what a VM has left.
    Clean(clean::Clean),
    /// Takes a snapshot of a VM's first disk.
    Snapshot(snapshot::TakeSnapshot),
    /// Rolls a VM's first disk back.
    Rollback(rollback::Rollback),
    /// Clones a VM's first disk to new volumes.
    Clone(clone::MakeClones),
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

    /// Whether it goes on in the background after its caller has read the final reply.
    pub fn is_detached(&self) -> bool {
        self.content().attachment() == Attachment::Background
    }

    /// Whether one of its processes supervises a VM.
    pub fn supervises(&self) -> bool {
        self.content().attachment() != Attachment::Caller
    }
}

/// A job with its VMs and everything else that its plan needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub job: Job,
    /// The VMs; only [`Job::Shutdown`] takes several.
    pub vms: Vec<Vm>,
    /// Other VMs of the configuration that share a disk with them.
    pub rivals: Vec<VmName>,
    /// The program as it was called, for messages.
    pub title: String,
}

/// A plan with its messages.
#[derive(Debug, Default)]
pub struct Planned {
    /// The plan that first ends a running VM, and so frees its lock; then the root side plans anew.
    pub ending: Plan,
    /// The plan.
    pub plan: Plan,
    /// Notes on standard error before the plan.
    pub notes: Vec<String>,
    /// The message on standard error after the plan.
    pub done: Option<String>,
}

/// Makes the plan of a request: to refuse the request early, to show the plan, or to carry it out.
///
/// # Errors
/// If the VM's state or the host forbids it.
pub fn plan(context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
    request.job.content().plan(context, request)
}

impl Request {
    /// The VM of the request; the first if there are several.
    ///
    /// # Errors
    /// If there is none.
    pub fn vm(&self) -> Result<&Vm> {
        let none = || Error::usage("no VM is named");
        self.vms.first().ok_or_else(none)
    }
}
