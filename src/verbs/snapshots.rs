//! `snapshot`, `rollback` and `clone`.

use super::{
    Context, Outcome, Planned, json, other_disks, refuse_rival, rivals, volume, wants_json,
};
use crate::error::{Error, Result};
use crate::invocation::options::{CloneArgs, RollbackArgs, SnapshotArgs};
use crate::locate;
use crate::model::name::{Dataset, SnapName, VmName};
use crate::model::{Loader, Vm, Volume, resolve};
use crate::plan::clone::{self, Base};
use crate::plan::rollback::{self, Consent, Node};
use crate::plan::snapshot;
use crate::suggest;
use crate::survey::{self, Nodes, Processes};
use crate::tools::bhyve;
use crate::tools::zfs::{self, Mark};
use crate::verb::Verb;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn snapshot(context: &mut Context<'_>, vm: &Vm, args: &SnapshotArgs) -> Result<Outcome> {
    let volume = volume(vm, Verb::Snapshot)?;
    context.need_host(args.dry_run.into())?;
    let dry_run = args.dry_run.into();
    if args.words.is_empty() {
        if wants_json(args.dry_run.format, args.dry_run.dry_run) {
            return json(&list(context, volume)?.snapshots).map(Outcome::Text);
        }
        return Ok(Outcome::Plan(Planned {
            plan: snapshot::show(volume),
            dry_run,
            ..Planned::default()
        }));
    }
    let name = snapshot::name(context.process.clock.now(), &args.words)?;
    let target = volume.snapshot(&name);
    let mut notes: Vec<String> = other_disks(vm).into_iter().collect();
    if context.is_answered && Nodes::ask(context.look, &context.process.devices)?.has(&vm.name) {
        notes.push(format!(
            "if {} is running, the snapshot is what a power cut would leave",
            vm.name
        ));
    }
    Ok(Outcome::Plan(Planned {
        plan: snapshot::take(&target),
        dry_run,
        notes,
        done: Some(format!("took {target}")),
        ..Planned::default()
    }))
}

pub(super) fn rollback(context: &mut Context<'_>, vm: &Vm, args: &RollbackArgs) -> Result<Outcome> {
    let volume = volume(vm, Verb::Rollback)?;
    context.need_host(args.dry_run)?;
    let wanted = args
        .snapshot
        .as_deref()
        .map(|text| own_snapshot(vm, volume, text))
        .transpose()?;
    let (target, newer) = if context.is_answered {
        choose(vm, volume, wanted, &list(context, volume)?)?
    } else {
        let target = wanted.ok_or_else(|| {
            Error::host("the newest snapshot is not known: this is not FreeBSD")
                .help("name one for the preview")
        })?;
        (target, Vec::new())
    };
    let node_path = bhyve::node(&context.process.devices, &vm.name);
    let node = stopped(context, vm, &node_path)?;
    let consent = if args.force {
        Consent::Given
    } else {
        Consent::Ask
    };
    let target = volume.snapshot(&target);
    Ok(Outcome::Plan(Planned {
        plan: rollback::plan(vm, &target, &newer, consent, node),
        dry_run: args.dry_run,
        notes: other_disks(vm).into_iter().collect(),
        done: Some(format!("rolled back to {target}")),
        ..Planned::default()
    }))
}

