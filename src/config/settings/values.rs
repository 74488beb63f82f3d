//! What the settings of a configuration say, typed, and without defaults.

use super::Set;
use crate::model::cpu::CpuTopology;
use crate::model::loader::BootPart;
use crate::model::name::{Dataset, IfName, TapName, VmId};
use crate::model::policy::{Delay, OnCrash, OnReboot, Seconds};
use crate::model::privilege::Choice;
use crate::model::size::MemSize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the host variables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// The bridge that a NIC joins which names no other.
    pub bridge: Option<Set<IfName>>,
    /// The physical interface.
    pub netif: Option<Set<IfName>>,
    /// Where disks are: a dataset, or a directory if it begins with `/`.
    pub volroot: Option<Set<PathBuf>>,
    /// The directory of the links.
    pub ebdir: Option<Set<PathBuf>>,
    /// The cpus of a VM that does not say.
    pub cpu: Option<Set<CpuTopology>>,
    /// The memory of a VM that does not say.
    pub mem: Option<Set<MemSize>>,
    /// How commands become root's.
    pub privilege: Option<Set<Choice>>,
}

/// What a VM's own variables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmSettings {
    /// Its number.
    pub id: Option<Set<VmId>>,
    /// Its cpus.
    pub cpu: Option<Set<CpuTopology>>,
    /// Its memory.
    pub mem: Option<Set<MemSize>>,
    /// Whether bhyveload(8) loads it.
    pub freebsd: Option<Set<bool>>,
    /// Its ISO images, by number.
    pub cds: BTreeMap<u8, Set<PathBuf>>,
    /// Its volume.
    pub zvol: Option<Set<Dataset>>,
    /// Its disks, by number.
    pub hds: BTreeMap<u8, Set<PathBuf>>,
    /// Its taps, by number.
    pub ifs: BTreeMap<u8, Set<TapName>>,
    /// The bridges of its taps, by number.
    pub bridges: BTreeMap<u8, Set<IfName>>,
    /// Commands of grub's for an installation.
    pub grub_install: Option<Set<String>>,
    /// Commands of grub's for a boot.
    pub grub_bootcmd: Option<Set<String>>,
    /// The partition that grub boots from.
    pub grub_bootpart: Option<Set<BootPart>>,
    /// What follows when its guest reboots.
    pub on_reboot: Option<Set<OnReboot>>,
    /// What follows when its guest crashes.
    pub on_crash: Option<Set<OnCrash>>,
    /// How long its loader may take in the background.
    pub loader_timeout: Option<Set<Seconds>>,
    /// How long its guest may take to shut itself down.
    pub stop_timeout: Option<Set<Seconds>>,
    /// Whether it is started with the host.
    pub autostart: Option<Set<bool>>,
    /// How long the next VM waits behind it when the host starts.
    pub autostart_delay: Option<Set<Delay>>,
}
