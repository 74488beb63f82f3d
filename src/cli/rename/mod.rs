//! `easy-bhyve rename`: gives a VM another name: its lines, its disks, its log, its links.

pub(super) mod former;
mod identity;
mod links;
mod shared;

use super::edit::{self, Edited, refused};
use super::invocation::options::RenameArgs;
use super::locate::Refused;
use crate::config::edit::{Edit, standing, variable};
use crate::config::settings::Need;
use crate::config::{Config, owned, resolve};
use crate::error::{Error, Result};
use crate::model::device::Disk;
use crate::model::name::VmName;
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context, rivals};
use crate::operation::rename::{Rename, moved};
use crate::plan::Plan;
use crate::survey::Traces;
use crate::verb::Verb;
use crate::vis;
use identity::Identity;
use links::Links;
use shared::Moved;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The plan that renames the VM: the lines first, undone if the disks cannot be renamed; the links last.
///
/// # Errors
/// If there is no such VM, the new name is in use, or another variable uses the settings of the VM.
pub(super) fn rename(context: &mut Context<'_>, args: &RenameArgs) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    context.need_host(args.dry_run).map_err(here)?;
    let vm = context.vm_for(&args.vm, Need::Disks).map_err(here)?;
    let new = free_name(context, &vm, &args.new).map_err(here)?;
    let (old, name) = (vm.name.as_str(), new.as_str());
    let by_hand = |place| here(edit::by_hand(old, place));
    let sets = owned::assignments(config, old).map_err(by_hand)?;
    let mut edits = owned::renaming(config, &sets, old, name).map_err(by_hand)?;
    let renamed = edits.iter().map(|edit| edit.name.clone());
    let names: BTreeSet<String> = renamed
        .chain(sets.iter().map(|set| set.name.to_owned()))
        .collect();
    let disks = disks(context, &vm, &new);
    edits.extend(disks.iter().flat_map(|one| one.edits.clone()));
    let renamed = edit::edited(context, &edits)?;
    edit::refuse_dependent(config, &renamed, old, &names)?;
    refuse_changed(config, &renamed, &vm, &new, &disks)?;
    let identity = Identity::of(context, &vm, &new).map_err(here)?;
    let (renamed, edits) = if args.keep {
        identity.kept(context, renamed, edits)?
    } else {
        (renamed, edits)
    };
    let links = Links::of(context, old, &new).map_err(here)?;
    let mut before = Plan::default();
    if !args.keep && !args.force {
        before = identity.question(context);
    }
    before.append(edit::plan(context, &edits)?);
    let store = store(context, &renamed, &vm, &new).map_err(here)?;
    let moved = files(&vm, &new, &disks, store.as_deref());
    let mut changes = shared::refuse(context, &vm, &moved).map_err(here)?;
    changes.extend(disks.iter().filter_map(|one| one.note.clone()));
    changes.extend(identity.notes(args.keep));
    if let (None, Some(uefi)) = (&store, vm.uefi()) {
        let path = vis::shown(&uefi.vars);
        changes.push(format!(
            "the UEFI variables stay in the file that is set: {path}"
        ));
    }
    let numbers = disks.iter().filter(|one| one.is_moved);
    let job = Rename {
        new: new.clone(),
        disks: numbers.map(|one| one.number).collect(),
        store,
    };
    let rivals = rivals(context, &vm).map_err(here)?;
    let done = format!(
        "{old} is {name} now; next: {}",
        context.spelling.of(Verb::Boot, name)
    );
    let mut asked = context.asked(vm, job, args.dry_run).with_rivals(rivals);
    asked = Asked {
        before,
        after: links.plan(),
        changes,
        done: Some(done),
        ..asked
    };
    Ok(Edited {
        outcome: asked.into(),
        config: renamed,
    })
}

/// The new name, if nothing has it.
fn free_name(context: &mut Context<'_>, vm: &Vm, name: &str) -> Result<VmName> {
    let new = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
    if new == vm.name {
        return Err(Error::usage(format!("{new} is its name already")));
    }
    if let Some(set) = owned::waiting(context.config, new.as_str()) {
        return Err(Error::state(format!("{} is already set", set.name))
            .at(set.name_span)
            .help("choose another name, or remove these lines"));
    }
    if context.is_freebsd {
        let (at, look) = context.asking();
        if Traces::ask(look, &at)?.has(new.as_str()) {
            return Err(Error::state(format!(
                "a VM {new}, which is not in the configuration, runs or has left something"
            ))
            .help(format!("see: {}", context.spelling.command("status"))));
        }
    }
    Ok(new)
}

/// The path of the store of UEFI variables under the new name, if it differs.
fn store(
    context: &Context<'_>,
    renamed: &Config,
    vm: &Vm,
    new: &VmName,
) -> Result<Option<PathBuf>> {
    let Some(was) = vm.uefi() else {
        return Ok(None);
    };
    let wanted = context.wanted(Need::Disks);
    let vm = resolve::vm(renamed, new.as_str(), &wanted)?;
    let is = vm.uefi().filter(|is| is.vars != was.vars);
    match is.map(|is| is.vars.clone()) {
        Some(path) if path.to_str().is_none() => {
            Err(Error::config(format!("{} is not UTF-8", vis::shown(&path))))
        }
        path => Ok(path),
    }
}

