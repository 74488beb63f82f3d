//! From the typed words of `clone` to its request, and the settings of the new VMs.

use super::base::{Base, chosen};
use super::lines::{NewVm, Taken, of_new};
use super::{Args, MakeClones, Target};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::loader::Uefi;
use crate::model::name::{Dataset, VmName};
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context, rivals};
use crate::operation::refuse::volume;
use crate::operation::snapshot::Stamp;
use crate::operation::taken::{DiskVolume, Found, volumes};
use crate::operation::wanted::Wanted;
use crate::plan::{Form, Plan};
use crate::verb::Verb;
use crate::vis;

/// A request to clone, and its VMs.
pub(crate) struct Cloning {
    /// The request.
    pub(crate) asked: Asked,
    /// The names of all VMs that get the clones.
    pub(crate) names: Vec<VmName>,
    /// Those without lines, with the settings that fit the clones.
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
                (Some(first.as_str()), rest)
            }
            _ => (None, self.words.as_slice()),
        };
        let (base, sources) = sources(context, &vm, base, self.add)?;
        let names = parsed(names)?;
        let is_preview = self.dry_run.is_text();
        let mut targets = Vec::new();
        let mut stores = Vec::new();
        let mut new = Vec::new();
        let mut taken = None;
        for name in &names {
            let own = targets_of(context, volume, &sources, name)?;
            if context.config.is_vm(name.as_str()) {
                let configured = context.vm_for(name.as_str(), Need::Disks)?;
                stores.extend(configured.uefi().map(|uefi| uefi.vars.clone()));
            } else {
                if taken.is_none() {
                    taken = Some(Taken::new(context, self.add)?);
                }
                if let Some(taken) = &mut taken {
                    let made = of_new(context.config, &vm, name, &own, context.process, taken);
                    let made = made?;
                    new.push(if is_preview {
                        made.without_uuid()
                    } else {
                        made
                    });
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
        let mut job = MakeClones {
            may_be_label: base.is_none()
                && first.is_some_and(|name| !context.config.is_vm(name.as_str())),
            base,
            stamp: Stamp::of(context.process.clock.now()),
            targets,
            stores,
        };
        // The caller writes the lines of the new VMs before the request.
        let question = if self.add && context.is_freebsd {
            job.asked_first(context.look, &vm, volume, &sources)?
        } else {
            None
        };
        let shows_lines = self.dry_run.dry_run && !self.add;
        let lines = to_add(context, &new).filter(|_| shows_lines);
        let notes = new.iter().flat_map(|one| one.notes.clone());
        let changes = notes.chain(lines).collect();
        let (rivals, done) = (rivals(context, &vm)?, done(context, &names, &new, self.add));
        let asked = Asked {
            done: Some(done),
            changes,
            before: Plan::new(question.map(Form::from).into_iter().collect()),
            ..context.asked(vm, job, self.dry_run).with_rivals(rivals)
        };
        Ok(Cloning { asked, names, new })
    }
}

fn parsed(names: &[String]) -> Result<Vec<VmName>> {
    let parse = |name: &String| VmName::parse(name);
    let names: Result<_, _> = names.iter().map(parse).collect();
    names.map_err(|error| Error::usage(error.to_string()))
}

/// The snapshot, and the volumes of the VM that are cloned, by the numbers of its disks: all, or those of
/// the snapshot.
///
/// If there are several disks, or the VM is to be written (`add`), ZFS is asked for the snapshot; the root
/// side then gets its whole name.
fn sources(
    context: &mut Context<'_>,
    vm: &Vm,
    typed: Option<&str>,
    add: bool,
) -> Result<(Option<Base>, Vec<DiskVolume>)> {
    let mut sources = volumes(vm, &context.process.devices, Verb::Clone)?;
    let Some(typed) = typed else {
        return Ok((None, sources));
    };
    let wanted = Wanted::typed(vm, &sources, Some(typed), &[])?;
    if !context.is_freebsd || (sources.len() < 2 && !add) {
        let base = Base {
            wanted,
            is_by_label: false,
        };
        return Ok((Some(base), sources));
    }
    let found = Found::ask(context.look, vm, sources.clone())?;
    let meant = chosen(vm, &found, &wanted)?;
    let there = meant.taken.there();
    sources.retain(|source| there.has(source.number));
    let base = Base {
        wanted: wanted.named(meant.taken.name.clone()),
        is_by_label: meant.is_by_label,
    };
    Ok((Some(base), sources))
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
    match to_add(context, new).filter(|_| !add) {
        Some(lines) => format!("{cloned}; {lines}"),
        None => cloned,
    }
}

/// The lines of the new VMs, to paste; none if all are configured.
fn to_add(context: &Context<'_>, new: &[NewVm]) -> Option<String> {
    let lines: Vec<String> = new.iter().flat_map(NewVm::lines).collect();
    (!new.is_empty()).then(|| {
        format!(
            "to define the VMs, add to {}:\n{}",
            vis::shown(context.config.main_file()),
            lines.join("\n")
        )
    })
}
