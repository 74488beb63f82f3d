//! The disks and CDs of a VM, and the kind of its first disk.

use super::Parts;
use super::faults::Faults;
use super::read::hidden;
use crate::config::settings::{Need, Set, needs};
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::Volume;
use crate::model::device::{Cd, Disk, Slots};
use crate::model::kind::DiskOptions;
use crate::model::loader::LoaderKind;
use crate::model::name::{Dataset, VmId};
use crate::span::Span;
use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The disks by number, and the kind of the first one; faults without a place are reported at `id`.
///
/// Differs: The disk in use counts everywhere
pub(super) fn disks(
    parts: &Parts<'_>,
    id: &Set<VmId>,
    loader: LoaderKind,
    faults: &mut Faults,
) -> (Volume, Vec<Disk>) {
    let hds = &parts.own.settings.hds;
    let (mut volume, first) = if parts.own.is_wrong("zvol", 0) && !hds.contains_key(&0) {
        placeholder(parts)
    } else {
        first_disk(parts, id).unwrap_or_else(|error| {
            faults.add_missing(error, needs::DISKS);
            placeholder(parts)
        })
    };
    let mut disks = vec![first];
    for (number, set) in hds.iter().filter(|(number, _)| **number > 0) {
        match device_path(parts, "hd", *number, Cow::from(&set.value), set.span) {
            Ok(path) => disks.push(Disk::new(*number, path, set.span)),
            Err(error) => faults.add_missing(error, needs::DISKS),
        }
    }
    let is_single = disks.len() == 1;
    if !is_single {
        refuse_twins(parts, &mut disks, faults);
    }
    if loader.facts().ends_paths_at_blanks {
        refuse_blanks(parts, &mut volume, &mut disks, faults);
    }
    // Function 0 is there.
    if !is_single {
        refuse_hidden(parts, &mut disks, faults);
    }
    let own = &parts.own.settings;
    for disk in &mut disks {
        let kind = own.hd_kinds.get(&disk.number).map(|set| set.value);
        let options = own.hd_options.get(&disk.number);
        disk.kind = kind.unwrap_or_default();
        disk.options = options.map_or_else(DiskOptions::default, |set| set.value.clone());
    }
    (volume, disks)
}

pub(super) fn cds(parts: &Parts<'_>, loader: LoaderKind, faults: &mut Faults) -> Vec<Cd> {
    let mut cds = Vec::new();
    for (number, set) in &parts.own.settings.cds {
        let path = device_path(parts, "cd", *number, in_iso_path(parts, set), set.span);
        cds.extend(faults.take(path, needs::INSTALL).map(|path| Cd {
            number: *number,
            path,
            origin: set.span,
        }));
    }
    let is_asked = loader.facts().ends_paths_at_blanks && knows_loader(parts);
    for cd in cds.iter().filter(|_| is_asked) {
        faults.take(refuse_blank(&cd.path, cd.origin), &[Need::Install]);
    }
    cds
}

/// Whether the settings that choose the VM's loader are valid.
fn knows_loader(parts: &Parts<'_>) -> bool {
    !LoaderKind::choosing_settings().any(|setting| parts.own.is_wrong(setting, 0))
}

/// A placeholder for an unknown first disk, so that the other settings can be checked.
fn placeholder(parts: &Parts<'_>) -> (Volume, Disk) {
    let path = Path::new("/").join(parts.name.as_str());
    let disk = Disk::new(0, path.clone(), None);
    (Volume::File(path), disk)
}

fn first_disk(parts: &Parts<'_>, id: &Set<VmId>) -> Result<(Volume, Disk)> {
    let name = &parts.name;
    let devices = parts.wanted.devices;
    let disk = |path: PathBuf, origin| Disk::new(0, path, origin);
    let zvol = parts.own.settings.zvol.as_ref();
    if let Some(set) = parts.own.settings.hds.get(&0) {
        let path = device_path(parts, "hd", 0, Cow::from(&set.value), set.span)?;
        let below_zvol = path.strip_prefix(devices);
        let volume = match below_zvol.and_then(|rest| rest.strip_prefix("zvol")) {
            Ok(dataset) => Volume::Zfs(dataset_in(&format!("{name}_hd0"), dataset, set.span)?),
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
                "remove one of the two settings; {} is the disk of {}",
                of_zvol(devices, zvol.value.as_str()).display(),
                zvol.value
            )));
        }
        return Ok((volume, disk(path, set.span)));
    }
    if let Some(zvol) = zvol {
        let path = of_zvol(devices, zvol.value.as_str());
        return Ok((Volume::Zfs(zvol.value.clone()), disk(path, zvol.span)));
    }
    let Some(root) = &parts.host.volroot else {
        let name_of_it = if parts.own.settings.hds.is_empty() {
            FindingName::VolrootUnset
        } else {
            FindingName::MissingHd0
        };
        return Err(Error::config(format!(
            "the disk of {name} is unknown, because volroot is not set"
        ))
        .at(id.span)
        .named(name_of_it)
        .help("for ZFS: zfs create -o mountpoint=none zroot/vm, and set volroot=zroot/vm")
        .help("for disk image files: mkdir /vm, and set volroot=/vm"));
    };
    if root.value.is_absolute() {
        let path = root.value.join(name.as_str());
        refuse_for_bhyve(&path, root.span)?;
        return Ok((Volume::File(path.clone()), disk(path, root.span)));
    }
    let whole = [&*root.value.to_string_lossy(), "/", name.as_str()].concat();
    let path = of_zvol(devices, &whole);
    let dataset = Dataset::of(whole).map_err(|error| {
        // If `volroot` itself is invalid, its message is more specific.
        let of_root = dataset_of(root).err();
        of_root.unwrap_or_else(|| {
            Error::config(error.to_string())
                .at(root.span)
                .named(FindingName::Dataset)
        })
    })?;
    Ok((Volume::Zfs(dataset), disk(path, root.span)))
}

