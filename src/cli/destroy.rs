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
use crate::model::name::VmName;
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context};
use crate::operation::destroy::{Destroy, is_below, is_own_store};
use crate::operation::refuse::refuse_protected;
use crate::report::counted;
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
    let gone = fates.iter().filter(|one| one.why.is_none());
    let job = Destroy {
        disks: gone.clone().filter_map(|one| one.number).collect(),
        has_store: gone.clone().any(|one| one.number.is_none()),
        below: place(config).map_err(here)?,
        force: args.force,
        otherwise: context.spelling.command(format_args!(
            "destroy {name} -f{}",
            if args.disks { " --disks" } else { "" }
        )),
    };
    let kept: Vec<String> = fates.iter().filter_map(Fate::kept).collect();
    let mut notes = lines(config, name, &edits);
    notes.extend(about_links(&links));
    notes.extend(kept);
    let done = format!(
        "destroyed {name}: {} and {} are removed",
        counted(edits.len(), "setting"),
        counted(links.len(), "link")
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
        counted(links.len(), "link"),
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

/// What becomes of a disk, or of the store of UEFI variables.
struct Fate<'vm> {
    /// The number of the disk; none for the store.
    number: Option<u8>,
    path: &'vm Path,
    /// Why it stays; none for what is destroyed.
    why: Option<String>,
}

impl Fate<'_> {
    /// The note about what stays.
    fn kept(&self) -> Option<String> {
        let (why, path) = (self.why.as_ref()?, vis::shown(&self.path));
        Some(match self.number {
            Some(number) => format!("hd{number} stays, because {why}: {path}"),
            None => format!("the store of UEFI variables stays, because {why}: {path}"),
        })
    }
}

/// What becomes of the disks and of the store.
fn fates<'vm>(
    context: &mut Context<'_>,
    vm: &'vm Vm,
    args: &DestroyArgs,
) -> Result<Vec<Fate<'vm>>> {
    let place = place(context.config)?;
    let others = if args.disks {
        files_of_others(context, &vm.name)?
    } else {
        Vec::new()
    };
    let devices = &context.process.devices;
    let disks = vm.disks.iter().map(|disk| {
        let volume = disk.volume(devices);
        let is_below = place.as_ref().is_some_and(|place| is_below(&volume, place));
        (Some(disk.number), disk.path.as_path(), is_below)
    });
    let store = vm.uefi().map(|uefi| {
        let is_own = is_own_store(vm, uefi, place.as_ref());
        (None, uefi.vars.as_path(), is_own)
    });
    let all: Vec<_> = disks.chain(store).collect();
    let mut fates = Vec::new();
    for (number, path, is_below) in all {
        let why = if !args.disks {
            Some("--disks is not given".to_owned())
        } else if !is_below {
            Some("it is not directly below volroot".to_owned())
        } else {
            let what = number.map_or("a file", |_| "a disk");
            let other = sharer(context, path, &others)?;
            other.map(|(other, is_sure)| {
                let may_be = if is_sure { "is" } else { "may be" };
                format!("it {may_be} {what} of {other}, too")
            })
        };
        fates.push(Fate { number, path, why });
    }
    Ok(fates)
}

/// The disks and the stores of all other VMs of the configuration.
///
/// # Errors
/// If those of one are unknown.
fn files_of_others(context: &Context<'_>, vm: &VmName) -> Result<Vec<(VmName, PathBuf)>> {
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
            let files = other.own_files();
            found.extend(files.map(|path| (other.name.clone(), path.to_owned())));
        }
    }
    Ok(found)
}

/// Another VM with this disk or store: by its path, or by device and inode; and whether that is sure.
///
/// # Errors
/// If a disk cannot be looked at.
fn sharer(
    context: &mut Context<'_>,
    path: &Path,
    others: &[(VmName, PathBuf)],
) -> Result<Option<(VmName, bool)>> {
    if let Some((name, _)) = others.iter().find(|(_, other)| other == path) {
        return Ok(Some((name.clone(), true)));
    }
    let Some(own) = about(context, path)? else {
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
