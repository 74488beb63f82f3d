//! The host variables.

use super::Default::{Described, None, Value};
use super::Form::{Named, OneOf};
use super::needs::{DISKS, INSTALL, NETWORK, ROOT, SHOWN};
use super::{Set, Setting, into, one};
use crate::config::shell::class::is_name;
use crate::finding::FindingName;
use crate::model::cpu::CpuTopology;
use crate::model::name::{IfName, error};
use crate::model::privilege::Choice;
use crate::model::size::MemSize;
use crate::vis;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The values of the host variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// The default bridge of NICs.
    pub bridge: Option<Set<Option<IfName>>>,
    /// The uplink of the default bridge.
    pub netif: Option<Set<IfName>>,
    /// The uplinks of bridges by settings of their own.
    pub uplinks: BTreeMap<IfName, Set<IfName>>,
    /// The place of disks: a dataset, or a directory if it begins with `/`.
    pub volroot: Option<Set<PathBuf>>,
    /// The directory of ISO images.
    pub iso_path: Option<Set<PathBuf>>,
    /// The directory of the links.
    pub ebdir: Option<Set<PathBuf>>,
    /// The default cpus of VMs.
    pub cpu: Option<Set<CpuTopology>>,
    /// The default memory of VMs.
    pub mem: Option<Set<MemSize>>,
    /// The way to become root.
    pub privilege: Option<Set<Choice>>,
}

/// The host variables.
pub static HOST: [Setting<HostSettings>; 9] = [
    Setting {
        name: "bridge",
        form: Named("bridge"),
        default: None,
        needed_by: NETWORK,
        finding: FindingName::InterfaceName,
        meaning: "the bridge of a NIC without `ifN_bridge`",
        read: into!(bridge: IfName::parse_bridge),
        written: |vm| one(text_of(vm.shared.bridge.as_ref())),
        ..Setting::ROW
    },
    Setting {
        name: "netif",
        form: Named("interface"),
        default: None,
        finding: FindingName::InterfaceName,
        meaning: "the wired interface that joins `bridge`, and no other bridge; without it the bridge has no uplink",
        read: into!(netif: IfName::parse),
        written: |vm| one(text_of(vm.shared.netif.as_ref().map(|uplink| &uplink.name))),
        ..Setting::ROW
    },
    Setting {
        name: UPLINK,
        form: Named("interface"),
        default: Described("`${netif}` for `${bridge}`, none for other bridges"),
        finding: FindingName::InterfaceName,
        meaning: "the wired interface that joins this bridge, and no other bridge",
        read: |host, given| {
            let uplink = given.parsed(IfName::parse)?;
            host.uplinks.insert(IfName::parse(given.bridge)?, uplink);
            Ok(())
        },
        ..Setting::ROW
    },
    Setting {
        name: "volroot",
        form: Named("dataset | directory"),
        default: None,
        needed_by: DISKS,
        finding: FindingName::Dataset,
        meaning: "where disks are: a ZFS dataset, or a directory if it begins with `/`",
        read: into!(volroot: path),
        ..Setting::ROW
    },
    Setting {
        name: "iso_path",
        form: Named("directory"),
        default: None,
        needed_by: INSTALL,
        finding: FindingName::RelativePath,
        meaning: "where an ISO image with a relative path is",
        read: |to, given| {
            let directory = given.path();
            if directory.value.is_relative() {
                let shown = vis::shown(&directory.value);
                return Err(error(format!("{shown} is not an absolute path")));
            }
            to.iso_path = Some(directory);
            Ok(())
        },
        ..Setting::ROW
    },
    Setting {
        name: "ebdir",
        form: Named("directory"),
        default: Value("eb"),
        meaning: "the directory of the links",
        read: into!(ebdir: path),
        ..Setting::ROW
    },
    Setting {
        name: "cpu",
        form: Named("cpus"),
        default: Value("1"),
        needed_by: SHOWN,
        finding: FindingName::Cpu,
        meaning: "the cpus of a VM without `VM_cpu`",
        read: into!(cpu: CpuTopology::parse),
        ..Setting::ROW
    },
    Setting {
        name: "mem",
        form: Named("size"),
        default: Value("256M"),
        needed_by: SHOWN,
        finding: FindingName::Memory,
        meaning: "the memory of a VM without `VM_mem`",
        read: into!(mem: MemSize::parse),
        ..Setting::ROW
    },
    Setting {
        name: "privilege",
        form: OneOf(&["auto", "doas", "sudo", "mdo", "none"]),
        default: Value("auto"),
        needed_by: ROOT,
        meaning: "how a command becomes root; `auto` is nothing for root, else doas, else sudo",
        read: into!(privilege: Choice::parse),
        ..Setting::ROW
    },
];

/// The setting of a bridge's uplink, with `BRIDGE` for the name of the bridge.
const UPLINK: &str = "BRIDGE_netif";
/// The part of it behind the name.
const OF_BRIDGE: &str = "_netif";

/// The setting of a bridge's own uplink, if a variable can have such a name.
pub fn uplink_of(bridge: &IfName) -> Option<String> {
    is_name(bridge.as_str().as_bytes()).then(|| format!("{bridge}{OF_BRIDGE}"))
}

/// The row of a host variable, and the bridge in its name, which is empty for a variable that has none.
pub fn of_host(name: &str) -> Option<(&'static Setting<HostSettings>, &str)> {
    let bridge = name.strip_suffix(OF_BRIDGE).unwrap_or_default();
    let is_bridge = is_name(bridge.as_bytes());
    let wanted = if is_bridge { UPLINK } else { name };
    let row = HOST.iter().find(|row| row.name == wanted)?;
    Some((row, bridge))
}

fn text_of(name: Option<&IfName>) -> &str {
    name.map_or("", IfName::as_str)
}
