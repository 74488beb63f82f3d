//! Checks that need this host: whether the named files, interfaces and resources exist and suffice.

use super::asked::Asked;
use super::media;
use crate::config::resolve::{self, Checked};
use crate::config::{Assignment, Config, settings};
use crate::error::Error;
use crate::finding::FindingName;
use crate::host::{Ended, Look};
use crate::model::Vm;
use crate::model::name::{Dataset, IfName};
use crate::operation::boot::{network, vlan};
use crate::operation::refuse::{features, refuse_cpus};
use crate::span::Span;
use crate::survey::{self, Survey};
use crate::tools::sysctl::{self, Kernel};
use crate::tools::{ifconfig, zfs};
use crate::{quote, vis};
use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The findings that require queries of the host.
pub(super) const NAMES: [FindingName; 15] = [
    FindingName::DiskMissing,
    FindingName::IsoMissing,
    FindingName::ReadOnly,
    FindingName::TooManyCpus,
    FindingName::NotOnThisHost,
    FindingName::HostCpus,
    FindingName::HostMemory,
    FindingName::AutostartMemory,
    FindingName::TotalMemory,
    FindingName::BridgeWithoutUplink,
    FindingName::NetifMissing,
    FindingName::NetifWireless,
    FindingName::NetifBridge,
    FindingName::UplinkVlan,
    FindingName::VolrootMissing,
];

