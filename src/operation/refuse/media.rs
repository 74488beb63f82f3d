//! What prevents a start because of the files of a VM: its disks and ISO images.

use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::host::Look;
use crate::host::identity::{About, Identity};
use crate::model::Vm;
use crate::model::device::{Cd, Disk};
use crate::model::loader::Loader;
use crate::operation::plan_context::PlanContext;
use crate::operation::zvol;
use crate::span::Span;
use crate::suggest;
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

/// Refuses a directory in which every user may rename the disk that root `does` something with.
///
/// # Errors
/// If every user may rename files of others there.
pub(crate) fn refuse_everybodys(
    context: &mut PlanContext<'_>,
    directory: &Path,
    does: &str,
    origin: Option<Span>,
) -> Result<()> {
    let about = context.look.about(directory);
    if !about.is_ok_and(|about| about.is_everybodys) {
        return Ok(());
    }
    Err(Error::host(format!(
        "every user may rename files in {}, including a disk that root {does} there",
        directory.display()
    ))
    .at(origin)
    .help(format!(
        "remove this permission: chmod o-w {}",
        quote::shown(directory)
    )))
}

/// A disk or an ISO image of a VM, as the files that bhyve opens.
pub(crate) struct Medium<'vm> {
    /// What the file is, in a message.
    kind: &'static str,
    /// The setting, without the VM.
    setting: String,
    /// The device node or the file.
    pub path: &'vm Path,
    /// The place of the setting.
    pub origin: Option<Span>,
    finding: FindingName,
}

impl<'vm> From<&'vm Disk> for Medium<'vm> {
    fn from(disk: &'vm Disk) -> Self {
        Self {
            kind: "disk",
            setting: format!("hd{}", disk.number),
            path: &disk.path,
            origin: disk.origin,
            finding: FindingName::DiskMissing,
        }
    }
}

impl<'vm> From<&'vm Cd> for Medium<'vm> {
    fn from(cd: &'vm Cd) -> Self {
        Self {
            kind: "ISO image",
            setting: format!("cd{}", cd.number),
            path: &cd.path,
            origin: cd.origin,
            finding: FindingName::IsoMissing,
        }
    }
}

impl Medium<'_> {
    /// The error for a missing file.
    pub(crate) fn missing(&self, vm: &Vm) -> Error {
        let (kind, name, setting) = (self.kind, &vm.name, &self.setting);
        let error = Error::host(format!("{kind} {} does not exist", vis::shown(&self.path)));
        error
            .at(self.origin)
            .named(self.finding)
            .help(match self.finding {
                _ if setting == "hd0" => {
                    format!("create it: {} -V 20G", vm.command(Verb::Resources))
                }
                FindingName::DiskMissing => format!("create the disk, or correct {name}_{setting}"),
                _ => format!("download the image, or correct {name}_{setting}"),
            })
    }

    /// An error about the file as a finding at its setting.
    pub(crate) fn place(&self, error: Error) -> Error {
        error.at(self.origin).named(self.finding)
    }

    /// The error for a link to a path that does not exist.
    pub(crate) fn dangling(&self, target: &Path) -> Error {
        let (kind, path) = (self.kind, self.path.display());
        let error = Error::host(format!(
            "{kind} {path} is a link to {}, which does not exist",
            target.display()
        ));
        error.at(self.origin)
    }

    /// Whether the file must be writable for a VM: all, because bhyveload and grub-bhyve open them for
    /// writing (`usr.sbin/bhyveload/bhyveload.c`, `disk_open`; grub2-bhyve:
    /// `grub-core/kern/emu/hostdisk.c`); without a loader the disks, which bhyve(8) else attaches read-only
    /// (`usr.sbin/bhyve/block_if.c`).
    pub(crate) fn is_written(&self, vm: &Vm) -> bool {
        vm.uefi().is_none() || self.finding == FindingName::DiskMissing
    }

    /// The error for a file on a read-only file system.
    pub(crate) fn read_only(&self, vm: &Vm) -> Error {
        let (kind, path) = (self.kind, self.path.display());
        Error::host(format!("{kind} {path} is on a read-only file system"))
            .at(self.origin)
            .named(FindingName::ReadOnly)
            .note(match vm.uefi() {
                None => "the loader opens it read-write",
                Some(_) => "the guest could not write to it",
            })
            .help("copy it to a writable file system, or make the file system writable: zfs set readonly=off, mount -u -o rw")
    }
}

/// The disks of a VM, then its ISO images.
pub(crate) fn media(vm: &Vm) -> impl Iterator<Item = Medium<'_>> {
    let disks = vm.disks.iter().map(Medium::from);
    disks.chain(vm.cds.iter().map(Medium::from))
}

/// Refuses a missing disk, or for an installation a missing ISO image.
pub(crate) fn refuse_missing(context: &mut PlanContext<'_>, vm: &Vm, with_cds: bool) -> Result<()> {
    let number = if with_cds { usize::MAX } else { vm.disks.len() };
    for medium in media(vm).take(number) {
        match look_for(context, medium.path)? {
            There::Something | There::Hidden => {}
            There::Nothing => {
                let devices = &context.process.devices;
                if let Some(error) = zvol::without_node(context.look, devices, medium.path) {
                    return Err(medium.place(error));
                }
                let error = medium.missing(vm);
                // A disk of a near name is most likely that of another VM.
                return Err(match medium.finding {
                    FindingName::DiskMissing => error,
                    _ => with_near(error, context.look, medium.path, |_| true),
                });
            }
            There::Dangling(target) => {
                let (error, setting) = (medium.dangling(&target), &medium.setting);
                let help = format!("correct {}_{setting} or the link", vm.name);
                return Err(error.named(medium.finding).help(help));
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
            return Err(Medium::from(disk).read_only(vm));
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
    for cd in vm.cds.iter().filter(|_| with_cds).map(Medium::from) {
        let about = about(context, cd.path)?;
        if cd.is_written(vm) && about.is_some_and(|about| about.is_read_only) {
            return Err(cd.read_only(vm));
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

/// The error with the path of a file of a near name in the same directory, if there is one that may be
/// meant.
pub(crate) fn with_near(
    mut error: Error,
    look: &mut dyn Look,
    path: &Path,
    may_be_meant: impl Fn(&Path) -> bool,
) -> Error {
    let mut near = || {
        let (directory, name) = (path.parent()?, path.file_name()?.to_str()?);
        // The error is about the missing file, so a directory that cannot be read adds nothing.
        let names = look.names_in(directory).ok()?;
        let near = suggest::near(name, names.iter().filter_map(|name| name.to_str()))?;
        Some(directory.join(near)).filter(|near| may_be_meant(near))
    };
    if let Some(near) = near() {
        let help = format!("do you mean {}?", quote::shown(&near));
        error.help.insert(0, help);
    }
    error
}
