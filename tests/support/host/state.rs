//! The whole state of the simulated host, as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use super::datasets::{Bookmark, Dataset, Snapshot, Volume};
use super::grub_bhyve::image::Image;
use super::process::{GuestPlan, Process};
use super::{call::Status, files::MemoryFiles};

/// The host between two commands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// `kern.osreldate`, such as 1403000.
    pub osreldate: u32,
    /// `hw.machine`.
    pub machine: String,
    /// The full host name.
    pub hostname: String,
    /// Number of CPUs.
    pub ncpu: u32,
    /// The directory of the device nodes.
    pub dev: PathBuf,
    /// Milliseconds since the epoch.
    pub clock_ms: u64,
    /// Whether programs that take time are real processes; otherwise the clock is advanced.
    pub real_time: bool,
    /// The factor by which waits of easy-bhyve for programs that are real processes are longer.
    pub pace: u32,
    /// Whether all callers are in a jail.
    pub jailed: bool,
    /// `kern.securelevel` above 0: modules cannot be loaded.
    pub secure: bool,
    /// Programs that are installed.
    pub programs: BTreeSet<String>,
    /// Kernel modules.
    pub modules: Modules,
    /// Sysctl variables by full name.
    pub sysctls: BTreeMap<String, Sysctl>,
    /// Network interfaces by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// The gateway and the interface of the default route, by family (`inet`, `inet6`).
    pub routes: BTreeMap<String, (String, String)>,
    /// Free bytes of each pool, by name.
    pub pools: BTreeMap<String, u64>,
    /// The health and the used percent of each pool that is not well, by name.
    pub ailing_pools: BTreeMap<String, (String, u8)>,
    /// The package that has installed the firmware, with its version.
    pub firmware_package: Option<String>,
    /// Datasets by full name.
    pub datasets: BTreeMap<String, Dataset>,
    /// Encryption roots whose key is not loaded.
    pub locked: BTreeSet<String>,
    /// Milliseconds until the node of a new volume appears.
    pub node_ms: u64,
    /// Regular files, when they are held in memory.
    pub files: MemoryFiles,
    /// `/dev/vmm/NAME`.
    pub vms: BTreeMap<String, VmNode>,
    /// Processes, by pid.
    pub processes: BTreeMap<i32, Process>,
    /// How processes have ended.
    pub ended: BTreeMap<i32, Status>,
    /// Null-modem pairs by name without the final A or B.
    pub nmdm: BTreeMap<String, Nmdm>,
    /// Null modems for a program of the real machine, which devfs cannot clone: nmdm creates them.
    pub awaited: BTreeSet<PathBuf>,
    /// Users by uid.
    pub users: BTreeMap<u32, User>,
    /// The behaviour of doas, sudo and mdo.
    pub escalators: BTreeMap<String, Escalator>,
    /// The behaviour of guests, by VM name.
    pub guests: BTreeMap<String, GuestPlan>,
    /// The behaviour of all other guests.
    pub guest: GuestPlan,
    /// Mounts of nullfs: the mount point, and the directory that it shows; `None`: one that is not visible.
    pub nullfs: BTreeMap<PathBuf, Option<PathBuf>>,
    /// Directories whose file system is read-only.
    pub read_only: BTreeSet<PathBuf>,
    /// Directories in which every user may rename everything.
    pub everybodys: BTreeSet<PathBuf>,
    /// What stands at a path in memory, where that is not what it seems.
    pub odd: BTreeMap<PathBuf, Odd>,
    /// The content of disks and ISO images, by path; all others have whatever grub asks for.
    pub images: BTreeMap<PathBuf, Image>,
    /// The bytes of disks and ISO images, by path: the name of an image in `tests/fuzz/corpus/inspect`.
    pub written: BTreeMap<PathBuf, String>,
    /// Harm that FreeBSD permits: a test with an entry here fails.
    pub harm: Vec<String>,
    /// The next pid.
    pub next_pid: i32,
    /// The next interface index.
    pub next_index: u32,
    /// The next transaction group of ZFS.
    pub next_txg: u64,
    /// The next id of a module file or module.
    pub next_module: u32,
}

impl State {
    /// The major release.
    pub fn major(&self) -> u32 {
        self.osreldate / 100_000
    }

    /// The state without its clock and counters, to compare it before and after.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self {
            clock_ms: 0,
            next_pid: 0,
            next_index: 0,
            next_txg: 0,
            next_module: 0,
            ended: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// Seconds since the epoch.
    pub fn seconds(&self) -> u64 {
        self.clock_ms / 1000
    }

    /// The behaviour of a VM's guest.
    pub fn plan_of(&self, vm: &str) -> GuestPlan {
        self.guests
            .get(vm)
            .cloned()
            .unwrap_or_else(|| self.guest.clone())
    }

