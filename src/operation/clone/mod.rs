//! `clone`: clones the volumes of a VM for new VMs.

pub(crate) mod ask;
mod base;
pub(crate) mod lines;
mod question;
mod target;

use super::context::{Context, Outcome};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state::stopped;
use super::refuse::{disks_beside, lists_of, volume};
use super::snapshot::{CLONE_BASE, Stamp};
use super::taken::{DiskVolume, Found, numbers, volumes};
use super::wanted::Wanted;
use super::wire::{self, Options, Words};
use super::{Locks, NewNames, Operation, Planned, Request, RootJob};
use super::{gone, stores, zvol};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{Dataset, SnapName, Snapshot, VmName};
use crate::model::size::short;
use crate::plan::{Form, Guard, Plan, Undo, When};
use crate::survey;
use crate::tools::zfs::volume::Sizes;
use crate::tools::zfs::{self, Mark, group};
use crate::verb::Verb;
pub use base::Base;
use base::{chosen, refuse_lacking, refuse_temporary};
use question::by_label;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
pub use target::Target;

/// Options of `clone`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// Also write the new VMs into the configuration, and make their links
    #[arg(long)]
    pub add: bool,
    /// The new VMs; a first word that begins with @ or _ is the snapshot to clone, or a word or the beginning of its label
    #[arg(value_name = "NEW", required = true, index = 2)]
    pub words: Vec<String>,
}

impl Operation for Args {
    const NEED: Need = Need::Disks;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        Ok(self.ask(context, vm)?.asked.into())
    }
}

/// Refuses new volumes that ZFS cannot clone to, or none.
fn refuse_targets(vm: &Vm, sources: &[DiskVolume], targets: &[Target]) -> Result<()> {
    if targets.is_empty() {
        return Err(Error::usage("the name of the new VM is missing")
            .help(format!("for example: {} new0", vm.command(Verb::Clone))));
    }
    for (at, Target { number, volume }) in targets.iter().enumerate() {
        let source = sources.iter().find(|source| source.number == *number);
        let source = source.map(|source| &source.volume).ok_or_else(|| {
            Error::usage(format!("hd{number} of {} is not a ZFS volume", vm.name))
        })?;
        if volume.pool() != source.pool() {
            return Err(Error::host(format!(
                "{volume} is in another pool than {source}: a ZFS clone is in the pool of its origin"
            )));
        }
        if sources.iter().any(|source| source.volume == *volume) {
            return Err(Error::usage(format!(
                "{volume} is the volume of {}",
                vm.name
            )));
        }
        if targets.iter().take(at).any(|other| other.volume == *volume) {
            return Err(Error::usage(format!("{volume} is given twice")));
        }
    }
    Ok(())
}

/// Clones the volumes of a VM to new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MakeClones {
    /// The snapshot to clone; `None`: the disks as they are now.
    pub base: Option<Base>,
    /// The local time, for the name of a new snapshot.
    pub stamp: Stamp,
    /// The new volumes.
    pub targets: Vec<Target>,
    /// The paths at which the new VMs have their stores of UEFI variables.
    pub stores: Vec<PathBuf>,
    /// Whether the first new name may be meant as a part of a label: it is that of no configured VM, and
    /// others follow.
    pub may_be_label: bool,
}

