//! Who has locked what: as flock(2) on an open file that children inherit.

use std::collections::{BTreeMap, BTreeSet};

use easy_bhyve::host::{Lock, LockResult};

use crate::host::process::Process;

/// All locks that were acquired.
#[derive(Default)]
pub(super) struct Locks(BTreeMap<Lock, Held>);

struct Held {
    /// Who has locked it.
    owner: u32,
    note: String,
    by: BTreeSet<u32>,
}

type Processes = BTreeMap<i32, Process>;

impl Locks {
    /// Locks something for a process; whoever it has started since has it, too.
    pub(super) fn lock(
        &mut self,
        processes: &Processes,
        pid: u32,
        lock: &Lock,
        note: &str,
    ) -> LockResult {
        if let Some(held) = self.0.get_mut(lock) {
            if is_inherited(lock) {
                let parents: Vec<u32> = held.by.iter().copied().collect();
                for parent in parents {
                    held.by.extend(children(processes, parent));
                }
            }
            held.by.retain(|&pid| is_there(processes, pid));
            if held.owner == pid && held.by.contains(&pid) {
                return LockResult::Acquired;
            }
            if !held.by.is_empty() {
                return LockResult::Held(held.note.clone());
            }
        }
        let held = Held {
            owner: pid,
            note: note.to_owned(),
            by: BTreeSet::from([pid]),
        };
        self.0.insert(lock.clone(), held);
        LockResult::Acquired
    }

    /// Unlocks what a process has locked.
    pub(super) fn unlock(&mut self, pid: u32, lock: &Lock) {
        if let Some(held) = self.0.get_mut(lock) {
            held.by.remove(&pid);
        }
    }

    /// Frees what a process that has ended had locked, but for what its children still have.
    pub(super) fn release(&mut self, processes: &Processes, pid: u32) {
        for (lock, held) in &mut self.0 {
            if held.by.remove(&pid) && is_inherited(lock) {
                held.by.extend(children(processes, pid));
            }
        }
    }
}

fn is_inherited(lock: &Lock) -> bool {
    *lock != Lock::Network
}

/// Whether the process lives; those of the program are none of the host's own.
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
