//! `easy-bhyve destroy`: removes a VM: its lines, its links, its log, and if asked its disks.

use super::edit::{self, Edited, refused};
use super::invocation::options::DestroyArgs;
use super::locate::Refused;
use super::setup::{self, OwnLink};
use crate::config::edit::Edit;
use crate::config::resolve::{self, Wanted};
use crate::config::settings::Need;
use crate::config::{Config, owned};
use crate::error::{Error, Result};
use crate::host::identity::{About, Identity};
use crate::model::device::Disk;
use crate::model::name::VmName;
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context};
use crate::operation::destroy::{Destroy, is_below};
use crate::operation::refuse::refuse_protected;
use crate::vis;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The plan that destroys the VM. The root side goes first, then the links, and last the lines: until
/// then the same command finishes what a failure has left.
///
/// # Errors
/// If there is no such VM, it is protected, another variable uses its settings, or with `--disks` the
/// disks of another VM are unknown.
pub(super) fn destroy(
    context: &mut Context<'_>,
    args: &DestroyArgs,
) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    context.need_host(args.dry_run).map_err(here)?;
    let vm = context.vm_for(&args.vm, Need::Disks).map_err(here)?;
    refuse_protected(&vm).map_err(here)?;
    let name = vm.name.as_str();
    let edits = owned::removal(config, name).map_err(|place| here(edit::by_hand(name, place)))?;
    let less = edit::edited(context, &edits)?;
    let names: BTreeSet<String> = edits.iter().map(|edit| edit.name.clone()).collect();
    edit::refuse_dependent(config, &less, name, &names)?;
    let links = setup::links_of(context, name).map_err(here)?;
    let fates = fates(context, &vm, args).map_err(here)?;
    let mut after = setup::without(&links);
    after.append(edit::alone(edit::plan(context, &edits)?));
    let job = Destroy {
        disks: fates
            .iter()
            .filter_map(|(disk, why)| why.is_none().then_some(disk.number))
            .collect(),
        below: place(config).map_err(here)?,
        force: args.force,
        otherwise: context.spelling.command(format_args!(
            "destroy {name} -f{}",
            if args.disks { " --disks" } else { "" }
        )),
    };
    let kept = fates.iter().filter_map(|(disk, why)| {
        let why = why.as_ref()?;
        let path = vis::shown(&disk.path);
        Some(format!("hd{} stays, because {why}: {path}", disk.number))
    });
    let kept: Vec<String> = kept.collect();
    let mut notes = lines(config, name, &edits);
    notes.extend(about_links(&links));
    notes.extend(kept);
    let done = format!(
        "destroyed {name}: {} and {} are removed",
        count(edits.len(), "setting"),
        count(links.len(), "link")
    );
    Ok(Edited {
        outcome: Asked {
            after,
            notes,
            done: Some(done),
            ..context.asked(vm, job, args.dry_run)
        }
        .into(),
        config: config.clone(),
    })
}

fn count(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// The assignments that are removed, each with its place.
fn lines(config: &Config, vm: &str, edits: &[Edit]) -> Vec<String> {
    let sets = owned::assignments(config, vm).unwrap_or_default();
    debug_assert_eq!(sets.len(), edits.len(), "an edit for each assignment");
    let line = |set: &crate::config::Assignment<'_>| {
        let place = config.place(set.name_span);
        let written = vis::bytes(config.sources().text(set.value_span));
        format!("{place}: {}={written} goes", set.name)
    };
    sets.iter().map(line).collect()
}

fn about_links(links: &[OwnLink]) -> Option<String> {
    let directory = links.first()?.path.parent()?;
    let verbs: Vec<&str> = links.iter().map(|link| link.verb.as_str()).collect();
    Some(format!(
        "{} in {} go: {}",
        count(links.len(), "link"),
        vis::shown(directory),
        verbs.join(" ")
    ))
}

/// Where disks may be destroyed: directly below `volroot`.
fn place(config: &Config) -> Result<Option<Volume>> {
    if let Some(dataset) = resolve::volume_root(config)? {
        return Ok(Some(Volume::Zfs(dataset)));
    }
    let directory = resolve::image_directory(config);
    let is_text = directory.is_absolute() && directory.to_str().is_some();
    Ok(is_text.then_some(Volume::File(directory)))
}

/// The disks, each with the reason why it stays; none for a disk that is destroyed.
fn fates<'vm>(
    context: &mut Context<'_>,
    vm: &'vm Vm,
    args: &DestroyArgs,
) -> Result<Vec<(&'vm Disk, Option<String>)>> {
    let place = place(context.config)?;
    let others = if args.disks {
        disks_of_others(context, &vm.name)?
    } else {
        Vec::new()
    };
    let mut fates = Vec::new();
    for disk in &vm.disks {
        let volume = disk.volume(&context.process.devices);
        let why = if !args.disks {
            Some("--disks is not given".to_owned())
        } else if !place.as_ref().is_some_and(|place| is_below(&volume, place)) {
            Some("it is not directly below volroot".to_owned())
        } else {
            let other = sharer(context, disk, &others)?;
            other.map(|(other, is_sure)| {
                let may_be = if is_sure { "is" } else { "may be" };
                format!("it {may_be} a disk of {other}, too")
            })
        };
        fates.push((disk, why));
    }
    Ok(fates)
}

/// The disks of all other VMs of the configuration.
///
/// # Errors
/// If the disks of one are unknown.
fn disks_of_others(context: &Context<'_>, vm: &VmName) -> Result<Vec<(VmName, PathBuf)>> {
    let devices = &context.process.devices;
    let wanted = Wanted::new(Need::Disks, context.spelling.clone(), devices);
    let mut found = Vec::new();
    for other in resolve::all(context.config, wanted)? {
        let other = other.map_err(|error| {
            error
                .note("no disk is destroyed while the disks of another VM are unknown")
                .help("correct this setting, or destroy the VM without --disks")
        })?;
        if other.name != *vm {
            let disks = other.disks.into_iter();
            found.extend(disks.map(|disk| (other.name.clone(), disk.path)));
        }
    }
    Ok(found)
}

/// Another VM with this disk: by its path, or by device and inode; and whether that is sure.
///
/// # Errors
/// If a disk cannot be looked at.
fn sharer(
    context: &mut Context<'_>,
    disk: &Disk,
    others: &[(VmName, PathBuf)],
) -> Result<Option<(VmName, bool)>> {
    if let Some((name, _)) = others.iter().find(|(_, path)| *path == disk.path) {
        return Ok(Some((name.clone(), true)));
    }
    let Some(own) = about(context, &disk.path)? else {
        return Ok(None);
    };
    for (name, path) in others {
        let Some(other) = about(context, path)? else {
            continue;
        };
        if other.identity == own.identity {
            return Ok(Some((name.clone(), true)));
        }
        let is_file = |about: &About| matches!(about.identity, Identity::File(..));
        if (own.is_unsure || other.is_unsure) && is_file(&own) && is_file(&other) {
            return Ok(Some((name.clone(), false)));
        }
    }
    Ok(None)
}

/// The identity of a disk; none if it does not exist.
fn about(context: &mut Context<'_>, path: &Path) -> Result<Option<About>> {
    match context.look.about(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Error::host(format!(
            "could not determine whether VMs share {}: {error}",
            vis::shown(path)
        ))
        .help("repeat the command as root, or without --disks")),
        // Nothing can share what does not exist.
        Err(_) => Ok(None),
    }
}
