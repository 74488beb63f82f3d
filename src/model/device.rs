//! The PCI devices of a VM, as passed to bhyve(8).
//!
//! Slots must not change, because guests name their disks and NICs by them: each kind of device has
//! its own slots and each number is a function of one of them, so that a new device moves no other. Only
//! this module assigns slots.

use super::backend::NicBackend;
use super::kind::{DiskKind, DiskOptions, Mac, NicKind};
use super::loader::{Loader, LoaderKind};
use super::name::{IfName, NameError, TapName, VmName, error};
use super::screen::Screen;
use super::{Vm, Volume};
use crate::span::Span;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The number, valid in [`Slots::DISKS`].
    pub number: u8,
    /// The device node or the image file.
    pub path: PathBuf,
    /// The device that it is for the guest.
    pub kind: DiskKind,
    /// Its options.
    pub options: DiskOptions,
    /// The setting that defines the device.
    pub origin: Option<Span>,
}

impl Disk {
    /// A disk of the usual kind, with only a number and a path.
    pub fn new(number: u8, path: PathBuf, origin: Option<Span>) -> Self {
        Self {
            number,
            path,
            kind: DiskKind::default(),
            options: DiskOptions::default(),
            origin,
        }
    }

    /// The ZFS volume of the disk, or else its path.
    pub fn volume(&self, devices: &Path) -> Volume {
        Volume::at(devices, &self.path)
    }
}

/// Parses the number of a disk.
///
/// # Errors
/// If no disk can have it.
pub fn disk_number(text: &str) -> Result<u8, NameError> {
    let last = Slots::DISKS.last();
    let number = text.parse().ok().filter(|number| *number <= last);
    number.ok_or_else(|| {
        error(format!(
            "\"{text}\" is not the number of a disk, 0 to {last}"
        ))
    })
}

/// A CD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cd {
    /// The number, valid in [`Slots::CDS`].
    pub number: u8,
    /// The ISO image.
    pub path: PathBuf,
    /// The setting that defines the device.
    pub origin: Option<Span>,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// The number, valid in [`Slots::NICS`].
    pub number: u8,
    /// What backs it on the host.
    pub backend: NicBackend,
    /// The bridge that the tap joins; none for a tap that joins nothing, and without a tap.
    pub bridge: Option<IfName>,
    /// Whether the tap is isolated from the other private members of its bridge.
    pub is_private: bool,
    /// The device that it is for the guest.
    pub kind: NicKind,
    /// Its address; none for the one that bhyve(8) derives from the VM's name and the slot.
    pub mac: Option<Mac>,
    /// The setting that the back end comes from.
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

impl Slot {
    /// Function 0 of a slot for a single device.
    const fn alone(device: u8) -> Self {
        Self {
            device,
            function: 0,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.function)
    }
}

/// The functions of a PCI slot.
const FUNCTIONS: u8 = 8;

/// The slots of one kind of device, for eight numbers each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The slot of the numbers 0 to 7.
    first: u8,
    /// The slot of the numbers 8 to 15, if there are such.
    second: Option<u8>,
}

impl Slots {
    /// Those of the NICs.
    pub const NICS: Self = Self::two(2, 12);
    /// Those of the disks.
    pub const DISKS: Self = Self::two(3, 13);
    /// That of the CDs.
    pub const CDS: Self = Self {
        first: 4,
        second: None,
    };

    const fn two(first: u8, second: u8) -> Self {
        Self {
            first,
            second: Some(second),
        }
    }

    /// The highest number.
    pub const fn last(self) -> u8 {
        match self.second {
            None => FUNCTIONS - 1,
            Some(_) => 2 * FUNCTIONS - 1,
        }
    }

    /// The number at function 0 of the slot of this number.
    ///
    /// A guest looks at the other functions of a slot only if there is a device at function 0.
    pub const fn leader(number: u8) -> u8 {
        number - number % FUNCTIONS
    }

