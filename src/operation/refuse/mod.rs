//! Errors that several operations share.

pub(crate) mod state;

use super::plan_context::PlanContext;
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::host::Look;
use crate::host::identity::{About, Identity};
use crate::model::device::{Cd, Disk};
use crate::model::loader::Loader;
use crate::model::name::Dataset;
use crate::model::{Vm, Volume};
use crate::span::Span;
use crate::suggest;
use crate::survey::{self};
use crate::tools::sysctl::Kernel;
use crate::tools::zfs;
use crate::verb::Verb;
use crate::{quote, vis};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The kind of a path.
#[derive(Debug)]
pub(crate) enum There {
    /// A file, a device or a directory.
    Something,
    /// Nothing.
    Nothing,
    /// A symbolic link to this path, which does not exist.
    Dangling(PathBuf),
    /// Unknown: the caller may not search a directory of the path. The root side checks again.
    Hidden,
}

/// Looks for a file at `path`.
///
/// # Errors
/// If the path cannot be accessed, and the root side does not check again.
pub(crate) fn look_for(context: &mut PlanContext<'_>, path: &Path) -> Result<There> {
    match context.look.exists(path) {
        Ok(true) => Ok(There::Something),
        Ok(false) => Ok(match context.look.link_at(path) {
            Ok(Some(target)) => There::Dangling(target),
            Ok(None) | Err(_) => There::Nothing,
        }),
        Err(error)
            if error.kind() == ErrorKind::PermissionDenied && context.process.is_client() =>
        {
            Ok(There::Hidden)
        }
        Err(error) => Err(Error::host(format!(
            "could not access {}: {error}",
            path.display()
        ))),
    }
}

/// The error for a dangling link; `kind` is the kind of file that was expected.
pub(crate) fn dangling(kind: &str, path: &Path, target: &Path) -> Error {
    Error::host(format!(
        "{kind} {} is a link to {}, which does not exist",
        path.display(),
        target.display()
    ))
}

/// Refuses a missing disk, or for an installation a missing ISO image.
pub(crate) fn refuse_missing(context: &mut PlanContext<'_>, vm: &Vm, with_cds: bool) -> Result<()> {
    for disk in &vm.disks {
        match look_for(context, &disk.path)? {
            There::Something | There::Hidden => {}
            There::Nothing => {
                let error = missing_disk(vm, disk);
                return Err(with_near(error, context.look, &disk.path));
            }
            There::Dangling(target) => {
                return Err(dangling("disk", &disk.path, &target)
                    .named(FindingName::DiskMissing)
                    .at(disk.origin)
                    .help(format!("correct {}_hd{} or the link", vm.name, disk.number)));
            }
        }
    }
    for cd in vm.cds.iter().filter(|_| with_cds) {
        match look_for(context, &cd.path)? {
            There::Something | There::Hidden => {}
            There::Nothing => {
                let error = missing_cd(vm, cd);
                return Err(with_near(error, context.look, &cd.path));
            }
            There::Dangling(target) => {
                return Err(dangling("ISO image", &cd.path, &target)
                    .named(FindingName::IsoMissing)
                    .at(cd.origin)
                    .help(format!("correct {}_cd{} or the link", vm.name, cd.number)));
            }
        }
    }
    Ok(())
}

/// Refuses a disk that the loader cannot open, and a disk with two numbers. Returns notes.
pub(crate) fn refuse_disks(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    with_cds: bool,
) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    let mut seen: Vec<(&Disk, Identity)> = Vec::new();
    for disk in &vm.disks {
        let Some(about) = about(context, &disk.path)? else {
            continue;
        };
        if about.is_read_only {
            return Err(read_only("disk", &disk.path, disk.origin));
        }
        if let Some((twin, _)) = seen.iter().find(|(_, other)| *other == about.identity) {
            return Err(Error::config(format!(
                "hd{} and hd{} of {} are the same disk: {} and {}",
                twin.number,
                disk.number,
                vm.name,
                twin.path.display(),
                disk.path.display()
            ))
            .at(disk.origin)
            .named(FindingName::DiskTwice)
            .help("use a different disk for each number"));
        }
        seen.push((disk, about.identity));
        if about.is_unsure {
            notes.push(format!(
                "could not determine whether another VM uses {}: a nullfs mount hides its real path",
                disk.path.display()
            ));
        }
    }
    for cd in vm.cds.iter().filter(|_| with_cds) {
        if about(context, &cd.path)?.is_some_and(|about| about.is_read_only) {
            return Err(read_only("ISO image", &cd.path, cd.origin));
        }
    }
    Ok(notes)
}

