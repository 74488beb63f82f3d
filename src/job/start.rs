//! Starts: `install`, `boot`, `ttyboot`, `restart`.

use super::ground::Ground;
use super::places::{There, dangling, look_for};
use super::plan::{Planned, refuse_rival};
use super::{Boot, How, Whom, end};
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::host::identity::{About, Identity};
use crate::model::Vm;
use crate::model::device::{Cd, Disk};
use crate::model::name::{Dataset, SnapName, VmName};
use crate::plan::boot::{self, Start};
use crate::plan::loader::Source;
use crate::plan::{Plan, network, temp};
use crate::span::Span;
use crate::survey::{self, State, Survey};
use crate::tools::sysctl::Kernel;
use crate::verb::Verb;
use crate::vis;
use std::io::ErrorKind;
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
    let mut notes = Vec::new();
    let survey = if ground.is_answered {
        let (at, look) = ground.asking();
        let survey = Survey::for_boot(look, &at, vm, rivals)?;
        survey::refuse_busy_state(vm, survey.state(&vm.name))?;
        notes = refuse(ground, vm, rivals, &survey, boot.source)?;
        survey
    } else {
        Survey::fresh(ground.devices())
    };
    network::refuse(vm, &survey)?;
    let without_trace = match &boot.temp {
        Some(name) => without_trace(vm, ground.devices(), name)?,
        None => Vec::new(),
    };
    Ok(Planned {
        plan: boot::plan(
            vm,
            boot.start,
            boot.source,
            &survey,
            &ground.process.scratch_of(&vm.name),
            &without_trace,
        ),
        notes,
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
    let notes = if ground.is_answered {
        refuse(ground, vm, rivals, &survey, Source::Disk)?
    } else {
        Vec::new()
    };
    network::refuse(vm, &survey)?;
    plan.append(boot::plan(
        vm,
        Start::Background,
        Source::Disk,
        &survey,
        &ground.process.scratch_of(&vm.name),
        &[],
    ));
    Ok(Planned {
        plan,
        notes,
        ..Planned::default()
    })
}

/// Refuses what stands in the way of a start, but for the VM's own state and its network. Answers what
/// there is to say of its disks.
fn refuse(
    ground: &mut Ground<'_>,
    vm: &Vm,
    rivals: &[VmName],
    survey: &Survey,
    source: Source,
) -> Result<Vec<String>> {
    for rival in rivals {
        refuse_rival(vm, rival, survey.state(rival))?;
    }
    refuse_missing(ground, vm, source)?;
    let notes = refuse_disks(ground, vm, source)?;
    refuse_host(vm, &survey.kernel)?;
    Ok(notes)
}

/// Every disk with its snapshot, for a run without a trace.
///
/// # Errors
/// If one of them is no ZFS volume.
pub(crate) fn without_trace(vm: &Vm, devices: &Path, name: &SnapName) -> Result<Vec<temp::Disk>> {
    let zvols = devices.join("zvol");
    let snapshot = |path: &Path| {
        let dataset = path.strip_prefix(&zvols).ok()?.to_str()?;
        Some(temp::Disk {
            path: path.to_owned(),
            snapshot: Dataset::parse(dataset).ok()?.snapshot(name),
        })
    };
    vm.disks
        .iter()
        .map(|disk| {
            snapshot(&disk.path).ok_or_else(|| {
                Error::state(format!(
                    "hd{} of {} is no ZFS volume, so it would keep what the guest writes: {}",
                    disk.number,
                    vm.name,
                    vis::shown(&disk.path)
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
        match look_for(ground, &disk.path)? {
            There::Something | There::Hidden => {}
            There::Nothing => return Err(missing_disk(vm, disk)),
            There::Dangling(target) => {
                return Err(dangling("disk", &disk.path, &target)
                    .named(FindingName::DiskMissing)
                    .at(disk.origin)
                    .help(format!(
                        "correct {}_hd{}, or the link",
                        vm.name, disk.number
                    )));
            }
        }
    }
    for cd in vm.cds.iter().filter(|_| source == Source::Cd) {
        match look_for(ground, &cd.path)? {
            There::Something | There::Hidden => {}
            There::Nothing => return Err(missing_cd(vm, cd)),
            There::Dangling(target) => {
                return Err(dangling("ISO image", &cd.path, &target)
                    .named(FindingName::IsoMissing)
                    .at(cd.origin)
                    .help(format!("correct {}_cd{}, or the link", vm.name, cd.number)));
            }
        }
    }
    Ok(())
}

/// Refuses disks that no loader opens, and two that are one. Answers what cannot be told of them.
fn refuse_disks(ground: &mut Ground<'_>, vm: &Vm, source: Source) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    let mut seen: Vec<(&Disk, Identity)> = Vec::new();
    for disk in &vm.disks {
        let Some(about) = about(ground, &disk.path)? else {
            continue;
        };
        if about.is_read_only {
            return Err(read_only("disk", &disk.path, disk.origin));
        }
        if let Some((twin, _)) = seen.iter().find(|(_, other)| *other == about.identity) {
            return Err(Error::config(format!(
                "hd{} and hd{} of {} are one disk: {} and {}",
                twin.number,
                disk.number,
                vm.name,
                twin.path.display(),
                disk.path.display()
            ))
            .at(disk.origin)
            .named(FindingName::DiskTwice)
            .help("each number needs a disk of its own"));
        }
        seen.push((disk, about.identity));
        if about.is_unsure {
            notes.push(format!(
                "could not tell whether another VM has {}: it is shown by a nullfs mount, and where it lies \
                 cannot be seen from here",
                disk.path.display()
            ));
        }
    }
    for cd in vm.cds.iter().filter(|_| source == Source::Cd) {
        if about(ground, &cd.path)?.is_some_and(|about| about.is_read_only) {
            return Err(read_only("ISO image", &cd.path, cd.origin));
        }
    }
    Ok(notes)
}

/// What a disk or an image file is; `None`: this user may not see it, and root's side looks again.
fn about(ground: &mut Ground<'_>, path: &Path) -> Result<Option<About>> {
    match ground.look.about(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(Error::host(format!(
            "could not look at {}: {error}",
            path.display()
        ))),
    }
}

/// The refusal where a loader cannot open a disk or an ISO image: bhyveload and grub-bhyve open it for
/// writing, and only bhyve itself does without (`usr.sbin/bhyveload/bhyveload.c`, `disk_open`;
/// grub2-bhyve: `grub-core/kern/emu/hostdisk.c`).
pub(crate) fn read_only(kind: &str, path: &Path, origin: Option<Span>) -> Error {
    Error::host(format!(
        "{kind} {} is on a read-only file system",
        path.display()
    ))
    .at(origin)
    .named(FindingName::ReadOnly)
    .note("the loader opens it for writing, even where it only reads")
    .help("copy it to a file system that can be written to, or make this one so: zfs set readonly=off, mount -u -o rw")
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
    Error::host(format!("{kind} {} does not exist", vis::shown(&path))).at(origin)
}
