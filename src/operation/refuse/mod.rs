//! Errors that several operations share.

pub(crate) mod features;
pub(crate) mod media;
pub(crate) mod state;

use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::host::Look;
use crate::model::name::{Dataset, Snapshot};
use crate::model::{Vm, Volume};
use crate::quote;
use crate::survey;
use crate::tools::sysctl::Kernel;
use crate::tools::zfs::group::Numbers;
use crate::tools::zfs::{self, SnapshotLine};
use crate::verb::Verb;
use std::collections::HashSet;
use std::path::Path;

/// Refuses a VM that this host cannot run, or whose processes would be hidden from the caller.
pub(crate) fn refuse_host(vm: &Vm, kernel: &Kernel) -> Result<()> {
    // Differs: What this host's bhyve does not have is refused before anything is touched
    if let Some(error) = features::missing(vm, kernel).into_iter().next() {
        return Err(error);
    }
    refuse_cpus(vm, kernel)?;
    // Differs: Who cannot see root's processes starts a VM only through the root side, which sees them
    if kernel.hides_root {
        return Err(Error::host(format!(
            "could not determine whether {} starts: root's processes are hidden from you",
            vm.name
        ))
        .note("security.bsd.see_other_uids or see_other_gids is 0")
        .help("start the VM as root")
        .hidden());
    }
    Ok(())
}

/// Refuses more cpus than the kernel allows a VM.
pub(crate) fn refuse_cpus(vm: &Vm, kernel: &Kernel) -> Result<()> {
    // FreeBSD 13 has a fixed limit, not one of the module (`usr.sbin/bhyve/bhyverun.c`).
    let fixed = kernel
        .osreldate
        .filter(|&release| release < 1_400_000)
        .map(|_| 16);
    // Differs: More cpus than the host gives a VM are refused before anything is touched
    if let Some(most) = kernel.max_cpus.or(fixed)
        && vm.cpu.count() > most
    {
        return Err(Error::config(format!(
            "{} has {} cpus, and this host gives a VM at most {most}",
            vm.name,
            vm.cpu.count()
        ))
        .named(FindingName::TooManyCpus)
        .help(format!(
            "set {}_cpu={most} or less, or use -c {most}",
            vm.name
        )));
    }
    Ok(())
}

/// The VM's volume, for a verb that needs one.
pub(crate) fn volume(vm: &Vm, verb: Verb) -> Result<&Dataset> {
    match &vm.volume {
        Volume::Zfs(dataset) => Ok(dataset),
        Volume::File(_) => Err(refuse_no_volume(vm, verb)),
    }
}

/// The error for a VM without a ZFS volume.
pub(crate) fn refuse_no_volume(vm: &Vm, verb: Verb) -> Error {
    let first = vm.disks.first();
    Error::state(format!(
        "{verb} needs a ZFS volume, and the disk of {} is {}",
        vm.name,
        first
            .map_or(Path::new("unknown"), |disk| &disk.path)
            .display()
    ))
    .at(first.and_then(|disk| disk.origin))
    .note("an image file stays as it is, and does not become a volume")
    .help(format!(
        "for a new VM with a volume: {}",
        vm.spelling.command("new NAME zvol=POOL/NAME --disk 20G")
    ))
}

/// Refuses a volume that is a filesystem or is missing. Only if there is no device of its name, zfs(8) is
/// asked.
///
/// # Errors
/// If the volume is none.
pub(crate) fn refuse_filesystem(
    look: &mut dyn Look,
    devices: &Path,
    vm: &Vm,
    volume: &Dataset,
) -> Result<()> {
    let device = zfs::node::of(devices, volume);
    // In a directory are the devices of the volumes below a filesystem.
    let is_device = look.exists(&device).unwrap_or(false)
        && look
            .names_in(&device)
            .map_or(true, |names| names.is_empty());
    if is_device {
        return Ok(());
    }
    list_of(look, vm, volume).map(drop)
}

/// The snapshots and bookmarks of the volume of a VM.
///
/// # Errors
/// If zfs(8) cannot list it, or it is a filesystem.
pub(crate) fn list_of(look: &mut dyn Look, vm: &Vm, volume: &Dataset) -> Result<zfs::Volume> {
    let found = lists_of(look, vm, &[volume])?;
    Ok(found.into_iter().next().unwrap_or_default())
}

/// The snapshots and bookmarks of volumes of a VM, in the same order.
///
/// # Errors
/// If zfs(8) cannot list them, or one is a filesystem.
pub(crate) fn lists_of(
    look: &mut dyn Look,
    vm: &Vm,
    volumes: &[&Dataset],
) -> Result<Vec<zfs::Volume>> {
    let answer = survey::answer(look, &zfs::list_all(volumes).works_for(vm))?;
    let names = answer.lines().filter_map(|line| line.split('\t').next());
    let names: HashSet<&str> = names.filter(|name| !name.contains(['@', '#'])).collect();
    // zfs passes over a dataset that is not of the wanted types.
    if let Some(volume) = volumes
        .iter()
        .find(|volume| !names.contains(volume.as_str()))
    {
        return Err(Error::host(format!(
            "{volume} is a filesystem, and the disk of a VM is a volume"
        ))
        .help(format!(
            "name a volume with {}_zvol, or as root rename the filesystem, and make the disk: {} -V 20G",
            vm.name,
            vm.command(Verb::Resources)
        )));
    }
    Ok(zfs::parse_lists(volumes, &answer))
}

/// Refuses a VM with `protect=YES`.
pub(crate) fn refuse_protected(vm: &Vm) -> Result<()> {
    let Some(protection) = vm.protection else {
        return Ok(());
    };
    let set = format!("set {} protect=NO", vm.name);
    Err(
        Error::state(format!("{} is protected by {0}_protect=YES", vm.name))
            .at(protection.origin)
            .help(format!(
                "to remove the protection: {}",
                vm.spelling.command(set)
            )),
    )
}

/// The clones of a snapshot, if there are any.
pub(crate) fn clones_of(line: &SnapshotLine) -> Option<String> {
    (!line.clones.is_empty()).then(|| line.clones.join(", "))
}

/// How to release a snapshot, if it is held.
pub(crate) fn holds_of(name: &Snapshot, line: &SnapshotLine) -> Option<String> {
    let name = quote::shown(name.to_string());
    (line.holds > 0)
        .then(|| format!("list the holds (zfs holds {name}), then as root: zfs release TAG {name}"))
}

/// A note about the disks of a VM beside those with these numbers, which a ZFS verb does not touch.
pub(crate) fn disks_beside(vm: &Vm, numbers: &Numbers) -> Option<String> {
    let others = vm.disks.iter().filter(|disk| !numbers.has(disk.number));
    let others: Vec<String> = others
        .map(|disk| format!("hd{} ({})", disk.number, disk.path.display()))
        .collect();
    let touched: Vec<String> = numbers.iter().map(|number| format!("hd{number}")).collect();
    (!others.is_empty()).then(|| {
        format!(
            "this affects only {}, not {}",
            touched.join(", "),
            others.join(", ")
        )
    })
}
