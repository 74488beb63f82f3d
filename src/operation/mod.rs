//! What can be done to a VM: one file for each operation, from typed words to a plan.
//!
//! ```text
//! typed words ── TypedVerb ──▶ Operation::begin ──▶ Outcome: a text, a plan, or a request to the root side (Asked)
//! Asked.request ── wire ──▶ words after one escalation ── wire ──▶ the same Request
//! Request ── RootJob::plan ──▶ Planned: to be shown, or carried out by the root side
//! ```
//!
//! To add an operation:
//!
//! 1. `src/verb.rs`: a row for its name, and one for its purpose and examples.
//! 2. `src/operation/NAME.rs`: its typed arguments (`Args`, with the help of each option), which
//!    implement [`Operation`]; for work as root, a struct with [`RootJob`]: its words, its locks, its
//!    plan. Errors that several operations share are in `refuse`.
//! 3. `typed.rs`: a variant of [`TypedVerb`] with its line of help, and an arm of [`TypedVerb::begin`].
//!    Here: a row of `jobs!`.
//! 4. `src/tools/PROGRAM.rs`: each command that the host has to run and that is new.
//!
//! The compiler and the tests ask for the rest: README, and an entry in `src/manual/pages/verbs.mdoc`.

pub mod boot;
pub mod clean;
pub mod clone;
pub mod console;
pub mod context;
pub mod destroy;
pub mod free;
mod gone;
mod guest;
pub mod history;
mod label;
mod locks;
pub mod log;
pub mod options;
pub(crate) mod others;
pub mod plan_context;
mod planned;
pub mod promote;
pub(crate) mod refuse;
pub mod rename;
pub mod resize;
pub mod resources;
pub mod restart;
pub mod rollback;
pub mod shutdown;
pub mod snapshot;
mod stores;
mod taken;
mod temporary;
pub mod timings;
mod typed;
pub mod vnc;
pub mod wanted;
pub mod wire;
pub(crate) mod zvol;

use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::run::progress::Display;
use context::{Context, Outcome};
pub use locks::{Attachment, Locks, NewNames};
use options::Override;
use plan_context::PlanContext;
pub use planned::Planned;
use std::path::Path;
pub use typed::TypedVerb;
use wire::{Options, Words};

/// The typed arguments of a verb.
pub trait Operation: clap::Args {
    /// The settings of the VM that the operation uses.
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
pub trait RootJob: Sized {
    /// The verb of the root side, without the prefix `root-`.
    const VERB: &'static str;

    /// What happens to the VM, in words after its name, for processes that find the VM locked.
    const DOES: &'static str;

    /// Whether the job accepts several VMs.
    const TAKES_SEVERAL: bool = false;

    /// Whether the job first ends a running VM.
    const ENDS_FIRST: bool = false;

    /// Whether the job ends VMs or frees their leftovers; then it also removes their records.
    const FREES: bool = false;

    /// What is kept if a later step of the caller fails: a sentence.
    const STAYS: Option<&'static str> = None;

    /// What else the user can do if the VM runs: an addition to the refusal.
    fn while_it_runs(&self, _vm: &Vm) -> Option<String> {
        None
    }

    /// Whether a verb of the root side is this job's.
    fn has(verb: &str) -> bool {
        verb == Self::VERB
    }

    /// The verb, for a job that has several.
    fn verb(&self) -> &'static str {
        Self::VERB
    }

    /// What the job locks.
    fn locks(&self) -> Locks;

    /// What the job also locks, because it makes it; `devices` is the directory of the device nodes.
    fn new_names(&self, _vm: &Vm, _devices: &Path) -> NewNames {
        NewNames::default()
    }

    /// The terminal of the process.
    fn attachment(&self) -> Attachment {
        Attachment::Caller
    }

    /// Writes the options of the job, which follow the words of the first VM.
    fn write(&self, words: &mut Words);

