//! The rows.

use super::Default::{Described, None, Required, Value};
use super::needs::{ALL, AUTOSTART, DISKS, INSTALL, NETWORK, ROOT, RUN};
use super::{HostSettings, Setting, VmSettings, Written};
use crate::config::FindingName;
use crate::model::cpu::CpuTopology;
use crate::model::loader::{BootPart, Grub, Loader, LoaderKind};
use crate::model::name::{Dataset, IfName, TapName, VmId};
use crate::model::policy::{Delay, OnCrash, OnReboot, Seconds, yes_or_no};
use crate::model::privilege::Choice;
use crate::model::size::MemSize;
use crate::model::{Vm, Volume};
use std::ffi::OsStr;

/// Reads into a field: by a parse of its text, as any text, or as a path.
macro_rules! into {
    ($field:ident: text) => {
        into!($field: |text| Ok(text.to_owned()))
    };
    ($field:ident: path) => {
        |to, given| {
            to.$field = Some(given.path());
            Ok(())
        }
    };
    ($field:ident: $parse:expr) => {
        |to, given| {
            to.$field = Some(given.parsed($parse)?);
            Ok(())
        }
    };
    ($field:ident[N]: path) => {
        |to, given| {
            to.$field.insert(given.number, given.path());
            Ok(())
        }
    };
    ($field:ident[N]: $parse:expr) => {
        |to, given| {
            to.$field.insert(given.number, given.parsed($parse)?);
            Ok(())
        }
    };
}

/// The host variables.
pub static HOST: [Setting<HostSettings>; 7] = [
    Setting {
        name: "bridge",
        default: None,
        needed_by: NETWORK,
        finding: FindingName::InterfaceName,
        meaning: "the bridge that a NIC joins which names no other",
        read: into!(bridge: IfName::parse),
        written: |vm| one(text_of(vm.shared.bridge.as_ref())),
        ..Setting::HOST
    },
    Setting {
        name: "netif",
        default: None,
        finding: FindingName::InterfaceName,
        meaning: "the wired interface that joins `bridge` and no other; without it the bridge has no uplink",
        read: into!(netif: IfName::parse),
        written: |vm| one(text_of(vm.shared.netif.as_ref())),
        ..Setting::HOST
    },
    Setting {
        name: "volroot",
        default: None,
        needed_by: DISKS,
        finding: FindingName::Dataset,
        meaning: "where disks are: a ZFS dataset, or a directory if it begins with `/`",
        read: into!(volroot: path),
        ..Setting::HOST
    },
    Setting {
        name: "ebdir",
        default: Value("eb"),
        meaning: "the directory of the links, from the configuration's directory",
        read: into!(ebdir: path),
        ..Setting::HOST
    },
    Setting {
        name: "cpu",
        default: Value("1"),
        finding: FindingName::Cpu,
        meaning: "for VMs that do not say",
        read: into!(cpu: CpuTopology::parse),
        ..Setting::HOST
    },
    Setting {
        name: "mem",
        default: Value("256M"),
        finding: FindingName::Memory,
        meaning: "for VMs that do not say",
        read: into!(mem: MemSize::parse),
        ..Setting::HOST
    },
    Setting {
        name: "privilege",
        default: Value("auto"),
        needed_by: ROOT,
        meaning: "`auto`: nothing for root, else doas, else sudo. Or one of `doas`, `sudo`, `mdo`, `none`",
        read: into!(privilege: Choice::parse),
        ..Setting::HOST
    },
];

