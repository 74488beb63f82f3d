//! `rename`: gives the disks and the log of a VM the names of another.
//!
//! The lines of the configuration and the links are the caller's.

use super::free::{self, Extent};
use super::plan_context::PlanContext;
use super::refuse::media::{There, look_for};
use super::refuse::state::stopped;
use super::resize::disk_of;
use super::stores::{self, is_one_file};
use super::wire::{self, Options, Words};
use super::{Locks, NewNames, Planned, Request, RootJob, zvol};
use crate::error::{Error, Result};
use crate::host::directory::{log_of, rotated, state_of};
use crate::model::device::{Disk, disk_number};
use crate::model::name::{Dataset, VmName};
use crate::model::{Vm, Volume};
use crate::plan::{Plan, Step, Undo, When};
use crate::survey::{self, Survey};
use crate::tools::zfs::{self, volume};
use crate::tools::{bhyve, file};
use crate::vis;
use std::path::{Path, PathBuf};

/// Renames the disks and the log of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The new name of the VM.
    pub new: VmName,
    /// The numbers of the disks that are renamed.
    pub disks: Vec<u8>,
    /// The new path of the store of UEFI variables, if it changes.
    pub store: Option<PathBuf>,
}

/// The new name of a disk of a VM whose name begins with that of the VM: `OLD`, or `OLD-N`.
pub(crate) fn renamed(name: &str, old: &VmName, new: &VmName) -> Option<String> {
    let rest = name.strip_prefix(old.as_str())?;
    let number = rest.strip_prefix('-');
    let is_number = |number: &str| disk_number(number).is_ok();
    (rest.is_empty() || number.is_some_and(is_number)).then(|| format!("{new}{rest}"))
}

/// The disk under its new name; none if its name is not one of the VM.
pub(crate) fn moved(disk: &Volume, old: &VmName, new: &VmName) -> Option<Volume> {
    match disk {
        Volume::Zfs(dataset) => {
            let (_, name) = dataset.as_str().rsplit_once('/')?;
            let new = dataset.parent()?.child(&renamed(name, old, new)?);
            new.ok().map(Volume::Zfs)
        }
        Volume::File(path) => {
            let name = path.file_name()?.to_str()?;
            Some(Volume::File(path.with_file_name(renamed(name, old, new)?)))
        }
    }
}

impl RootJob for Rename {
    const VERB: &'static str = "rename";
    const DOES: &'static str = "is being renamed";
    const STAYS: Option<&'static str> = Some(
        "the VM has its new name in the configuration, and its disks and log are renamed; to make its links: easy-bhyve setup",
    );

    fn locks(&self) -> Locks {
        Locks::VmAndDisks
    }

    fn new_names(&self, vm: &Vm, _devices: &Path) -> NewNames {
        let disks = vm
            .disks
            .iter()
            .filter(|disk| self.disks.contains(&disk.number));
        let disks = disks.filter_map(|disk| {
            match moved(&Volume::File(disk.path.clone()), &vm.name, &self.new)? {
                Volume::File(path) => Some(path),
                Volume::Zfs(_) => None,
            }
        });
        NewNames {
            vms: vec![self.new.clone()],
            files: disks.chain(self.store.clone()).collect(),
        }
    }

    fn write(&self, words: &mut Words) {
        words.add("new", self.new.as_str());
        for number in &self.disks {
            words.add("disk", &number.to_string());
        }
        if let Some(store) = &self.store {
            // Only a path that is text reaches this place.
            words.add("store", store.to_str().unwrap_or_default());
        }
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        Ok(Self {
            new: wire::needed("new", options.parsed("new", VmName::parse)?)?,
            disks: options.all("disk", disk_number)?,
            store: options.parsed("store", wire::absolute)?,
        })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let mut plan = Plan::default();
        plan.push(stopped(context, vm, &request.rivals)?);
        let node = bhyve::node(context.devices(), &self.new);
        if context.is_freebsd {
            if context.look.exists(&node).unwrap_or(false) {
                return Err(Error::state(format!(
                    "there is a VM node of {}, which runs or has left it",
                    self.new
                )));
            }
            let (at, look) = context.asking();
            let survey = Survey::for_freeing(look, &at, std::iter::once(vm))?;
            plan.append(free::plan(vm, &survey, Extent::Whole));
        }
        let mut notes = Vec::new();
        for number in &self.disks {
            notes.extend(self.push_disk(context, vm, disk_of(vm, *number)?, &mut plan)?);
        }
        if let (Some(uefi), Some(store)) = (vm.uefi(), &self.store) {
            plan.append(stores::renamed(context, uefi, store)?);
        }
        notes.extend(self.push_logs(context, &vm.name, &mut plan));
        Ok(Planned {
            plan,
            notes,
            ..Planned::default()
        })
    }
}

