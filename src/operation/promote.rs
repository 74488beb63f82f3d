//! `promote`: makes the cloned disks of a VM independent: the volume that each was cloned from becomes its
//! clone.

use super::context::{Asked, Context, Outcome};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::{disks_beside, lists_of, refuse_protected};
use super::snapshot::is_temporary;
use super::taken::{DiskVolume, chosen, listed, once, volumes};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob, temporary, wanted};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::device::disk_number;
use crate::model::name::{Dataset, SnapName, Snapshot, VmName};
use crate::model::{Vm, Volume};
use crate::plan::{Form, Guard, Plan, Refusal, Test, Undo, When};
use crate::survey;
use crate::tools::zfs;
use crate::tools::zfs::group::{self, Claim, Details, Numbers};
use crate::verb::Verb;
use std::collections::{HashMap, HashSet};

/// Options of `promote`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Do not ask before snapshots of several disks are left incomplete
    #[arg(short = 'f', long)]
    pub force: bool,
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
        let (owners, notes) = owners(context, &vm, &volumes)?;
        let job = Promote {
            disks: once(&self.disks),
            force: self.force,
        };
        let asked = context.asked(vm, job, self.dry_run).with_rivals(owners);
        Ok(Asked { notes, ..asked }.into())
    }
}

/// The VMs whose disks give their snapshots away, and a note about each of these disks.
///
/// # Errors
/// If such a VM is protected, or ZFS cannot be queried.
fn owners(
    context: &mut Context<'_>,
    vm: &Vm,
    volumes: &[DiskVolume],
) -> Result<(Vec<VmName>, Vec<String>)> {
    if !context.is_freebsd {
        return Ok((Vec::new(), Vec::new()));
    }
    let names: Vec<&Dataset> = volumes.iter().map(|one| &one.volume).collect();
    let found = lists_of(context.look, vm, &names)?;
    let origins: HashSet<&Dataset> = found
        .iter()
        .filter_map(|one| one.origin.as_ref().map(|origin| &origin.dataset))
        .collect();
    let (mut owners, mut notes) = (Vec::new(), Vec::new());
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
            owners.push(other.name.clone());
        }
    }
    owners.dedup();
    Ok((owners, notes))
}

/// Makes cloned disks independent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promote {
    /// The numbers of the disks; without any all that are clones.
    pub disks: Vec<u8>,
    /// Whether snapshots of several disks are left incomplete without a question.
    pub force: bool,
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
        words.flag("force", self.force);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        Ok(Self {
            disks: options.all("disk", disk_number)?,
            force: options.flag("force")?,
        })
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
        let question = group::details(&origins).works_for(vm);
        let details = Details::parse(&survey::answer(context.look, &question)?);
        let origins = lists_of(context.look, vm, &origins)?;
        let numbers = Numbers::of(clones.iter().map(|one| one.number));
        let mut notes: Vec<String> = disks_beside(vm, &numbers).into_iter().collect();
        let mut moves = Vec::new();
        for (clone, origin) in clones.iter().zip(&origins) {
            let moving = moving(clone, origin);
            refuse_moves(clone, &moving)?;
            refuse_temporary(context, &request.rivals, clone, &moving)?;
            let names = moving.iter().map(|name| format!("@{name}"));
            notes.push(format!(
                "these snapshots of {} move to {}: {}",
                clone.origin.dataset,
                clone.volume,
                listed(&names.collect::<Vec<_>>(), "snapshots")
            ));
            moves.push((clone, moving));
        }
        let broken = broken(&moves, &details);
        if self.force {
            notes.extend(
                broken
                    .iter()
                    .map(|what| format!("no longer complete: {what}")),
            );
        }
        let question = (!self.force && !broken.is_empty()).then(|| self.question(vm, &broken));
        let names: Vec<&str> = clones.iter().map(|one| one.volume.as_str()).collect();
        let now: Vec<String> = clones
            .iter()
            .map(|one| {
                let origin = one.volume.snapshot(&one.origin.name);
                format!("{} is now a clone of {origin}", one.origin.dataset)
            })
            .collect();
        Ok(Planned {
            plan: plan(vm, &clones, question),
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
            let are_none = match others.len() {
                1 => "is not a clone",
                _ => "are not clones",
            };
            return Err(
                Error::state(format!("{} of {} {are_none}", others.join(", "), vm.name))
                    .note("a volume that was promoted is no clone any more")
                    .help(format!(
                        "to see what was cloned from what: {} --tree",
                        vm.command(Verb::History)
                    )),
            );
        }
        Ok(clones)
    }

    /// The question before snapshots of several disks are left incomplete.
    fn question(&self, vm: &Vm, broken: &[String]) -> Guard {
        let lines = broken.iter().map(|what| format!("  {what}\n"));
        let disks = match self.disks.as_slice() {
            [] => String::new(),
            chosen => format!(" {}", wanted::options(&Numbers::of(chosen.iter().copied()))),
        };
        Guard {
            test: Test::Confirmed {
                question: format!(
                    "These snapshots of several disks will no longer be complete:\n{}Promote the disks of {}?",
                    lines.collect::<String>(),
                    vm.name
                ),
                otherwise: format!(
                    "to promote without the question: {} -f{disks}",
                    vm.command(Verb::Promote)
                ),
            },
            refusal: Refusal::host("nothing was promoted"),
        }
    }
}

