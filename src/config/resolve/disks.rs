//! The disks and CDs of a VM, and what its first disk is.

use super::Parts;
use super::faults::Faults;
use crate::config::settings::{Need, Set, needs};
use crate::config::{FindingName, Span};
use crate::error::{Error, Result};
use crate::model::Volume;
use crate::model::device::{Cd, Disk};
use crate::model::loader::Loader;
use crate::model::name::{Dataset, VmId};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The disks by number, and what the first is; `id` is where a fault is told that has no other place.
///
/// Differs: The disk in use counts everywhere
pub(super) fn disks(
    parts: &Parts<'_>,
    id: &Set<VmId>,
    loader: &Loader,
    faults: &mut Faults,
) -> (Volume, Vec<Disk>) {
    let hds = &parts.own.settings.hds;
    let (volume, first) = if parts.own.is_wrong("zvol", 0) && !hds.contains_key(&0) {
        stand_in(parts)
    } else {
        first_disk(parts, id).unwrap_or_else(|error| {
            faults.add_gap(error, needs::DISKS);
            stand_in(parts)
        })
    };
    let mut disks = vec![first];
    for (number, set) in hds.iter().filter(|(number, _)| **number > 0) {
        match device_path(parts, "hd", *number, set) {
            Ok(path) => disks.push(Disk {
                number: *number,
                path,
                origin: set.span,
            }),
            Err(error) => faults.add_gap(error, needs::DISKS),
        }
    }
    refuse_twins(parts, &mut disks, faults);
    for disk in disks.iter().filter(|_| refuses_blanks(parts, loader)) {
        if let Err(error) = refuse_blank(&disk.path, disk.origin) {
            faults.add_gap(error, needs::DISKS);
        }
    }
    (volume, disks)
}

/// The CDs by number.
pub(super) fn cds(parts: &Parts<'_>, loader: &Loader, faults: &mut Faults) -> Vec<Cd> {
    let mut cds = Vec::new();
    for (number, set) in &parts.own.settings.cds {
        let path = device_path(parts, "cd", *number, set);
        cds.extend(faults.take(path, needs::INSTALL).map(|path| Cd {
            number: *number,
            path,
            origin: set.span,
        }));
    }
    for cd in cds.iter().filter(|_| refuses_blanks(parts, loader)) {
        faults.take(refuse_blank(&cd.path, cd.origin), &[Need::Install]);
    }
    cds
}

/// Whether a path must have no blank; where the loader is not known that is not asked for.
fn refuses_blanks(parts: &Parts<'_>, loader: &Loader) -> bool {
    loader.facts().ends_paths_at_blanks && !parts.own.is_wrong("freebsd", 0)
}

/// What stands for a first disk that is not known, so that the rest can be looked at.
fn stand_in(parts: &Parts<'_>) -> (Volume, Disk) {
    let path = Path::new("/").join(parts.name.as_str());
    let disk = Disk {
        number: 0,
        path: path.clone(),
        origin: None,
    };
    (Volume::File(path), disk)
}

