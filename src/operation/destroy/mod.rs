//! `destroy`: what a VM has outside of its user's files: its log, its record, and if asked its disks.
//!
//! The lines of the configuration and the links are the caller's. They go last, so that the same command
//! finishes what a failure has left.

mod things;

use super::free::{self, Extent};
use super::plan_context::PlanContext;
use super::refuse::refuse_protected;
use super::refuse::state::stopped;
use super::wire::{self, Options, Words};
use super::{Locks, Planned, Request, RootJob, stores};
use crate::error::{Error, Result};
use crate::host::directory::{log_of, rotated, state_of};
use crate::model::device::{Disk, disk_number};
use crate::model::loader::Uefi;
use crate::model::name::{Dataset, NameError};
use crate::model::{Vm, Volume};
use crate::plan::{Guard, Plan, Refusal, Test};
use crate::span::Span;
use crate::survey::Survey;
use crate::tools::file;
use crate::vis;
use std::path::{Path, PathBuf};
use things::{Thing, bases, done, file_of, in_order, volume_of};

/// Destroys what a VM has outside of its user's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroy {
    /// The numbers of the disks that are destroyed.
    pub disks: Vec<u8>,
    /// Whether the store of UEFI variables is destroyed.
    pub has_store: bool,
    /// Where these disks must be: directly below it. The store may also be in the VM's own directory.
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
        words.flag("store", self.has_store);
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
            has_store: options.flag("store")?,
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
        let things = in_order(vm, things)?;
        let mut notes = bases(context, vm, &things)?;
        let store = self.store(context, vm)?;
        let files = files(context, vm);
        let mut plan = Plan::default();
        if self.force {
            notes.splice(0..0, things.iter().map(Thing::goes));
        } else {
            let store = store.iter().flat_map(|(_, files)| files);
            let files: Vec<&PathBuf> = store.chain(&files).collect();
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
        if let Some((uefi, files)) = store.filter(|(_, files)| !files.is_empty()) {
            for file in &files {
                plan.push(file::remove(file));
            }
            gone.push(format!("the UEFI variables of {}", vm.name));
            plan.push(done(&gone));
            plan.append(stores::without_directory(uefi));
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
            notes,
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

/// Whether a disk is directly below the place where disks are destroyed.
pub(crate) fn is_below(volume: &Volume, place: &Volume) -> bool {
    match (volume, place) {
        (Volume::Zfs(dataset), Volume::Zfs(root)) => dataset.parent().as_ref() == Some(root),
        // The parent of `ROOT/..` is `ROOT`, but it has no name there.
        (Volume::File(path), Volume::File(root)) => {
            path.parent() == Some(root) && path.file_name().is_some()
        }
        _ => false,
    }
}

/// Whether a store of UEFI variables is destroyed with its VM: it is in the VM's own directory, or directly
/// below the place where disks are destroyed.
pub(crate) fn is_own_store(vm: &Vm, uefi: &Uefi, place: Option<&Volume>) -> bool {
    let file = Volume::File(uefi.vars.clone());
    uefi.vars == Uefi::in_own_directory(&vm.name).vars
        || place.is_some_and(|place| is_below(&file, place))
}

fn not_below(path: &Path, origin: Option<Span>) -> Error {
    Error::state(format!(
        "{} is not directly below volroot, and is not destroyed",
        vis::shown(path)
    ))
    .at(origin)
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
            return Err(not_below(&disk.path, disk.origin));
        }
        match volume {
            Volume::Zfs(name) if !context.is_freebsd => Ok(Some(Thing::Volume {
                name,
                sizes: None,
                origin: None,
                snapshots: Vec::new(),
                bookmarks: Vec::new(),
                clones: Vec::new(),
            })),
            Volume::Zfs(name) => volume_of(context, vm, name),
            Volume::File(path) if !context.is_freebsd => Ok(Some(Thing::File(path, None))),
            Volume::File(path) => file_of(context, disk, path),
        }
    }

    /// The store of UEFI variables that is destroyed, with its files.
    fn store<'vm>(
        &self,
        context: &mut PlanContext<'_>,
        vm: &'vm Vm,
    ) -> Result<Option<(&'vm Uefi, Vec<PathBuf>)>> {
        let Some(uefi) = vm.uefi().filter(|_| self.has_store) else {
            return Ok(None);
        };
        if !is_own_store(vm, uefi, self.below.as_ref()) {
            return Err(not_below(&uefi.vars, uefi.origin));
        }
        Ok(Some((uefi, stores::files(context, uefi)?)))
    }

    /// The question, below all that is destroyed.
    fn question(&self, vm: &Vm, things: &[Thing], files: &[&PathBuf]) -> Guard {
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