/// The snapshots of several disks of which only a part moves, so that they are no longer one.
fn broken(moves: &[(&Clone<'_>, Vec<&SnapName>)], details: &Details) -> Vec<String> {
    let claim = |clone: &Clone<'_>, name: &SnapName| {
        let full = clone.origin.dataset.snapshot(name).to_string();
        match &details.of(&full)?.claim {
            Some(Claim::Of(numbers)) => Some(numbers.clone()),
            _ => None,
        }
    };
    let mut parts = Vec::new();
    for (clone, names) in moves {
        for name in names {
            parts.extend(claim(clone, name).map(|numbers| (*clone, *name, numbers)));
        }
    }
    let mut moving: HashMap<(&SnapName, Numbers), Vec<u8>> = HashMap::new();
    for (clone, name, numbers) in &parts {
        moving
            .entry((name, numbers.clone()))
            .or_default()
            .push(clone.number);
    }
    let mut broken = Vec::new();
    for (clone, name, numbers) in &parts {
        let all = moving.get(&(*name, numbers.clone()));
        if Numbers::of(all.into_iter().flatten().copied()) != *numbers {
            broken.push(format!(
                "@{name} of {}: {} moves to {}",
                numbers.disks(),
                clone.origin.dataset.snapshot(name),
                clone.volume
            ));
        }
    }
    broken
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

/// Refuses snapshots that cannot move to the clone: the names that it has already.
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
    Ok(())
}

/// Refuses snapshots to which a temporary run rolls a disk back: one of these VMs, which have the disk. If
/// they are unknown, the name of the snapshot decides.
fn refuse_temporary(
    context: &mut PlanContext<'_>,
    owners: &[VmName],
    clone: &Clone<'_>,
    moving: &[&SnapName],
) -> Result<()> {
    let from = &clone.origin.dataset;
    for name in moving.iter().filter(|name| is_temporary(name)) {
        let mut is_in_use = owners.is_empty();
        for owner in owners {
            is_in_use |= temporary::runs_from(context, owner, &from.snapshot(name))?;
        }
        if is_in_use {
            return Err(Error::state(format!(
                "{from}@{name} would move to {}, and a temporary run rolls {from} back to it",
                clone.volume
            ))
            .help(format!(
                "end the VM that runs from it; if there is none, as root: zfs destroy {from}@{name}"
            )));
        }
    }
    Ok(())
}

/// The plan that promotes each clone; if one fails, the others become clones again.
fn plan(vm: &Vm, clones: &[Clone<'_>], question: Option<Guard>) -> Plan {
    let mut plan = Plan::default();
    plan.forms.extend(question.map(Form::from));
    for clone in clones {
        plan.push(zfs::promote(clone.volume).works_for(vm));
        // What a promotion has moved, the promotion of the former origin moves back.
        let back = zfs::promote(&clone.origin.dataset);
        let what = format!("the promotion of {}", clone.volume);
        plan.push(Undo::by(back, When::Failure, &what));
    }
    plan
}