/// The variables of a VM, in the order in which `resources` shows them.
pub static VM: [Setting<VmSettings>; 18] = [
    Setting {
        name: "id",
        default: Required,
        needed_by: ALL,
        finding: FindingName::Id,
        meaning: "0 to 32767, unique: the number of its tap and of its console",
        read: into!(id: VmId::parse),
        written: |vm| one(vm.id.to_string()),
        ..Setting::VM
    },
    Setting {
        name: "cpu",
        default: Described("host's"),
        finding: FindingName::Cpu,
        meaning: "a number, or bhyve's form: `sockets=1,cores=4`",
        read: into!(cpu: CpuTopology::parse),
        written: |vm| one(&vm.cpu),
        ..Setting::VM
    },
    Setting {
        name: "mem",
        default: Described("host's"),
        finding: FindingName::Memory,
        meaning: "by bhyve's grammar: `512M`, `4G`; a bare number is MiB",
        read: into!(mem: MemSize::parse),
        written: |vm| one(&vm.mem),
        ..Setting::VM
    },
    Setting {
        name: "freebsd",
        default: Value("NO"),
        always_shown: false,
        shapes_vm: true,
        finding: FindingName::YesOrNo,
        meaning: "`YES`: loaded by bhyveload(8) instead of grub-bhyve",
        read: into!(freebsd: yes_or_no),
        written: |vm| one(yes_no(vm.loader == Loader::Bhyveload)),
        ..Setting::VM
    },
    Setting {
        name: "zvol",
        default: Described("`${volroot}/VM`"),
        needed_by: DISKS,
        shapes_vm: true,
        finding: FindingName::Dataset,
        meaning: "the ZFS volume",
        read: into!(zvol: Dataset::parse),
        written: |vm| match &vm.volume {
            Volume::Zfs(dataset) => one(dataset),
            Volume::File(_) => one(""),
        },
        ..Setting::VM
    },
    Setting {
        name: "cdN",
        default: None,
        needed_by: INSTALL,
        meaning: "ISO images, absolute paths; attached by `install` only, which boots from `cd0`",
        read: into!(cds[N]: path),
        written: |vm| {
            let cds = vm.cds.iter().map(|cd| (cd.number, cd.path.clone().into()));
            let first = vm.install_cd().is_none().then(|| (0, "".into()));
            first.into_iter().chain(cds).collect()
        },
        ..Setting::VM
    },
    Setting {
        name: "ifN",
        default: Described("`if0`: `tap` and the id; others none"),
        needed_by: NETWORK,
        shapes_vm: true,
        finding: FindingName::InterfaceName,
        meaning: "tap interfaces",
        read: into!(ifs[N]: TapName::parse),
        written: |vm| {
            let nics = vm.nics.iter();
            nics.map(|nic| (nic.number, nic.tap.as_ref().to_owned()))
                .collect()
        },
        ..Setting::VM
    },
    Setting {
        name: "ifN_bridge",
        default: Described("`${bridge}`"),
        needed_by: NETWORK,
        shapes_vm: true,
        finding: FindingName::InterfaceName,
        meaning: "the bridge that `ifN` joins",
        read: into!(bridges[N]: IfName::parse),
        written: |vm| {
            let nics = vm.nics.iter();
            nics.map(|nic| (nic.number, nic.bridge.as_ref().to_owned()))
                .collect()
        },
        ..Setting::VM
    },
    Setting {
        name: "hdN",
        default: Described("`hd0`: `/dev/zvol/` and the volume, or `${volroot}/VM`; others none"),
        needed_by: DISKS,
        shapes_vm: true,
        meaning: "disks, absolute paths",
        read: into!(hds[N]: path),
        written: |vm| {
            let disks = vm.disks.iter();
            disks
                .map(|disk| (disk.number, disk.path.clone().into()))
                .collect()
        },
        ..Setting::VM
    },
    Setting {
        name: "grub_bootpart",
        older: &["grub_root", "gpt"],
        default: Value("msdos1"),
        loader: Some(LoaderKind::Grub),
        meaning: "the partition that grub boots from: `msdosN`, `gptN`, or as `openbsd1`",
        read: into!(grub_bootpart: BootPart::parse),
        written: |vm| grub(vm, |grub| Some(grub.bootpart.as_str())),
        ..Setting::VM
    },
    Setting {
        name: "grub_install",
        older: &["grub_inst"],
        default: None,
        needed_by: INSTALL,
        loader: Some(LoaderKind::Grub),
        meaning: "grub commands for the installation",
        read: into!(grub_install: text),
        written: |vm| grub(vm, |grub| grub.install.as_deref()),
        ..Setting::VM
    },
    Setting {
        name: "grub_bootcmd",
        older: &["grub_boot"],
        default: None,
        loader: Some(LoaderKind::Grub),
        meaning: "grub commands for a boot",
        read: into!(grub_bootcmd: text),
        written: |vm| grub(vm, |grub| grub.boot.as_deref()),
        ..Setting::VM
    },
    Setting {
        name: "on_reboot",
        default: Value("restart"),
        always_shown: false,
        meaning: "what follows when the guest reboots: `restart` or `stop`",
        read: into!(on_reboot: OnReboot::parse),
        written: |vm| one(vm.policy.on_reboot.as_str()),
        ..Setting::VM
    },
    Setting {
        name: "on_crash",
        default: Value("stop"),
        always_shown: false,
        meaning: "what follows when the guest crashes: `stop` or `restart`",
        read: into!(on_crash: OnCrash::parse),
        written: |vm| one(vm.policy.on_crash.as_str()),
        ..Setting::VM
    },
    Setting {
        name: "loader_timeout",
        default: Value("120"),
        always_shown: false,
        meaning: "how many seconds the loader of a background boot may take: 1 to 86400",
        read: into!(loader_timeout: Seconds::parse),
        written: |vm| one(vm.policy.loader_timeout.to_string()),
        ..Setting::VM
    },
    Setting {
        name: "stop_timeout",
        default: Value("60"),
        needed_by: NETWORK,
        always_shown: false,
        meaning: "how many seconds the guest may take to shut itself down: 1 to 86400",
        read: into!(stop_timeout: Seconds::parse),
        written: |vm| one(vm.policy.stop_timeout.to_string()),
        ..Setting::VM
    },
    Setting {
        name: "autostart",
        default: Value("NO"),
        needed_by: AUTOSTART,
        always_shown: false,
        finding: FindingName::YesOrNo,
        meaning: "`YES`: `easy-bhyve autostart` boots it",
        read: into!(autostart: yes_or_no),
        written: |vm| one(yes_no(vm.policy.autostart)),
        ..Setting::VM
    },
    Setting {
        name: "autostart_delay",
        default: Value("0"),
        needed_by: AUTOSTART,
        always_shown: false,
        meaning: "how many seconds `autostart` waits behind it: 0 to 86400",
        read: into!(autostart_delay: Delay::parse),
        written: |vm| one(vm.policy.autostart_delay.to_string()),
        ..Setting::VM
    },
];