    /// The bhyve process of a VM.
    pub fn bhyve_of(&self, vm: &str) -> Option<i32> {
        self.processes.values().find_map(|process| {
            let guest = process.guest.as_ref()?;
            (guest.vm == vm).then_some(process.pid)
        })
    }

    /// A whole number out of a sysctl; 0 if there is none.
    pub fn number(&self, sysctl: &str) -> i64 {
        self.sysctls
            .get(sysctl)
            .and_then(|oid| oid.value.parse().ok())
            .unwrap_or(0)
    }

    /// The bridge that an interface is a member of.
    pub fn bridge_of(&self, member: &str) -> Option<&str> {
        self.interfaces
            .iter()
            .find(|(_, interface)| interface.members.iter().any(|name| name == member))
            .map(|(name, _)| name.as_str())
    }
}

/// What stands at a path, for lstat(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Odd {
    /// A symbolic link.
    pub link: bool,
    /// A FIFO.
    pub fifo: bool,
    /// The uid of its owner.
    pub owner: u32,
    /// Whether the group may write to it.
    pub group_writes: bool,
}

/// Kernel modules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modules {
    /// Module names that are compiled into the kernel.
    pub compiled: BTreeSet<String>,
    /// Loaded files (`vmm.ko`) with their load order and the module names in them.
    pub loaded: BTreeMap<String, (u32, Vec<String>)>,
    /// Files that refuse to initialise, such as vmm.ko without VT-x.
    pub broken: BTreeSet<String>,
    /// Files that are not on the disk.
    pub absent: BTreeSet<String>,
}

/// Who may change a sysctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Only read.
    Read,
    /// Set in loader.conf only.
    Tunable,
    /// Set by root.
    Write,
}

/// A sysctl variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sysctl {
    /// Its value as printed.
    pub value: String,
    /// Who may change it.
    pub access: Access,
    /// Whether it holds a whole number.
    pub integer: bool,
}

/// The kind of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A network card.
    Physical,
    /// A wlan device.
    Wireless,
    /// `lo0`.
    Loopback,
    /// tap(4)
    Tap,
    /// vmnet(4)
    Vmnet,
    /// bridge(4)
    Bridge,
    /// vlan(4)
    Vlan,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its kind.
    pub kind: Kind,
    /// Its index: listings are in this order.
    pub index: u32,
    /// The name of its device node, which a rename does not change.
    pub device: String,
    /// Whether it is up.
    pub up: bool,
    /// Its description; empty if none.
    pub description: String,
    /// `inet …` and `inet6 …` lines.
    pub addresses: Vec<String>,
    /// Members of a bridge, oldest first.
    pub members: Vec<String>,
    /// Those of them that are isolated from each other.
    pub private: BTreeSet<String>,
    /// The tag and the parent of a VLAN.
    pub vlan: Option<(u32, String)>,
    /// The process that has its device node open.
    pub opened_by: Option<i32>,
    /// Whether an `ifconfig destroy` waits until its device node is closed.
    pub dying: bool,
    /// Further groups.
    pub groups: Vec<String>,
    /// The link0 flag.
    pub link0: bool,
    /// Its MTU.
    pub mtu: u32,
}

/// A VM object of vmm(4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmNode {
    /// Bytes of guest memory that were set up; `None` before any.
    pub memory: Option<u64>,
    /// Whether a loader has put a kernel into it that has not run yet.
    pub loaded: bool,
    /// The system that the kernel belongs to.
    pub system: System,
    /// The user who created it.
    pub uid: u32,
    /// What grub has loaded into it.
    pub kernel: Option<Kernel>,
}

/// A kernel that grub has loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Its command line, if it is Linux.
    pub command_line: Option<String>,
    /// Bytes of its initrd.
    pub initrd: u64,
    /// Its entry point.
    pub entry: u64,
}

/// A system that runs in a VM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum System {
    /// FreeBSD, by bhyveload(8) or `kfreebsd`.
    #[default]
    FreeBsd,
    /// Linux.
    Linux,
    /// NetBSD, by `knetbsd`.
    NetBsd,
    /// OpenBSD, by `kopenbsd`.
    OpenBsd,
}

/// A null-modem pair.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nmdm {
    /// The user who looked it up first.
    pub owner: u32,
    /// The process on end A.
    pub a: Option<i32>,
    /// The process on end B.
    pub b: Option<i32>,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Groups.
    pub groups: BTreeSet<String>,
}

/// The behaviour of doas, sudo or mdo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalator {
    /// Its rule.
    pub rule: Rule,
    /// Whether it is OpenDoas rather than slicer69's doas.
    pub open_doas: bool,
    /// Programs that the rule excludes.
    pub forbidden: BTreeSet<String>,
}

/// The rule for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// Every command without a password.
    Permit,
    /// A password; the one typed on a terminal is right.
    Password,
    /// A password; the one typed on a terminal is wrong.
    WrongPassword,
    /// No command.
    Deny,
    /// There is no configuration file.
    NotConfigured,
}
