//! From the typed words of `clone` to its request, and the settings of the new VMs.

use super::lines::{NewVm, Taken, of_new};
use super::{Args, MakeClones, Target};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::loader::Uefi;
use crate::model::name::{Dataset, SnapName, VmName};
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context, rivals};
use crate::operation::label;
use crate::operation::refuse::{lists_of, volume};
use crate::operation::snapshot::Stamp;
use crate::operation::taken::{DiskVolume, own_snapshot, volumes};
use crate::tools::zfs;
use crate::verb::Verb;
use crate::vis;

/// A request to clone, and the new VMs that are not configured yet.
pub(crate) struct Cloning {
    /// The request.
    pub(crate) asked: Asked,
    /// The new VMs, with the settings that fit the clones.
    pub(crate) new: Vec<NewVm>,
}

impl Args {
    /// The request, and the settings of the new VMs.
    ///
    /// # Errors
    /// If the VM has no volume, a name is wrong, or the host cannot be queried.
    pub(crate) fn ask(self, context: &mut Context<'_>, vm: Vm) -> Result<Cloning> {
        let volume = volume(&vm, Verb::Clone)?;
        context.need_host(self.dry_run)?;
        // Differs: `clone` takes `@NAME`, `_NAME` and `VOLUME@NAME`
        let (base, names) = match self.words.split_first() {
            Some((first, rest)) if first.starts_with('_') || first.contains('@') => {
                (Some(own_snapshot(&vm, volume, first)?), rest)
            }
            _ => (None, self.words.as_slice()),
        };
        let sources = sources(context, &vm, base.as_ref())?;
        let names = parsed(names)?;
        let mut targets = Vec::new();
        let mut stores = Vec::new();
        let mut new = Vec::new();
        let mut taken = None;
        for name in &names {
            let own = targets_of(context, volume, &sources, name)?;
            if context.config.is_vm(name.as_str()) {
                let named = context.vm_for(name.as_str(), Need::Disks)?;
                stores.extend(named.uefi().map(|uefi| uefi.vars.clone()));
            } else {
                if taken.is_none() {
                    taken = Some(Taken::new(context, self.add)?);
                }
                if let Some(taken) = &mut taken {
                    let made = of_new(context.config, &vm, name, &own, context.process, taken);
                    new.push(made?);
                }
                let uefi = vm.uefi().map(|_| Uefi::in_own_directory(name));
                stores.extend(uefi.map(|uefi| uefi.vars));
            }
            targets.extend(own);
        }
        if let Some(path) = stores.iter().find(|path| path.to_str().is_none()) {
            return Err(Error::config(format!("{} is not UTF-8", vis::shown(path))));
        }
        let first = names.first().filter(|_| names.len() > 1);
        let job = MakeClones {
            may_be_label: base.is_none()
                && first.is_some_and(|name| !context.config.is_vm(name.as_str())),
            base,
            stamp: Stamp::of(context.process.clock.now()),
            targets,
            stores,
        };
        let notes = new.iter().flat_map(|one| one.notes.clone()).collect();
        let (rivals, done) = (rivals(context, &vm)?, done(context, &names, &new, self.add));
        let asked = Asked {
            done: Some(done),
            notes,
            ..context.asked(vm, job, self.dry_run).with_rivals(rivals)
        };
        Ok(Cloning { asked, new })
    }
}

fn parsed(names: &[String]) -> Result<Vec<VmName>> {
    let parse = |name: &String| VmName::parse(name);
    let names: Result<_, _> = names.iter().map(parse).collect();
    names.map_err(|error| Error::usage(error.to_string()))
}

/// The volumes of the VM that are cloned, by the numbers of its disks: all, or those that have the
/// snapshot.
fn sources(context: &mut Context<'_>, vm: &Vm, base: Option<&SnapName>) -> Result<Vec<DiskVolume>> {
    let sources = volumes(vm, &context.process.devices, Verb::Clone)?;
    let Some(base) = base.filter(|_| context.is_freebsd && sources.len() > 1) else {
        return Ok(sources);
    };
    let all: Vec<&Dataset> = sources.iter().map(|one| &one.volume).collect();
    let found = lists_of(context.look, vm, &all)?;
    let (Some(first), Some(of_first)) = (all.first(), found.first()) else {
        return Ok(sources);
    };
    let name = label::choose(first, base, of_first)?.name;
    let has = |found: &zfs::Volume| found.snapshots.iter().any(|one| one.name == name);
    let having = sources.into_iter().zip(&found);
    Ok(having
        .filter_map(|(one, found)| has(found).then_some(one))
        .collect())
}

/// The volumes of a new VM, by the numbers of its disks: as configured, else below `volroot`, else in the
/// dataset of the cloned volume. A further disk `N` is `NAME-N` beside the first, or in another pool
/// beside the disk that is cloned.
fn targets_of(
    context: &Context<'_>,
    volume: &Dataset,
    sources: &[DiskVolume],
    name: &VmName,
) -> Result<Vec<Target>> {
    if context.config.is_vm(name.as_str()) {
        let vm = context.vm_for(name.as_str(), Need::Disks)?;
        if let Volume::File(path) = &vm.volume {
            return Err(Error::state(format!(
                "the disk of {name} is {}, not a ZFS volume",
                vis::shown(path)
            )));
        }
        let own = volumes(&vm, &context.process.devices, Verb::Clone)?.into_iter();
        let is_cloned = |own: &DiskVolume| sources.iter().any(|one| one.number == own.number);
        return Ok(own
            .filter(is_cloned)
            .map(|DiskVolume { number, volume }| Target { number, volume })
            .collect());
    }
    let child = |parent: &Dataset, name: &str| {
        let child = parent.child(name);
        child.map_err(|error| Error::usage(error.to_string()))
    };
    let no_parent = |volume: &Dataset| Error::host(format!("{volume} has no parent dataset"));
    let root = resolve::volume_root(context.config)?
        .or_else(|| volume.parent())
        .ok_or_else(|| no_parent(volume))?;
    let mut targets = Vec::new();
    for DiskVolume { number, volume } in sources {
        let target = if *number == 0 {
            child(&root, name.as_str())?
        } else {
            let beside = volume.parent().filter(|_| volume.pool() != root.pool());
            child(
                beside.as_ref().unwrap_or(&root),
                &format!("{name}-{number}"),
            )?
        };
        targets.push(Target {
            number: *number,
            volume: target,
        });
    }
    Ok(targets)
}

/// The message after the clones were made, with the lines of the new VMs, to paste.
///
/// Differs: `clone` says which lines to add to the configuration, and names disks that were not
/// cloned
fn done(context: &Context<'_>, names: &[VmName], new: &[NewVm], add: bool) -> String {
    let names: Vec<&str> = names.iter().map(VmName::as_str).collect();
    let cloned = format!("cloned to {}", names.join(", "));
    if new.is_empty() || add {
        return cloned;
    }
    let lines: Vec<String> = new.iter().flat_map(NewVm::lines).collect();
    format!(
        "{cloned}; to define the VMs, add to {}:\n{}",
        vis::shown(context.config.main_file()),
        lines.join("\n")
    )
}