impl Setting<HostSettings> {
    /// What the rows of the host have in common.
    const HOST: Self = Self {
        name: "",
        older: &[],
        default: None,
        needed_by: RUN,
        always_shown: true,
        shapes_vm: false,
        loader: Option::None,
        finding: FindingName::Setting,
        meaning: "",
        read: |_, _| Ok(()),
        written: |_| Vec::new(),
    };
}

impl Setting<VmSettings> {
    /// What the rows of a VM have in common.
    const VM: Self = Self {
        name: "",
        older: &[],
        default: None,
        needed_by: RUN,
        always_shown: true,
        shapes_vm: false,
        loader: Option::None,
        finding: FindingName::Setting,
        meaning: "",
        read: |_, _| Ok(()),
        written: |_| Vec::new(),
    };
}

fn yes_no(is_so: bool) -> &'static str {
    if is_so { "YES" } else { "NO" }
}

fn text_of(name: Option<&IfName>) -> &str {
    name.map_or("", IfName::as_str)
}

/// The one value of a setting without a number.
fn one(value: impl AsRef<OsStr>) -> Written {
    vec![(0, value.as_ref().to_owned())]
}

/// What grub is told, where it is told something.
fn grub<'vm>(vm: &'vm Vm, of: impl FnOnce(&'vm Grub) -> Option<&'vm str>) -> Written {
    match &vm.loader {
        Loader::Grub(grub) => of(grub).map(one).unwrap_or_default(),
        Loader::Bhyveload => Vec::new(),
    }
}
