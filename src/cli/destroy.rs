//! `easy-bhyve destroy`: removes a VM: its lines, its links, its log, and if asked its disks.

use super::edit::{self, Edited, refused};
use super::invocation::options::DestroyArgs;
use super::locate::Refused;
use super::setup::{self, OwnLink};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::config::{Assignment, Config, owned};
use crate::error::Result;
use crate::model::{Vm, Volume};
use crate::operation::context::{Asked, Context};
use crate::operation::destroy::{Destroy, is_below, is_own_store};
use crate::operation::others::{Same, of_others, sharer};
use crate::operation::refuse::refuse_protected;
use crate::report::counted;
use crate::vis;
use std::collections::BTreeSet;
use std::path::Path;

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
    let sets = owned::assignments(config, name);
    let sets = sets.map_err(|place| here(edit::by_hand(name, place)))?;
    let edits = owned::removal(config, &sets);
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
    let mut changes = lines(config, &sets);
    changes.extend(about_links(&links));
    changes.extend(fates.iter().filter_map(Fate::kept));
    let done = format!(
        "destroyed {name}: {} and {} are removed",
        counted(sets.len(), "setting"),
        counted(links.len(), "link")
    );
    Ok(Edited {
        outcome: Asked {
            after,
            changes,
            done: Some(done),
            ..context.asked(vm, job, args.dry_run)
        }
        .into(),
        config: config.clone(),
    })
}

/// The assignments that are removed, each with its place.
fn lines(config: &Config, sets: &[Assignment<'_>]) -> Vec<String> {
    let line = |set: &Assignment<'_>| {
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
        let others = of_others(context.config, context.wanted(Need::Disks), &vm.name);
        others.map_err(|error| {
            error
                .note("no disk is destroyed while the disks of another VM are unknown")
                .help("correct this setting, or destroy the VM without --disks")
        })?
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
            let found = sharer(context.look, path, &others);
            let found = found
                .map_err(|error| error.help("repeat the command as root, or without --disks"))?;
            found.map(|(other, same)| {
                let may_be = if same == Same::Unsure { "may be" } else { "is" };
                format!("it {may_be} {}, too", other.is())
            })
        };
        fates.push(Fate { number, path, why });
    }
    Ok(fates)
}
