//! Rolls a VM's first disk back to a snapshot.

use super::{Guard, NoReturn, Plan, Refusal, Test, free, gone};
use crate::error::Kind;
use crate::model::Vm;
use crate::model::name::Snapshot;
use crate::tools::workers;
use crate::tools::zfs::{self, Mark};
use std::path::Path;

/// Whether a person is asked before newer snapshots are destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Ask at the terminal.
    Ask,
    /// It was given on the command line.
    Given,
}

/// The plan that rolls back to `target`, destroying `newer`, oldest first in the list: bookmarks,
/// too, without which ZFS would refuse when the snapshots have gone.
///
/// Each is destroyed by its name: `zfs rollback -r` would take along what came meanwhile.
///
/// `node` is the VM's node if the VM has one: then its process is looked for again just before.
///
/// Differs: `rollback` refuses a running VM, and asks before it destroys newer snapshots, each by
/// its name
pub fn plan(vm: &Vm, target: &Snapshot, newer: &[Mark], consent: Consent, node: Node<'_>) -> Plan {
    let mut plan = Plan::default();
    if !newer.is_empty() && consent == Consent::Ask {
        let names: Vec<String> = newer.iter().map(Mark::to_string).collect();
        plan.push(Guard {
            test: Test::Confirmed(format!(
                "This destroys what is newer: {}. Roll back to @{}?",
                names.join(" "),
                target.name
            )),
            refusal: Refusal {
                kind: Kind::Host,
                what: "nothing was rolled back".to_owned(),
                help: None,
            },
        });
    }
    plan.push(Guard {
        test: node.is_stopped(vm),
        refusal: free::started_meanwhile(vm),
    });
    let mut destroyed = Vec::new();
    for mark in newer.iter().rev() {
        plan.push(gone::mark(&target.dataset, mark));
        destroyed.push(mark.to_string());
        plan.push(NoReturn {
            done: format!("destroyed {}", destroyed.join(" ")),
        });
    }
    plan.push(zfs::rollback(target));
    plan
}

/// What is known of a VM's node when a plan for its disk is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node<'path> {
    /// It has none; one that appears meanwhile means a start.
    Absent(&'path Path),
    /// An earlier run left it.
    LeftOver,
}

impl Node<'_> {
    /// That the VM has not been started since.
    pub fn is_stopped(self, vm: &Vm) -> Test {
        match self {
            Self::Absent(node) => !Test::Exists(node.to_owned()),
            Self::LeftOver => !workers::is_alive(&vm.name),
        }
    }
}
