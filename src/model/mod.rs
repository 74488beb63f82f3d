//! A VM as plain data, valid by construction.
//!
//! Built by [`crate::config::resolve`]; code that uses it parses no setting and knows no default.

pub mod arguments;
pub mod backend;
pub mod cpu;
pub mod device;
pub mod grub;
pub mod kind;
pub mod loader;
pub mod name;
pub mod named;
pub mod os;
pub mod policy;
pub mod privilege;
pub mod release;
pub mod screen;
pub mod size;

use crate::span::Span;
use crate::verb::{Spelling, Verb};
use arguments::BhyveArgs;
use cpu::CpuTopology;
use device::{Cd, Disk, Nic};
use loader::{Loader, Uefi};
use name::{Dataset, IfName, VmName};
use os::OsName;
use policy::Policy;
use screen::Screen;
use size::MemSize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A VM with every setting resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting, independent of the others"
)]
pub struct Vm {
    /// The name.
    pub name: VmName,
    /// The number, 0 to 32767, which is also the number of its first tap and of its nmdm(4) pair.
    pub id: u16,
    /// The operating system, if the VM has a profile.
    pub os: Option<OsName>,
    /// The processors.
    pub cpu: CpuTopology,
    /// The memory.
    pub mem: MemSize,
    /// Whether it has a source of random numbers.
    pub has_rng: bool,
    /// Whether its clock has UTC.
    pub keeps_utc: bool,
    /// Whether its memory is wired.
    pub is_wired: bool,
    /// Its UUID, if it is set.
    pub uuid: Option<Uuid>,
    /// Whether the guest gets an error when it uses an MSR that bhyve(8) does not know.
    pub has_strict_msrs: bool,
    /// The screen, if it has one.
    pub screen: Option<Screen>,
    /// Whether it has a tablet, a pointer with absolute positions.
    pub has_tablet: bool,
    /// Further words for bhyve(8).
    pub bhyve_args: Option<BhyveArgs>,
    /// Whether it is protected against operations that destroy.
    pub protection: Option<Protection>,
    /// The loader.
    pub loader: Loader,
    /// The disks by number; the first is number 0.
    pub disks: Vec<Disk>,
    /// The CDs by number, for an installation.
    pub cds: Vec<Cd>,
    /// The network interfaces by number.
    pub nics: Vec<Nic>,
    /// The kind of its first disk.
    pub volume: Volume,
    /// The settings shared with the host's other VMs.
    pub shared: Shared,
    /// The rules for its start, restart and end.
    pub policy: Policy,
    /// The style in which its user calls verbs.
    pub spelling: Spelling,
}

/// The protection of a VM and its disks: they are not destroyed, rolled back or resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// The place of the setting.
    pub origin: Option<Span>,
}

/// The host's settings that concern a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The default bridge, for NICs without a bridge setting.
    pub bridge: Option<IfName>,
    /// The uplink of the default bridge, by `netif`.
    pub netif: Option<Uplink>,
    /// The uplinks of the VM's bridges by settings of their own, which come before `netif`.
    pub uplinks: BTreeMap<IfName, Uplink>,
}

impl Shared {
    /// The uplink of a bridge of the VM; none for a bridge without an uplink.
    pub fn uplink_of(&self, bridge: &IfName) -> Option<&Uplink> {
        let by_default = || self.netif.as_ref().filter(|_| self.is_default(bridge));
        self.uplinks.get(bridge).or_else(by_default)
    }

    /// Whether NICs join this bridge by default.
    pub fn is_default(&self, bridge: &IfName) -> bool {
        self.bridge.as_ref() == Some(bridge)
    }
}

/// An interface of the host that joins a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// The interface.
    pub name: IfName,
    /// The place of the setting.
    pub origin: Option<Span>,
}

/// The kind of a VM's first disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Volume {
    /// A ZFS volume.
    Zfs(Dataset),
    /// An image file or another device.
    File(PathBuf),
}

impl Volume {
    /// What is at a path; `devices` is the directory of the device nodes.
    pub fn at(devices: &Path, path: &Path) -> Self {
        let name = path.strip_prefix(devices.join("zvol")).ok();
        let volume = name.and_then(|name| Dataset::parse(name.to_str()?).ok());
        volume.map_or_else(|| Self::File(path.to_owned()), Self::Zfs)
    }
}

impl Vm {
    /// A VM that runs and is no longer in the configuration: only its name is known, which is enough to end
    /// it and to free its marked taps.
    pub fn unconfigured(name: VmName, spelling: Spelling) -> Self {
        Self {
            name,
            id: 0,
            os: None,
            cpu: CpuTopology::one(),
            mem: MemSize::usual(),
            has_rng: false,
            keeps_utc: true,
            is_wired: false,
            uuid: None,
            has_strict_msrs: true,
            screen: None,
            has_tablet: false,
            bhyve_args: None,
            protection: None,
            loader: Loader::Bhyveload,
            disks: Vec::new(),
            cds: Vec::new(),
            nics: Vec::new(),
            volume: Volume::File(PathBuf::new()),
            shared: Shared {
                bridge: None,
                netif: None,
                uplinks: BTreeMap::new(),
            },
            policy: Policy::default(),
            spelling,
        }
    }

