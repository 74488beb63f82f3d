//! A run without a trace: snapshots beforehand, to which the disks are rolled back at the end.

use super::{Action, Plan, Step, Undo, When};
use crate::model::name::Snapshot;
use crate::tools::zfs::{self, Mark};

/// The plan that takes the snapshots and arms the way back; a snapshot that could not be rolled back
/// to stays, since nothing else leads back.
pub fn plan(snapshots: &[Snapshot]) -> Plan {
    let mut plan = Plan::default();
    plan.push(zfs::snapshot_all(snapshots));
    for snapshot in snapshots {
        let mark = Mark::Snapshot(snapshot.name.clone());
        let back = Action::InTurn(vec![
            zfs::rollback(snapshot),
            zfs::destroy_mark(&snapshot.dataset, &mark),
        ]);
        plan.push(Undo {
            forms: vec![
                Step::from(back)
                    .moot_if(!zfs::has_mark(&snapshot.dataset, &mark))
                    .into(),
            ],
            when: When::End,
            what: format!("what the guest has written to {}", snapshot.dataset),
        });
    }
    plan
}
