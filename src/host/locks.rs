//! What one process has to itself while it works.

use super::directory::Directory;
use super::system::System;
use crate::model::name::VmName;
use std::io;
use std::path::PathBuf;

/// What only one process of all may work on at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    /// This VM.
    Vm(VmName),
    /// This disk: a device or an image file; or, where there is none, the place for it.
    Disk(PathBuf),
    /// The network that all VMs share: modules, sysctls, bridges.
    Network,
}

/// What came of locking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockResult {
    /// It is ours, and, but for [`Lock::Network`], that of every child which is started from now on,
    /// until the last has ended.
    Acquired,
    /// Somebody else has it, who has noted this.
    Held(String),
}

/// Locks that are kept as long as this process lives, or gives them back.
pub trait Locks {
    /// Locks something for this process, without waiting; `note` says to others who has it. What is
    /// locked by us already is acquired again.
    ///
    /// # Errors
    /// As the system says, or if the directory of the locks is not root's alone.
    fn lock(&mut self, lock: &Lock, note: &str) -> io::Result<LockResult>;

    /// Unlocks what was acquired; what was not stays as it is.
    fn unlock(&mut self, lock: &Lock);
}

impl Locks for System {
    fn lock(&mut self, lock: &Lock, note: &str) -> io::Result<LockResult> {
        if self.locks.contains_key(lock) {
            return Ok(LockResult::Acquired);
        }
        let (result, file) = Directory::open(&self.run)?.lock(lock, note)?;
        self.locks.extend(file.map(|file| (lock.clone(), file)));
        Ok(result)
    }

    fn unlock(&mut self, lock: &Lock) {
        self.locks.remove(lock);
    }
}