/// The snapshot to roll back to, and the newer snapshots and bookmarks that go with it.
fn choose(
    vm: &Vm,
    volume: &Dataset,
    wanted: Option<SnapName>,
    found: &zfs::Volume,
) -> Result<(SnapName, Vec<Mark>)> {
    let Some(newest) = found.snapshots.last() else {
        return Err(Error::host(format!("{volume} has no snapshot"))
            .help(format!("take one: {} WORD", vm.command(Verb::Snapshot))));
    };
    let target = wanted.unwrap_or_else(|| newest.name.clone());
    // Differs: `rollback` looks for the snapshot by its exact name
    let Some(position) = found.snapshots.iter().position(|one| one.name == target) else {
        return Err(no_such_snapshot(volume, &target, found));
    };
    let newer = found.snapshots.get(position + 1..).unwrap_or_default();
    for one in newer {
        if one.holds > 0 {
            return Err(Error::host(format!(
                "{volume}@{} is newer than @{target} and is held",
                one.name
            ))
            .help(format!(
                "a rollback would destroy it; see who holds it (zfs holds {volume}@{}), then as root: zfs release TAG {volume}@{}",
                one.name, one.name
            )));
        }
        if !one.clones.is_empty() {
            return Err(Error::host(format!(
                "{volume}@{} is newer than @{target} and has clones: {}",
                one.name,
                one.clones.join(", ")
            ))
            .help("a rollback would destroy them; make them independent first, as root: zfs promote CLONE"));
        }
    }
    let reached = found.snapshots.get(position).map_or(0, |one| one.createtxg);
    let snapshots = newer
        .iter()
        .map(|one| (one.createtxg, Mark::Snapshot(one.name.clone())));
    let bookmarks = found
        .bookmarks
        .iter()
        .filter(|(_, createtxg)| *createtxg > reached)
        .map(|(name, createtxg)| (*createtxg, Mark::Bookmark(name.clone())));
    let mut marks: Vec<(u64, Mark)> = snapshots.chain(bookmarks).collect();
    marks.sort_by_key(|(createtxg, _)| *createtxg);
    Ok((target, marks.into_iter().map(|(_, mark)| mark).collect()))
}

fn no_such_snapshot(volume: &Dataset, target: &SnapName, found: &zfs::Volume) -> Error {
    let names = suggest::nearest_first(
        target.as_str(),
        found.snapshots.iter().map(|one| one.name.as_str()),
    );
    let error = Error::host(format!("{volume} has no snapshot @{target}"));
    match names.split_first() {
        None => error.note("it has none at all"),
        Some((nearest, _)) => {
            let shown: Vec<String> = names
                .iter()
                .take(10)
                .map(|name| format!("@{name}"))
                .collect();
            error
                .note(format!("snapshots: {}", shown.join(" ")))
                .help(format!("do you mean @{nearest}?"))
        }
    }
}

/// `NAME`, `@NAME`, or `VOLUME@NAME` of this VM's volume.
fn own_snapshot(vm: &Vm, volume: &Dataset, text: &str) -> Result<SnapName> {
    let name = match text.split_once('@') {
        None => text,
        Some(("", name)) => name,
        Some((dataset, name)) if dataset == volume.as_str() => name,
        Some((dataset, _)) => {
            return Err(Error::usage(format!(
                "{dataset} is not the volume of {}, which is {volume}",
                vm.name
            )));
        }
    };
    SnapName::parse(name).map_err(|error| Error::usage(error.to_string()))
}

pub(super) fn clone(context: &mut Context<'_>, vm: &Vm, args: &CloneArgs) -> Result<Outcome> {
    let volume = volume(vm, Verb::Clone)?;
    context.need_host(args.dry_run)?;
    // Differs: `clone` takes `@NAME`, `_NAME` and `VOLUME@NAME`
    let (wanted, names) = match args.words.split_first() {
        Some((first, rest)) if first.starts_with('_') || first.contains('@') => {
            (Some(own_snapshot(vm, volume, first)?), rest)
        }
        _ => (None, args.words.as_slice()),
    };
    if names.is_empty() {
        return Err(Error::usage("no new VM is named")
            .help(format!("for example: {} new0", vm.command(Verb::Clone))));
    }
    let targets = targets(context, vm, volume, names)?;
    let found = if context.is_answered {
        list(context, volume)?
    } else {
        zfs::Volume::default()
    };
    let node_path = bhyve::node(&context.process.devices, &vm.name);
    let base = if let Some(name) = wanted {
        if context.is_answered && !found.snapshots.iter().any(|one| one.name == name) {
            return Err(no_such_snapshot(volume, &name, &found));
        }
        Base::Existing(volume.snapshot(&name))
    } else {
        let node = stopped(context, vm, &node_path)?;
        Base::Now(volume.snapshot(&base_name(context, &found)?), node)
    };
    Ok(Outcome::Plan(Planned {
        plan: clone::plan(vm, &base, &targets),
        dry_run: args.dry_run,
        notes: other_disks(vm).into_iter().collect(),
        done: Some(next_step(context, vm, names)),
        ..Planned::default()
    }))
}

