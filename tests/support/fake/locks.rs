//! The locks and their holders: as flock(2) on an open file that children inherit.

use std::collections::{BTreeMap, BTreeSet};

use easy_bhyve::host::{self, Lock, LockResult};
use std::io;

use super::{Fake, Lost, gone};
use crate::host::process::Process;

/// All locks that are held.
#[derive(Default)]
pub(super) struct Locks {
    held: BTreeMap<Lock, Held>,
    /// How long the lock of a VM outlives its process, in ms: a child still holds it.
    pub(super) linger_ms: u64,
    /// Until when a child holds the lock, by the clock of the host in ms, once its process has exited.
    until_ms: Option<u64>,
}

struct Held {
    /// The holders of a lock.
    owner: u32,
    note: String,
    by: BTreeSet<u32>,
}

type Processes = BTreeMap<i32, Process>;

impl Locks {
    /// Locks something for a process; every child that it has started since holds the lock, too.
    pub(super) fn lock(
        &mut self,
        (processes, clock_ms): (&Processes, u64),
        pid: u32,
        lock: &Lock,
        note: &str,
    ) -> LockResult {
        if let Some(held) = self.held.get_mut(lock) {
            if is_inherited(lock) {
                let parents: Vec<u32> = held.by.iter().copied().collect();
                for parent in parents {
                    held.by.extend(children(processes, parent));
                }
            }
            let was_held = !held.by.is_empty();
            held.by.retain(|&pid| is_there(processes, pid));
            if was_held && held.by.is_empty() && is_inherited(lock) {
                self.until_ms.get_or_insert(clock_ms + self.linger_ms);
            }
            if held.owner == pid && held.by.contains(&pid) {
                return LockResult::Acquired;
            }
            if !held.by.is_empty() || self.until_ms.is_some_and(|until_ms| clock_ms < until_ms) {
                return LockResult::Held(held.note.clone());
            }
        }
        let held = Held {
            owner: pid,
            note: note.to_owned(),
            by: BTreeSet::from([pid]),
        };
        self.held.insert(lock.clone(), held);
        LockResult::Acquired
    }

    /// Releases the locks that a process releases itself.
    pub(super) fn unlock(&mut self, pid: u32, lock: &Lock) {
        if let Some(held) = self.held.get_mut(lock) {
            held.by.remove(&pid);
        }
    }

    /// Releases the locks of a process that has exited, except those that its children still hold.
    pub(super) fn release(&mut self, processes: &Processes, pid: u32) {
        for (lock, held) in &mut self.held {
            if held.by.remove(&pid) && is_inherited(lock) {
                held.by.extend(children(processes, pid));
            }
        }
    }
}

fn is_inherited(lock: &Lock) -> bool {
    *lock != Lock::Network
}

/// Whether the process lives; the processes of the program are not entries of the host.
fn is_there(processes: &Processes, pid: u32) -> bool {
    let pid = i32::try_from(pid).unwrap_or_default();
    pid > 90_000 || processes.contains_key(&pid)
}

fn children(processes: &Processes, parent: u32) -> Vec<u32> {
    let parent = i32::try_from(parent).unwrap_or_default();
    processes
        .values()
        .filter(|child| child.ppid == parent)
        .filter_map(|child| u32::try_from(child.pid).ok())
        .collect()
}

impl host::Locks for Fake {
    fn lock(&mut self, lock: &Lock, note: &str) -> io::Result<LockResult> {
        let mut world = self.worlds.lock();
        if world.lost.contains(&Lost::Locks) {
            let why = "the directory must be owned by root and writable only by root";
            return Err(io::Error::other(why));
        }
        world.refuse_write()?;
        // No more time passes for which the process could wait.
        if world.is_killed(self.actor) {
            return Err(gone());
        }
        // A disk is identified by its own name.
        let lies = match lock {
            Lock::Disk(path) => world.host.lower(path).map(Lock::Disk),
            _ => None,
        };
        Ok(world.lock_for(self.pid, lies.as_ref().unwrap_or(lock), note))
    }

    fn unlock(&mut self, lock: &Lock) {
        self.worlds.lock().locks.unlock(self.pid, lock);
    }
}
