//! `clone`: clones a VM's first disk for new VMs.

use super::context::{Asked, Context, Outcome, rivals};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state::stopped;
use super::refuse::{list_of, other_disks, volume};
use super::snapshot::Stamp;
use super::taken::own_snapshot;
use super::wire::{self, Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use super::{gone, label, zvol};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::name::{Dataset, SnapName, Snapshot, VmName};
use crate::model::{Vm, Volume};
use crate::plan::{Guard, Plan, Refusal, Test, Undo, When};
use crate::survey;
use crate::tools::zfs::{self, Mark};
use crate::verb::Verb;
use crate::vis;
use std::collections::BTreeSet;
use std::path::Path;

/// Options of `clone`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// The new VMs; a first word that begins with @ or _ is the snapshot to clone, or a word or the beginning of its label
    #[arg(value_name = "NEW", required = true, index = 2)]
    pub words: Vec<String>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        let volume = volume(&vm, Verb::Clone)?;
        context.need_host(self.dry_run)?;
        // Differs: `clone` takes `@NAME`, `_NAME` and `VOLUME@NAME`
        let (base, names) = match self.words.split_first() {
            Some((first, rest)) if first.starts_with('_') || first.contains('@') => {
                (Some(own_snapshot(&vm, volume, first)?), rest)
            }
            _ => (None, self.words.as_slice()),
        };
        let job = MakeClones {
            base,
            stamp: Stamp::of(context.process.clock.now()),
            targets: targets(context, volume, names)?,
        };
        let (rivals, done) = (rivals(context, &vm)?, next_step(context, &vm, names));
        Ok(Asked {
            done: Some(done),
            ..context.asked(vm, job, self.dry_run).with_rivals(rivals)
        }
        .into())
    }
}

/// The volumes of the new VMs: as configured, else below `volroot`, else in the dataset of the cloned
/// volume.
fn targets(context: &Context<'_>, volume: &Dataset, names: &[String]) -> Result<Vec<Dataset>> {
    let mut targets: Vec<Dataset> = Vec::new();
    for name in names {
        let name = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
        let target = if context.config.is_vm(name.as_str()) {
            match context.vm_for(name.as_str(), Need::Disks)?.volume {
                Volume::Zfs(dataset) => dataset,
                Volume::File(path) => {
                    return Err(Error::state(format!(
                        "the disk of {name} is {}, not a ZFS volume",
                        vis::shown(&path)
                    )));
                }
            }
        } else {
            resolve::volume_root(context.config)?
                .or_else(|| volume.parent())
                .ok_or_else(|| Error::host(format!("{volume} has no parent dataset")))?
                .child(name.as_str())
                .map_err(|error| Error::usage(error.to_string()))?
        };
        targets.push(target);
    }
    Ok(targets)
}

/// Refuses new volumes that ZFS cannot clone to, or none.
fn refuse_targets(vm: &Vm, volume: &Dataset, targets: &[Dataset]) -> Result<()> {
    if targets.is_empty() {
        return Err(Error::usage("the name of the new VM is missing")
            .help(format!("for example: {} new0", vm.command(Verb::Clone))));
    }
    for (at, target) in targets.iter().enumerate() {
        if target.pool() != volume.pool() {
            return Err(Error::host(format!(
                "{target} is in another pool than {volume}: a ZFS clone is in the pool of its origin"
            )));
        }
        if target == volume {
            return Err(Error::usage(format!(
                "{target} is the volume of {}",
                vm.name
            )));
        }
        if targets.iter().take(at).any(|other| other == target) {
            return Err(Error::usage(format!("{target} is given twice")));
        }
    }
    Ok(())
}

/// The message that shows how to configure VMs for the new disks.
///
/// Differs: `clone` says which lines to add to the configuration, and names disks that were not
/// cloned
fn next_step(context: &Context<'_>, vm: &Vm, names: &[String]) -> String {
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !context.config.is_vm(name))
        .collect();
    if missing.is_empty() {
        return format!("cloned to {}", names.join(", "));
    }
    let ids = context.config.free_ids().zip(&missing).map(|(id, name)| {
        let chosen = vm.loader.facts().settings.iter();
        let chosen = chosen.map(|setting| format!(" {name}_{setting}"));
        format!("{name}_id={id}{}", chosen.collect::<String>())
    });
    let own = match vm.uuid {
        Some(_) => format!(
            "; every VM needs a UUID of its own: do not copy {}_uuid",
            vm.name
        ),
        None => String::new(),
    };
    format!(
        "cloned to {}; to define the VMs, add to {}: {}{own}",
        names.join(", "),
        vis::shown(context.config.main_file()),
        ids.collect::<Vec<_>>().join(" ")
    )
}

/// Clones a VM's first disk to new volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MakeClones {
    /// The snapshot to clone, or a part of its label; `None`: the disk as it is now.
    pub base: Option<SnapName>,
    /// The local time, for the name of a new snapshot.
    pub stamp: Stamp,
    /// The new volumes.
    pub targets: Vec<Dataset>,
}

