//! Makes new VMs' disks of a VM's first disk.

use super::rollback::Node;
use super::{Guard, Plan, Undo, When, free, gone};
use crate::model::Vm;
use crate::model::name::{Dataset, Snapshot};
use crate::tools::zfs::{self, Mark};

/// Of what the clones are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base<'path> {
    /// Of a snapshot that exists.
    Existing(Snapshot),
    /// Of the disk as it is now, by a new snapshot; the VM must be stopped.
    Now(Snapshot, Node<'path>),
}

/// The plan that makes each of `targets` a clone of `base`; one that fails takes all back.
///
/// Differs: `clone` checks every new name first and takes all back if one fails
pub fn plan(vm: &Vm, base: &Base<'_>, targets: &[Dataset]) -> Plan {
    let mut plan = Plan::default();
    let snapshot = match base {
        Base::Existing(snapshot) => snapshot,
        Base::Now(snapshot, node) => {
            plan.push(Guard {
                test: node.is_stopped(vm),
                refusal: free::started_meanwhile(vm),
            });
            plan.push(zfs::snapshot(snapshot));
            let mark = Mark::Snapshot(snapshot.name.clone());
            plan.push(Undo {
                forms: vec![gone::mark(&snapshot.dataset, &mark).into()],
                when: When::Failure,
                what: snapshot.to_string(),
            });
            snapshot
        }
    };
    for target in targets {
        plan.push(zfs::clone(snapshot, target));
        plan.push(Undo {
            forms: vec![gone::volume(target).into()],
            when: When::Failure,
            what: target.to_string(),
        });
    }
    plan
}
