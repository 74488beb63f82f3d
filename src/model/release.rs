//! What bhyve(8) has in which release of FreeBSD and on which machine: one row for everything that a
//! setting uses and that not every host has.

use super::Vm;
use super::backend::NicBackend;
use super::kind::{DiskKind, NicKind};
use super::loader::{Loader, LoaderKind};
use super::screen::{Place, ScreenSize};
use std::fmt;

/// A machine, by `hw.machine`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Machine {
    /// The machine of most hosts.
    #[default]
    Amd64,
    /// bhyve(8) has it from 15.0 on.
    Arm64,
    /// Another one, on which no VM is started.
    Other,
}

impl Machine {
    /// Parses the value of `hw.machine`.
    pub fn parse(text: &str) -> Self {
        match text {
            "amd64" => Self::Amd64,
            "arm64" => Self::Arm64,
            _ => Self::Other,
        }
    }

    /// The machine in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
            Self::Other => "another machine",
        }
    }
}

/// A release of FreeBSD, as `kern.osreldate` has it: 1400097 is 14.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(pub u32);

impl Release {
    /// The first release on amd64 for which this program is made; older ones are not refused.
    pub const FIRST: Self = Self::of(13, 2);
    /// The first release that the FreeBSD project still supports.
    pub const SUPPORTED: Self = V14_0;

    /// The first kernel of a release; those of its STABLE branch before it count as older.
    const fn of(major: u32, minor: u32) -> Self {
        Self(major * 100_000 + minor * 1_000)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 100_000, self.0 / 1_000 % 100)
    }
}

/// What not every host has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// bhyve(8) itself.
    Bhyve,
    /// bhyveload(8).
    Bhyveload,
    /// grub-bhyve.
    Grub,
    /// A disk of another kind than virtio-blk.
    Nvme,
    /// A SATA disk.
    AhciHd,
    /// The NIC of Intel.
    E1000,
    /// A clock with local time.
    LocalTime,
    /// The user network.
    Slirp,
    /// A screen.
    Screen,
    /// A screen with more than 1920x1200 points.
    LargeScreen,
    /// A screen on a socket.
    ScreenSocket,
    /// A tablet.
    Tablet,
}

/// A row of the table.
struct Row {
    what: &'static str,
    /// The first release with the feature on amd64.
    amd64: Release,
    /// The same on arm64; none if it does not exist there.
    arm64: Option<Release>,
    /// What to do on a host without the feature.
    instead: &'static str,
}

/// In every release; those before [`Release::FIRST`] are not refused, and not tried.
const ALL: Release = Release(0);
const V14_0: Release = Release::of(14, 0);
const V15_0: Release = Release::of(15, 0);
const V15_1: Release = Release::of(15, 1);
/// bhyve(8) exists on arm64 from 15.0 on (`usr.sbin/bhyve/aarch64/bhyverun_machdep.c`).
const ARM64: Option<Release> = Some(V15_0);

impl Feature {
    /// The table. Sources: bhyve(8) and its release notes.
    ///
    /// What every supported host has, has no row: virtio-blk, virtio-net, virtio-rnd, `-S`, `-U`, `mac=`, and
    /// the options `nocache`, `direct`, `ro`, `nodelete` and `sectorsize=` of a disk (`block_if.c`, the same
    /// on both machines). `fwcfg=qemu` and `bootindex=` exist from 14.0 on, perhaps earlier, and have none
    /// either: an older bhyve ignores both, and a new disk has nothing that would come before the CD.
    ///
    /// On arm64 the firmware reads only virtio-blk (U-Boot: `configs/bhyve_arm64_defconfig`). Whether bhyve
    /// itself emulates the other kinds of disks and NICs there, or a tablet, is not known; they are refused,
    /// because every guest of arm64 can use virtio instead.
    fn row(self) -> Row {
        let row = |what, amd64, arm64, instead| Row {
            what,
            amd64,
            arm64,
            instead,
        };
        let virtio = "remove the setting: the device is then one of virtio(4)";
        match self {
            Self::Bhyve => row("bhyve", ALL, ARM64, "upgrade the host"),
            Self::Bhyveload => row("bhyveload", ALL, None, NOT_FREEBSD),
            Self::Grub => row("grub-bhyve", ALL, None, UEFI),
            Self::Nvme => row("the disk type nvme", ALL, None, virtio),
            Self::AhciHd => row("the disk type ahci-hd", ALL, None, virtio),
            Self::E1000 => row("the NIC type e1000", ALL, None, virtio),
            Self::LocalTime => row("a clock with local time", ALL, None, "remove the setting"),
            Self::Slirp => row("slirp", V15_0, ARM64, "use a tap"),
            Self::Screen => row("the screen", ALL, None, "use the console"),
            Self::LargeScreen => row(
                "a screen beyond 1920x1200",
                V14_0,
                None,
                "write 1920x1200 or less",
            ),
            Self::ScreenSocket => row("a screen on a socket", V15_1, None, "use a port"),
            Self::Tablet => row("the tablet", ALL, None, "remove the setting"),
        }
    }