/// Checks against the host, with at most three queries in addition to those for files and for volumes
/// without a device.
pub(super) fn findings(
    config: &Config,
    checked: &[Checked<'_>],
    devices: &Path,
    look: &mut dyn Look,
) -> Asked {
    let mut asked = Asked::default();
    if !survey::is_freebsd(look) {
        asked.skip(&NAMES, "this host is not FreeBSD");
        return asked;
    }
    media::findings(config, checked, devices, look, &mut asked);
    let kernel = capacity(config, checked, look, &mut asked);
    network(config, checked, kernel, look, &mut asked);
    volroot(config, look, &mut asked);
    asked
}

/// Checks the cpus and the memory of every VM; returns the answer of the kernel.
fn capacity(
    config: &Config,
    checked: &[Checked<'_>],
    look: &mut dyn Look,
    asked: &mut Asked,
) -> Kernel {
    let answer = match survey::answer(look, &sysctl::ask()) {
        Ok(answer) => answer,
        Err(error) => {
            let names = [
                FindingName::TooManyCpus,
                FindingName::NotOnThisHost,
                FindingName::HostCpus,
                FindingName::HostMemory,
                FindingName::AutostartMemory,
                FindingName::TotalMemory,
            ];
            asked.skip(&names, &error.what);
            return Kernel::default();
        }
    };
    let kernel = sysctl::parse(&answer, 0);
    // A host variable is reported once, for the first VM that uses it.
    let mut told = HashSet::new();
    for one in checked {
        let Some(vm) = &one.vm else { continue };
        let at = |key: &str| set_at(config, one, key);
        let mut tell = |error: Error| {
            if told.insert((error.name, error.at)) {
                asked.add(error);
            }
        };
        for error in features::missing(vm, &kernel) {
            let place = config.place_of(&error.settings);
            tell(error.at(place.or_else(|| at("id"))));
        }
        if let Err(error) = refuse_cpus(vm, &kernel) {
            tell(error.at(at("cpu")));
        } else if let Some(cpus) = kernel.cpus.filter(|cpus| vm.cpu.count() > *cpus) {
            tell(
                Error::config(format!(
                    "{} has {} cpus, and this host has {cpus}",
                    vm.name,
                    vm.cpu.count()
                ))
                .at(at("cpu"))
                .named(FindingName::HostCpus)
                .help(format!("set {}_cpu={cpus} or less", vm.name)),
            );
        }
        if let Some(memory) = kernel.memory.filter(|memory| vm.mem.bytes() > *memory) {
            tell(
                Error::config(format!(
                    "{} has {} of memory, and this host has {}M",
                    vm.name,
                    vm.mem,
                    memory >> 20
                ))
                .at(at("mem"))
                .named(FindingName::HostMemory)
                .help(format!("reduce {}_mem", vm.name)),
            );
        }
    }
    if let Some(memory) = kernel.memory {
        let sum = |is_meant: &dyn Fn(&Vm) -> bool| exceeding(checked, memory, is_meant);
        let crowded = match sum(&|vm| vm.policy.autostart) {
            Some(found) => Some((
                found,
                FindingName::AutostartMemory,
                "the VMs that autostart",
                "reduce the memory of some of these VMs, or do not autostart all of them",
            )),
            None => sum(&|_| true).map(|found| {
                let help = "not all of them can run at the same time; reduce the memory of some";
                (found, FindingName::TotalMemory, "all VMs together", help)
            }),
        };
        if let Some(((last, bytes), name, who, help)) = crowded {
            let (has, of_host) = (bytes >> 20, memory >> 20);
            let what = format!("{who} have {has}M of memory, and this host has {of_host}M");
            let error = Error::config(what).at(set_at(config, last, "mem"));
            asked.add(error.named(name).help(help));
        }
    }
    kernel
}

/// The VM, in the order of ids, at which the memory of those meant exceeds the host's, and the sum of
/// their memory in bytes. A VM that alone exceeds it is reported by itself and does not count.
fn exceeding<'one, 'config>(
    checked: &'one [Checked<'config>],
    memory: u64,
    is_meant: &dyn Fn(&Vm) -> bool,
) -> Option<(&'one Checked<'config>, u64)> {
    let vms = checked
        .iter()
        .filter_map(|one| Some((one, one.vm.as_ref()?)));
    let fits = |vm: &Vm| vm.mem.bytes() <= memory;
    let mut vms: Vec<_> = vms.filter(|(_, vm)| fits(vm) && is_meant(vm)).collect();
    vms.sort_by_key(|(_, vm)| vm.id);
    let (mut sum, mut last) = (0_u64, None);
    for (one, vm) in vms {
        sum = sum.saturating_add(vm.mem.bytes());
        if sum > memory {
            last = last.or(Some(one));
        }
    }
    Some((last?, sum))
}

/// The place of a VM's setting, own or of the host; of its id if the setting is not set.
fn set_at(config: &Config, one: &Checked<'_>, key: &str) -> Option<Span> {
    let is_set = |set: &Assignment<'_>| !set.value.is_empty();
    let mut own = one.keys.keys.iter().filter(|own| own.setting.name == key);
    let own = own.next().map(|own| own.set).filter(is_set);
    let set = own
        .or_else(|| config.get(key).filter(is_set))
        .or_else(|| config.id_of(one.keys.vm))?;
    Some(set.value_span)
}

/// Checks the bridges of the VMs, and `netif`, if a VM uses it.
fn network(
    config: &Config,
    checked: &[Checked<'_>],
    kernel: Kernel,
    look: &mut dyn Look,
    asked: &mut Asked,
) {
    let vms = || checked.iter().filter_map(|one| one.vm.as_ref());
    if vms().all(|vm| vm.bridges().is_empty()) {
        return;
    }
    let answer = match survey::answer(look, &ifconfig::list()) {
        Ok(answer) => answer,
        Err(error) => {
            let names = [
                FindingName::BridgeWithoutUplink,
                FindingName::NetifMissing,
                FindingName::NetifWireless,
                FindingName::NetifBridge,
                FindingName::UplinkVlan,
            ];
            return asked.skip(&names, &error.what);
        }
    };
    let survey = Survey {
        is_freebsd: true,
        interfaces: ifconfig::parse(&answer),
        kernel,
        ..Survey::fresh(Path::new(""))
    };
    uplinks(&vms().collect::<Vec<_>>(), &survey, asked);
    // An invalid name, which is reported elsewhere, is replaced by a valid one.
    let is_written = |one: &Checked<'_>, bridge: &IfName| {
        let name = bridge.as_str().as_bytes();
        let mut own = one.keys.keys.iter();
        config.get("bridge").is_some_and(|set| set.value == name)
            || own.any(|key| key.set.value == name)
    };
    let mut told = HashSet::new();
    for one in checked {
        let Some(vm) = &one.vm else { continue };
        for nic in &vm.nics {
            let Some(bridge) = nic.bridge.as_ref().filter(|name| is_written(one, name)) else {
                continue;
            };
            let has_uplink = vm.shared.uplink_of(bridge).is_some();
            let is_new = survey.interface(bridge.as_str()).is_none();
            if is_new && !has_uplink && told.insert(bridge.as_str()) {
                let netif = vm.shared.is_default(bridge).then(|| "netif".to_owned());
                let setting = netif.or_else(|| settings::uplink_of(bridge));
                asked.add(without_uplink(bridge, nic.bridge_origin, setting));
            }
        }
    }
}

/// Checks the uplinks of all bridges as if all VMs ran.
fn uplinks(vms: &[&Vm], survey: &Survey, asked: &mut Asked) {
    let Some(mut shared) = vms.first().map(|vm| vm.shared.clone()) else {
        return;
    };
    for vm in vms {
        shared.uplinks.extend(vm.shared.uplinks.clone());
    }
    let bridges: BTreeSet<&IfName> = vms.iter().flat_map(|vm| vm.bridges()).collect();
    let bridges: Vec<&IfName> = bridges.into_iter().collect();
    for bridge in &bridges {
        let refusal = network::refuse_uplink(&shared, bridge, &bridges, survey).err();
        let found = refusal.or_else(|| vlan::in_use(&shared, bridge, survey));
        asked.findings.extend(found.and_then(super::finding));
    }
}

/// A bridge that does not exist, and that no interface of the host would join.
fn without_uplink(bridge: &IfName, origin: Option<Span>, setting: Option<String>) -> Error {
    let error = Error::config(format!(
        "{bridge} does not exist on this host, and would be made without an uplink"
    ));
    let name = FindingName::BridgeWithoutUplink;
    let error = error.at(origin).named(name);
    let error = match setting {
        Some(setting) => error.help(format!(
            "to connect its VMs with a network, set {setting}"
        )),
        None => error.help(format!(
            "to connect its VMs with a network, make {bridge} with an interface of the host in it before the VMs boot"
        )),
    };
    error.help(format!(
        "if its VMs shall reach only each other, add above: # easy-bhyve: allow {name}"
    ))
}

/// Checks `volroot`: a directory, or a dataset.
fn volroot(config: &Config, look: &mut dyn Look, asked: &mut Asked) {
    let Some(set) = config.get("volroot").filter(|set| !set.value.is_empty()) else {
        return;
    };
    let is_there = match resolve::volume_root(config) {
        Ok(Some(root)) => has_dataset(look, &root),
        Ok(None) => is_directory(look, &resolve::image_directory(config)),
        // A missing name is reported elsewhere.
        Err(_) => return,
    };
    let root = OsStr::from_bytes(set.value);
    match is_there {
        Ok(true) => {}
        Ok(false) => {
            let (kind, help) = if set.value.starts_with(b"/") {
                ("directory", format!("mkdir {}", quote::shown(root)))
            } else {
                (
                    "dataset",
                    format!("zfs create -o mountpoint=none {}", quote::shown(root)),
                )
            };
            asked.add(
                Error::config(format!(
                    "volroot: {kind} {} does not exist",
                    vis::shown(root)
                ))
                .at(set.value_span)
                .named(FindingName::VolrootMissing)
                .help(format!("create it as root: {help}")),
            );
        }
        Err(error) => asked.skip(&[FindingName::VolrootMissing], &error.what),
    }
}

fn has_dataset(look: &mut dyn Look, root: &Dataset) -> Result<bool, Error> {
    let question = zfs::children(root);
    match look.ask(&question) {
        Ok(finished) if finished.ended == Ended::Exit(1) && zfs::is_missing(&finished.stderr) => {
            Ok(false)
        }
        Ok(finished) if finished.ended == Ended::Exit(0) => Ok(true),
        // Repeats the query to get the error message.
        _ => survey::answer(look, &question).map(|_| true),
    }
}

fn is_directory(look: &mut dyn Look, path: &Path) -> Result<bool, Error> {
    let unknown = |error| Error::host(format!("{}: {error}", vis::shown(&path)));
    if !look.exists(path).map_err(unknown)? {
        return Ok(false);
    }
    match look.names_in(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
        // A directory that cannot be listed may still be usable.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(true),
        Err(error) => Err(unknown(error)),
    }
}
