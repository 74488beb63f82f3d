//! The disks of a VM, and what its first disk is.

use super::keys::{Kind, Numbered};
use super::path;
use crate::config::de::{Located, Text};
use crate::config::{Assignment, FindingName, Span};
use crate::error::{Error, Result};
use crate::model::name::{Dataset, VmName};
use crate::model::settings::{HostSettings, VmSettings};
use crate::model::{Disk, Volume};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The first disk, and what it is.
///
/// Differs: The disk in use counts everywhere
pub(super) fn first_disk(
    name: &VmName,
    settings: &VmSettings,
    numbered: &Numbered<'_>,
    host: &HostSettings,
    devices: &Path,
) -> Result<(Volume, Disk)> {
    let zvols = devices.join("zvol");
    let disk = |path: PathBuf, origin| Disk {
        number: 0,
        path,
        origin,
    };
    let set = numbered.get(Kind::Disk, 0);
    match (set, &settings.zvol) {
        (Some(set), zvol) => {
            let path = device_path(set)?;
            let volume = match path.strip_prefix(&zvols) {
                Ok(dataset) => Volume::Zfs(dataset_of_path(dataset, set)?),
                Err(_) => Volume::File(path.clone()),
            };
            match (zvol, &volume) {
                (Some(zvol), Volume::Zfs(dataset)) if zvol.value == *dataset => {}
                (Some(zvol), _) => {
                    return Err(Error::config(format!(
                        "{name}_zvol is {}, but {name}_hd0 is {}",
                        zvol.value,
                        path.display()
                    ))
                    .at(zvol.span)
                    .named(FindingName::ZvolIsNotHd0)
                    .help(format!(
                        "remove one of them; {} is the disk of {}",
                        zvols.join(zvol.value.as_str()).display(),
                        zvol.value
                    )));
                }
                (None, _) => {}
            }
            Ok((volume, disk(path, Some(set.value_span))))
        }
        (None, Some(zvol)) => Ok((
            Volume::Zfs(zvol.value.clone()),
            disk(zvols.join(zvol.value.as_str()), Some(zvol.span)),
        )),
        (None, None) => {
            let Some(root) = &host.volroot else {
                let name_of_it = match numbered.all(Kind::Disk).next() {
                    Some(_) => FindingName::MissingHd0,
                    None => FindingName::VolrootUnset,
                };
                return Err(Error::config(format!(
                    "volroot is not set, so the disk of {name} is unknown"
                ))
                .at(settings.id.span)
                .named(name_of_it)
                .help("for ZFS: zfs create -o mountpoint=none zroot/vm, and set volroot=zroot/vm")
                .help("for disk image files: mkdir /vm, and set volroot=/vm"));
            };
            let origin = Some(root.span);
            if root.value.as_os_str().as_bytes().starts_with(b"/") {
                let path = path(&root.value).join(name.as_str());
                refuse_for_bhyve(&path, Some(root.span))?;
                return Ok((Volume::File(path.clone()), disk(path, origin)));
            }
            let whole = format!("{}/{name}", root.value.as_os_str().to_string_lossy());
            let dataset = Dataset::parse(&whole).map_err(|error| {
                // The root alone is to blame, if it is: its message names less.
                let of_root = dataset_of(root).err();
                of_root.unwrap_or_else(|| {
                    Error::config(error.to_string())
                        .at(origin)
                        .named(FindingName::Dataset)
                })
            })?;
            let path = zvols.join(whole);
            Ok((Volume::Zfs(dataset), disk(path, origin)))
        }
    }
}

pub(super) fn dataset_of(root: &Located<Text>) -> Result<Dataset> {
    Dataset::parse(&String::from_utf8_lossy(root.value.as_os_str().as_bytes())).map_err(|error| {
        Error::config(format!("volroot: {error}"))
            .at(root.span)
            .named(FindingName::Dataset)
    })
}

fn dataset_of_path(path: &Path, set: &Assignment<'_>) -> Result<Dataset> {
    Dataset::parse(&path.to_string_lossy()).map_err(|error| {
        Error::config(format!("{}: {error}", set.name))
            .at(set.value_span)
            .named(FindingName::Dataset)
    })
}

/// The path of a disk or an ISO image: absolute, and one that bhyve(8) can take.
pub(super) fn device_path(set: &Assignment<'_>) -> Result<PathBuf> {
    let path = PathBuf::from(OsStr::from_bytes(set.value));
    if path.is_relative() {
        return Err(Error::config(format!(
            "{}: {} is not an absolute path",
            set.name,
            path.display()
        ))
        .at(set.value_span)
        .named(FindingName::RelativePath)
        .help("begin it with / or with a variable such as ${iso_path} that does"));
    }
    refuse_for_bhyve(&path, Some(set.value_span))?;
    Ok(path)
}

/// Refuses a path of which bhyve(8) would make another one: a comma would end it
/// (`usr.sbin/bhyve/pci_emul.c`), and behind a percent sign it looks for the name of a setting, and drops
/// every backslash (`usr.sbin/bhyve/config.c`).
pub(in crate::model) fn refuse_for_bhyve(path: &Path, origin: Option<Span>) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&b'%') {
        return Err(Error::config(format!(
            "{}: bhyve takes % in a path for the name of one of its settings, and the loader does not, \
             so they could have two disks",
            path.display()
        ))
        .at(origin)
        .named(FindingName::PathPercent)
        .help("rename it, or give it a second name without one: ln -s"));
    }
    if bytes.contains(&b',') {
        return Err(Error::config(format!(
            "{}: bhyve takes no path with a comma",
            path.display()
        ))
        .at(origin)
        .named(FindingName::PathComma)
        .help("rename it, or give it a second name without one: ln -s"));
    }
    Ok(())
}

/// A blank would end the path in grub's device map (`grub-core/kern/emu/hostdisk.c`).
///
/// # Errors
/// If the path has one.
pub fn refuse_blank(path: &Path, origin: Option<Span>) -> Result<()> {
    if path
        .as_os_str()
        .as_bytes()
        .iter()
        // As isspace(3) tells.
        .any(|byte| byte.is_ascii_whitespace() || *byte == 0x0b)
    {
        return Err(Error::config(format!(
            "{}: grub-bhyve takes no path with a blank",
            path.display()
        ))
        .at(origin)
        .named(FindingName::PathBlank)
        .help("rename it, or give it a second name without one: ln -s"));
    }
    Ok(())
}

/// Refuses one disk at two numbers: bhyve(8) takes no lock, and the guest would destroy it.
///
/// Differs: One disk or one tap at two numbers is an error
pub(in crate::model) fn refuse_twins(name: &VmName, disks: &[Disk]) -> Result<()> {
    for (index, disk) in disks.iter().enumerate() {
        let twin = disks
            .iter()
            .take(index)
            .find(|other| other.path == disk.path);
        if let Some(twin) = twin {
            return Err(Error::config(format!(
                "hd{} and hd{} of {name} are both {}",
                twin.number,
                disk.number,
                disk.path.display()
            ))
            .at(disk.origin)
            .named(FindingName::DiskTwice)
            .help("each number needs a disk of its own"));
        }
    }
    Ok(())
}
