//! Changes of files, and what can come of them.

use super::directory::{Directory, log_of, state_of};
use super::system::System;
use super::{files, scratch};
use crate::model::name::VmName;
use crate::plan::FileChange;
use crate::vis;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Changes of files that this process makes itself: the user's own, and those that are kept of a VM.
pub trait Change {
    /// Changes a file of the user's own; answers what was not to be had behind that.
    ///
    /// # Errors
    /// As the system says, or if somebody else has changed it.
    fn change(&mut self, change: &FileChange) -> Result<Option<Afterwards>, ChangeError>;

    /// Writes the state of a VM beside its lock, or removes it.
    ///
    /// # Errors
    /// As the system says.
    fn record(&mut self, vm: &VmName, state: Option<&[u8]>) -> io::Result<()>;

    /// Removes what earlier runs have left of a VM's scratch files: only while nothing works for it.
    ///
    /// # Errors
    /// As the system says, or if the directory of all scratch files is not root's alone.
    fn sweep(&mut self, vm: &VmName) -> io::Result<()>;

    /// Adds to the log of a VM, which is kept small.
    ///
    /// # Errors
    /// As the system says.
    fn log(&mut self, vm: &VmName, text: &str) -> io::Result<()>;
}

impl Change for System {
    fn change(&mut self, change: &FileChange) -> Result<Option<Afterwards>, ChangeError> {
        match change {
            FileChange::MakeScratch(path) => {
                scratch::make(&self.run, path)?;
                Ok(None)
            }
            other => files::change(other),
        }
    }

    fn record(&mut self, vm: &VmName, state: Option<&[u8]>) -> io::Result<()> {
        let directory = Directory::open(&self.run)?;
        match state {
            Some(state) => directory.replace(&state_of(vm), state),
            None => directory.remove(&state_of(vm)),
        }
    }

    fn sweep(&mut self, vm: &VmName) -> io::Result<()> {
        scratch::sweep(&self.run, vm)
    }

    fn log(&mut self, vm: &VmName, text: &str) -> io::Result<()> {
        Directory::open(&self.logs)?.append(&log_of(vm), text)
    }
}

/// Why a file was not changed.
#[derive(Debug)]
pub enum ChangeError {
    /// As the system says.
    System(io::Error),
    /// The new file cannot be given the owner and the group of the former one.
    Ownership(io::Error),
    /// Somebody else keeps it locked.
    Locked,
    /// Somebody else has changed it since it was read, and theirs is in its place. Where several have,
    /// their older versions lie in these files.
    Meanwhile(Vec<PathBuf>),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::Ownership(error) => {
                write!(f, "a new file cannot have its owner and group: {error}")
            }
            Self::Locked => f.write_str("somebody else has it locked"),
            Self::Meanwhile(_) => f.write_str("it has changed since it was read"),
        }
    }
}

impl std::error::Error for ChangeError {}

impl From<io::Error> for ChangeError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// What was not to be had behind a change that is made all the same.
#[derive(Debug)]
pub enum Afterwards {
    /// Whether it survives a power failure is not sure.
    NotSynced(io::Error),
    /// The former text could not be removed.
    OldStays(PathBuf, io::Error),
}

impl fmt::Display for Afterwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSynced(error) => {
                write!(f, "but a power failure could undo that: {error}")
            }
            Self::OldStays(path, error) => {
                let path = vis::shown(path);
                write!(f, "but its former text stays in {path}: {error}")
            }
        }
    }
}
