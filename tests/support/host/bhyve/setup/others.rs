//! Other devices: pci_xhci.c, pci_virtio_9p.c, pci_virtio_console.c, pci_virtio_scsi.c, pci_passthru.c.

use super::devices::{Device, Failure, Shared};
use super::number::atoi;

/// The slots of an xhci for devices of USB 2.
const USB_SLOTS: usize = 4;
/// The longest name of a share.
const LONGEST_SHARE: usize = 256;

/// xhci: only one, and the tablet is the only model.
pub(super) fn usb(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    if shared.has_usb {
        return Err(Failure::plain());
    }
    shared.has_usb = true;
    let slots = device.numbers("slot", shared.says);
    for (at, slot) in slots.iter().enumerate() {
        let model = device.get(&format!("slot.{slot}.device"), shared.says);
        let model = model.unwrap_or_default();
        if model != "tablet" {
            shared
                .says
                .own(format!("pci_xhci: unknown device model \"{model}\""));
            return Err(Failure::plain());
        }
        if at >= USB_SLOTS {
            return Err(Failure::plain());
        }
    }
    Ok(())
}

/// virtio-9p
pub(super) fn share(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    device.bool("ro", shared.says)?;
    let Some(path) = device.get("path", shared.says) else {
        shared.says.own("virtio-9p: path required");
        return Err(Failure::plain());
    };
    let name = device.get("sharename", shared.says).unwrap_or_default();
    if name.len() > LONGEST_SHARE {
        shared.says.own("virtio-9p: share name too long");
        return Err(Failure::plain());
    }
    shared.world.look(&path).map_err(|why| {
        shared
            .says
            .own(format!("virtio-9p: failed to open '{path}': {why}"));
        Failure::Errno(why)
    })
}

/// virtio-console: every port is a socket.
pub(super) fn ports(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    for (at, number) in device.numbers("port", shared.says).into_iter().enumerate() {
        let path = device.get(&format!("port.{number}.path"), shared.says);
        let listened = shared.world.listen("unix", &path.unwrap_or_default());
        listened.map_err(|why| {
            shared.says.own(format!("cannot create port {at}: {why}"));
            Failure::Errno(why)
        })?;
    }
    Ok(())
}

/// virtio-scsi
pub(super) fn scsi(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    match device.get("bootindex", shared.says) {
        Some(text) => Ok(shared.boots("virtio-scsi", device, atoi(&text))?),
        None => Ok(()),
    }
}

/// passthru: the guest's memory must be wired.
pub(super) fn passthru(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    if device.tree.bool("memory.wired", shared.says)? != Some(true) {
        shared
            .says
            .warn("passthru requires guest memory to be wired");
        return Err(Failure::plain());
    }
    let problem = match device.get("pptdev", shared.says) {
        Some(name) if name.trim_start_matches("ppt").parse::<u32>().is_err() => {
            format!("Invalid passthru device name {name}")
        }
        None if device.get("bus", shared.says).is_none() => {
            "passthru: missing required bus setting".into()
        }
        Some(_) | None => return Ok(()),
    };
    shared.says.own(problem);
    Err(Failure::plain())
}
