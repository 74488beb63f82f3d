//! What a guest sees of a disk that has grown, and what is to be done in the guest.

use crate::model::Vm;
use crate::model::device::Disk;
use crate::model::grub::GrubCommands;
use crate::model::kind::DiskKind;
use crate::model::loader::Loader;

/// When the guest sees the new size of a disk; `is_running`: whether it runs, if that is known.
///
/// Sources: `usr.sbin/bhyve/block_if.c`, `pci_virtio_block.c`, `pci_nvme.c`, `pci_ahci.c`.
pub(super) fn sees_size(vm: &Vm, disk: &Disk, is_running: Option<bool>) -> String {
    let (name, kind) = (&vm.name, disk.kind.as_str());
    let is_told = matches!(disk.kind, DiskKind::VirtioBlk | DiskKind::Nvme);
    match (is_running, is_told) {
        (Some(false), _) => format!("{name} sees the new size when it starts"),
        (Some(true), true) => format!("{name} runs, and sees the new size at once ({kind})"),
        (Some(true), false) => {
            format!("{name} runs, and sees the new size at its next reboot ({kind})")
        }
        (None, true) => format!("if {name} runs, it sees the new size at once ({kind})"),
        (None, false) => {
            format!("if {name} runs, it sees the new size at its next reboot ({kind})")
        }
    }
}

/// A system that a guest runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    FreeBsd,
    Linux,
    NetBsd,
    OpenBsd,
    Windows,
}

/// The beginnings of the names of profiles, each with the system.
const NAMES: [(&str, System); 12] = [
    ("freebsd", System::FreeBsd),
    ("netbsd", System::NetBsd),
    ("openbsd", System::OpenBsd),
    ("windows", System::Windows),
    ("alma", System::Linux),
    ("alpine", System::Linux),
    ("arch", System::Linux),
    ("debian", System::Linux),
    ("fedora", System::Linux),
    ("opensuse", System::Linux),
    ("rocky", System::Linux),
    ("ubuntu", System::Linux),
];

impl System {
    /// The system of a VM by its profile, else by what its loader starts; none if both leave that open.
    fn of(vm: &Vm) -> Option<Self> {
        if let Some(os) = &vm.os {
            let name = os.as_str().to_ascii_lowercase();
            let mut names = NAMES.into_iter();
            return names.find_map(|(start, system)| name.starts_with(start).then_some(system));
        }
        let grub = match &vm.loader {
            Loader::Bhyveload => return Some(Self::FreeBsd),
            Loader::Grub(grub) => grub,
            Loader::Uefi(_) | Loader::UBoot => return None,
        };
        let commands = [&grub.boot, &grub.install].into_iter().flatten();
        let commands: Vec<&str> = commands.map(GrubCommands::as_str).collect();
        let has = |word: &str| commands.iter().any(|text| text.contains(word));
        Some(if has("kopenbsd") {
            Self::OpenBsd
        } else if has("knetbsd") {
            Self::NetBsd
        } else if has("kfreebsd") {
            Self::FreeBsd
        } else {
            Self::Linux
        })
    }

    /// The disk of a kind that has so many disks of its kind before it.
    fn disk(self, kind: DiskKind, before: u8) -> String {
        let letter = char::from(b'a' + before);
        match (self, kind) {
            (Self::FreeBsd, DiskKind::VirtioBlk) => format!("vtbd{before}"),
            (Self::FreeBsd, DiskKind::Nvme) => format!("nda{before}"),
            (Self::FreeBsd, DiskKind::AhciHd) => format!("ada{before}"),
            (Self::Linux, DiskKind::VirtioBlk) => format!("/dev/vd{letter}"),
            (Self::Linux, DiskKind::Nvme) => format!("/dev/nvme{before}n1"),
            (Self::Linux, DiskKind::AhciHd) => format!("/dev/sd{letter}"),
            (Self::NetBsd, DiskKind::VirtioBlk | DiskKind::Nvme) => format!("ld{before}"),
            (Self::NetBsd, DiskKind::AhciHd) => format!("wd{before}"),
            (Self::OpenBsd, _) => format!("sd{before}"),
            // Windows numbers all disks of all kinds.
            (Self::Windows, _) => "NUMBER".to_owned(),
        }
    }
}

