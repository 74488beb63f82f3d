//! The disks that are destroyed, with what depends on them.

use crate::error::{Error, Result};
use crate::host::identity::{Entry, EntryKind};
use crate::model::Vm;
use crate::model::device::Disk;
use crate::model::name::{Dataset, SnapName, Snapshot, VmName};
use crate::model::size::{exact, short};
use crate::operation::gone;
use crate::operation::plan_context::PlanContext;
use crate::operation::refuse::{list_of, lists_of};
use crate::operation::snapshot::is_base;
use crate::plan::{NoReturn, Plan};
use crate::report::counted;
use crate::survey;
use crate::tools::file;
use crate::tools::zfs::volume::Sizes;
use crate::tools::zfs::{self, Mark};
use crate::verb::Verb;
use crate::{quote, vis};
use std::path::PathBuf;

/// A disk that is destroyed.
pub(super) enum Thing {
    /// A volume, its size, from which snapshot it was cloned, its snapshots with what each alone uses, its
    /// bookmarks, and what was cloned from its snapshots; sizes are in bytes.
    Volume {
        name: Dataset,
        sizes: Option<Sizes>,
        origin: Option<Snapshot>,
        snapshots: Vec<(SnapName, u64)>,
        bookmarks: Vec<SnapName>,
        clones: Vec<String>,
    },
    /// An image file, and its size in bytes.
    File(PathBuf, Option<u64>),
}

/// A volume with all that depends on it; none if it does not exist.
///
/// # Errors
/// If a snapshot is held.
pub(super) fn volume_of(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    name: Dataset,
) -> Result<Option<Thing>> {
    let Some(parent) = name.parent() else {
        return Err(Error::config(format!("{name} is a pool, not a volume")));
    };
    let children = survey::answer(context.look, &zfs::children(&parent))?;
    if !children.lines().any(|child| child == name.as_str()) {
        return Ok(None);
    }
    let found = lists_of(context.look, vm, &[&name])?.pop();
    let found = found.unwrap_or_default();
    if let Some(held) = found.snapshots.iter().find(|one| one.holds > 0) {
        let held = quote::shown(format!("{name}@{}", held.name));
        return Err(Error::host(format!("{held} is held")).help(format!(
            "list the holds (zfs holds {held}), then as root: zfs release TAG {held}"
        )));
    }
    let sizes = survey::answer(context.look, &zfs::volume::sizes(&name))?;
    let snapshots = found.snapshots.iter();
    let bookmarks = found.bookmarks.into_iter();
    Ok(Some(Thing::Volume {
        sizes: Sizes::parse(&sizes),
        origin: found.origin,
        snapshots: snapshots.map(|one| (one.name.clone(), one.used)).collect(),
        bookmarks: bookmarks.map(|one| one.name).collect(),
        clones: found
            .snapshots
            .iter()
            .flat_map(|one| one.clones.iter().cloned())
            .collect(),
        name,
    }))
}

/// An image file; none if it does not exist.
///
/// # Errors
/// If it is anything else than a regular file.
pub(super) fn file_of(
    context: &mut PlanContext<'_>,
    disk: &Disk,
    path: PathBuf,
) -> Result<Option<Thing>> {
    let no_file = |what: &str| {
        Error::state(format!(
            "{} is {what}, and is not destroyed",
            vis::shown(&path)
        ))
        .at(disk.origin)
        .help("destroy the VM without --disks")
    };
    match context.look.entry(&path) {
        Ok(Some(Entry {
            kind: EntryKind::File,
            size,
            ..
        })) => Ok(Some(Thing::File(path, Some(size)))),
        Ok(Some(other)) => Err(no_file(&other.kind.to_string())),
        Ok(None) => Ok(None),
        Err(error) => Err(no_file("closed").note(error.to_string()).hidden()),
    }
}

/// The things of a VM in an order in which each volume follows those that were cloned from it.
///
/// # Errors
/// If other volumes were cloned from one; the error names them.
pub(super) fn in_order(vm: &Vm, things: Vec<Thing>) -> Result<Vec<Thing>> {
    let (mut left, mut order): (Vec<Thing>, Vec<Thing>) = (things, Vec::new());
    let is_free = |thing: &Thing, order: &[Thing]| match thing {
        Thing::File(..) => true,
        Thing::Volume { clones, .. } => clones.iter().all(|clone| {
            let mut before = order.iter();
            before.any(|one| matches!(one, Thing::Volume { name, .. } if name.as_str() == clone))
        }),
    };
    while let Some(at) = left.iter().position(|thing| is_free(thing, &order)) {
        order.push(left.remove(at));
    }
    match left.first() {
        Some(Thing::Volume { name, clones, .. }) => Err(Error::host(format!(
            "volumes were cloned from {name}: {}",
            clones.join(", ")
        ))
        .note("nothing was destroyed")
        .help("first destroy the VMs that use them")
        .help(format!(
            "or make one of them independent: {}; a volume of no VM, as root: zfs promote {}",
            vm.spelling
                .of(Verb::Promote, owner_of(clones.first().map(String::as_str))),
            clones.first().map_or("CLONE", String::as_str)
        ))
        .help("or keep the disks: without --disks")),
        _ => Ok(order),
    }
}