/// Refuses a boot from disks on which nothing is installed: the loader would wait for input until its
/// time limit. Configured grub commands may boot from elsewhere.
///
/// Differs: A boot from disks on which nothing is installed is refused
pub(crate) fn refuse_blank(context: &mut PlanContext<'_>, vm: &Vm) -> Result<()> {
    let has_commands = matches!(&vm.loader, Loader::Grub(grub) if grub.boot.is_some());
    // A disk that the caller may not read is read by the root side; one of another kind may contain
    // anything.
    let mut is_blank = |disk: &Disk| context.look.is_blank(&disk.path).unwrap_or(false);
    let Some(first) = vm.disks.first() else {
        return Ok(());
    };
    if has_commands || !vm.disks.iter().all(&mut is_blank) {
        return Ok(());
    }
    let paths: Vec<String> = vm
        .disks
        .iter()
        .map(|disk| vis::shown(&disk.path).to_string())
        .collect();
    Err(Error::host(format!(
        "nothing is installed on {}: {}",
        vm.name,
        paths.join(", ")
    ))
    .at(first.origin)
    .note("the first and the last MiB of every disk contain only zeros")
    .help(format!(
        "install the guest first: {}",
        vm.command(Verb::Install)
    )))
}

/// Examines a disk or an image file; `None` if the permission is denied: the root side checks again.
fn about(context: &mut PlanContext<'_>, path: &Path) -> Result<Option<About>> {
    match context.look.about(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(Error::host(format!(
            "could not access {}: {error}",
            path.display()
        ))),
    }
}

/// The error for a disk or an ISO image on a read-only file system: bhyveload and grub-bhyve open
/// it for writing, and only bhyve itself does not (`usr.sbin/bhyveload/bhyveload.c`, `disk_open`;
/// grub2-bhyve: `grub-core/kern/emu/hostdisk.c`).
pub(crate) fn read_only(kind: &str, path: &Path, origin: Option<Span>) -> Error {
    Error::host(format!(
        "{kind} {} is on a read-only file system",
        path.display()
    ))
    .at(origin)
    .named(FindingName::ReadOnly)
    .note("the loader opens it read-write")
    .help("copy it to a writable file system, or make the file system writable: zfs set readonly=off, mount -u -o rw")
}

/// The error for a missing disk.
pub(crate) fn missing_disk(vm: &Vm, disk: &Disk) -> Error {
    let error = missing("disk", &disk.path, disk.origin).named(FindingName::DiskMissing);
    match disk.number {
        0 => error.help(format!("create it: {} -V 20G", vm.command(Verb::Resources))),
        number => error.help(format!(
            "create the disk, or correct {}_hd{number}",
            vm.name
        )),
    }
}

/// The error for a missing ISO image.
pub(crate) fn missing_cd(vm: &Vm, cd: &Cd) -> Error {
    missing("ISO image", &cd.path, cd.origin)
        .named(FindingName::IsoMissing)
        .help(format!(
            "download the image, or correct {}_cd{}",
            vm.name, cd.number
        ))
}

/// The error with the path of a file of a near name in the same directory, if there is one.
pub(crate) fn with_near(mut error: Error, look: &mut dyn Look, path: &Path) -> Error {
    let mut near = || {
        let (directory, name) = (path.parent()?, path.file_name()?.to_str()?);
        // The error is about the missing file, so a directory that cannot be read adds nothing.
        let names = look.names_in(directory).ok()?;
        let near = suggest::near(name, names.iter().filter_map(|name| name.to_str()))?;
        Some(directory.join(near))
    };
    if let Some(near) = near() {
        let help = format!("do you mean {}?", quote::shown(&near));
        error.help.insert(0, help);
    }
    error
}

fn missing(kind: &str, path: &Path, origin: Option<Span>) -> Error {
    Error::host(format!("{kind} {} does not exist", vis::shown(&path))).at(origin)
}

/// Refuses a VM that this host cannot run, or whose processes would be hidden from the caller.
pub(crate) fn refuse_host(vm: &Vm, kernel: &Kernel) -> Result<()> {
    if kernel.is_amd64 == Some(false) {
        return Err(Error::host(
            "bhyveload and grub-bhyve exist only for amd64, and this host is not amd64",
        )
        .help("easy-bhyve supports no other loader yet"));
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

pub(crate) fn list_of(context: &mut PlanContext<'_>, volume: &Dataset) -> Result<zfs::Volume> {
    let answer = survey::answer(context.look, &zfs::list(volume))?;
    let mut names = answer.lines().filter_map(|line| line.split('\t').next());
    // zfs passes over a dataset that is not of the wanted types.
    if !names.any(|name| name == volume.as_str()) {
        return Err(Error::host(format!(
            "{volume} is a filesystem, and the disk of a VM is a volume"
        ))
        .help("name a volume with VM_zvol, or as root rename the filesystem, and make the disk: VM-resources -V 20G"));
    }
    Ok(zfs::parse_list(volume, &answer))
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