/// The files that get another path: disks, and the store of UEFI variables.
fn files(vm: &Vm, new: &VmName, disks: &[Fate], store: Option<&Path>) -> Vec<Moved> {
    let is_moved = |disk: &&Disk| {
        let mut fates = disks.iter().filter(|fate| fate.is_moved);
        fates.any(|fate| fate.number == disk.number)
    };
    let disks = vm.disks.iter().filter(is_moved).filter_map(|disk| {
        let from = disk.path.clone();
        match moved(&Volume::File(from.clone()), &vm.name, new)? {
            Volume::File(to) => Some(Moved { from, to }),
            Volume::Zfs(_) => None,
        }
    });
    let store = vm.uefi().zip(store).map(|(uefi, to)| Moved {
        from: uefi.vars.clone(),
        to: to.to_owned(),
    });
    disks.chain(store).collect()
}

/// What becomes of a disk.
struct Fate {
    number: u8,
    is_moved: bool,
    /// The changes of the settings that name it.
    edits: Vec<Edit>,
    note: Option<String>,
}

/// What becomes of each disk: one with the name of the VM is renamed, if the settings that name it can be
/// edited.
fn disks(context: &Context<'_>, vm: &Vm, new: &VmName) -> Vec<Fate> {
    let of = |disk: &Disk| {
        let volume = disk.volume(&context.process.devices);
        let number = disk.number;
        let stays = |why: &str| Fate {
            number,
            is_moved: false,
            edits: Vec::new(),
            note: Some(format!(
                "hd{number} keeps its name, because {why}: {}",
                vis::shown(&disk.path)
            )),
        };
        let is_device =
            matches!(&volume, Volume::File(path) if path.starts_with(&context.process.devices));
        let Some(to) = moved(&volume, &vm.name, new).filter(|_| !is_device) else {
            return stays("it has not the name of the VM");
        };
        match value_edits(context.config, vm, new, disk, &volume, &to) {
            Some(edits) => Fate {
                number,
                is_moved: true,
                edits,
                note: None,
            },
            None => stays("its setting is not written out"),
        }
    };
    vm.disks.iter().map(of).collect()
}

/// The edits of the settings that name a disk: the last component of each changes. None if one does not
/// end with that component.
fn value_edits(
    config: &Config,
    vm: &Vm,
    new: &VmName,
    disk: &Disk,
    from: &Volume,
    to: &Volume,
) -> Option<Vec<Edit>> {
    let last = |volume: &Volume| -> Option<String> {
        match volume {
            Volume::Zfs(dataset) => dataset
                .as_str()
                .rsplit_once('/')
                .map(|(_, name)| name.to_owned()),
            Volume::File(path) => path.file_name()?.to_str().map(str::to_owned),
        }
    };
    let (from, to) = (last(from)?, last(to)?);
    let mut keys = vec![format!("hd{}", disk.number)];
    if disk.number == 0 {
        keys.push("zvol".to_owned());
    }
    let mut edits = Vec::new();
    for key in keys {
        let sets = standing(config, Some(vm.name.as_str()), &key);
        for set in sets.into_iter().filter(|set| !set.value.is_empty()) {
            let written = config.sources().text(set.value_span);
            let unquoted = written
                .strip_suffix(b"\"")
                .or_else(|| written.strip_suffix(b"'"));
            let end = unquoted.unwrap_or(written);
            let start = end.strip_suffix(from.as_bytes())?;
            if !start.ends_with(b"/") {
                return None;
            }
            let mut span = set.value_span;
            span.end = span.start.checked_add(u32::try_from(end.len()).ok()?)?;
            span.start = span.start.checked_add(u32::try_from(start.len()).ok()?)?;
            edits.push(Edit {
                span,
                text: to.clone().into_bytes(),
                name: variable(Some(new.as_str()), &key),
            });
        }
    }
    Some(edits)
}

/// Refuses a renamed VM whose settings are not those of the VM: a value uses another setting of the VM.
fn refuse_changed(
    old: &Config,
    renamed: &Config,
    vm: &Vm,
    new: &VmName,
    disks: &[Fate],
) -> Result<(), Box<Refused>> {
    let edited: BTreeSet<&str> = disks
        .iter()
        .flat_map(|one| &one.edits)
        .map(|edit| edit.name.as_str())
        .collect();
    let now = renamed.keys_of(new.as_str()).keys;
    let was = old.keys_of(vm.name.as_str()).keys;
    let pairs = was.iter().zip(&now);
    let mut changed = pairs.filter(|(was, now)| {
        was.spelling != now.spelling
            || was.set.value != now.set.value && !edited.contains(now.set.name)
    });
    let (was, _) = match changed.next() {
        Some(pair) => pair,
        None if was.len() == now.len() => return Ok(()),
        None => {
            return Err(refused(
                Error::config(format!("{new} would not have all settings of {}", vm.name)),
                Some(old.clone()),
            ));
        }
    };
    let error = Error::config(format!(
        "{} uses another setting of {}, and would change",
        was.set.name, vm.name
    ))
    .at(was.set.name_span)
    .help("first write its value itself");
    Err(edit::unwritten(error, Some(old.clone())))
}
