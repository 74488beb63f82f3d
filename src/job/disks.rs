//! What concerns disks: `resources -V`, `snapshot`, `rollback`, `clone`.

use super::ground::Ground;
use super::places::{There, dangling, look_for};
use super::plan::{Planned, refuse_rival};
use crate::error::{Error, Result};
use crate::model::name::{Dataset, SnapName, VmName};
use crate::model::size::DiskSize;
use crate::model::{Vm, Volume};
use crate::plan::clone::{self, Base};
use crate::plan::disk::{self, Allocation};
use crate::plan::rollback::{self, Consent, Node};
use crate::plan::snapshot;
use crate::quote;
use crate::suggest;
use crate::survey::{self, Processes, Traces};
use crate::tools::zfs::{self, Mark};
use crate::tools::{bhyve, file};
use crate::verb::Verb;
use std::collections::BTreeSet;
use std::path::Path;

/// The plan for the first disk, after a look at what is there.
pub(super) fn make(
    ground: &mut Ground<'_>,
    vm: &Vm,
    size: &DiskSize,
    allocation: Allocation,
) -> Result<Planned> {
    let Some(first) = vm.disks.first() else {
        return Ok(Planned::default());
    };
    if matches!(&vm.volume, Volume::File(path) if path.starts_with(ground.devices())) {
        return Err(Error::state(format!(
            "{} is a device: it cannot be made",
            first.path.display()
        ))
        .at(first.origin));
    }
    let mut notes = Vec::new();
    if ground.is_answered {
        match look_for(ground, &first.path)? {
            There::Nothing | There::Hidden => {}
            There::Something => {
                return Err(Error::from(&disk::exists(&first.path)).at(first.origin));
            }
            There::Dangling(target) => {
                return Err(dangling("disk", &first.path, &target)
                    .at(first.origin)
                    .help(format!(
                        "remove the link, or set {}_hd0 to where the disk is to be",
                        vm.name
                    )));
            }
        }
        match &vm.volume {
            Volume::Zfs(dataset) => refuse_dataset(ground, vm, dataset)?,
            Volume::File(path) => {
                refuse_directory(ground, path, vm)?;
                notes = unfinished(ground, path);
            }
        }
    }
    Ok(Planned {
        plan: disk::plan(vm, &first.path, size, allocation, &ground.process.token),
        notes,
        ..Planned::default()
    })
}

/// Refuses where the parent is missing, or the volume is there without a device node.
fn refuse_dataset(ground: &mut Ground<'_>, vm: &Vm, dataset: &Dataset) -> Result<()> {
    let origin = vm.disks.first().and_then(|disk| disk.origin);
    let Some(parent) = dataset.parent() else {
        return Err(Error::config(format!("{dataset} is a pool, not a volume in one")).at(origin));
    };
    match survey::try_answer(ground.look, &zfs::children(&parent))? {
        Ok(names) if names.lines().any(|name| name == dataset.as_str()) => Err(Error::host(
            format!("dataset {dataset} exists already, without a device node"),
        )
        .at(origin)
        .help(format!(
            "look at its type and volmode: zfs get type,volmode {}",
            quote::shown(dataset)
        ))),
        Ok(_) => Ok(()),
        Err(error) => {
            let mut missing =
                Error::host(format!("ZFS dataset {parent} cannot hold the disk")).at(origin);
            missing.notes = error.notes;
            Err(missing.help(format!(
                "create it as root: zfs create -o mountpoint=none {}",
                quote::shown(&parent)
            )))
        }
    }
}

fn refuse_directory(ground: &mut Ground<'_>, path: &Path, vm: &Vm) -> Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    let origin = vm.disks.first().and_then(|disk| disk.origin);
    match look_for(ground, parent)? {
        There::Something if is_everybodys(ground, parent) => {
            return Err(Error::host(format!(
                "everybody may rename what is in {}, also a disk that root is making there",
                parent.display()
            ))
            .at(origin)
            .help(format!(
                "take that away: chmod o-w {}",
                quote::shown(parent)
            )));
        }
        There::Something | There::Hidden => return Ok(()),
        _ => {}
    }
    Err(
        Error::host(format!("directory {} does not exist", parent.display()))
            .at(origin)
            .help(format!("create it as root: mkdir {}", quote::shown(parent))),
    )
}

/// What of a file at this path lies beside it, made by others who have not finished.
fn unfinished(ground: &mut Ground<'_>, path: &Path) -> Vec<String> {
    let parent = path.parent().unwrap_or(path);
    let names = ground.look.names_in(parent).unwrap_or_default();
    let others = names.iter().filter(|name| file::is_workshop(name, path));
    let left = others.map(|name| parent.join(name)).map(|left| {
        format!(
            "{} is left of a disk that was not finished, unless another run is making it; \
             remove it as root: rm -r {}",
            left.display(),
            quote::shown(&left)
        )
    });
    left.collect()
}

/// Whether everybody may rename what is in a directory.
fn is_everybodys(ground: &mut Ground<'_>, directory: &Path) -> bool {
    let about = ground.look.about(directory);
    about.is_ok_and(|about| about.is_everybodys)
}

/// The VM's volume, for a verb that needs one.
pub(crate) fn volume(vm: &Vm, verb: Verb) -> Result<&Dataset> {
    match &vm.volume {
        Volume::Zfs(dataset) => Ok(dataset),
        Volume::File(path) => Err(Error::state(format!(
            "{verb} needs a ZFS volume, and the disk of {} is {}",
            vm.name,
            path.display()
        ))
        .at(vm.disks.first().and_then(|disk| disk.origin))
        .help("a volume is made where volroot names a ZFS dataset, for example volroot=zroot/vm")),
    }
}