impl RootJob for MakeClones {
    const VERB: &'static str = "clone";
    const DOES: &'static str = "is being cloned";
    const STAYS: Option<&'static str> = Some(
        "the new VMs are in the configuration and have their disks; to make their links: easy-bhyve setup",
    );

    fn locks(&self) -> Locks {
        match self.base {
            Some(_) => Locks::Nothing,
            None => Locks::VmAndDisks,
        }
    }

    fn new_names(&self, _vm: &Vm, devices: &Path) -> NewNames {
        let firsts = self.targets.iter().filter(|target| target.number == 0);
        let names = firsts.filter_map(|target| target.volume.as_str().rsplit('/').next());
        let volumes = self.targets.iter();
        let volumes = volumes.map(|target| zfs::node::of(devices, &target.volume));
        NewNames {
            vms: names.filter_map(|name| VmName::parse(name).ok()).collect(),
            files: volumes.chain(self.stores.iter().cloned()).collect(),
        }
    }

    fn write(&self, words: &mut Words) {
        if let Some(base) = &self.base {
            base.wanted.write(words);
            words.flag("by-label", base.is_by_label);
        }
        words.add("stamp", self.stamp.as_str());
        for target in &self.targets {
            words.add("target", &target.written());
        }
        for store in &self.stores {
            // Only a path that is text reaches this place.
            words.add("store", store.to_str().unwrap_or_default());
        }
        words.flag("maybe-label", self.may_be_label);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let targets = options.all("target", Target::parse)?;
        let targets = wire::needed("target", Some(targets).filter(|all| !all.is_empty()))?;
        let stamp = options.parsed("stamp", Stamp::parse)?;
        let wanted = Wanted::parse(options)?;
        let is_by_label = options.flag("by-label")?;
        Ok(Self {
            base: wanted.name().is_some().then_some(Base {
                wanted,
                is_by_label,
            }),
            stamp: wire::needed("stamp", stamp)?,
            targets,
            stores: options.all("store", wire::absolute)?,
            may_be_label: options.flag("maybe-label")?,
        })
    }

    /// Differs: `clone` makes volumes with `volmode=dev`, where the new VM's configuration wants them
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let (vm, rivals) = (request.vm()?, &request.rivals);
        let volume = volume(vm, Verb::Clone)?;
        let all = volumes(vm, context.devices(), Verb::Clone)?;
        refuse_targets(vm, &all, &self.targets)?;
        let mut sources = all.clone();
        sources.retain(|source| self.targets.iter().any(|one| one.number == source.number));
        if context.is_freebsd {
            refuse_existing(context, &self.targets)?;
        }
        let (base, source) = match &self.base {
            Some(base) if context.is_freebsd => {
                let found = Found::ask(context.look, vm, all)?;
                let meant = chosen(vm, &found, &base.wanted)?;
                refuse_lacking(&sources, &meant)?;
                refuse_temporary(context, vm, &meant)?;
                let name = meant.taken.name.clone();
                let is_by_label = base.is_by_label || meant.is_by_label;
                let question = is_by_label.then(|| by_label(volume, &name));
                (name, Source::Snapshot(question))
            }
            Some(base) => {
                let name = wire::needed("snapshot", base.wanted.name())?;
                (name.clone(), Source::Snapshot(None))
            }
            None => {
                let mut found = Vec::new();
                if context.is_freebsd {
                    let sources: Vec<&Dataset> = sources.iter().map(|one| &one.volume).collect();
                    found = lists_of(context.look, vm, &sources)?;
                }
                let stopped = stopped(context, vm, rivals)?;
                let first = found.first();
                let question = first.and_then(|found| self.label(vm, volume, found));
                (
                    base_name(&self.stamp, &found)?,
                    Source::Now(question, Box::new(stopped)),
                )
            }
        };
        let mut notes: Vec<String> = disks_beside(vm, &numbers(&sources)).into_iter().collect();
        let mut last = Plan::default();
        if let Some(uefi) = vm.uefi() {
            for store in &self.stores {
                last.append(stores::copied(context, uefi, store)?);
            }
            let is_old = self.base.is_some() && !last.forms.is_empty();
            notes.extend(is_old.then(|| {
                format!(
                    "a snapshot has no UEFI variables: those of {} are copied as they are now",
                    vm.name
                )
            }));
        }
        for Target { volume, .. } in &self.targets {
            last.push(zvol::wait(context.devices(), volume));
        }
        if context.is_freebsd {
            notes.extend(unreserved(context, vm, &sources, &self.targets)?);
        }
        let marks = Marks {
            host: context.process.host(),
            taken: self.stamp.as_str().trim_start_matches('_'),
        };
        let mut plan = plan(&sources, &base, source, &self.targets, &marks);
        plan.append(last);
        Ok(Planned {
            plan,
            notes,
            ..Planned::default()
        })
    }
}

