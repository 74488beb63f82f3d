//! Changes of files, their errors and warnings.

use super::directory::{Directory, log_of, state_of};
use super::secret::SecretError;
use super::system::System;
use super::{files, scratch};
use crate::model::name::VmName;
use crate::plan::FileChange;
use crate::vis;
use std::io;
use std::path::PathBuf;

/// Changes of files by this process: the user's own, and the state and log of a VM.
pub trait Change {
    /// Changes a file of the user; returns a warning if a later step failed.
    ///
    /// # Errors
    /// The system's error, or if another process has changed the file.
    fn change(&mut self, change: &FileChange) -> Result<Option<Afterwards>, ChangeError>;

    /// Checks that this process may make a change of a user's file or link, without a change.
    ///
    /// # Errors
    /// As [`Self::change`], as far as it is known before.
    fn may_change(&mut self, change: &FileChange) -> Result<(), ChangeError>;

    /// Writes the state of a VM, a file in the directory of locks.
    ///
    /// # Errors
    /// The system's error.
    fn record(&mut self, vm: &VmName, state: &[u8]) -> io::Result<()>;

    /// Removes the scratch files that earlier runs of a VM left; only while the VM has no process.
    ///
    /// # Errors
    /// The system's error, or if users other than root can access the directory of scratch files.
    fn sweep(&mut self, vm: &VmName) -> io::Result<()>;

    /// Appends to the log of a VM, whose size is limited.
    ///
    /// # Errors
    /// The system's error.
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

    fn may_change(&mut self, change: &FileChange) -> Result<(), ChangeError> {
        files::may_change(change)
    }

    fn record(&mut self, vm: &VmName, state: &[u8]) -> io::Result<()> {
        Directory::open(&self.run)?.replace(&state_of(vm), state)
    }

    fn sweep(&mut self, vm: &VmName) -> io::Result<()> {
        scratch::sweep(&self.run, vm)
    }

    fn log(&mut self, vm: &VmName, text: &str) -> io::Result<()> {
        Directory::open(&self.logs)?.append(&log_of(vm), text)
    }
}

/// The error of a file that was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The system's error.
    #[error(transparent)]
    System(#[from] io::Error),
    /// A file with a password is not usable.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The new file cannot have the owner and group of the previous one.
    #[error("a new file cannot get the owner and group of the old one: {0}")]
    Ownership(io::Error),
    /// Another process holds a lock on the file.
    #[error("another process has locked the file")]
    Locked,
    /// Another process changed the file after this process had read it, and that version is in place.
    /// The listed files contain further versions, if several processes changed the file.
    #[error("it has changed since it was read")]
    Meanwhile(Vec<PathBuf>),
}

/// The warning after a change that was made.
#[derive(Debug, thiserror::Error)]
pub enum Afterwards {
    /// The directory was not synchronized: a power failure can undo the change.
    #[error("but a power failure can undo the change: {0}")]
    NotSynced(io::Error),
    /// The file with the previous text could not be removed.
    #[error("but the previous text remains in {path}: {1}", path = vis::shown(.0))]
    OldStays(PathBuf, io::Error),
}
