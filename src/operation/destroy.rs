//! `destroy`: what a VM has outside of its user's files: its log, its record, and if asked its disks.
//!
//! The lines of the configuration and the links are the caller's. They go last, so that the same command
//! finishes what a failure has left.

use super::free::{self, Extent};
use super::gone;
use super::plan_context::PlanContext;
use super::refuse::state::stopped;
use super::refuse::{list_of, refuse_protected};
use super::wire::{self, Options, Words};
use super::{Locks, Planned, Request, RootJob};
use crate::error::{Error, Result};
use crate::host::directory::{log_of, rotated, state_of};
use crate::host::identity::Identity;
use crate::model::device::{Disk, disk_number};
use crate::model::name::{Dataset, NameError};
use crate::model::size::{exact, short};
use crate::model::{Vm, Volume};
use crate::plan::{Guard, NoReturn, Plan, Refusal, Test};
use crate::survey::{self, Survey};
use crate::tools::file;
use crate::tools::zfs::volume::Sizes;
use crate::tools::zfs::{self, Mark};
use crate::{quote, vis};
use std::path::{Path, PathBuf};

/// Destroys what a VM has outside of its user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroy {
    /// The numbers of the disks that are destroyed.
    pub disks: Vec<u8>,
    /// Where these disks must be: directly below it.
    pub below: Option<Volume>,
    /// Whether no question is asked.
    pub force: bool,
    /// The whole command without the question.
    pub otherwise: String,
}