/// The volumes of the new VMs: as configured, or beside the one that is cloned.
///
/// Differs: `clone` makes volumes with `volmode=dev`, where the new VM's configuration wants them
fn targets(
    context: &mut Context<'_>,
    vm: &Vm,
    volume: &Dataset,
    names: &[String],
) -> Result<Vec<Dataset>> {
    let mut targets: Vec<Dataset> = Vec::new();
    for name in names {
        let name = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
        let target = if context.config.is_vm(name.as_str()) {
            match resolve::vm(
                context.config,
                name.as_str(),
                context.spelling,
                &context.process.devices,
            )?
            .volume
            {
                Volume::Zfs(dataset) => dataset,
                Volume::File(path) => {
                    return Err(Error::state(format!(
                        "the disk of {name} is {}, not a ZFS volume",
                        path.display()
                    )));
                }
            }
        } else {
            resolve::volume_root(context.config)?
                .or_else(|| volume.parent())
                .ok_or_else(|| Error::host(format!("{volume} has no dataset above it")))?
                .child(name.as_str())
                .map_err(|error| Error::usage(error.to_string()))?
        };
        if target.pool() != volume.pool() {
            return Err(Error::host(format!(
                "{target} is in another pool than {volume}: ZFS clones within one"
            )));
        }
        if target == *volume {
            return Err(Error::usage(format!(
                "{target} is the volume of {} itself",
                vm.name
            )));
        }
        if targets.contains(&target) {
            return Err(Error::usage(format!("{target} is named twice")));
        }
        targets.push(target);
    }
    if context.is_answered {
        refuse_existing(context, &targets)?;
    }
    Ok(targets)
}

fn refuse_existing(context: &mut Context<'_>, targets: &[Dataset]) -> Result<()> {
    let parents: BTreeSet<Dataset> = targets.iter().filter_map(Dataset::parent).collect();
    for parent in parents {
        let children = survey::answer(context.look, &zfs::children(&parent))?;
        if let Some(target) = targets
            .iter()
            .find(|target| children.lines().any(|name| name == target.as_str()))
        {
            return Err(Error::host(format!("{target} exists already"))
                .help("name another VM; nothing was cloned"));
        }
    }
    Ok(())
}

/// `_YYYYMMDDHHMM-clone_base`, with a number behind it from the second in the same minute on.
fn base_name(context: &Context<'_>, found: &zfs::Volume) -> Result<SnapName> {
    let base = format!(
        "{}-clone_base",
        snapshot::stamp(context.process.clock.now())
    );
    let is_taken = |name: &str| found.snapshots.iter().any(|one| one.name.as_str() == name);
    let mut free = base.clone();
    let mut number = 1_u32;
    while is_taken(&free) {
        number += 1;
        free = format!("{base}_{number}");
    }
    SnapName::parse(&free).map_err(|error| Error::host(error.to_string()))
}

/// What to type so that the new disks become VMs.
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
    let ids = resolve::free_ids(context.config)
        .zip(&missing)
        .map(|(id, name)| match vm.loader {
            Loader::Bhyveload => format!("{name}_id={id} {name}_freebsd=YES"),
            Loader::Grub(_) => format!("{name}_id={id}"),
        });
    format!(
        "cloned to {}; to make VMs of them add to {}: {}",
        names.join(", "),
        locate::main_file(context.config).display(),
        ids.collect::<Vec<_>>().join(" ")
    )
}

fn list(context: &mut Context<'_>, volume: &Dataset) -> Result<zfs::Volume> {
    Ok(zfs::parse_list(
        volume,
        &survey::answer(context.look, &zfs::list(volume))?,
    ))
}

/// Refuses where the VM, or another with its disk, runs; tells what is known of its node otherwise.
fn stopped<'path>(context: &mut Context<'_>, vm: &Vm, node: &'path Path) -> Result<Node<'path>> {
    if !context.is_answered {
        return Ok(Node::Absent(node));
    }
    let rivals = rivals(context, vm)?;
    let (at, look) = context.asking();
    let nodes = Nodes::ask(look, at.devices)?;
    if nodes.has(&vm.name) || !rivals.is_empty() {
        let processes = Processes::ask(look, &at, &nodes)?;
        survey::refuse_busy_state(vm, processes.state(vm.name.as_str(), &nodes))?;
        for rival in &rivals {
            refuse_rival(vm, rival, processes.state(rival.as_str(), &nodes))?;
        }
    }
    Ok(if nodes.has(&vm.name) {
        Node::LeftOver
    } else {
        Node::Absent(node)
    })
}