impl RootJob for MakeClones {
    const VERB: &'static str = "clone";
    const DOES: &'static str = "is being cloned";

    fn locks(&self) -> Locks {
        match self.base {
            Some(_) => Locks::Nothing,
            None => Locks::VmAndDisks,
        }
    }

    fn write(&self, words: &mut Words) {
        if let Some(base) = &self.base {
            words.add("snapshot", base.as_str());
        }
        words.add("stamp", self.stamp.as_str());
        for target in &self.targets {
            words.add("target", target.as_str());
        }
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let targets = options.all("target", Dataset::parse)?;
        let targets = wire::needed("target", Some(targets).filter(|all| !all.is_empty()))?;
        let stamp = options.parsed("stamp", Stamp::parse)?;
        Ok(Self {
            base: options.parsed("snapshot", SnapName::parse)?,
            stamp: wire::needed("stamp", stamp)?,
            targets,
        })
    }

    /// Differs: `clone` makes volumes with `volmode=dev`, where the new VM's configuration wants them
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let (vm, rivals) = (request.vm()?, &request.rivals);
        let volume = volume(vm, Verb::Clone)?;
        refuse_targets(vm, volume, &self.targets)?;
        let found = if context.is_freebsd {
            refuse_existing(context, &self.targets)?;
            list_of(context.look, vm, volume)?
        } else {
            zfs::Volume::default()
        };
        let (base, source) = match &self.base {
            Some(name) if context.is_freebsd => {
                let chosen = label::choose(volume, name, &found)?;
                let question = chosen.is_by_label.then(|| Guard {
                    test: Test::Confirmed {
                        question: format!("Clone {volume}@{}?", chosen.name),
                        otherwise: format!(
                            "to clone without the question, name the whole snapshot: @{}",
                            chosen.name
                        ),
                    },
                    refusal: Refusal::host("nothing was cloned"),
                });
                (chosen.name, Source::Snapshot(question))
            }
            Some(name) => (name.clone(), Source::Snapshot(None)),
            None => {
                let stopped = stopped(context, vm, rivals)?;
                (base_name(&self.stamp, &found)?, Source::Now(stopped))
            }
        };
        Ok(Planned {
            plan: plan(
                &volume.snapshot(&base),
                source,
                &self.targets,
                context.devices(),
            ),
            notes: other_disks(vm).into_iter().collect(),
            ..Planned::default()
        })
    }
}

fn refuse_existing(context: &mut PlanContext<'_>, targets: &[Dataset]) -> Result<()> {
    let parents: BTreeSet<Dataset> = targets.iter().filter_map(Dataset::parent).collect();
    for parent in parents {
        let children = survey::answer(context.look, &zfs::children(&parent))?;
        if let Some(target) = targets
            .iter()
            .find(|target| children.lines().any(|name| name == target.as_str()))
        {
            return Err(Error::host(format!("{target} already exists"))
                .help("choose another name; nothing was cloned"));
        }
    }
    Ok(())
}

/// `_YYYYMMDDHHMM-clone_base`, with the suffix `_2`, `_3` and so on if that name is in use.
fn base_name(stamp: &Stamp, found: &zfs::Volume) -> Result<SnapName> {
    let base = format!("{}-clone_base", stamp.as_str());
    let is_taken = |name: &str| found.snapshots.iter().any(|one| one.name.as_str() == name);
    let mut free = base.clone();
    let mut number = 1_u32;
    while is_taken(&free) {
        number += 1;
        free = format!("{base}_{number}");
    }
    SnapName::parse(&free).map_err(|error| Error::host(error.to_string()))
}

/// What is cloned.
enum Source {
    /// The disk as it is now, in a snapshot that does not exist yet; the guard checks that no process
    /// of the VM runs.
    Now(Guard),
    /// A snapshot, and the question about its label, if any.
    Snapshot(Option<Guard>),
}

/// The plan that makes each of `targets` a clone of `base`; if one fails, all are undone.
///
/// Differs: `clone` checks every new name first and takes all back if one fails
fn plan(base: &Snapshot, source: Source, targets: &[Dataset], devices: &Path) -> Plan {
    let mut plan = Plan::default();
    match source {
        Source::Now(stopped) => {
            plan.push(stopped);
            plan.push(zfs::snapshot(base));
            let destroy = gone::mark(&base.dataset, &Mark::Snapshot(base.name.clone()));
            plan.push(Undo::by(destroy, When::Failure, base));
        }
        Source::Snapshot(Some(question)) => plan.push(question),
        Source::Snapshot(None) => {}
    }
    for target in targets {
        plan.push(zfs::clone(base, target));
        plan.push(Undo::by(gone::volume(target), When::Failure, target));
    }
    for target in targets {
        plan.push(zvol::wait(devices, target));
    }
    plan
}
