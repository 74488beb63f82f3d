//! Takes a snapshot of all ZFS disks of a VM by one command.

use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::device::disk_number;
use crate::model::name::{SnapName, Snapshot};
use crate::operation::plan_context::PlanContext;
use crate::operation::refuse::{disks_beside, refuse_filesystem};
use crate::operation::taken::{DiskVolume, chosen, numbers, volumes};
use crate::operation::wire::{self, Options, Words};
use crate::operation::{Locks, Planned, Request, RootJob, temporary};
use crate::plan::Plan;
use crate::survey::Traces;
use crate::tools::zfs::group;
use crate::verb::Verb;

/// Takes a snapshot with this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeSnapshot {
    /// The part of the names after the `@`.
    pub name: SnapName,
    /// The numbers of the disks; without any all that are ZFS volumes.
    pub disks: Vec<u8>,
}

impl RootJob for TakeSnapshot {
    const VERB: &'static str = "snapshot";
    const DOES: &'static str = "is being snapshotted";

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        words.add("snapshot", self.name.as_str());
        for number in &self.disks {
            words.add("disk", &number.to_string());
        }
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let name = options.parsed("snapshot", SnapName::parse)?;
        Ok(Self {
            name: wire::needed("snapshot", name)?,
            disks: options.all("disk", disk_number)?,
        })
    }

    /// Differs: `snapshot` takes all disks of the VM that are ZFS volumes, at one moment
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let volumes = volumes(vm, context.devices(), Verb::Snapshot)?;
        let volumes = chosen(vm, volumes, &self.disks, Verb::Snapshot)?;
        refuse_pools(vm, &volumes)?;
        if context.is_freebsd && context.process.is_client() {
            for one in &volumes {
                refuse_filesystem(context.look, &context.process.devices, vm, &one.volume)?;
            }
        }
        let numbers = numbers(&volumes);
        let mut notes: Vec<String> = disks_beside(vm, &numbers).into_iter().collect();
        if context.is_freebsd
            && Traces::ask(context.look, &context.process.surroundings())?.has_node(&vm.name)
        {
            notes.push(format!(
                "if {} is running, the snapshot has the state of the {} as after a power cut",
                vm.name,
                if volumes.len() > 1 { "disks" } else { "disk" }
            ));
            notes.extend(ends_without_rollback(context, vm, &volumes));
        }
        let targets = volumes.iter().map(|one| one.volume.snapshot(&self.name));
        let targets: Vec<Snapshot> = targets.collect();
        let names: Vec<String> = targets.iter().map(Snapshot::to_string).collect();
        Ok(Planned {
            plan: Plan::new(vec![
                group::snapshot(&targets, &numbers).works_for(vm).into(),
            ]),
            notes,
            done: Some(format!("took {}", names.join(" "))),
            ..Planned::default()
        })
    }
}

/// What a snapshot means for a temporary run of the VM: ZFS rolls back only to the newest one.
fn ends_without_rollback(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    volumes: &[DiskVolume],
) -> Option<String> {
    let recorded = temporary::recorded(context, &vm.name);
    let is_of = |snapshot: &&Snapshot| volumes.iter().any(|one| one.volume == snapshot.dataset);
    // Those of the run follow those that earlier runs have left.
    let name = &recorded.iter().rfind(is_of)?.name;
    let part = volumes
        .iter()
        .filter(|one| recorded.contains(&one.volume.snapshot(name)));
    Some(format!(
        "if {} was started with -T, its end no longer rolls {} back to @{name}, because this snapshot is newer; to roll back then: {} {name}",
        vm.name,
        numbers(part).disks(),
        vm.command(Verb::Rollback)
    ))
}

/// Refuses volumes of several pools: one command takes snapshots of one pool.
fn refuse_pools(vm: &Vm, volumes: &[DiskVolume]) -> Result<()> {
    let mut pools: Vec<(&str, Vec<u8>)> = Vec::new();
    for one in volumes {
        match pools
            .iter_mut()
            .find(|(pool, _)| *pool == one.volume.pool())
        {
            Some((_, numbers)) => numbers.push(one.number),
            None => pools.push((one.volume.pool(), vec![one.number])),
        }
    }
    if pools.len() < 2 {
        return Ok(());
    }
    let of = |sign: &str, numbers: &[u8]| {
        let words: Vec<String> = numbers.iter().map(|one| format!("{sign}{one}")).collect();
        words.join(" ")
    };
    let named: Vec<String> = pools
        .iter()
        .map(|(pool, numbers)| format!("{pool} ({})", of("hd", numbers)))
        .collect();
    let error = Error::host(format!(
        "the disks of {} are in several pools: {}",
        vm.name,
        named.join(", ")
    ))
    .note("ZFS takes a snapshot of several volumes at one moment only in one pool");
    let ways = pools.iter().map(|(_, numbers)| {
        format!(
            "{} {} WORD",
            vm.command(Verb::Snapshot),
            of("--disk ", numbers)
        )
    });
    let ways: Vec<String> = ways.collect();
    Err(error.help(format!("take one of each pool: {}", ways.join(", then "))))
}