/// The VM that a volume is named after, `VM` or `VM-N`.
fn owner_of(volume: Option<&str>) -> &str {
    let name = volume.and_then(|volume| volume.rsplit('/').next());
    let vm = name.and_then(|name| name.split('-').next());
    vm.filter(|vm| VmName::parse(vm).is_ok()).unwrap_or("VM")
}

/// A note about each snapshot that `clone` took for one of these volumes, and that no other clone needs: it
/// stays.
///
/// # Errors
/// If ZFS cannot list the volume of such a snapshot.
pub(super) fn bases(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    things: &[Thing],
) -> Result<Vec<String>> {
    let goes = |volume: &str| {
        let mut things = things.iter();
        things.any(|thing| matches!(thing, Thing::Volume { name, .. } if name.as_str() == volume))
    };
    let mut notes = Vec::new();
    for thing in things {
        let Thing::Volume {
            name,
            origin: Some(origin),
            ..
        } = thing
        else {
            continue;
        };
        if !is_base(&origin.name) || goes(origin.dataset.as_str()) {
            continue;
        }
        let found = list_of(context.look, vm, &origin.dataset)?;
        let mut snapshots = found.snapshots.iter();
        let base = snapshots.find(|one| one.name == origin.name);
        if base.is_some_and(|base| base.clones.iter().all(|clone| goes(clone))) {
            let owner = owner_of(Some(origin.dataset.as_str()));
            notes.push(format!(
                "{origin}, from which {name} was cloned, stays, and has no other clones; to destroy it: {} --delete {}",
                vm.spelling.of(Verb::Snapshot, owner),
                origin.name
            ));
        }
    }
    Ok(notes)
}

impl Thing {
    /// What it is, and what goes with it, one line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.what()];
        if let Self::Volume {
            name,
            snapshots,
            bookmarks,
            ..
        } = self
        {
            lines.extend(snapshots.iter().map(|(snapshot, used)| {
                format!(
                    "the snapshot {name}@{snapshot}, which alone uses {}",
                    short(*used)
                )
            }));
            let bookmarks = bookmarks.iter();
            lines.extend(bookmarks.map(|bookmark| format!("the bookmark {name}#{bookmark}")));
        }
        lines
    }

    /// What it is: `the volume zroot/vm/web of 20G`.
    fn what(&self) -> String {
        let (what, size) = match self {
            Self::File(path, size) => (format!("the file {}", vis::shown(path)), *size),
            Self::Volume { name, sizes, .. } => {
                let size = sizes.map(|sizes| sizes.volsize);
                (format!("the volume {name}"), size)
            }
        };
        let size = size.map(|size| format!(" of {}", exact(size)));
        format!("{what}{}", size.unwrap_or_default())
    }

    /// That it goes, on one line: `the volume zroot/vm/web of 20G goes, with 2 snapshots`.
    pub(super) fn goes(&self) -> String {
        let snapshots = match self {
            Self::Volume { snapshots, .. } => snapshots.len(),
            Self::File(..) => 0,
        };
        let with = (snapshots > 0).then(|| format!(", with {}", counted(snapshots, "snapshot")));
        format!("{} goes{}", self.what(), with.unwrap_or_default())
    }

    /// Adds its destruction, with what is destroyed then in `gone`. The snapshots are destroyed by their names:
    /// one that was made meanwhile stays, and stops the command.
    pub(super) fn destroy(&self, plan: &mut Plan, gone: &mut Vec<String>) {
        match self {
            Self::File(path, _) => {
                plan.push(file::remove(path));
                gone.push(vis::shown(path).to_string());
            }
            Self::Volume {
                name,
                snapshots,
                bookmarks,
                ..
            } => {
                for bookmark in bookmarks {
                    plan.push(gone::mark(name, &Mark::Bookmark(bookmark.clone())));
                }
                let names: Vec<SnapName> = snapshots.iter().map(|(one, _)| one.clone()).collect();
                let mut number = 0;
                for some in names.chunks(gone::AT_ONCE) {
                    plan.push(gone::snapshots(name, some));
                    number += some.len();
                    let of = format!("{number} of {} snapshots of {name}", names.len());
                    plan.push(done(&[gone.as_slice(), &[of]].concat()));
                }
                plan.push(gone::volume(name));
                gone.push(name.to_string());
            }
        }
        plan.push(done(gone));
    }
}

/// The point after which this is destroyed.
pub(super) fn done(gone: &[String]) -> NoReturn {
    NoReturn {
        done: format!("destroyed {}", gone.join(", ")),
    }
}
