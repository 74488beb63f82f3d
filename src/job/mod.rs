//! What the root side is asked to do: a job, and the VMs that it is about.
//!
//! The front makes it of what was typed and configured; as words ([`words`]) it goes through the
//! escalator, and the root side reads those by the same newtypes. Both plan it by one function
//! ([`plan::plan`]): the front to refuse in time and to show it, the root side to carry it out.

mod console;
mod disks;
mod end;
pub mod ground;
mod places;
pub mod plan;
pub(crate) mod start;
pub mod words;

use crate::model::Vm;
use crate::model::name::{Dataset, SnapName, VmName};
use crate::model::size::DiskSize;
use crate::plan::boot::Start;
use crate::plan::disk::Allocation;
use crate::plan::loader::Source;
use crate::plan::rollback::Consent;
pub use crate::plan::shutdown::Whom;
pub(crate) use disks::volume;

/// What is to be done as root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Starts a VM.
    Start(Boot),
    /// Ends a VM, if it runs, and starts it again in the background.
    Restart(How),
    /// Connects to the console of a VM.
    Console {
        /// Whether the line is taken over from who is on it.
        force: bool,
    },
    /// Makes the first disk of a VM.
    MakeDisk {
        /// Its size.
        size: DiskSize,
        /// Whether its blocks are its own from the beginning.
        allocation: Allocation,
    },
    /// Ends VMs.
    Shutdown {
        /// Those that were named, or whatever of them runs.
        whom: Whom,
        /// How.
        how: How,
        /// Whether nothing is said while waiting.
        quiet: bool,
    },
    /// Frees what a VM has left.
    Clean,
    /// Takes a snapshot of a VM's first disk.
    Snapshot(SnapName),
    /// Rolls a VM's first disk back.
    Rollback {
        /// To which snapshot; without one to the newest.
        wanted: Option<SnapName>,
        /// Whether a person is asked before newer ones are destroyed.
        consent: Consent,
    },
    /// Makes new volumes of a VM's first disk.
    Clone {
        /// Of which snapshot; without one of the disk as it is now.
        base: Option<SnapName>,
        /// The local time, for the name of a new snapshot: `_YYYYMMDDHHMM`.
        stamp: String,
        /// The new volumes.
        targets: Vec<Dataset>,
    },
}

/// How a VM is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// In the background, on the terminal, or to be installed.
    pub start: Start,
    /// From where its guest is loaded.
    pub source: Source,
    /// Whether it waits for its caller to go on, once it is about to be loaded.
    pub waits: bool,
    /// The name of the snapshots to which its disks are rolled back when it ends.
    pub temp: Option<SnapName>,
}

/// How VMs are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By the power button; the guests shut themselves down.
    Button,
    /// By a power cut.
    Cut,
    /// By the power button, and those that run on after a while by a power cut.
    ButtonThenCut,
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

impl Job {
    /// The verb of the root side behind `root-`.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Start(boot) => match boot.start {
                Start::Background => "boot",
                // Not the process that supervises.
                Start::Attended => "attend",
                Start::Terminal => "ttyboot",
                Start::Install => "install",
            },
            Self::Restart(_) => "restart",
            Self::Console { .. } => "console",
            Self::MakeDisk { .. } => "resources",
            Self::Shutdown { .. } => "shutdown",
            Self::Clean => "clean",
            Self::Snapshot(_) => "snapshot",
            Self::Rollback { .. } => "rollback",
            Self::Clone { .. } => "clone",
        }
    }

    /// Whether it goes on in the background once its caller has been told that it is done.
    pub fn is_detached(&self) -> bool {
        match self {
            Self::Start(boot) => boot.start == Start::Background,
            Self::Restart(_) => true,
            _ => false,
        }
    }

    /// Whether a process supervises a VM for it, which ps(1) must show as one of the root side.
    pub fn supervises(&self) -> bool {
        matches!(self, Self::Start(_) | Self::Restart(_))
    }

    /// What others are told that find the VM locked, in words that follow its name.
    pub fn does(&self) -> &'static str {
        match self {
            Self::Start(_) => "is being started",
            Self::Restart(_) => "is being restarted",
            Self::Console { .. } => "has its console open",
            Self::MakeDisk { .. } => "gets a disk",
            Self::Shutdown { .. } => "is being shut down",
            Self::Clean => "is being cleaned",
            Self::Snapshot(_) => "gets a snapshot",
            Self::Rollback { .. } => "is being rolled back",
            Self::Clone { .. } => "is being cloned",
        }
    }

    /// Whether only one process may do it to a VM at a time.
    pub fn is_exclusive(&self) -> bool {
        match self {
            Self::Start(_)
            | Self::Restart(_)
            | Self::MakeDisk { .. }
            | Self::Clean
            | Self::Rollback { .. } => true,
            Self::Clone { base, .. } => base.is_none(),
            // The supervisor of a VM that runs has it, and ends by it.
            Self::Shutdown { .. } | Self::Console { .. } | Self::Snapshot(_) => false,
        }
    }

    /// Whether it needs the VM's disks for itself; [`Self::MakeDisk`] the one that it makes.
    pub fn takes_disks(&self) -> bool {
        self.is_exclusive() && !matches!(self, Self::Clean)
    }
}
