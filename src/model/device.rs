//! The PCI devices of a VM, as passed to bhyve(8).
//!
//! Slots must not change, because guests name their disks and NICs by them: each kind of device has
//! its own slots and each number is a function of one of them, so that a new device moves no other. Only
//! this module assigns slots.

use super::kind::{DiskKind, DiskOptions, Mac, NicKind};
use super::name::{Dataset, IfName, TapName};
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
        let volume = self.path.strip_prefix(devices.join("zvol")).ok();
        let volume = volume.and_then(|name| Dataset::parse(name.to_str()?).ok());
        volume.map_or_else(|| Volume::File(self.path.clone()), Volume::Zfs)
    }
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
    /// The tap on the host.
    pub tap: TapName,
    /// The bridge that the tap joins; none for a tap that joins nothing.
    pub bridge: Option<IfName>,
    /// Whether the tap is isolated from the other private members of its bridge.
    pub is_private: bool,
    /// The device that it is for the guest.
    pub kind: NicKind,
    /// Its address; none for the one that bhyve(8) derives from the VM's name and the slot.
    pub mac: Option<Mac>,
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
    fn of(self, number: u8) -> Slot {
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
}

impl Vm {
    /// All devices; `with_cds`: with the CDs of an installation.
    pub fn devices(&self, with_cds: bool) -> Vec<Device> {
        let mut devices = vec![host_bridge(), isa_bridge()];
        devices.extend(self.nics.iter().map(nic));
        devices.extend(self.disks.iter().map(disk));
        devices.extend(self.cds.iter().filter(|_| with_cds).map(cd));
        devices.extend(self.has_rng.then(rng));
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
    let mac = nic.mac.map(|mac| format!("mac={mac}").into());
    Device {
        options: mac.into_iter().collect(),
        ..Device::new(Slots::NICS.of(nic.number), nic.kind.as_str()).with_backend(&nic.tap)
    }
}

fn disk(disk: &Disk) -> Device {
    Device {
        options: disk.options.words().map(OsString::from).collect(),
        ..Device::new(Slots::DISKS.of(disk.number), disk.kind.as_str()).with_backend(&disk.path)
    }
}

fn cd(cd: &Cd) -> Device {
    Device::new(Slots::CDS.of(cd.number), "ahci-cd").with_backend(&cd.path)
}

/// The source of random numbers.
fn rng() -> Device {
    Device::new(Slot::alone(5), "virtio-rnd")
}

#[cfg(test)]
mod tests {
    use super::{Device, Disk, Nic, Slots};
    use crate::model::name::TapName;
    use crate::model::tests::vm;

    /// The whole promise: the numbers of each kind, and their positions.
    const PROMISED: [(Slots, &[&str]); 3] = [
        (
            Slots::NICS,
            &[
                "2:0", "2:1", "2:2", "2:3", "2:4", "2:5", "2:6", "2:7", "12:0", "12:1", "12:2",
                "12:3", "12:4", "12:5", "12:6", "12:7",
            ],
        ),
        (
            Slots::DISKS,
            &[
                "3:0", "3:1", "3:2", "3:3", "3:4", "3:5", "3:6", "3:7", "13:0", "13:1", "13:2",
                "13:3", "13:4", "13:5", "13:6", "13:7",
            ],
        ),
        (
            Slots::CDS,
            &["4:0", "4:1", "4:2", "4:3", "4:4", "4:5", "4:6", "4:7"],
        ),
    ];

    #[test]
    fn every_number_has_the_promised_slot() {
        for (slots, promised) in PROMISED {
            let all: Vec<String> = (0..=slots.last())
                .map(|number| slots.of(number).to_string())
                .collect();
            assert_eq!(all, promised);
        }
        let leaders = [0, 7, 8, 15].map(Slots::leader);
        assert_eq!(leaders, [0, 0, 8, 8]);
    }

    #[test]
    fn no_device_moves_another_whatever_is_added() {
        let mut whole = vm();
        let (nic, disk) = (whole.nics[0].clone(), whole.disks[0].clone());
        whole.nics = (0..=Slots::NICS.last())
            .map(|number| Nic {
                number,
                tap: TapName::parse(&format!("tap{number}")).unwrap(),
                ..nic.clone()
            })
            .collect();
        whole.disks = (0..=Slots::DISKS.last())
            .map(|number| Disk {
                number,
                path: format!("/vm/{number}").into(),
                ..disk.clone()
            })
            .collect();
        let all = whole.devices(true);
        let mut slots: Vec<_> = all.iter().map(|device| device.slot).collect();
        slots.sort();
        slots.dedup();
        assert_eq!(slots.len(), all.len());
        // Any one and any prefix of the devices: each is where it is with all others.
        for some in 0..=15 {
            let mut fewer = whole.clone();
            fewer.nics.retain(|nic| nic.number <= some);
            fewer.disks.retain(|disk| disk.number == some);
            let fewer = fewer.devices(some % 2 == 0);
            assert!(fewer.iter().all(|device| all.contains(device)), "{some}");
        }
    }

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
            ..Device::new(Slots::CDS.of(0), "ahci-cd").with_backend("/iso/a.iso")
        };
        assert_eq!(device.argument(), "4:0,ahci-cd,/iso/a.iso,ro,bootindex=1");
    }
}
