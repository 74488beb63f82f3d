//! The snapshots of temporary runs (`boot -T`), as the records of the VMs name them.

use super::plan_context::PlanContext;
use crate::error::Result;
use crate::model::name::{Snapshot, VmName};
use crate::survey::{Traces, record::Record};
use crate::tools::zfs::parse_snapshot;

/// The snapshots to which the end of a VM's run rolls its disks back, after those that earlier runs have
/// left.
pub(super) fn recorded(context: &mut PlanContext<'_>, vm: &VmName) -> Vec<Snapshot> {
    let (at, look) = context.asking();
    let noted = Record::of(look, at.run, vm);
    let all = noted.iter().flat_map(|noted| &noted.temp);
    all.filter_map(|text| parse_snapshot(text)).collect()
}

/// Whether the end of a run of this VM may roll a disk back to this snapshot.
///
/// # Errors
/// If the host cannot list its VMs.
pub(super) fn runs_from(
    context: &mut PlanContext<'_>,
    vm: &VmName,
    snapshot: &Snapshot,
) -> Result<bool> {
    let is_recorded = recorded(context, vm).contains(snapshot);
    let (at, look) = context.asking();
    Ok(is_recorded && Traces::ask(look, &at)?.has_node(vm))
}