/// What is to be done in the guest, so that a file system uses the new size.
pub(super) fn grow(vm: &Vm, disk: &Disk) -> String {
    let others = vm.disks.iter();
    let before = others.filter(|other| other.kind == disk.kind && other.number < disk.number);
    // A VM has at most 16 disks.
    let before = u8::try_from(before.count()).unwrap_or_default();
    let Some(system) = System::of(vm) else {
        return "then in the guest: enlarge the partition and its file system".to_owned();
    };
    let name = system.disk(disk.kind, before);
    let commands = match system {
        System::FreeBsd => format!(
            "gpart recover {name}; gpart resize -i INDEX {name}; then for UFS: growfs MOUNTPOINT, for ZFS: zpool online -e POOL {name}pINDEX"
        ),
        System::Linux => {
            let part = if disk.kind == DiskKind::Nvme { "p" } else { "" };
            format!(
                "growpart {name} NUMBER; then for ext4: resize2fs {name}{part}NUMBER, for XFS: xfs_growfs MOUNTPOINT"
            )
        }
        System::NetBsd => {
            format!("gpt resizedisk {name}; gpt resize -i INDEX {name}; then resize_ffs")
        }
        System::OpenBsd => {
            format!("fdisk -e {name} and disklabel -E {name}; then growfs {name}PARTITION")
        }
        System::Windows => {
            return format!(
                "then in the guest, in PowerShell as an administrator: Update-Disk -Number {name}; \
                 Resize-Partition -DriveLetter C -Size (Get-PartitionSupportedSize -DriveLetter C).SizeMax"
            );
        }
    };
    format!("then in the guest, as root: {commands}")
}

#[cfg(test)]
mod tests {
    use super::{System, grow, sees_size};
    use crate::model::grub::GrubCommands;
    use crate::model::kind::DiskKind;
    use crate::model::loader::{BootPart, Grub, GrubDir, Loader, Uefi};
    use crate::model::os::OsName;
    use crate::model::tests::vm;

    /// A VM that grub loads with this command.
    fn grub(boot: Option<&str>) -> Loader {
        Loader::Grub(Grub {
            bootpart: BootPart::default(),
            directory: GrubDir::default(),
            install: None,
            boot: boot.map(|text| GrubCommands::parse(text).expect(text)),
        })
    }

    #[test]
    fn the_system_is_that_of_the_loader() {
        let mut vm = vm();
        for (loader, system) in [
            (Loader::Bhyveload, System::FreeBsd),
            (grub(None), System::Linux),
            (
                grub(Some("kopenbsd -h com0 -r sd0a (hd0,openbsd1)/bsd")),
                System::OpenBsd,
            ),
            (
                grub(Some("knetbsd -h -r dk0 (hd0,gpt1)/netbsd")),
                System::NetBsd,
            ),
        ] {
            vm.loader = loader;
            assert_eq!(System::of(&vm), Some(system));
            assert!(grow(&vm, &vm.disks[0]).contains(&system.disk(DiskKind::VirtioBlk, 0)));
        }
    }

    #[test]
    fn a_profile_says_which_system_it_is_and_firmware_does_not() {
        let mut vm = vm();
        vm.loader = Loader::Uefi(Uefi::in_own_directory(&vm.name));
        assert_eq!(System::of(&vm), None);
        assert!(grow(&vm, &vm.disks[0]).ends_with("the partition and its file system"));
        for (name, system) in [
            ("debian", Some(System::Linux)),
            ("Windows11", Some(System::Windows)),
            ("freebsd", Some(System::FreeBsd)),
            ("plan9", None),
        ] {
            vm.os = Some(OsName::parse(name).expect(name));
            assert_eq!(System::of(&vm), system, "{name}");
        }
    }

    #[test]
    fn a_disk_is_counted_among_those_of_its_kind() {
        let mut vm = vm();
        vm.loader = grub(None);
        assert!(grow(&vm, &vm.disks[1]).contains("growpart /dev/vdb NUMBER"));
        vm.disks[1].kind = DiskKind::Nvme;
        assert!(grow(&vm, &vm.disks[1]).contains("resize2fs /dev/nvme0n1pNUMBER"));
    }

    #[test]
    fn a_sata_disk_is_read_anew_at_a_reboot() {
        let mut vm = vm();
        let said = |vm: &crate::model::Vm| sees_size(vm, &vm.disks[0], Some(true));
        assert!(said(&vm).ends_with("at once (virtio-blk)"));
        vm.disks[0].kind = DiskKind::AhciHd;
        assert!(said(&vm).ends_with("at its next reboot (ahci-hd)"));
    }
}
