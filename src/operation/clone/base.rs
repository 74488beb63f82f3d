//! The snapshot that is cloned.

use crate::error::{Error, Result};
use crate::model::Vm;
use crate::operation::plan_context::PlanContext;
use crate::operation::taken::{DiskVolume, Found};
use crate::operation::temporary;
use crate::operation::wanted::{Meant, Wanted, choose, refuse_incomplete};
use crate::verb::Verb;

/// The snapshot that is cloned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The snapshot.
    pub wanted: Wanted,
    /// Whether only a part of its label was typed, and `wanted` has the whole name already.
    pub is_by_label: bool,
}

/// The snapshot of a VM that is cloned.
///
/// # Errors
/// If none or more than one is meant, or it lacks the first disk or another one that it was taken of.
pub(super) fn chosen<'found>(
    vm: &Vm,
    found: &'found Found,
    wanted: &Wanted,
) -> Result<Meant<'found>> {
    let meant = choose(vm, found, wanted, Verb::Clone)?;
    refuse_incomplete(vm, &meant, Verb::Clone)?;
    if meant.taken.numbers.has(0) {
        return Ok(meant);
    }
    Err(Error::state(format!(
        "@{} was taken of {} of {}, and a new VM needs hd0",
        meant.taken.name,
        meant.taken.numbers.disks(),
        vm.name
    )))
}

/// Refuses the snapshot of a temporary run: its end destroys the snapshot, which a clone would prevent.
pub(super) fn refuse_temporary(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    meant: &Meant<'_>,
) -> Result<()> {
    let recorded = temporary::recorded(context, &vm.name);
    let mut snapshots = meant.taken.snapshots();
    match snapshots.find(|one| recorded.contains(one)) {
        None => Ok(()),
        Some(snapshot) => Err(Error::state(format!(
            "{snapshot} belongs to a temporary run of {}, whose end rolls back to it and destroys it",
            vm.name
        ))
        .help(format!("end the run first: {}", vm.command(Verb::Shutdown)))
        .help(format!(
            "if the run has ended, this says how to remove the snapshot: {}",
            vm.spelling.command("status")
        ))),
    }
}

/// Refuses a snapshot that is not of all volumes that are cloned.
pub(super) fn refuse_lacking(sources: &[DiskVolume], meant: &Meant<'_>) -> Result<()> {
    let there = meant.taken.there();
    match sources.iter().find(|source| !there.has(source.number)) {
        None => Ok(()),
        Some(source) => Err(Error::host(format!(
            "@{} is no snapshot of {}",
            meant.taken.name, source.volume
        ))),
    }
}
