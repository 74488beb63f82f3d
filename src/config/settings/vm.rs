//! The variables of a VM.

use super::Default::{Described, None, Required, Value};
use super::Form::{Named, OneOf};
use super::Otherwise::{Derived, Host};
use super::needs::{ALL, AUTOSTART, AUTOSTART_CHOICE, DISKS, INSTALL, NETWORK, SHOWN};
use super::{Set, Setting, YES_OR_NO, devices, into, loader, one, screen, yes_no};
use crate::finding::FindingName;
use crate::model::arguments::BhyveArgs;
use crate::model::backend::NicBackend;
use crate::model::cpu::CpuTopology;
use crate::model::device::{Nic, Slots};
use crate::model::grub::GrubCommands;
use crate::model::kind::{DiskKind, DiskOptions, Mac, NicKind};
use crate::model::loader::{BootPart, GrubDir, LoaderKind};
use crate::model::name::{Dataset, IfName, VmId};
use crate::model::os::OsName;
use crate::model::policy::{Reaction, Seconds, yes_or_no};
use crate::model::screen::{ScreenSize, Vnc};
use crate::model::size::MemSize;
use crate::model::{Vm, Volume};
use std::collections::BTreeMap;
use std::path::PathBuf;
use uuid::Uuid;

/// The values of a VM's own variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmSettings {
    /// The number.
    pub id: Option<Set<VmId>>,
    /// The operating system.
    pub os: Option<Set<OsName>>,
    /// The cpus.
    pub cpu: Option<Set<CpuTopology>>,
    /// The memory.
    pub mem: Option<Set<MemSize>>,
    /// Whether there is a source of random numbers.
    pub rng: Option<Set<bool>>,
    /// Whether the clock has UTC.
    pub utc: Option<Set<bool>>,
    /// Whether the memory is wired.
    pub wired: Option<Set<bool>>,
    /// The UUID.
    pub uuid: Option<Set<Uuid>>,
    /// Whether unknown MSRs are errors for the guest.
    pub strict_msrs: Option<Set<bool>>,
    /// The loader.
    pub loader: Option<Set<LoaderKind>>,
    /// Whether there is a screen, and where.
    pub vnc: Option<Set<Vnc>>,
    /// The file with the password of the screen.
    pub vnc_password_file: Option<Set<PathBuf>>,
    /// The size of the screen.
    pub vnc_size: Option<Set<ScreenSize>>,
    /// Whether the guest has the registers of a VGA.
    pub vnc_vga: Option<Set<bool>>,
    /// Whether the guest waits for a viewer.
    pub vnc_wait: Option<Set<bool>>,
    /// Whether there is a tablet.
    pub tablet: Option<Set<bool>>,
    /// Further words for bhyve.
    pub bhyve_args: Option<Set<BhyveArgs>>,
    /// Whether the VM is protected.
    pub protect: Option<Set<bool>>,
    /// Whether bhyveload(8) loads the guest.
    pub freebsd: Option<Set<bool>>,
    /// The ISO images, by number.
    pub cds: BTreeMap<u8, Set<PathBuf>>,
    /// The volume.
    pub zvol: Option<Set<Dataset>>,
    /// The disks, by number.
    pub hds: BTreeMap<u8, Set<PathBuf>>,
    /// The kinds of the disks, by number.
    pub hd_kinds: BTreeMap<u8, Set<DiskKind>>,
    /// The options of the disks, by number.
    pub hd_options: BTreeMap<u8, Set<DiskOptions>>,
    /// The back ends of the NICs, by number.
    pub ifs: BTreeMap<u8, Set<NicBackend>>,
    /// The bridges of the taps, by number.
    pub bridges: BTreeMap<u8, Set<Option<IfName>>>,
    /// Whether the taps are private members of their bridges, by number.
    pub privates: BTreeMap<u8, Set<bool>>,
    /// The kinds of the NICs, by number.
    pub if_kinds: BTreeMap<u8, Set<NicKind>>,
    /// The MAC addresses of the NICs, by number.
    pub macs: BTreeMap<u8, Set<Mac>>,
    /// grub's commands for an installation.
    pub grub_install: Option<Set<GrubCommands>>,
    /// grub's commands for a boot.
    pub grub_bootcmd: Option<Set<GrubCommands>>,
    /// The partition that grub boots from.
    pub grub_bootpart: Option<Set<BootPart>>,
    /// The store of the firmware's variables.
    pub uefi_vars: Option<Set<PathBuf>>,
    /// The directory of grub's menu.
    pub grub_dir: Option<Set<GrubDir>>,
    /// The reaction to a reboot of the guest.
    pub on_reboot: Option<Set<Reaction>>,
    /// The reaction to a crash of the guest.
    pub on_crash: Option<Set<Reaction>>,
    /// The time limit of the loader in the background.
    pub loader_timeout: Option<Set<Seconds<1>>>,
    /// The time limit for the guest to shut down.
    pub stop_timeout: Option<Set<Seconds<1>>>,
    /// Whether the VM starts with the host.
    pub autostart: Option<Set<bool>>,
    /// The delay of the next VM when the host starts.
    pub autostart_delay: Option<Set<Seconds<0>>>,
}