impl Rename {
    /// Adds the steps for a disk; none if the disk has not been made yet, or has its new name: an earlier
    /// rename was killed. Returns a note about that.
    fn push_disk(
        &self,
        context: &mut PlanContext<'_>,
        vm: &Vm,
        disk: &Disk,
        plan: &mut Plan,
    ) -> Result<Option<String>> {
        let number = disk.number;
        let from = disk.volume(context.devices());
        let Some(to) = moved(&from, &vm.name, &self.new) else {
            return Err(Error::usage(format!(
                "hd{number} of {} has no name of the VM: {}",
                vm.name,
                vis::shown(&disk.path)
            )));
        };
        let (is_old, is_new) = (exists(context, &from)?, exists(context, &to)?);
        match (from, to) {
            (_, to) if is_new && !is_old => {
                return Ok(Some(format!(
                    "hd{number} has its new name already: {}",
                    shown(&to)
                )));
            }
            _ if context.is_freebsd && !is_old => {}
            (Volume::File(from), Volume::File(to))
                if is_new && is_one_file(context, &from, &to) =>
            {
                plan.append(stores::unnamed(&from, &to));
            }
            (_, to) if is_new => {
                return Err(Error::host(format!("{} already exists", shown(&to)))
                    .at(disk.origin)
                    .help("choose another name; nothing was renamed"));
            }
            (Volume::Zfs(from), Volume::Zfs(to)) => {
                push_volume(plan, &from, &to);
                plan.push(zvol::wait(context.devices(), &to));
            }
            (Volume::File(from), Volume::File(to)) => plan.append(stores::named(&from, &to)),
            _ => {}
        }
        Ok(None)
    }

    /// Adds the steps for the log and the record, as far as they exist; notes about a log that stays.
    fn push_logs(
        &self,
        context: &mut PlanContext<'_>,
        old: &VmName,
        plan: &mut Plan,
    ) -> Vec<String> {
        if !context.is_freebsd {
            return Vec::new();
        }
        let mut is_there = |path: &Path| context.look.exists(path).unwrap_or(false);
        let mut notes = Vec::new();
        let [from, to] = [old, &self.new].map(|vm| context.process.logs.join(log_of(vm)));
        for (from, to) in [(rotated(&from), rotated(&to)), (from, to)] {
            match (is_there(&from), is_there(&to)) {
                (false, _) => {}
                (true, false) => plan.append(stores::named(&from, &to)),
                (true, true) => notes.push(format!(
                    "{} stays, because {} already exists",
                    vis::shown(&from),
                    vis::shown(&to)
                )),
            }
        }
        let record = context.process.run.join(state_of(old));
        if is_there(&record) {
            plan.push(file::remove(&record));
        }
        notes
    }
}

/// Whether a disk exists, as far as this process can see.
fn exists(context: &mut PlanContext<'_>, disk: &Volume) -> Result<bool> {
    if !context.is_freebsd {
        return Ok(false);
    }
    match disk {
        Volume::Zfs(dataset) => {
            let Some(parent) = dataset.parent() else {
                return Ok(false);
            };
            let names = survey::answer(context.look, &zfs::children(&parent))?;
            Ok(names.lines().any(|name| name == dataset.as_str()))
        }
        Volume::File(path) => Ok(!matches!(
            look_for(context, path)?,
            There::Nothing | There::Hidden
        )),
    }
}

fn shown(disk: &Volume) -> String {
    match disk {
        Volume::Zfs(dataset) => dataset.to_string(),
        Volume::File(path) => vis::shown(path).to_string(),
    }
}

fn push_volume(plan: &mut Plan, from: &Dataset, to: &Dataset) {
    plan.push(volume::rename(from, to));
    let back = Step::from(volume::rename(to, from)).ok_if(zfs::exists(from));
    plan.push(Undo::by(
        back,
        When::Failure,
        &format!("the new name of {from}"),
    ));
}

#[cfg(test)]
mod tests {
    use super::{moved, renamed};
    use crate::model::Volume;
    use crate::model::name::{Dataset, VmName};

    #[test]
    fn only_a_disk_of_the_name_of_the_vm_is_renamed() {
        let [web, www] = ["web", "www"].map(|name| VmName::parse(name).expect(name));
        for (name, new) in [
            ("web", Some("www")),
            ("web-1", Some("www-1")),
            ("web-15", Some("www-15")),
            ("web-16", None),
            ("web-data", None),
            ("web0", None),
            ("webs-1", None),
            ("awe", None),
        ] {
            assert_eq!(renamed(name, &web, &www).as_deref(), new, "{name}");
        }
        let volume = |name| Volume::Zfs(Dataset::parse(name).expect(name));
        let file = |path: &str| Volume::File(path.into());
        assert_eq!(
            moved(&volume("zroot/web/web-1"), &web, &www),
            Some(volume("zroot/web/www-1"))
        );
        assert_eq!(moved(&file("/vm/web"), &web, &www), Some(file("/vm/www")));
        assert_eq!(moved(&file("/vm/data"), &web, &www), None);
    }
}
