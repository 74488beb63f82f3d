//! Errors that several operations share.

pub(crate) mod features;
pub(crate) mod media;
pub(crate) mod state;

use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::host::Look;
use crate::model::name::Dataset;
use crate::model::{Vm, Volume};
use crate::survey;
use crate::tools::sysctl::Kernel;
use crate::tools::zfs;
use crate::verb::Verb;
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
        Volume::File(path) => Err(Error::state(format!(
            "{verb} needs a ZFS volume, and the disk of {} is {}",
            vm.name,
            path.display()
        ))
        .at(vm.disks.first().and_then(|disk| disk.origin))
        .help("set volroot to a ZFS dataset for volumes, for example volroot=zroot/vm")),
    }
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
    let answer = survey::answer(look, &zfs::list(volume).works_for(vm))?;
    let mut names = answer.lines().filter_map(|line| line.split('\t').next());
    // zfs passes over a dataset that is not of the wanted types.
    if !names.any(|name| name == volume.as_str()) {
        return Err(Error::host(format!(
            "{volume} is a filesystem, and the disk of a VM is a volume"
        ))
        .help(format!(
            "name a volume with {}_zvol, or as root rename the filesystem, and make the disk: {} -V 20G",
            vm.name,
            vm.command(Verb::Resources)
        )));
    }
    Ok(zfs::parse_list(volume, &answer))
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

/// A note about the disks that a ZFS verb does not touch.
pub(crate) fn other_disks(vm: &Vm) -> Option<String> {
    let others: Vec<String> = vm
        .disks
        .iter()
        .skip(1)
        .map(|disk| format!("hd{} ({})", disk.number, disk.path.display()))
        .collect();
    (!others.is_empty()).then(|| format!("this affects only hd0, not {}", others.join(", ")))
}