    /// Reads the options that [`Self::write`] has written behind this verb.
    ///
    /// # Errors
    /// If an option is missing, or its newtype refuses the value.
    fn parse(verb: &str, options: &mut Options<'_>) -> Result<Self>;

    /// Queries the host and makes the plan.
    ///
    /// # Errors
    /// If the VM's state or the host forbids the job.
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned>;
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
            fn facts(&self) -> JobFacts {
                match self {
                    $(Self::$job(job) => JobFacts::of(job),)*
                }
            }

            /// See [`RootJob::new_names`].
            pub fn new_names(&self, vm: &Vm, devices: &Path) -> NewNames {
                match self {
                    $(Self::$job(job) => job.new_names(vm, devices),)*
                }
            }

            /// See [`RootJob::while_it_runs`].
            pub fn while_it_runs(&self, vm: &Vm) -> Option<String> {
                match self {
                    $(Self::$job(job) => job.while_it_runs(vm),)*
                }
            }

            fn write(&self, words: &mut Words) {
                match self {
                    $(Self::$job(job) => job.write(words),)*
                }
            }

            fn parse(verb: &str, options: &mut Options<'_>) -> Result<Self> {
                $(if <$content>::has(verb) {
                    return <$content>::parse(verb, options).map(Self::$job);
                })*
                Err(wire::unknown(verb))
            }

            fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
                match self {
                    $(Self::$job(job) => job.plan(context, request),)*
                }
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
    /// Makes a disk of a VM.
    MakeDisk(resources::MakeDisk),
    /// Ends VMs.
    Shutdown(shutdown::Shutdown),
    /// Frees the leftovers of a VM.
    Clean(clean::Clean),
    /// Shows the log of a VM.
    ShowLog(log::ShowLog),
    /// Takes a snapshot of a VM's disks.
    Snapshot(snapshot::TakeSnapshot),
    /// Destroys a snapshot of a VM's disks.
    DeleteSnapshot(snapshot::DeleteSnapshot),
    /// Destroys old snapshots of a VM's disks.
    PruneSnapshots(snapshot::PruneSnapshots),
    /// Rolls a VM's disks back.
    Rollback(rollback::Rollback),
    /// Clones a VM's first disk to new volumes.
    Clone(clone::MakeClones),
    /// Makes a disk of a VM larger.
    Resize(resize::Resize),
    /// Renames the disks and the log of a VM.
    Rename(rename::Rename),
    /// Destroys what a VM has outside of its user's files.
    Destroy(destroy::Destroy),
    /// Makes a VM's cloned disks independent.
    Promote(promote::Promote),
}

/// What [`RootJob`] says of a job.
struct JobFacts {
    verb: &'static str,
    does: &'static str,
    stays: Option<&'static str>,
    takes_several: bool,
    ends_first: bool,
    frees: bool,
    locks: Locks,
    attachment: Attachment,
}

impl JobFacts {
    fn of<J: RootJob>(job: &J) -> Self {
        Self {
            verb: job.verb(),
            does: J::DOES,
            stays: J::STAYS,
            takes_several: J::TAKES_SEVERAL,
            ends_first: J::ENDS_FIRST,
            frees: J::FREES,
            locks: job.locks(),
            attachment: job.attachment(),
        }
    }
}

impl Job {
    /// See [`RootJob::verb`].
    pub fn verb(&self) -> &'static str {
        self.facts().verb
    }

    /// See [`RootJob::DOES`].
    pub fn does(&self) -> &'static str {
        self.facts().does
    }

    /// See [`RootJob::STAYS`].
    pub fn stays(&self) -> Option<&'static str> {
        self.facts().stays
    }

    /// See [`RootJob::ENDS_FIRST`].
    pub fn ends_first(&self) -> bool {
        self.facts().ends_first
    }

    /// See [`RootJob::FREES`].
    pub fn frees(&self) -> bool {
        self.facts().frees
    }

    /// See [`RootJob::locks`].
    pub fn locks(&self) -> Locks {
        self.facts().locks
    }

    /// Whether the job continues in the background after the caller has read the final reply.
    pub fn is_detached(&self) -> bool {
        self.facts().attachment == Attachment::Background
    }

    /// Whether a process of the job supervises a VM.
    pub fn supervises(&self) -> bool {
        self.facts().attachment != Attachment::Caller
    }
}

/// A job with its VMs and everything else that its plan needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub job: Job,
    /// The VMs; only [`Job::Shutdown`] accepts several.
    pub vms: Vec<Vm>,
    /// Other VMs of the configuration that share a disk, or a store of UEFI variables, with them; for a
    /// promotion those whose disks lose snapshots.
    pub rivals: Vec<VmName>,
    /// The user who asks, by uid: the owner of the files that a screen uses.
    pub uid: u32,
    /// The program as it was called, for messages.
    pub title: String,
    /// Whether the caller's terminal is that of an ssh session.
    pub is_over_ssh: bool,
    /// How the caller's terminal displays progress.
    pub display: Display,
    /// The request for timings of a start.
    pub timings: Option<timings::Timings>,
}

/// Makes the plan of a request: to refuse the request early, to show the plan, or to carry out the plan.
///
/// # Errors
/// If the VM's state or the host forbids the request.
pub fn plan(context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
    request.job.plan(context, request)
}

impl Request {
    /// The VM of the request; the first if there are several.
    ///
    /// # Errors
    /// If the request has no VM.
    pub fn vm(&self) -> Result<&Vm> {
        let none = || Error::usage("the name of the VM is missing");
        self.vms.first().ok_or_else(none)
    }
}
