//! Disks: block_if.c, pci_virtio_block.c, pci_ahci.c, pci_nvme.c.

use super::devices::{Device, Failure, Shared};
use super::number::{atoi, strtol};

/// Why a disk did not open.
enum Refused {
    /// bhyve ends, or the emulation has printed its message.
    Failure(Failure),
    /// The error number of the open.
    Open(String),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// virtio-blk
pub(super) fn virtio(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    let index = open(device, "", shared).map_err(|refused| {
        let why = why(refused)?;
        // perror(3): its line does not depend on the terminal.
        shared
            .says
            .line(format!("Could not open backing file: {why}"));
        Ok(Failure::Errno(why))
    });
    let index =
        index.map_err(|failure: Result<Failure, Failure>| failure.unwrap_or_else(|end| end))?;
    boots("virtio-blk", device, index, shared)
}

/// Every port of an ahci controller.
pub(super) fn ahci(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    for number in device.numbers("port", shared.says) {
        let port = format!("port.{number}.");
        let index = match open(device, &port, shared) {
            Ok(index) => index,
            Err(refused) => return Err(why(refused).map_or_else(|end| end, Failure::Errno)),
        };
        boots("ahci", device, index, shared)?;
    }
    Ok(())
}

/// nvme: a file, or memory with `ram=`.
pub(super) fn nvme(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    for (key, name) in [
        ("qsz", "nvme: Invalid qsz option"),
        ("ioslots", "Invalid ioslots option"),
    ] {
        let number = device.get(key, shared.says).map(|text| atoi(&text));
        if let Some(number) = number.filter(|number| *number <= 0) {
            shared.says.own(format!("{name} {number}"));
            return Err(Failure::plain());
        }
    }
    if device.get("ram", shared.says).is_none()
        && let Err(refused) = open(device, "", shared)
    {
        let why = why(refused)?;
        shared
            .says
            .own(format!("nvme: Could not open backing file: {why}"));
        return Err(Failure::Errno(why));
    }
    match device.get("bootindex", shared.says) {
        Some(text) => Ok(shared.boots("nvme", device, atoi(&text))?),
        None => Ok(()),
    }
}

/// The error number, or the end of bhyve.
fn why(refused: Refused) -> Result<String, Failure> {
    match refused {
        Refused::Open(why) | Refused::Failure(Failure::Errno(why)) => Ok(why),
        Refused::Failure(end) => Err(end),
    }
}

/// blockif_add_boot_device: a negative index is none.
fn boots(
    name: &str,
    device: &Device<'_>,
    index: Option<i64>,
    shared: &mut Shared<'_>,
) -> Result<(), Failure> {
    match index.filter(|index| *index >= 0) {
        Some(index) => Ok(shared.boots(name, device, index)?),
        None => Ok(()),
    }
}

/// blockif_open: the options of the node at `below`, then the file. Returns the boot index.
fn open(device: &Device<'_>, below: &str, shared: &mut Shared<'_>) -> Result<Option<i64>, Refused> {
    for name in ["nocache", "nodelete", "sync", "direct", "ro"] {
        let flag = device.bool(&format!("{below}{name}"), shared.says);
        flag.map_err(Failure::End)?;
    }
    let refused = |shared: &mut Shared<'_>, text: String| {
        shared.says.own(text);
        Err(Refused::Failure(Failure::plain()))
    };
    let sizes = device.get(&format!("{below}sectorsize"), shared.says);
    let sizes = match sizes.map(|text| (sectors(&text), text)) {
        None => None,
        Some((Some(sizes), _)) => Some(sizes),
        Some((None, text)) => return refused(shared, format!("Invalid sector size \"{text}\"")),
    };
    let index = device.get(&format!("{below}bootindex"), shared.says);
    let Some(path) = device.get(&format!("{below}path"), shared.says) else {
        return refused(shared, "Missing \"path\" for block device.".into());
    };
    if let Err(why) = shared.world.disk(&path) {
        shared
            .says
            .warn(format!("Could not open backing file: {path}: {why}"));
        return Err(Refused::Open(why));
    }
    let is_size = |size: i64| size >= 512 && size & (size - 1) == 0;
    if let Some((logical, physical)) = sizes.filter(|(logical, _)| *logical != 0)
        && !(is_size(logical) && is_size(physical) && logical <= physical)
    {
        return refused(shared, format!("Invalid sector size {logical}/{physical}"));
    }
    Ok(index.map(|text| atoi(&text)))
}

/// `LOGICAL[/PHYSICAL]`
fn sectors(text: &str) -> Option<(i64, i64)> {
    let (logical, rest) = strtol(text);
    if rest.len() == text.len() {
        return None;
    }
    let physical = match rest.strip_prefix('/') {
        None if rest.is_empty() => return Some((logical, logical)),
        None => return None,
        Some(physical) => physical,
    };
    match strtol(physical) {
        (number, "") if !physical.is_empty() => Some((logical, number)),
        _ => None,
    }
}
