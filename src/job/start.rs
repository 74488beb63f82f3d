//! Starts: `install`, `boot`, `ttyboot`, `restart`.

use super::ground::Ground;
use super::plan::{Planned, refuse_rival};
use super::{Boot, How, Whom, end};
use crate::config::{FindingName, Span};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::device::{Cd, Disk};
use crate::model::name::{Dataset, SnapName, Snapshot, VmName};
use crate::plan::boot::{self, Start};
use crate::plan::loader::Source;
use crate::plan::{Plan, network, temp};
use crate::survey::{self, State, Survey};
use crate::tools::sysctl::Kernel;
use crate::verb::Verb;
use std::path::Path;

/// The plan of a start, once it is sure that nothing known stands in its way.
///
/// Differs: Everything is checked before anything is touched
pub(super) fn start(
    ground: &mut Ground<'_>,
    vm: &Vm,
    rivals: &[VmName],
    boot: &Boot,
) -> Result<Planned> {
    let survey = if ground.is_answered {
        let (at, look) = ground.asking();
        let survey = Survey::for_boot(look, &at, vm, rivals)?;
        survey::refuse_busy_state(vm, survey.state(&vm.name))?;
        refuse(ground, vm, rivals, &survey, boot.source)?;
        survey
    } else {
        Survey::fresh(ground.devices())
    };
    network::refuse(vm, &survey)?;
    let mut plan = Plan::default();
    if let Some(name) = &boot.temp {
        plan.append(temp::plan(&snapshots(vm, ground.devices(), name)?));
    }
    plan.append(boot::plan(
        vm,
        boot.start,
        boot.source,
        &survey,
        &ground.process.scratch,
    ));
    Ok(Planned {
        plan,
        ..Planned::default()
    })
}

/// The plan that ends a VM, if it runs, and starts it again.
pub(super) fn restart(
    ground: &mut Ground<'_>,
    vm: &Vm,
    rivals: &[VmName],
    how: How,
) -> Result<Planned> {
    let survey = if ground.is_answered {
        let (at, look) = ground.asking();
        Survey::for_boot(look, &at, vm, rivals)?
    } else {
        Survey::of_running(ground.devices(), vm)
    };
    let mut plan = Plan::default();
    let state = survey.state(&vm.name);
    let survey = if matches!(state, State::Busy(..) | State::Unknown) || !ground.is_answered {
        let vms = std::slice::from_ref(vm);
        let ending = end::ending(vms, &survey, Whom::Named, how, Verb::Restart)?;
        plan.append(ending.once_done());
        survey.once_ended(vm)
    } else {
        survey
    };
    if ground.is_answered {
        refuse(ground, vm, rivals, &survey, Source::Disk)?;
    }
    network::refuse(vm, &survey)?;
    plan.append(boot::plan(
        vm,
        Start::Background,
        Source::Disk,
        &survey,
        &ground.process.scratch,
    ));
    Ok(Planned {
        plan,
        ..Planned::default()
    })
}

/// Refuses what stands in the way of a start, but for the VM's own state and its network.
fn refuse(
    ground: &mut Ground<'_>,
    vm: &Vm,
    rivals: &[VmName],
    survey: &Survey,
    source: Source,
) -> Result<()> {
    for rival in rivals {
        refuse_rival(vm, rival, survey.state(rival))?;
    }
    refuse_missing(ground, vm, source)?;
    refuse_host(vm, &survey.kernel)
}

/// The snapshots of every disk, for a run without a trace.
fn snapshots(vm: &Vm, devices: &Path, name: &SnapName) -> Result<Vec<Snapshot>> {
    let zvols = devices.join("zvol");
    let snapshot = |path: &Path| {
        let dataset = path.strip_prefix(&zvols).ok()?.to_str()?;
        Some(Dataset::parse(dataset).ok()?.snapshot(name))
    };
    vm.disks
        .iter()
        .map(|disk| {
            snapshot(&disk.path).ok_or_else(|| {
                Error::state(format!(
                    "hd{} of {} is no ZFS volume, so it would keep what the guest writes: {}",
                    disk.number,
                    vm.name,
                    disk.path.display()
                ))
                .at(disk.origin)
                .help("-T needs ZFS volumes for all disks")
            })
        })
        .collect()
}

/// Refuses what this host cannot run, or not so that its caller could see it.
fn refuse_host(vm: &Vm, kernel: &Kernel) -> Result<()> {
    if kernel.is_amd64 == Some(false) {
        return Err(Error::host(
            "bhyveload and grub-bhyve are made for amd64 only, and this host is another",
        )
        .help("there is no other loader here yet"));
    }
    refuse_cpus(vm, kernel)?;
    // Differs: Who cannot see root's processes starts nothing
    if kernel.hides_root {
        return Err(Error::host(format!(
            "could not tell whether {} would start: root's processes are hidden from you",
            vm.name
        ))
        .note("security.bsd.see_other_uids or see_other_gids is 0")
        .help("start it as root"));
    }
    Ok(())
}

/// Refuses more cpus than the kernel gives a VM.
pub(crate) fn refuse_cpus(vm: &Vm, kernel: &Kernel) -> Result<()> {
    // Without the limit of the module: 13 had a fixed one (`usr.sbin/bhyve/bhyverun.c`).
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
        .help(format!("set {}_cpu={most} or less, or -c {most}", vm.name)));
    }
    Ok(())
}

/// Refuses where a disk, or for an installation an ISO image, is not there.
fn refuse_missing(ground: &mut Ground<'_>, vm: &Vm, source: Source) -> Result<()> {
    for disk in &vm.disks {
        if !exists(ground, &disk.path)? {
            return Err(missing_disk(vm, disk));
        }
    }
    for cd in vm.cds.iter().filter(|_| source == Source::Cd) {
        if !exists(ground, &cd.path)? {
            return Err(missing_cd(vm, cd));
        }
    }
    Ok(())
}

/// The refusal where a disk does not exist.
pub(crate) fn missing_disk(vm: &Vm, disk: &Disk) -> Error {
    let error = missing("disk", &disk.path, disk.origin).named(FindingName::DiskMissing);
    match disk.number {
        0 => error.help(format!("create it: {} -V 20G", vm.command(Verb::Resources))),
        number => error.help(format!("create it, or correct {}_hd{number}", vm.name)),
    }
}

/// The refusal where an ISO image does not exist.
pub(crate) fn missing_cd(vm: &Vm, cd: &Cd) -> Error {
    missing("ISO image", &cd.path, cd.origin)
        .named(FindingName::IsoMissing)
        .help(format!("fetch it, or correct {}_cd{}", vm.name, cd.number))
}

fn missing(kind: &str, path: &Path, origin: Option<Span>) -> Error {
    Error::host(format!("{kind} {} does not exist", path.display())).at(origin)
}

fn exists(ground: &mut Ground<'_>, path: &Path) -> Result<bool> {
    ground
        .look
        .exists(path)
        .map_err(|error| Error::host(format!("could not look for {}: {error}", path.display())))
}
