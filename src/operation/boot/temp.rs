//! A temporary run: snapshots are taken first, and the disks are rolled back to them at the end.

use crate::error::{Error, Result};
use crate::host::Look;
use crate::model::device;
use crate::model::name::{SnapName, Snapshot};
use crate::model::size::exact;
use crate::model::{Vm, Volume};
use crate::operation::wanted;
use crate::plan::{Action, Guard, Plan, Refusal, Step, Test, Undo, When};
use crate::survey;
use crate::tools::fstat;
use crate::tools::zfs::group::{self, Numbers};
use crate::tools::zfs::{self, Mark, volume};
use crate::verb::Verb;
use crate::vis;
use std::path::{Path, PathBuf};

/// A disk that is rolled back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its number.
    pub number: u8,
    /// The device node.
    pub path: PathBuf,
    /// The snapshot to roll back to.
    pub snapshot: Snapshot,
}

/// The plan that takes the snapshots and rolls back to them when the VM ends. If the guest has not
/// run, the snapshots are only destroyed. A disk that another process has open is not rolled back,
/// since that process may have written to it.
///
/// If a rollback fails, its snapshot is kept, so that the rollback can be repeated.
pub fn plan(vm: &Vm, disks: &[Disk]) -> Plan {
    let mut plan = Plan::default();
    if disks.is_empty() {
        return plan;
    }
    let snapshots: Vec<Snapshot> = disks.iter().map(|disk| disk.snapshot.clone()).collect();
    let numbers = Numbers::of(disks.iter().map(|disk| disk.number));
    plan.push(group::snapshot(&snapshots, &numbers));
    for snapshot in &snapshots {
        let destroy = Step::from(destroy(snapshot))
            .only_if(!Test::HasRun)
            .ok_if(is_gone(snapshot));
        plan.push(Undo::by(destroy, When::End, snapshot));
    }
    for Disk {
        number,
        path,
        snapshot,
    } in disks
    {
        let is_open = fstat::is_open(path);
        let back = Action::Sequence(vec![
            zfs::rollback(snapshot).works_for(vm),
            destroy(snapshot),
        ]);
        let is_kept = Refusal::host(format!(
            "another process has {} open; {snapshot} still exists: {}",
            path.display(),
            how_to_end(vm, &Numbers::of([*number]), &snapshot.name)
        ));
        plan.push(Undo {
            forms: vec![
                Guard {
                    test: !Test::All(vec![Test::HasRun, is_open.clone()]),
                    refusal: is_kept,
                }
                .into(),
                Step::from(back)
                    .only_if(Test::All(vec![Test::HasRun, !is_open]))
                    .ok_if(is_gone(snapshot))
                    .into(),
            ],
            when: When::End,
            what: format!("what the guest has written to {}", snapshot.dataset),
        });
    }
    plan
}

fn destroy(snapshot: &Snapshot) -> crate::command::Command {
    zfs::destroy_mark(&snapshot.dataset, &Mark::Snapshot(snapshot.name.clone()))
}

/// Whether the snapshot no longer exists.
fn is_gone(snapshot: &Snapshot) -> Test {
    let mark = Mark::Snapshot(snapshot.name.clone());
    !zfs::has_mark(&snapshot.dataset, &mark)
}

/// The messages about the snapshots that temporary runs of a VM have left, one for each run.
pub fn left(vm: &Vm, devices: &Path, snapshots: &[Snapshot]) -> Vec<String> {
    let number = |snapshot: &Snapshot| {
        let volume = Volume::Zfs(snapshot.dataset.clone());
        let mut disks = vm.disks.iter();
        disks
            .find(|disk| disk.volume(devices) == volume)
            .map(|disk| disk.number)
    };
    let is_own = |snapshot: &&Snapshot| number(snapshot).is_some();
    let (own, others): (Vec<_>, Vec<_>) = snapshots.iter().partition(is_own);
    let mut texts: Vec<String> = others.into_iter().map(left_of_unknown).collect();
    for run in own.chunk_by(|one, next| one.name == next.name) {
        let Some(Snapshot { name, .. }) = run.first() else {
            continue;
        };
        let names: Vec<String> = run.iter().map(ToString::to_string).collect();
        let exist = if names.len() > 1 { "exist" } else { "exists" };
        let numbers = Numbers::of(run.iter().filter_map(|one| number(one)));
        let how = how_to_end(vm, &numbers, name);
        texts.push(format!("{} still {exist}: {how}", names.join(" ")));
    }
    texts
}

