//! Locks on VMs, disks and the network, each held by one process at a time.

use super::directory::Directory;
use super::system::System;
use crate::model::name::VmName;
use std::io;
use std::path::PathBuf;

/// The object of a lock, which only one process may use at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    /// A VM.
    Vm(VmName),
    /// A disk: a device or an image file, or the path for a new one.
    Disk(PathBuf),
    /// The size of a disk, which is changed by one process at a time, also while a VM uses the disk.
    Size(PathBuf),
    /// The network shared by all VMs: modules, sysctls, bridges.
    Network,
}

/// The result of locking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockResult {
    /// This process holds the lock. Children started afterwards inherit the lock, except
    /// [`Lock::Network`]; the lock lasts until the last of them exits.
    Acquired,
    /// Another process holds the lock, with this note.
    Held(String),
}

/// Locks that last until this process exits or unlocks them.
pub trait Locks {
    /// Acquires a lock without waiting; `note` names the owner to other processes. A lock that this
    /// process already holds is acquired again.
    ///
    /// # Errors
    /// The system's error, or if users other than root can change the directory of locks.
    fn lock(&mut self, lock: &Lock, note: &str) -> io::Result<LockResult>;

    /// Releases a lock; a lock not held is ignored.
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
