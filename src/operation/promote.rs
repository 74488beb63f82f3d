//! `promote`: makes the cloned disks of a VM independent: the volume that each was cloned from becomes its
//! clone.

use super::context::{Asked, Context, Outcome};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::{disks_beside, lists_of, refuse_protected};
use super::snapshot::is_temporary;
use super::taken::{DiskVolume, chosen, listed, once, volumes};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::device::disk_number;
use crate::model::name::{Dataset, SnapName, Snapshot};
use crate::model::{Vm, Volume};
use crate::plan::{Plan, Undo, When};
use crate::tools::zfs;
use crate::tools::zfs::group::Numbers;
use crate::verb::Verb;
use std::collections::HashSet;

/// Options of `promote`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Only the disk hdN instead of all that are clones; may be repeated
    #[arg(long = "disk", value_name = "N")]
    pub disks: Vec<u8>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let volumes = volumes(&vm, &context.process.devices, Verb::Promote)?;
        let volumes = chosen(&vm, volumes, &self.disks, Verb::Promote)?;
        context.need_host(self.dry_run)?;
        let notes = owners(context, &vm, &volumes)?;
        let job = Promote {
            disks: once(&self.disks),
        };
        let asked = context.asked(vm, job, self.dry_run);
        Ok(Asked { notes, ..asked }.into())
    }
}

/// A note about each VM whose disk gives its snapshots away.
///
/// # Errors
/// If such a VM is protected, or ZFS cannot be queried.
fn owners(context: &mut Context<'_>, vm: &Vm, volumes: &[DiskVolume]) -> Result<Vec<String>> {
    if !context.is_freebsd {
        return Ok(Vec::new());
    }
    let names: Vec<&Dataset> = volumes.iter().map(|one| &one.volume).collect();
    let found = lists_of(context.look, vm, &names)?;
    let origins: HashSet<&Dataset> = found
        .iter()
        .filter_map(|one| one.origin.as_ref().map(|origin| &origin.dataset))
        .collect();
    let mut notes = Vec::new();
    // A misconfigured VM has no disks.
    let all = resolve::all(context.config, context.wanted(Need::Disks))?.filter_map(Result::ok);
    for other in all.filter(|other| other.name != vm.name) {
        for disk in &other.disks {
            let Volume::Zfs(volume) = disk.volume(&context.process.devices) else {
                continue;
            };
            if !origins.contains(&volume) {
                continue;
            }
            let whose = format!(
                "{volume}, of which {} has a clone, is hd{} of {}",
                vm.name, disk.number, other.name
            );
            refuse_protected(&other).map_err(|error| {
                error.note(format!("{whose}: a promotion takes snapshots from it"))
            })?;
            notes.push(whose);
        }
    }
    Ok(notes)
}

/// Makes cloned disks independent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promote {
    /// The numbers of the disks; without any all that are clones.
    pub disks: Vec<u8>,
}

/// A volume that is promoted.
#[derive(Debug)]
struct Clone<'found> {
    number: u8,
    volume: &'found Dataset,
    origin: &'found Snapshot,
    own: &'found zfs::Volume,
}

impl RootJob for Promote {
    const VERB: &'static str = "promote";
    const DOES: &'static str = "is being promoted";

    /// The VM may run: the content and the name of its disk stay.
    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        for number in &self.disks {
            words.add("disk", &number.to_string());
        }
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let disks = options.all("disk", disk_number)?;
        Ok(Self { disks })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let volumes = volumes(vm, context.devices(), Verb::Promote)?;
        let volumes = chosen(vm, volumes, &self.disks, Verb::Promote)?;
        if !context.is_freebsd {
            let steps = volumes.iter();
            let steps = steps.map(|one| zfs::promote(&one.volume).works_for(vm).into());
            return Ok(Planned {
                plan: Plan::new(steps.collect()),
                ..Planned::default()
            });
        }
        let names: Vec<&Dataset> = volumes.iter().map(|one| &one.volume).collect();
        let contents = lists_of(context.look, vm, &names)?;
        let clones = self.clones(vm, &volumes, &contents)?;
        refuse_same_origin(vm, &clones)?;
        let origins: Vec<&Dataset> = clones.iter().map(|one| &one.origin.dataset).collect();
        let origins = lists_of(context.look, vm, &origins)?;
        let numbers = Numbers::of(clones.iter().map(|one| one.number));
        let mut notes: Vec<String> = disks_beside(vm, &numbers).into_iter().collect();
        for (clone, origin) in clones.iter().zip(&origins) {
            let moving = moving(clone, origin);
            refuse_moves(clone, &moving)?;
            let names = moving.iter().map(|name| format!("@{name}"));
            notes.push(format!(
                "these snapshots of {} move to {}: {}",
                clone.origin.dataset,
                clone.volume,
                listed(&names.collect::<Vec<_>>(), "snapshots")
            ));
        }
        let names: Vec<&str> = clones.iter().map(|one| one.volume.as_str()).collect();
        let now: Vec<String> = clones
            .iter()
            .map(|one| {
                let origin = one.volume.snapshot(&one.origin.name);
                format!("{} is now a clone of {origin}", one.origin.dataset)
            })
            .collect();
        Ok(Planned {
            plan: plan(vm, &clones),
            notes,
            done: Some(format!("promoted {}; {}", names.join(" "), now.join(", "))),
            ..Planned::default()
        })
    }
}

