//! Who has claimed what: as flock(2) on an open file that children inherit.

use std::collections::{BTreeMap, BTreeSet};

use easy_bhyve::host::{Claim, Grant};

use crate::host::process::Process;

/// All claims that were granted.
#[derive(Default)]
pub(super) struct Claims(BTreeMap<Claim, Held>);

struct Held {
    /// Who has made the claim.
    owner: u32,
    note: String,
    by: BTreeSet<u32>,
}

type Processes = BTreeMap<i32, Process>;

impl Claims {
    /// Claims something for a process; whoever it has started since has it, too.
    pub(super) fn claim(
        &mut self,
        processes: &Processes,
        pid: u32,
        claim: &Claim,
        note: &str,
    ) -> Grant {
        if let Some(held) = self.0.get_mut(claim) {
            if is_inherited(claim) {
                let parents: Vec<u32> = held.by.iter().copied().collect();
                for parent in parents {
                    held.by.extend(children(processes, parent));
                }
            }
            held.by.retain(|&pid| is_there(processes, pid));
            if held.owner == pid && held.by.contains(&pid) {
                return Grant::Granted;
            }
            if !held.by.is_empty() {
                return Grant::Held(held.note.clone());
            }
        }
        let held = Held {
            owner: pid,
            note: note.to_owned(),
            by: BTreeSet::from([pid]),
        };
        self.0.insert(claim.clone(), held);
        Grant::Granted
    }

    /// Gives up a claim of a process.
    pub(super) fn give_up(&mut self, pid: u32, claim: &Claim) {
        if let Some(held) = self.0.get_mut(claim) {
            held.by.remove(&pid);
        }
    }

    /// Frees what a process that has ended had claimed, but for what its children still have.
    pub(super) fn release(&mut self, processes: &Processes, pid: u32) {
        for (claim, held) in &mut self.0 {
            if held.by.remove(&pid) && is_inherited(claim) {
                held.by.extend(children(processes, pid));
            }
        }
    }
}

fn is_inherited(claim: &Claim) -> bool {
    *claim != Claim::Network
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