impl RootJob for Destroy {
    const VERB: &'static str = "destroy";
    const DOES: &'static str = "is being destroyed";
    const STAYS: Option<&'static str> = Some(
        "what was shown outside of the configuration is destroyed; repeat the command to finish",
    );

    fn locks(&self) -> Locks {
        Locks::VmAndDisks
    }

    fn write(&self, words: &mut Words) {
        for number in &self.disks {
            words.add("disk", &number.to_string());
        }
        match &self.below {
            None => {}
            Some(Volume::Zfs(dataset)) => words.add("below", dataset.as_str()),
            // Only a path that is text reaches this place.
            Some(Volume::File(path)) => words.add("below", path.to_str().unwrap_or_default()),
        }
        words.flag("force", self.force);
        words.add("otherwise", &self.otherwise);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let below = |text: &str| -> Result<Volume, NameError> {
            match Path::new(text) {
                path if path.is_absolute() => Ok(Volume::File(path.to_owned())),
                _ => Dataset::parse(text).map(Volume::Zfs),
            }
        };
        Ok(Self {
            disks: options.all("disk", disk_number)?,
            below: options.parsed("below", below)?,
            force: options.flag("force")?,
            otherwise: wire::needed("otherwise", options.one("otherwise")?)?.to_owned(),
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        refuse_protected(vm)?;
        let stopped = stopped(context, vm, &[])?;
        let mut things = Vec::new();
        for disk in vm
            .disks
            .iter()
            .filter(|disk| self.disks.contains(&disk.number))
        {
            things.extend(self.thing(context, vm, disk)?);
        }
        let things = in_order(things)?;
        let files = files(context, vm);
        let mut plan = Plan::default();
        if !self.force {
            plan.push(self.question(vm, &things, &files));
        }
        plan.push(stopped);
        if context.is_freebsd {
            let (at, look) = context.asking();
            let survey = Survey::for_freeing(look, &at, std::iter::once(vm))?;
            plan.append(free::plan(vm, &survey, Extent::Whole));
        }
        let mut gone = Vec::new();
        for thing in &things {
            thing.destroy(&mut plan, &mut gone);
        }
        if !files.is_empty() {
            for file in &files {
                plan.push(file::remove(file));
            }
            gone.push(format!("the log of {}", vm.name));
            plan.push(done(&gone));
        }
        Ok(Planned {
            plan,
            ..Planned::default()
        })
    }
}

/// The log and the record of a VM, as far as they exist.
fn files(context: &mut PlanContext<'_>, vm: &Vm) -> Vec<PathBuf> {
    let log = context.process.logs.join(log_of(&vm.name));
    let record = context.process.run.join(state_of(&vm.name));
    let is_freebsd = context.is_freebsd;
    let mut files = vec![rotated(&log), log, record];
    files.retain(|path| is_freebsd && context.look.exists(path).unwrap_or(false));
    files
}

/// A disk that is destroyed.
enum Thing {
    /// A volume, its size, its snapshots and bookmarks, and what was cloned from which snapshot.
    Volume {
        name: Dataset,
        sizes: Option<Sizes>,
        marks: Vec<(Mark, Option<u64>)>,
        clones: Vec<String>,
    },
    /// An image file, and its size in bytes.
    File(PathBuf, Option<u64>),
}

/// Whether a disk is directly below the place where disks are destroyed.
pub(crate) fn is_below(volume: &Volume, place: &Volume) -> bool {
    match (volume, place) {
        (Volume::Zfs(dataset), Volume::Zfs(root)) => dataset.parent().as_ref() == Some(root),
        (Volume::File(path), Volume::File(root)) => path.parent() == Some(root),
        _ => false,
    }
}

impl Destroy {
    /// What is to be destroyed of a disk; nothing if it is gone already.
    fn thing(&self, context: &mut PlanContext<'_>, vm: &Vm, disk: &Disk) -> Result<Option<Thing>> {
        let volume = disk.volume(context.devices());
        if !self
            .below
            .as_ref()
            .is_some_and(|place| is_below(&volume, place))
        {
            return Err(Error::state(format!(
                "{} is not directly below volroot, and is not destroyed",
                vis::shown(&disk.path)
            ))
            .at(disk.origin));
        }
        match volume {
            Volume::Zfs(name) if !context.is_freebsd => Ok(Some(Thing::Volume {
                name,
                sizes: None,
                marks: Vec::new(),
                clones: Vec::new(),
            })),
            Volume::Zfs(name) => volume_of(context, vm, name),
            Volume::File(path) if !context.is_freebsd => Ok(Some(Thing::File(path, None))),
            Volume::File(path) => file_of(context, disk, path),
        }
    }

    /// The question, below all that is destroyed.
    fn question(&self, vm: &Vm, things: &[Thing], files: &[PathBuf]) -> Guard {
        let mut lines: Vec<String> = things.iter().flat_map(Thing::lines).collect();
        lines.extend(
            files
                .iter()
                .map(|file| format!("the file {}", vis::shown(file))),
        );
        lines.push(format!("the lines and links of {}", vm.name));
        let lines = lines.iter().map(|line| format!("  {line}\n"));
        Guard {
            test: Test::Typed {
                question: format!(
                    "This will be destroyed:\n{}Type {} to destroy it:",
                    lines.collect::<String>(),
                    vm.name
                ),
                word: vm.name.to_string(),
                otherwise: format!("to destroy it without the question: {}", self.otherwise),
            },
            refusal: Refusal::host("nothing was destroyed"),
        }
    }
}

/// A volume with all that depends on it; none if it does not exist.
///
/// # Errors
/// If a snapshot is held.
fn volume_of(context: &mut PlanContext<'_>, vm: &Vm, name: Dataset) -> Result<Option<Thing>> {
    let Some(parent) = name.parent() else {
        return Err(Error::config(format!("{name} is a pool, not a volume")));
    };
    let children = survey::answer(context.look, &zfs::children(&parent))?;
    if !children.lines().any(|child| child == name.as_str()) {
        return Ok(None);
    }
    let found = list_of(context.look, vm, &name)?;
    if let Some(held) = found.snapshots.iter().find(|one| one.holds > 0) {
        let held = quote::shown(format!("{name}@{}", held.name));
        return Err(Error::host(format!("{held} is held")).help(format!(
            "list the holds (zfs holds {held}), then as root: zfs release TAG {held}"
        )));
    }
    let sizes = survey::answer(context.look, &zfs::volume::sizes(&name))?;
    let snapshots = found.snapshots.iter();
    let marks = snapshots
        .map(|one| (Mark::Snapshot(one.name.clone()), Some(one.used)))
        .chain(
            found
                .bookmarks
                .iter()
                .map(|(bookmark, _)| (Mark::Bookmark(bookmark.clone()), None)),
        );
    Ok(Some(Thing::Volume {
        sizes: Sizes::parse(&sizes),
        marks: marks.collect(),
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
/// If it is something else than a file.
fn file_of(context: &mut PlanContext<'_>, disk: &Disk, path: PathBuf) -> Result<Option<Thing>> {
    let no_file = |what: &str| {
        Error::state(format!(
            "{} is {what}, and is not destroyed",
            vis::shown(&path)
        ))
        .at(disk.origin)
        .help("destroy the VM without --disks")
    };
    if let Ok(Some(_)) = context.look.link_at(&path) {
        return Err(no_file("a symbolic link"));
    }
    match context.look.about(&path) {
        Ok(found) if matches!(found.identity, Identity::Device(_)) => Err(no_file("a device")),
        Ok(found) => Ok(Some(Thing::File(path, Some(found.size)))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(no_file("closed").note(error.to_string()).hidden()),
    }
}

/// The things in an order in which each volume follows those that were cloned from it.
///
/// # Errors
/// If other volumes were cloned from one; the error names them.
fn in_order(things: Vec<Thing>) -> Result<Vec<Thing>> {
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
        .help("first destroy the VMs that use them, or make one of them independent, as root: zfs promote CLONE")
        .help("or keep the disks: without --disks")),
        _ => Ok(order),
    }
}

impl Thing {
    /// What it is, and what goes with it, one line each.
    fn lines(&self) -> Vec<String> {
        match self {
            Self::File(path, size) => {
                let size = size.map_or(String::new(), |size| format!(" of {}", exact(size)));
                vec![format!("the file {}{size}", vis::shown(path))]
            }
            Self::Volume {
                name, sizes, marks, ..
            } => {
                let size = sizes.map_or(String::new(), |sizes| {
                    format!(" of {}", exact(sizes.volsize))
                });
                let mut lines = vec![format!("the volume {name}{size}")];
                lines.extend(marks.iter().map(|(mark, used)| match (mark, used) {
                    (Mark::Snapshot(_), Some(used)) => {
                        format!(
                            "the snapshot {name}{mark}, which alone uses {}",
                            short(*used)
                        )
                    }
                    (Mark::Snapshot(_), None) => format!("the snapshot {name}{mark}"),
                    (Mark::Bookmark(_), _) => format!("the bookmark {name}{mark}"),
                }));
                lines
            }
        }
    }

    /// Adds its destruction, with what is destroyed then in `gone`. Each snapshot is destroyed by its name:
    /// one that was made meanwhile stays, and stops the command.
    fn destroy(&self, plan: &mut Plan, gone: &mut Vec<String>) {
        match self {
            Self::File(path, _) => {
                plan.push(file::remove(path));
                gone.push(vis::shown(path).to_string());
            }
            Self::Volume { name, marks, .. } => {
                for (number, (mark, _)) in marks.iter().rev().enumerate() {
                    plan.push(gone::mark(name, mark));
                    let of = format!("{} of {} snapshots of {name}", number + 1, marks.len());
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
fn done(gone: &[String]) -> NoReturn {
    NoReturn {
        done: format!("destroyed {}", gone.join(", ")),
    }
}