    /// The feature in a message.
    pub fn what(self) -> &'static str {
        self.row().what
    }

    /// What to do on a host without the feature; `VM` stands for the name of the VM.
    pub fn instead(self) -> &'static str {
        self.row().instead
    }

    /// The first release with the feature on a machine; none if the feature does not exist there.
    pub fn since(self, machine: Machine) -> Option<Release> {
        let row = self.row();
        match machine {
            Machine::Amd64 => Some(row.amd64),
            Machine::Arm64 => row.arm64,
            Machine::Other => None,
        }
    }
}

/// How a VM is started on every machine; `VM` stands for its name.
const UEFI: &str = "set VM_loader=uefi, which is U-Boot on arm64";

const NOT_FREEBSD: &str = "remove VM_freebsd and set VM_loader=uefi, which is U-Boot on arm64";

/// A feature that a VM uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The feature.
    pub feature: Feature,
    /// The settings that ask for it, without the VM's name; which of them is set, is not known.
    pub settings: Vec<String>,
}

impl Vm {
    /// The VM on a machine: on arm64 its firmware is U-Boot, which keeps no variables.
    #[must_use]
    pub fn on(&self, machine: Option<Machine>) -> Self {
        let mut vm = self.clone();
        if let (Loader::Uefi(_), Some(Machine::Arm64)) = (&vm.loader, machine) {
            vm.loader = Loader::UBoot;
        }
        vm
    }

    /// What the VM uses that not every host has.
    pub fn features(&self) -> Vec<Used> {
        let used = |feature, settings: &[&str]| Used {
            feature,
            settings: settings.iter().map(|&name| name.to_owned()).collect(),
        };
        let mut all = vec![used(Feature::Bhyve, &[])];
        all.extend(match self.loader.kind() {
            LoaderKind::Bhyveload => Some(used(Feature::Bhyveload, &["freebsd", "loader"])),
            LoaderKind::Grub => Some(used(
                Feature::Grub,
                &["loader", "grub_install", "grub_bootcmd", "grub_bootpart"],
            )),
            LoaderKind::Uefi | LoaderKind::UBoot => None,
        });
        all.extend(self.disks.iter().filter_map(|disk| {
            let feature = match disk.kind {
                DiskKind::VirtioBlk => return None,
                DiskKind::Nvme => Feature::Nvme,
                DiskKind::AhciHd => Feature::AhciHd,
            };
            Some(used(feature, &[&format!("hd{}_type", disk.number)]))
        }));
        all.extend(self.nics.iter().filter_map(|nic| match nic.kind {
            NicKind::VirtioNet => None,
            NicKind::E1000 => Some(used(Feature::E1000, &[&format!("if{}_type", nic.number)])),
        }));
        all.extend(self.nics.iter().filter_map(|nic| match nic.backend {
            NicBackend::Tap(_) => None,
            NicBackend::Slirp(_) => Some(used(Feature::Slirp, &[&format!("if{}", nic.number)])),
        }));
        all.extend((!self.keeps_utc).then(|| used(Feature::LocalTime, &["utc"])));
        if let Some(screen) = &self.screen {
            all.push(used(Feature::Screen, &["vnc"]));
            let is_socket = matches!(screen.place, Place::Unix(_));
            all.extend(is_socket.then(|| used(Feature::ScreenSocket, &["vnc"])));
            let is_large = screen.size.as_ref().is_some_and(ScreenSize::is_large);
            all.extend(is_large.then(|| used(Feature::LargeScreen, &["vnc_size"])));
        }
        all.extend(self.has_tablet.then(|| used(Feature::Tablet, &["tablet"])));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Feature, Machine, Release, V15_0};

    #[test]
    fn releases_are_shown_as_they_are_called() {
        for (number, shown) in [
            (1_302_001, "13.2"),
            (1_400_097, "14.0"),
            (1_403_000, "14.3"),
            (1_500_068, "15.0"),
            (1_501_000, "15.1"),
            (1_600_010, "16.0"),
        ] {
            assert_eq!(Release(number).to_string(), shown);
        }
    }

    #[test]
    fn features_begin_with_a_release_of_a_machine() {
        let (all, v15_0, v15_1) = (Some(ALL), Some(V15_0), Some(Release(1_501_000)));
        for (feature, amd64, arm64) in [
            (Feature::Bhyve, all, v15_0),
            (Feature::Bhyveload, all, None),
            (Feature::Grub, all, None),
            (Feature::Nvme, all, None),
            (Feature::Slirp, v15_0, v15_0),
            (Feature::ScreenSocket, v15_1, None),
        ] {
            assert_eq!(feature.since(Machine::Amd64), amd64, "{feature:?}");
            assert_eq!(feature.since(Machine::Arm64), arm64, "{feature:?}");
            assert_eq!(feature.since(Machine::Other), None, "{feature:?}");
        }
    }
}