/// The first disk, and what it is.
fn first_disk(parts: &Parts<'_>, id: &Set<VmId>) -> Result<(Volume, Disk)> {
    let name = &parts.name;
    let zvols = parts.wanted.devices.join("zvol");
    let disk = |path: PathBuf, origin| Disk {
        number: 0,
        path,
        origin,
    };
    let zvol = parts.own.settings.zvol.as_ref();
    if let Some(set) = parts.own.settings.hds.get(&0) {
        let path = device_path(parts, "hd", 0, set)?;
        let volume = match path.strip_prefix(&zvols) {
            Ok(dataset) => Volume::Zfs(dataset_of_path(parts, dataset, set.span)?),
            Err(_) => Volume::File(path.clone()),
        };
        if let Some(zvol) = zvol
            && !matches!(&volume, Volume::Zfs(dataset) if *dataset == zvol.value)
        {
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
        return Ok((volume, disk(path, set.span)));
    }
    if let Some(zvol) = zvol {
        let path = zvols.join(zvol.value.as_str());
        return Ok((Volume::Zfs(zvol.value.clone()), disk(path, zvol.span)));
    }
    let Some(root) = &parts.host.volroot else {
        let name_of_it = if parts.own.settings.hds.is_empty() {
            FindingName::VolrootUnset
        } else {
            FindingName::MissingHd0
        };
        return Err(Error::config(format!(
            "volroot is not set, so the disk of {name} is unknown"
        ))
        .at(id.span)
        .named(name_of_it)
        .help("for ZFS: zfs create -o mountpoint=none zroot/vm, and set volroot=zroot/vm")
        .help("for disk image files: mkdir /vm, and set volroot=/vm"));
    };
    if root.value.is_absolute() {
        let path = root.value.join(name.as_str());
        refuse_comma(&path, root.span)?;
        return Ok((Volume::File(path.clone()), disk(path, root.span)));
    }
    let whole = format!("{}/{name}", root.value.display());
    let dataset = Dataset::parse(&whole).map_err(|error| {
        // The root alone is to blame, if it is: its message names less.
        let of_root = dataset_of(root).err();
        of_root.unwrap_or_else(|| {
            Error::config(error.to_string())
                .at(root.span)
                .named(FindingName::Dataset)
        })
    })?;
    let path = zvols.join(whole);
    Ok((Volume::Zfs(dataset), disk(path, root.span)))
}

/// The dataset that `volroot` names.
///
/// # Errors
/// If it is none.
pub(super) fn dataset_of(root: &Set<PathBuf>) -> Result<Dataset> {
    Dataset::parse(&root.value.to_string_lossy()).map_err(|error| {
        Error::config(format!("volroot: {error}"))
            .at(root.span)
            .named(FindingName::Dataset)
    })
}

fn dataset_of_path(parts: &Parts<'_>, path: &Path, at: Option<Span>) -> Result<Dataset> {
    Dataset::parse(&path.to_string_lossy()).map_err(|error| {
        Error::config(format!("{}_hd0: {error}", parts.name))
            .at(at)
            .named(FindingName::Dataset)
    })
}

/// The path of a disk or an ISO image: absolute, and one that bhyve(8) can take.
fn device_path(parts: &Parts<'_>, kind: &str, number: u8, set: &Set<PathBuf>) -> Result<PathBuf> {
    if set.value.is_relative() {
        return Err(Error::config(format!(
            "{}_{kind}{number}: {} is not an absolute path",
            parts.name,
            set.value.display()
        ))
        .at(set.span)
        .named(FindingName::RelativePath)
        .help("begin it with / or with a variable such as ${iso_path} that does"));
    }
    refuse_comma(&set.value, set.span)?;
    Ok(set.value.clone())
}

/// A comma would end the path for bhyve(8), which then uses another file (`usr.sbin/bhyve/pci_emul.c`).
fn refuse_comma(path: &Path, origin: Option<Span>) -> Result<()> {
    if path.as_os_str().as_bytes().contains(&b',') {
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
fn refuse_blank(path: &Path, origin: Option<Span>) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.iter().any(u8::is_ascii_whitespace) {
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

/// Takes one disk out that stands at two numbers: bhyve(8) takes no lock, and the guest would destroy
/// it.
///
/// Differs: One disk or one tap at two numbers is an error
fn refuse_twins(parts: &Parts<'_>, disks: &mut Vec<Disk>, faults: &mut Faults) {
    let mut single: Vec<Disk> = Vec::with_capacity(disks.len());
    for disk in disks.drain(..) {
        let Some(twin) = single.iter().find(|other| other.path == disk.path) else {
            single.push(disk);
            continue;
        };
        let error = Error::config(format!(
            "hd{} and hd{} of {} are both {}",
            twin.number,
            disk.number,
            parts.name,
            disk.path.display()
        ));
        faults.add_gap(
            error
                .at(disk.origin)
                .named(FindingName::DiskTwice)
                .help("each number needs a disk of its own"),
            needs::DISKS,
        );
    }
    *disks = single;
}
