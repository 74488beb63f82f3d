//! The PCI devices of a VM, as passed to bhyve(8).
//!
//! Slots must not change, because guests name their disks and NICs by them: each kind of device has
//! its own slot and each number is a function of it, so that a new device moves no other. Only this
//! module assigns slots.

use super::Vm;
use super::name::{IfName, TapName};
use crate::span::Span;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The number, 0 to 7.
    pub number: u8,
    /// The device node or the image file.
    pub path: PathBuf,
    /// The setting that defines the device.
    pub origin: Option<Span>,
}

impl Disk {
    /// A disk with only a number and a path.
    pub fn new(number: u8, path: PathBuf, origin: Option<Span>) -> Self {
        Self {
            number,
            path,
            origin,
        }
    }
}

/// A CD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cd {
    /// The number, 0 to 7.
    pub number: u8,
    /// The ISO image.
    pub path: PathBuf,
    /// The setting that defines the device.
    pub origin: Option<Span>,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// The number, 0 to 7.
    pub number: u8,
    /// The tap on the host.
    pub tap: TapName,
    /// The bridge that the tap joins; none for a tap that joins nothing.
    pub bridge: Option<IfName>,
    /// Whether the tap is isolated from the other private members of its bridge.
    pub is_private: bool,
    /// The setting that the tap comes from.
    pub origin: Option<Span>,
    /// The setting that the bridge comes from.
    pub bridge_origin: Option<Span>,
}

/// A position on PCI bus 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// 0 to 31.
    pub device: u8,
    /// 0 to 7.
    pub function: u8,
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.function)
    }
}

/// A PCI device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The position.
    pub slot: Slot,
    /// The device that bhyve(8) emulates.
    pub emulation: &'static str,
    /// The host's object that backs the device.
    pub backend: Option<OsString>,
    /// Further options for bhyve(8), each `KEY` or `KEY=VALUE`.
    pub options: Vec<OsString>,
}

impl Device {
    fn new(device: u8, function: u8, emulation: &'static str) -> Self {
        Self {
            slot: Slot { device, function },
            emulation,
            backend: None,
            options: Vec::new(),
        }
    }

    fn with_backend(mut self, backend: impl AsRef<OsStr>) -> Self {
        self.backend = Some(backend.as_ref().to_owned());
        self
    }

    /// The operand of `-s`: `SLOT,EMULATION[,BACKEND][,OPTION…]` (`usr.sbin/bhyve/pci_emul.c`).
    pub fn argument(&self) -> OsString {
        let mut argument = OsString::from(format!("{},{}", self.slot, self.emulation));
        for part in self.backend.iter().chain(&self.options) {
            argument.push(",");
            argument.push(part);
        }
        argument
    }
}

impl Nic {
    /// Whether the tap joins the bridge of this name.
    pub fn joins(&self, bridge: &str) -> bool {
        self.bridge
            .as_ref()
            .is_some_and(|own| own.as_str() == bridge)
    }
}

impl Vm {
    /// All devices; `with_cds`: with the CDs of an installation.
    pub fn devices(&self, with_cds: bool) -> Vec<Device> {
        let mut devices = vec![host_bridge(), isa_bridge()];
        devices.extend(self.nics.iter().map(nic));
        devices.extend(self.disks.iter().map(disk));
        devices.extend(self.cds.iter().filter(|_| with_cds).map(cd));
        devices
    }
}

fn host_bridge() -> Device {
    Device::new(0, 0, "hostbridge")
}

/// The bridge to the serial lines.
fn isa_bridge() -> Device {
    Device::new(1, 0, "lpc")
}

fn nic(nic: &Nic) -> Device {
    Device::new(2, nic.number, "virtio-net").with_backend(&nic.tap)
}

fn disk(disk: &Disk) -> Device {
    Device::new(3, disk.number, "virtio-blk").with_backend(&disk.path)
}

fn cd(cd: &Cd) -> Device {
    Device::new(4, cd.number, "ahci-cd").with_backend(&cd.path)
}

#[cfg(test)]
mod tests {
    use super::Device;
    use crate::model::tests::vm;

    #[test]
    fn a_device_keeps_its_slot_whatever_others_there_are() {
        let shown = |devices: Vec<Device>| -> Vec<String> {
            let all = devices.iter();
            all.map(|device| device.argument().display().to_string())
                .collect()
        };
        let mut vm = vm();
        let all = shown(vm.devices(true));
        assert_eq!(
            all,
            [
                "0:0,hostbridge",
                "1:0,lpc",
                "2:0,virtio-net,tap1",
                "2:3,virtio-net,tap7",
                "3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0",
                "3:2,virtio-blk,/vm/data",
                "4:0,ahci-cd,/iso/a.iso",
                "4:1,ahci-cd,/iso/b.iso",
            ]
        );
        vm.nics.remove(0);
        vm.disks.remove(0);
        vm.cds.remove(0);
        let fewer = shown(vm.devices(true));
        assert!(fewer.len() == 5 && fewer.iter().all(|one| all.contains(one)));
        assert!(
            shown(vm.devices(false))
                .iter()
                .all(|one| !one.contains("ahci-cd"))
        );
    }

    #[test]
    fn options_stand_behind_the_backend() {
        let device = Device {
            options: vec!["ro".into(), "bootindex=1".into()],
            ..Device::new(4, 0, "ahci-cd").with_backend("/iso/a.iso")
        };
        assert_eq!(device.argument(), "4:0,ahci-cd,/iso/a.iso,ro,bootindex=1");
    }
}