/// The plan that takes a snapshot.
pub(super) fn snapshot(ground: &mut Ground<'_>, vm: &Vm, name: &SnapName) -> Result<Planned> {
    let target = volume(vm, Verb::Snapshot)?.snapshot(name);
    let mut notes: Vec<String> = other_disks(vm).into_iter().collect();
    if ground.is_answered
        && Traces::ask(ground.look, &ground.process.surroundings())?.has_node(&vm.name)
    {
        notes.push(format!(
            "if {} is running, the snapshot is what a power cut would leave",
            vm.name
        ));
    }
    Ok(Planned {
        plan: snapshot::take(&target),
        notes,
        done: Some(format!("took {target}")),
    })
}

/// The plan that rolls back.
pub(super) fn rollback(
    ground: &mut Ground<'_>,
    vm: &Vm,
    rivals: &[VmName],
    wanted: Option<&SnapName>,
    consent: Consent,
) -> Result<Planned> {
    let volume = volume(vm, Verb::Rollback)?;
    let (target, newer) = if ground.is_answered {
        let found = list(ground, volume)?;
        choose(vm, volume, wanted.cloned(), &found)?
    } else {
        let target = wanted.cloned().ok_or_else(|| {
            Error::host("the newest snapshot is not known: this is not FreeBSD")
                .help("name one for the preview")
        })?;
        (target, Vec::new())
    };
    let node_path = bhyve::node(ground.devices(), &vm.name);
    let node = stopped(ground, vm, rivals, &node_path)?;
    let target = volume.snapshot(&target);
    Ok(Planned {
        plan: rollback::plan(vm, &target, &newer, consent, node),
        notes: other_disks(vm).into_iter().collect(),
        done: Some(format!("rolled back to {target}")),
    })
}

/// The plan that clones; `base` is the snapshot, or else the time by which a new one is named.
///
/// Differs: `clone` makes volumes with `volmode=dev`, where the new VM's configuration wants them
pub(super) fn clone(
    ground: &mut Ground<'_>,
    vm: &Vm,
    rivals: &[VmName],
    (wanted, stamp): (Option<&SnapName>, &str),
    targets: &[Dataset],
) -> Result<Planned> {
    let volume = volume(vm, Verb::Clone)?;
    if ground.is_answered {
        refuse_existing(ground, targets)?;
    }
    let found = if ground.is_answered {
        list(ground, volume)?
    } else {
        zfs::Volume::default()
    };
    let node_path = bhyve::node(ground.devices(), &vm.name);
    let base = if let Some(name) = wanted {
        if ground.is_answered && !found.snapshots.iter().any(|one| one.name == *name) {
            return Err(no_such_snapshot(volume, name, &found));
        }
        Base::Existing(volume.snapshot(name))
    } else {
        let node = stopped(ground, vm, rivals, &node_path)?;
        Base::Now(volume.snapshot(&base_name(stamp, &found)?), node)
    };
    Ok(Planned {
        plan: clone::plan(vm, &base, targets),
        notes: other_disks(vm).into_iter().collect(),
        done: None,
    })
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
                "a rollback would destroy it; see who holds it (zfs holds {0}), then as root: zfs release TAG {0}",
                quote::shown(format!("{volume}@{}", one.name))
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

fn refuse_existing(ground: &mut Ground<'_>, targets: &[Dataset]) -> Result<()> {
    let parents: BTreeSet<Dataset> = targets.iter().filter_map(Dataset::parent).collect();
    for parent in parents {
        let children = survey::answer(ground.look, &zfs::children(&parent))?;
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
fn base_name(stamp: &str, found: &zfs::Volume) -> Result<SnapName> {
    let base = format!("{stamp}-clone_base");
    let is_taken = |name: &str| found.snapshots.iter().any(|one| one.name.as_str() == name);
    let mut free = base.clone();
    let mut number = 1_u32;
    while is_taken(&free) {
        number += 1;
        free = format!("{base}_{number}");
    }
    SnapName::parse(&free).map_err(|error| Error::host(error.to_string()))
}

fn list(ground: &mut Ground<'_>, volume: &Dataset) -> Result<zfs::Volume> {
    Ok(zfs::parse_list(
        volume,
        &survey::answer(ground.look, &zfs::list(volume))?,
    ))
}

/// Refuses where the VM, or another with its disk, runs; tells what is known of its node otherwise.
fn stopped<'path>(
    ground: &mut Ground<'_>,
    vm: &Vm,
    rivals: &[VmName],
    node: &'path Path,
) -> Result<Node<'path>> {
    if !ground.is_answered {
        return Ok(Node::Absent(node));
    }
    let (at, look) = ground.asking();
    let traces = Traces::ask(look, &at)?;
    if traces.has(vm.name.as_str()) || !rivals.is_empty() {
        let processes = Processes::ask(look, &at, &traces)?;
        survey::refuse_busy_state(vm, processes.state(vm.name.as_str(), &traces))?;
        for rival in rivals {
            refuse_rival(vm, rival, processes.state(rival.as_str(), &traces))?;
        }
    }
    Ok(if traces.has_node(&vm.name) {
        Node::LeftOver
    } else {
        Node::Absent(node)
    })
}

/// A line about the disks that a ZFS verb leaves alone.
fn other_disks(vm: &Vm) -> Option<String> {
    let others: Vec<String> = vm
        .disks
        .iter()
        .skip(1)
        .map(|disk| format!("hd{} ({})", disk.number, disk.path.display()))
        .collect();
    (!others.is_empty()).then(|| format!("only hd0 is concerned, not {}", others.join(", ")))
}