    /// The position of a device by its number.
    pub(crate) fn of(self, number: u8) -> Slot {
        let second = self.second.filter(|_| number >= FUNCTIONS);
        Slot {
            device: second.unwrap_or(self.first),
            function: number % FUNCTIONS,
        }
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
    fn new(slot: Slot, emulation: &'static str) -> Self {
        Self {
            slot,
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

    /// The tap, if it has one.
    pub fn tap(&self) -> Option<&TapName> {
        self.backend.tap()
    }

    /// Whether its tap is this interface.
    pub fn has_tap(&self, interface: &str) -> bool {
        self.tap()
            .is_some_and(|tap| tap.interface().as_str() == interface)
    }

    /// The address that it has, set or derived by bhyve(8) from the name of the VM and the slot.
    pub fn address(&self, vm: &VmName) -> Mac {
        let slot = Slots::NICS.of(self.number);
        self.mac
            .unwrap_or_else(|| Mac::derived(vm, slot.device, slot.function))
    }
}

impl Vm {
    /// All devices; `with_cds`: with the CDs of an installation.
    pub fn devices(&self, with_cds: bool) -> Vec<Device> {
        let mut devices = vec![host_bridge()];
        devices.extend((self.loader != Loader::UBoot).then(isa_bridge));
        devices.extend(self.nics.iter().map(nic));
        devices.extend(self.disks.iter().map(disk));
        let cds = self.cds.iter().filter(|_| with_cds);
        devices.extend(cds.map(|one| cd(one, self.loader.kind())));
        devices.extend(self.has_rng.then(rng));
        devices.extend(self.screen.as_ref().map(framebuffer));
        devices.extend(self.has_tablet.then(tablet));
        devices
    }
}

fn host_bridge() -> Device {
    Device::new(Slot::alone(0), "hostbridge")
}

/// The bridge to the serial lines.
fn isa_bridge() -> Device {
    Device::new(Slot::alone(1), "lpc")
}

fn nic(nic: &Nic) -> Device {
    let device = Device::new(Slots::NICS.of(nic.number), nic.kind.as_str());
    let (device, forwards) = match &nic.backend {
        NicBackend::Tap(tap) => (device.with_backend(tap), None),
        NicBackend::Slirp(forwards) => (device.with_backend("slirp"), forwards.argument()),
    };
    let mac = nic.mac.map(|mac| format!("mac={mac}"));
    let options = forwards.into_iter().chain(mac);
    Device {
        options: options.map(OsString::from).collect(),
        ..device
    }
}

fn disk(disk: &Disk) -> Device {
    Device {
        options: disk.options.words().map(OsString::from).collect(),
        ..Device::new(Slots::DISKS.of(disk.number), disk.kind.as_str()).with_backend(&disk.path)
    }
}

/// UEFI firmware boots the device of the lowest `bootindex`, and without one a disk before a CD. U-Boot
/// reads virtio-blk alone, and boots the first disk that has a system.
fn cd(cd: &Cd, loader: LoaderKind) -> Device {
    let (emulation, options) = match (loader, cd.number) {
        (LoaderKind::Uefi, 0) => ("ahci-cd", &["ro", "bootindex=1"][..]),
        (LoaderKind::Uefi, _) => ("ahci-cd", &["ro"][..]),
        (LoaderKind::Bhyveload | LoaderKind::Grub, _) => ("ahci-cd", &[][..]),
        (LoaderKind::UBoot, _) => ("virtio-blk", &["ro"][..]),
    };
    Device {
        options: options.iter().map(OsString::from).collect(),
        ..Device::new(Slots::CDS.of(cd.number), emulation).with_backend(&cd.path)
    }
}

/// The source of random numbers.
fn rng() -> Device {
    Device::new(Slot::alone(5), "virtio-rnd")
}

/// The position of the framebuffer.
pub const FRAMEBUFFER: Slot = Slot::alone(29);

/// The framebuffer with its VNC server.
fn framebuffer(screen: &Screen) -> Device {
    let options = screen.options().into_iter();
    Device {
        options: options.map(OsString::from).collect(),
        ..Device::new(FRAMEBUFFER, "fbuf")
    }
}

/// The pointer with absolute positions, on a USB controller of its own.
fn tablet() -> Device {
    Device::new(Slot::alone(30), "xhci").with_backend("tablet")
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