/// A note about each volume for which the pool reserves space, which it does not for a clone.
fn unreserved(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    sources: &[DiskVolume],
    targets: &[Target],
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for DiskVolume { number, volume } in sources {
        let question = zfs::volume::sizes(volume).works_for(vm);
        let sizes = Sizes::parse(&survey::answer(context.look, &question)?);
        if let Some(sizes) = sizes.filter(|sizes| sizes.refreservation > 0) {
            let clones = targets.iter().filter(|target| target.number == *number);
            let clones: Vec<String> = clones.map(|target| target.volume.to_string()).collect();
            let clones = clones.join(" ");
            notes.push(format!(
                "the pool reserves {} for {volume}, and nothing for its clone: the guest gets errors when the pool is full; to reserve all, as root: zfs set refreservation=auto {clones}",
                short(sizes.refreservation)
            ));
        }
    }
    Ok(notes)
}

fn refuse_existing(context: &mut PlanContext<'_>, targets: &[Target]) -> Result<()> {
    let parents = targets.iter().filter_map(|target| target.volume.parent());
    for parent in parents.collect::<BTreeSet<Dataset>>() {
        let children = survey::answer(context.look, &zfs::children(&parent))?;
        let children: BTreeSet<&str> = children.lines().collect();
        let mut targets = targets.iter().map(|target| &target.volume);
        if let Some(target) = targets.find(|target| children.contains(target.as_str())) {
            return Err(Error::host(format!("{target} already exists"))
                .help("choose another name; nothing was cloned"));
        }
    }
    Ok(())
}

/// `_YYYYMMDDHHMM-clone_base`, with the suffix `_2`, `_3` and so on if that name is in use.
fn base_name(stamp: &Stamp, found: &[zfs::Volume]) -> Result<SnapName> {
    let base = format!("{}-{CLONE_BASE}", stamp.as_str());
    let all = || found.iter().flat_map(|one| &one.snapshots);
    let is_taken = |name: &str| all().any(|one| one.name.as_str() == name);
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
    /// The disks as they are now, in a snapshot that does not exist yet: the question about a new name, if
    /// any, and the guard that checks that no process of the VM runs.
    Now(Option<Guard>, Box<Guard>),
    /// A snapshot, and the question about its label, if any.
    Snapshot(Option<Guard>),
}

/// What is recorded of a clone, as user properties: besides its origin, which changes when a clone is
/// promoted, the host and the local time.
struct Marks<'a> {
    host: &'a str,
    /// `YYYYMMDDHHMM`.
    taken: &'a str,
}

/// The plan that makes each of `targets` a clone of its source, at the snapshot `base`; if one fails, all
/// are undone.
///
/// Differs: `clone` checks every new name first and takes all back if one fails
fn plan(
    sources: &[DiskVolume],
    base: &SnapName,
    source: Source,
    targets: &[Target],
    marks: &Marks<'_>,
) -> Plan {
    let mut plan = Plan::default();
    match source {
        Source::Now(question, stopped) => {
            plan.forms.extend(question.map(Form::from));
            plan.push(*stopped);
            let snapshots = sources.iter().map(|source| source.volume.snapshot(base));
            let snapshots: Vec<Snapshot> = snapshots.collect();
            plan.push(group::snapshot(&snapshots, &numbers(sources)));
            for snapshot in &snapshots {
                let destroy = gone::mark(&snapshot.dataset, &Mark::Snapshot(base.clone()));
                plan.push(Undo::by(destroy, When::Failure, snapshot));
            }
        }
        Source::Snapshot(question) => plan.forms.extend(question.map(Form::from)),
    }
    for Target { number, volume } in targets {
        let mut sources = sources.iter();
        let Some(source) = sources.find(|source| source.number == *number) else {
            continue;
        };
        let base = source.volume.snapshot(base);
        plan.push(zfs::clone(&base, volume, marks.host, marks.taken));
        plan.push(Undo::by(gone::volume(volume), When::Failure, volume));
    }
    plan
}