/// The variables of a VM, in the order in which `resources` shows them.
pub static VM: [Setting<VmSettings>; 40] = [
    Setting {
        name: "id",
        form: Named("number"),
        default: Required,
        needed_by: ALL,
        finding: FindingName::Id,
        meaning: "the number of the VM, of its tap and of its console: 0 to 32767, unique",
        read: into!(id: VmId::parse),
        written: |vm| one(vm.id.to_string()),
        is_own: true,
        ..Setting::ROW
    },
    Setting {
        name: "os",
        form: Named("profile"),
        default: None,
        needed_by: SHOWN,
        always_shown: false,
        shapes_vm: true,
        finding: FindingName::UnknownOs,
        meaning: "the operating system of the guest, whose profile has the values of settings that are not set",
        read: into!(os: OsName::parse),
        written: |vm| vm.os.as_ref().map(one).unwrap_or_default(),
        is_own: true,
        ..Setting::ROW
    },
    Setting {
        name: "cpu",
        form: Named("cpus"),
        default: Described("the host variable `cpu`"),
        needed_by: SHOWN,
        finding: FindingName::Cpu,
        meaning: "the cpus of the VM",
        read: into!(cpu: CpuTopology::parse),
        written: |vm| one(&vm.cpu),
        otherwise: &[Host("cpu")],
        ..Setting::ROW
    },
    Setting {
        name: "mem",
        form: Named("size"),
        default: Described("the host variable `mem`"),
        needed_by: SHOWN,
        finding: FindingName::Memory,
        meaning: "the memory of the VM",
        read: into!(mem: MemSize::parse),
        written: |vm| one(&vm.mem),
        otherwise: &[Host("mem")],
        ..Setting::ROW
    },
    devices::RNG,
    devices::UTC,
    devices::WIRED,
    loader::UUID,
    loader::STRICT_MSRS,
    screen::VNC,
    screen::VNC_PASSWORD_FILE,
    screen::VNC_SIZE,
    screen::VNC_VGA,
    screen::VNC_WAIT,
    screen::TABLET,
    screen::BHYVE_ARGS,
    loader::LOADER,
    loader::FREEBSD,
    Setting {
        name: "zvol",
        form: Named("dataset"),
        default: Described("`${volroot}/VM`"),
        needed_by: DISKS,
        shapes_vm: true,
        finding: FindingName::Dataset,
        meaning: "the ZFS volume of `hd0`",
        read: into!(zvol: Dataset::parse),
        written: |vm| match &vm.volume {
            Volume::Zfs(dataset) => one(dataset),
            Volume::File(_) => one(""),
        },
        is_own: true,
        otherwise: &[Derived("hd0"), Derived("volroot")],
        ..Setting::ROW
    },
    Setting {
        name: "cdN",
        slots: Some(Slots::CDS),
        form: Named("path"),
        default: None,
        needed_by: INSTALL,
        meaning: "an ISO image; attached by `install` only, which boots from `cd0`",
        read: into!(cds[N]: path),
        written: |vm| {
            let cds = vm.cds.iter().map(|cd| (cd.number, cd.path.clone().into()));
            let first = vm.install_cd().is_none().then(|| (0, "".into()));
            first.into_iter().chain(cds).collect()
        },
        is_own: true,
        ..Setting::ROW
    },
    Setting {
        name: "ifN",
        slots: Some(Slots::NICS),
        form: Named("backend"),
        default: Described("`tap` and the id for `if0`, none for others"),
        needed_by: NETWORK,
        shapes_vm: true,
        finding: FindingName::InterfaceName,
        meaning: "a tap interface, or `slirp`",
        read: into!(ifs[N]: NicBackend::parse),
        written: |vm| {
            let nics = vm.nics.iter();
            nics.map(|nic| (nic.number, nic.backend.to_string().into()))
                .collect()
        },
        is_own: true,
        otherwise: &[Derived("id")],
        ..Setting::ROW
    },
    Setting {
        name: "ifN_bridge",
        slots: Some(Slots::NICS),
        form: Named("bridge"),
        default: Described("`${bridge}`"),
        needed_by: NETWORK,
        shapes_vm: true,
        part_of: Some("ifN"),
        finding: FindingName::InterfaceName,
        meaning: "the bridge that `ifN` joins; with `none` it joins nothing",
        read: into!(bridges[N]: IfName::parse_bridge),
        written: |vm| {
            let bridge = |nic: &Nic| {
                nic.bridge
                    .as_ref()
                    .map_or(IfName::NONE, IfName::as_str)
                    .into()
            };
            taps(vm).map(|nic| (nic.number, bridge(nic))).collect()
        },
        is_own: true,
        otherwise: &[Host("bridge")],
        ..Setting::ROW
    },
    Setting {
        name: "ifN_private",
        slots: Some(Slots::NICS),
        form: OneOf(YES_OR_NO),
        default: Value("NO"),
        needed_by: NETWORK,
        always_shown: false,
        part_of: Some("ifN"),
        finding: FindingName::YesOrNo,
        meaning: "whether `ifN` is isolated from all other private members of its bridge",
        read: into!(privates[N]: yes_or_no),
        written: |vm| {
            let private = taps(vm).map(|nic| (nic.number, yes_no(nic.is_private).into()));
            private.collect()
        },
        ..Setting::ROW
    },
    devices::IF_TYPE,
    devices::IF_MAC,
    Setting {
        name: "hdN",
        slots: Some(Slots::DISKS),
        form: Named("path"),
        default: Described(
            "`/dev/zvol/` and the volume, or `${volroot}/VM`, for `hd0`, none for others",
        ),
        needed_by: DISKS,
        meaning: "a disk",
        read: into!(hds[N]: path),
        written: |vm| {
            let disks = vm.disks.iter();
            disks
                .map(|disk| (disk.number, disk.path.clone().into()))
                .collect()
        },
        is_own: true,
        otherwise: &[Derived("zvol"), Derived("volroot")],
        ..Setting::ROW
    },
    devices::HD_TYPE,
    devices::HD_OPTS,
    loader::GRUB_BOOTPART,
    loader::GRUB_DIR,
    loader::GRUB_INSTALL,
    loader::GRUB_BOOTCMD,
    loader::UEFI_VARS,
    Setting {
        name: "on_reboot",
        form: OneOf(&["restart", "stop"]),
        default: Value("restart"),
        always_shown: false,
        meaning: "the action when the guest reboots",
        read: into!(on_reboot: Reaction::parse),
        written: |vm| one(vm.policy.on_reboot.as_str()),
        ..Setting::ROW
    },
    Setting {
        name: "on_crash",
        form: OneOf(&["stop", "restart"]),
        default: Value("stop"),
        always_shown: false,
        meaning: "the action when the guest crashes",
        read: into!(on_crash: Reaction::parse),
        written: |vm| one(vm.policy.on_crash.as_str()),
        ..Setting::ROW
    },
    Setting {
        name: "loader_timeout",
        form: Named("seconds"),
        default: Value("120"),
        always_shown: false,
        meaning: "the time limit of the loader in the background: 1 to 86400",
        read: into!(loader_timeout: Seconds::parse),
        written: |vm| one(vm.policy.loader_timeout.0.to_string()),
        ..Setting::ROW
    },
    Setting {
        name: "stop_timeout",
        form: Named("seconds"),
        default: Value("60"),
        needed_by: NETWORK,
        always_shown: false,
        meaning: "the time limit for the guest to shut itself down: 1 to 86400",
        read: into!(stop_timeout: Seconds::parse),
        written: |vm| one(vm.policy.stop_timeout.0.to_string()),
        ..Setting::ROW
    },
    Setting {
        name: "autostart",
        form: OneOf(YES_OR_NO),
        default: Value("NO"),
        needed_by: AUTOSTART_CHOICE,
        always_shown: false,
        finding: FindingName::YesOrNo,
        meaning: "whether `easy-bhyve autostart` boots the VM",
        read: into!(autostart: yes_or_no),
        written: |vm| one(yes_no(vm.policy.autostart)),
        is_own: true,
        ..Setting::ROW
    },
    Setting {
        name: "autostart_delay",
        form: Named("seconds"),
        default: Value("0"),
        needed_by: AUTOSTART,
        always_shown: false,
        meaning: "the time that `autostart` waits after it has started the VM: 0 to 86400",
        read: into!(autostart_delay: Seconds::parse),
        written: |vm| one(vm.policy.autostart_delay.0.to_string()),
        is_own: true,
        ..Setting::ROW
    },
    devices::PROTECT,
];

/// The NICs that have a tap.
fn taps(vm: &Vm) -> impl Iterator<Item = &Nic> {
    vm.nics.iter().filter(|nic| nic.tap().is_some())
}