/// The device of a volume, by one allocation.
fn of_zvol(devices: &Path, dataset: &str) -> PathBuf {
    const DIRECTORY: &str = "zvol";
    let length = devices.as_os_str().len() + DIRECTORY.len() + dataset.len() + 2;
    let mut path = PathBuf::with_capacity(length);
    path.extend([devices, Path::new(DIRECTORY), Path::new(dataset)]);
    path
}

/// The dataset that `volroot` names.
///
/// # Errors
/// If `volroot` is not a valid dataset.
pub(super) fn dataset_of(root: &Set<PathBuf>) -> Result<Dataset> {
    dataset_in("volroot", &root.value, root.span)
}

/// The dataset that a setting's path names.
fn dataset_in(setting: &str, path: &Path, at: Option<Span>) -> Result<Dataset> {
    Dataset::parse(&path.to_string_lossy()).map_err(|error| {
        Error::config(format!("{setting}: {error}"))
            .at(at)
            .named(FindingName::Dataset)
    })
}

/// The path of an ISO image; a relative one is below `iso_path`, if that is set.
fn in_iso_path<'set>(parts: &Parts<'_>, set: &'set Set<PathBuf>) -> Cow<'set, Path> {
    match &parts.host.iso_path {
        Some(iso_path) if set.value.is_relative() => iso_path.value.join(&set.value).into(),
        _ => Cow::from(&set.value),
    }
}

/// The path of a disk or an ISO image: absolute, and valid for bhyve(8).
fn device_path(
    parts: &Parts<'_>,
    kind: &str,
    number: u8,
    path: Cow<'_, Path>,
    origin: Option<Span>,
) -> Result<PathBuf> {
    if path.is_relative() {
        return Err(Error::config(format!(
            "{}_{kind}{number}: {} is not an absolute path",
            parts.name,
            path.display()
        ))
        .at(origin)
        .named(FindingName::RelativePath)
        .help(match kind {
            "cd" => "write an absolute path, or set iso_path to the directory of the ISO images: iso_path=/iso",
            _ => "write an absolute path",
        }));
    }
    refuse_for_bhyve(&path, origin)?;
    Ok(path.into_owned())
}

/// Refuses a path that bhyve(8) would change: a comma would end it (`usr.sbin/bhyve/pci_emul.c`);
/// after a percent sign it expects the name of a setting, and it drops every backslash
/// (`usr.sbin/bhyve/config.c`).
fn refuse_for_bhyve(path: &Path, origin: Option<Span>) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&b'%') {
        let why =
            "bhyve expands % in a path, and the loader does not: both could use different disks";
        return Err(invalid(path, why, FindingName::PathPercent, origin));
    }
    if bytes.contains(&b',') {
        let why = "bhyve does not accept a comma in a path";
        return Err(invalid(path, why, FindingName::PathComma, origin));
    }
    Ok(())
}

fn invalid(path: &Path, why: &str, name: FindingName, origin: Option<Span>) -> Error {
    Error::config(format!("{}: {why}", path.display()))
        .at(origin)
        .named(name)
        .help("rename the file, or use a symbolic link without that character: ln -s")
}

/// Removes and reports the disks whose path contains a blank. The root side also refuses such paths
/// and gets the VM without these disks.
fn refuse_blanks(
    parts: &Parts<'_>,
    volume: &mut Volume,
    disks: &mut Vec<Disk>,
    faults: &mut Faults,
) {
    disks.retain(|disk| match refuse_blank(&disk.path, disk.origin) {
        Ok(()) => true,
        Err(error) => {
            // If the loader is unknown, it may accept the path.
            if knows_loader(parts) {
                faults.add_missing(error, needs::DISKS);
            }
            false
        }
    });
    if disks.first().is_none_or(|first| first.number != 0) {
        let (of_stand_in, first) = placeholder(parts);
        *volume = of_stand_in;
        disks.insert(0, first);
    }
}

/// A blank would end the path in grub's device map (`grub-core/kern/emu/hostdisk.c`).
fn refuse_blank(path: &Path, origin: Option<Span>) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    // As isspace(3).
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    if bytes.iter().any(is_blank) {
        let why = "grub-bhyve does not accept a blank in a path";
        return Err(invalid(path, why, FindingName::PathBlank, origin));
    }
    Ok(())
}

/// Removes the disks that no guest finds.
fn refuse_hidden(parts: &Parts<'_>, disks: &mut Vec<Disk>, faults: &mut Faults) {
    let numbers: Vec<u8> = disks.iter().map(|disk| disk.number).collect();
    disks.retain(|disk| {
        let leader = Slots::leader(disk.number);
        let is_found = numbers.contains(&leader);
        // An invalid or double function 0 is reported once.
        if !is_found && !parts.own.settings.hds.contains_key(&leader) {
            let error = hidden(&parts.name, "hd", disk.number, disk.origin);
            faults.add_missing(error, needs::DISKS);
        }
        is_found
    });
}

/// Removes a disk with two numbers: bhyve(8) does not lock disks, and the guest would corrupt it.
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
        faults.add_missing(
            error
                .at(disk.origin)
                .named(FindingName::DiskTwice)
                .help("use a different disk for each number"),
            needs::DISKS,
        );
    }
    *disks = single;
}