/// The commands that end a temporary run whose snapshot of these disks is left. They also serve if there
/// are newer snapshots, or clones.
fn how_to_end(vm: &Vm, numbers: &Numbers, name: &SnapName) -> String {
    let is_whole = vm.disks.iter().all(|disk| numbers.has(disk.number));
    let disks = if is_whole {
        String::new()
    } else {
        wanted::options(numbers)
    };
    let back = wanted::call(vm, Verb::Rollback, &disks);
    let gone = wanted::call(vm, Verb::Snapshot, "");
    format!(
        "roll back to it ({back} {name}; {gone} {name}), or keep what the guest has written \
         ({gone} {name})"
    )
}

/// The message about a snapshot that a temporary run has left, if it is of no configured disk of the VM.
pub fn left_of_unknown(snapshot: &Snapshot) -> String {
    let (back, gone) = (zfs::rollback(snapshot), destroy(snapshot));
    format!(
        "{snapshot} still exists: as root, roll back to it ({back}; {gone}), or keep what the \
         guest has written ({gone})"
    )
}

/// A disk that has another size than at the beginning of a temporary run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resized {
    /// The snapshot of that beginning.
    pub(crate) snapshot: Snapshot,
    /// The size now, in bytes.
    is: u64,
    /// The size then, in bytes.
    was: u64,
}

impl Resized {
    /// Those of the disks of these snapshots; none of a disk whose size is unknown.
    pub(crate) fn of(look: &mut dyn Look, snapshots: &[String]) -> Vec<Self> {
        let snapshots = snapshots
            .iter()
            .filter_map(|text| zfs::parse_snapshot(text));
        let resized = snapshots.filter_map(|snapshot| {
            let answer = survey::answer(look, &volume::sizes_of_all(&snapshot.dataset)).ok()?;
            let is = volume::size_in(&answer, snapshot.dataset.as_str())?;
            let was = volume::size_in(&answer, &snapshot.to_string())?;
            (is != was).then_some(Self { snapshot, is, was })
        });
        resized.collect()
    }

    /// The note before the end of the run.
    pub(crate) fn will_be(&self) -> String {
        format!(
            "{} goes back from {} to {} at the end of this temporary run",
            self.snapshot.dataset,
            exact(self.is),
            exact(self.was)
        )
    }

    /// The message after the rollback.
    pub(crate) fn has_been(&self) -> String {
        format!(
            "{} went back from {} to {}, its size at the beginning of this temporary run",
            self.snapshot.dataset,
            exact(self.is),
            exact(self.was)
        )
    }
}

/// Every disk of `vm` with its snapshot, for a temporary run.
///
/// # Errors
/// If a disk is not a ZFS volume.
pub(crate) fn disks(vm: &Vm, devices: &Path, name: &SnapName) -> Result<Vec<Disk>> {
    let snapshot = |disk: &device::Disk| match disk.volume(devices) {
        Volume::Zfs(volume) => Ok(Disk {
            number: disk.number,
            path: disk.path.clone(),
            snapshot: volume.snapshot(name),
        }),
        Volume::File(path) => Err(Error::state(format!(
            "hd{} of {} is not a ZFS volume and cannot be rolled back: {}",
            disk.number,
            vm.name,
            vis::shown(&path)
        ))
        .at(disk.origin)
        .help("-T requires that all disks are ZFS volumes")),
    };
    vm.disks.iter().map(snapshot).collect()
}