    /// The UUID for bhyve(8): that of the setting; else, for a VM with a profile or with UEFI firmware, one
    /// that depends on the host's and on the name, and so stays the same. Others have what bhyve(8) derives.
    pub fn uuid_on(&self, host: Option<Uuid>) -> Option<Uuid> {
        let derived = || Uuid::new_v5(&host.unwrap_or_default(), self.name.as_str().as_bytes());
        let has_one = self.os.is_some() || self.uefi().is_some();
        self.uuid.or_else(|| has_one.then(derived))
    }

    /// The settings of its UEFI firmware, if it has one.
    pub fn uefi(&self) -> Option<&Uefi> {
        match &self.loader {
            Loader::Uefi(uefi) => Some(uefi),
            Loader::Bhyveload | Loader::Grub(_) | Loader::UBoot => None,
        }
    }

    /// Whether the VM is in the configuration; then it has a first disk.
    pub fn is_configured(&self) -> bool {
        !self.disks.is_empty()
    }

    /// The command line for a verb of this VM.
    pub fn command(&self, verb: Verb) -> String {
        self.spelling.of(verb, self.name.as_str())
    }

    /// The note for a VM that runs in the background; ssh(1) reads `~.` itself, and passes `~~.` on as `~.`.
    pub fn running_note(&self, is_over_ssh: bool) -> String {
        let leave = if is_over_ssh { "~~." } else { "~." };
        format!(
            "{} is running; to connect to its console: {} ({leave} disconnects)",
            self.name,
            self.command(Verb::Console)
        )
    }

    /// The ISO image from which an installation boots.
    pub fn install_cd(&self) -> Option<&Cd> {
        self.cds.iter().find(|cd| cd.number == 0)
    }

    /// The bridges of the NICs, in the order of the first NIC of each.
    pub fn bridges(&self) -> Vec<&IfName> {
        let mut bridges = Vec::new();
        for bridge in self.nics.iter().filter_map(|nic| nic.bridge.as_ref()) {
            if !bridges.contains(&bridge) {
                bridges.push(bridge);
            }
        }
        bridges
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{BTreeMap, CpuTopology, Dataset, IfName, MemSize, VmName};
    use super::{Cd, Disk, Nic, Shared, Uplink, Vm, Volume};
    use crate::model::backend::NicBackend;
    use crate::model::kind::NicKind;
    use crate::verb::{Spelling, Verb};

    /// An uplink whose setting has no place.
    pub(crate) fn uplink(name: &str) -> Uplink {
        Uplink {
            name: IfName::parse(name).expect("a NIC"),
            origin: None,
        }
    }

    /// A VM with two disks, two CDs and two NICs, with gaps in their numbers.
    pub(crate) fn vm() -> Vm {
        let disk = |number, path: &str| Disk::new(number, path.into(), None);
        let cd = |number, path: &str| Cd {
            number,
            path: path.into(),
            origin: None,
        };
        let nic = |number, tap: &str, bridge: &str| Nic {
            number,
            backend: NicBackend::parse(tap).expect("a tap"),
            bridge: Some(IfName::parse(bridge).expect("a bridge")),
            is_private: false,
            kind: NicKind::default(),
            mac: None,
            origin: None,
            bridge_origin: None,
        };
        let name = VmName::parse("fbsd0").expect("a name");
        Vm {
            id: 1,
            cpu: CpuTopology::parse("2").expect("cpus"),
            mem: MemSize::parse("1G").expect("a size"),
            disks: vec![disk(0, "/dev/zvol/zroot/vm/fbsd0"), disk(2, "/vm/data")],
            cds: vec![cd(0, "/iso/a.iso"), cd(1, "/iso/b.iso")],
            nics: vec![nic(0, "tap1", "bridge0"), nic(3, "tap7", "bridge1")],
            volume: Volume::Zfs(Dataset::parse("zroot/vm/fbsd0").expect("a dataset")),
            shared: Shared {
                bridge: Some(IfName::parse("bridge0").expect("a bridge")),
                netif: Some(uplink("igb0")),
                uplinks: BTreeMap::new(),
            },
            ..Vm::unconfigured(name, Spelling::link())
        }
    }

    #[test]
    fn a_verb_is_spelt_as_its_user_calls_verbs() {
        let mut vm = vm();
        assert_eq!(vm.command(Verb::Boot), "fbsd0-boot");
        vm.spelling = Spelling::default();
        assert_eq!(vm.command(Verb::Boot), "easy-bhyve boot fbsd0");
    }

    #[test]
    fn a_bridge_has_its_own_uplink_or_that_of_the_default_bridge() {
        let mut vm = vm();
        let uplinks = |vm: &Vm| -> Vec<Option<String>> {
            let bridges = vm.bridges().into_iter();
            let uplinks = bridges.map(|bridge| vm.shared.uplink_of(bridge));
            let name = |uplink: &Uplink| uplink.name.to_string();
            uplinks.map(|uplink| uplink.map(name)).collect()
        };
        assert_eq!(uplinks(&vm), [Some("igb0".to_owned()), None]);
        for bridge in ["bridge0", "bridge1"] {
            let bridge = IfName::parse(bridge).expect("a bridge");
            vm.shared.uplinks.insert(bridge, uplink("em1"));
        }
        assert_eq!(uplinks(&vm), [(); 2].map(|()| Some("em1".to_owned())));
    }
}