impl Promote {
    /// The chosen disks that are clones.
    fn clones<'found>(
        &self,
        vm: &Vm,
        volumes: &'found [DiskVolume],
        contents: &'found [zfs::Volume],
    ) -> Result<Vec<Clone<'found>>> {
        let mut clones = Vec::new();
        let mut others = Vec::new();
        for (one, own) in volumes.iter().zip(contents) {
            match &own.origin {
                Some(origin) => clones.push(Clone {
                    number: one.number,
                    volume: &one.volume,
                    origin,
                    own,
                }),
                None => others.push(format!("hd{} ({})", one.number, one.volume)),
            }
        }
        if clones.is_empty() || !self.disks.is_empty() && !others.is_empty() {
            return Err(Error::state(format!(
                "{} of {} is not a clone",
                others.join(", "),
                vm.name
            ))
            .note("a volume that was promoted is no clone any more")
            .help(format!(
                "to see what was cloned from what: {} --tree",
                vm.command(Verb::History)
            )));
        }
        Ok(clones)
    }
}

/// Refuses two clones of one volume: the second would become a clone of the first.
fn refuse_same_origin(vm: &Vm, clones: &[Clone<'_>]) -> Result<()> {
    for (at, one) in clones.iter().enumerate() {
        let mut before = clones.iter().take(at);
        if let Some(twin) = before.find(|other| other.origin.dataset == one.origin.dataset) {
            return Err(Error::state(format!(
                "hd{} and hd{} of {} are clones of one volume, {}",
                twin.number, one.number, vm.name, one.origin.dataset
            ))
            .help(format!(
                "promote one after the other: {0} --disk {1}, then {0} --disk {2}",
                vm.command(Verb::Promote),
                twin.number,
                one.number
            )));
        }
    }
    Ok(())
}

/// The snapshots that move to the clone, oldest first: those of its origin's volume up to the origin.
fn moving<'origin>(clone: &Clone<'_>, origin: &'origin zfs::Volume) -> Vec<&'origin SnapName> {
    let names = origin.snapshots.iter().map(|one| &one.name);
    let at = names.clone().position(|name| *name == clone.origin.name);
    names.take(at.map_or(0, |at| at + 1)).collect()
}

/// Refuses snapshots that cannot move to the clone: the names that it has already, and those to which a
/// temporary run of another VM rolls back.
fn refuse_moves(clone: &Clone<'_>, moving: &[&SnapName]) -> Result<()> {
    let own: HashSet<&SnapName> = clone.own.snapshots.iter().map(|one| &one.name).collect();
    let twice: Vec<String> = moving
        .iter()
        .filter(|name| own.contains(*name))
        .map(|name| format!("@{name}"))
        .collect();
    let from = &clone.origin.dataset;
    if let Some(first) = twice.first() {
        return Err(Error::host(format!(
            "the snapshots of {from} up to @{} move to {}, which has snapshots of the same names: {}",
            clone.origin.name,
            clone.volume,
            twice.join(" ")
        ))
        .help(format!(
            "rename its own, as root: zfs rename {}{first} {first}_2",
            clone.volume
        )));
    }
    if let Some(name) = moving.iter().find(|name| is_temporary(name)) {
        return Err(Error::state(format!(
            "{from}@{name} would move to {}, and a temporary run rolls {from} back to it",
            clone.volume
        ))
        .help(format!(
            "end the VM that runs from it; if there is none, as root: zfs destroy {from}@{name}"
        )));
    }
    Ok(())
}

/// The plan that promotes each clone; if one fails, the others become clones again.
fn plan(vm: &Vm, clones: &[Clone<'_>]) -> Plan {
    let mut plan = Plan::default();
    for clone in clones {
        plan.push(zfs::promote(clone.volume).works_for(vm));
        // What a promotion has moved, the promotion of the former origin moves back.
        let back = zfs::promote(&clone.origin.dataset);
        let what = format!("the promotion of {}", clone.volume);
        plan.push(Undo::by(back, When::Failure, &what));
    }
    plan
}
