//! Findings about VMs whose settings are valid one by one.

use super::{own_place, writable_at};
use crate::config::profile::misfits;
use crate::config::resolve::{self, Checked};
use crate::config::settings::numbered;
use crate::config::{Config, Key, Keys};
use crate::finding::{Finding, FindingName};
use crate::model::Vm;
use crate::model::device::Nic;
use crate::model::kind::Mac;
use crate::model::loader::LoaderKind;
use crate::model::name::TapName;
use std::collections::HashMap;
use uuid::Uuid;

/// Checks each VM, and all VMs together; takes linear time.
pub(super) fn findings(config: &Config, checked: &[Checked<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut taps: HashMap<&str, (&Vm, &Nic)> = HashMap::new();
    let mut macs: HashMap<Mac, (&Vm, &Nic)> = HashMap::new();
    let mut uuids: HashMap<Uuid, &Vm> = HashMap::new();
    for one in checked {
        findings.extend(missing_devices(&one.keys));
        findings.extend(writable_profiles(one));
        let Some(vm) = &one.vm else { continue };
        findings.extend(gaps(vm));
        findings.extend(unused_grub(one, vm));
        if let Some(profile) = &one.profile {
            findings.extend(misfits(config, vm, profile));
        }
        if let Some(uuid) = vm.uuid {
            let other = *uuids.entry(uuid).or_insert(vm);
            findings.extend(shared_uuid(config, uuid, vm, other));
        }
        for nic in &vm.nics {
            if let Some(tap) = nic.tap() {
                match taps.get(tap.interface().as_str()) {
                    None => {
                        taps.insert(tap.interface().as_str(), (vm, nic));
                    }
                    Some(other) => findings.extend(shared_tap(config, tap, (vm, nic), *other)),
                }
            }
            let mac = nic.address(&vm.name);
            match macs.get(&mac) {
                None => {
                    macs.insert(mac, (vm, nic));
                }
                Some(other) => findings.extend(shared_mac(config, mac, (vm, nic), *other)),
            }
        }
    }
    findings
}

/// Files of the VM's profile that the group may write, reported at the setting that names the profile.
fn writable_profiles(one: &Checked<'_>) -> Vec<Finding> {
    let layers = one.profile.iter().flat_map(|profile| &profile.layers);
    let shared = layers.filter_map(|layer| layer.shared.as_ref());
    let os = one.keys.get("os", 0);
    let found = shared.filter_map(|what| Some(writable_at(os?.value_span, what)));
    found.collect()
}

/// Settings of NICs and disks that the VM does not have.
fn missing_devices<'run>(keys: &'run Keys<'_>) -> impl Iterator<Item = Finding> + 'run {
    let is_set = |key: &&Key<'_>| !key.set.value.is_empty();
    let set = keys.keys.iter().filter(is_set);
    set.filter(|key| !resolve::has_effect(key, keys))
        .map(|key| {
            let whole = key.setting.part_of.unwrap_or_default();
            let device = numbered(whole, key.number);
            let (name, value) = match whole {
                "hdN" => (FindingName::HdMissing, "/PATH"),
                _ => (FindingName::NicMissing, "tapNUMBER"),
            };
            Finding::new(
                name,
                key.set.name_span,
                format!(
                    "{} has no effect: {} has no {device}",
                    key.set.name, keys.vm
                ),
                format!("add {}_{device}={value}, or remove the setting", keys.vm),
            )
        })
}

/// Whether this NIC is the VM's default NIC, which no setting names.
fn is_default(config: &Config, vm: &Vm, nic: &Nic) -> bool {
    let id = config.id_of(vm.name.as_str());
    id.is_some_and(|id| nic.origin == Some(id.value_span))
}

fn shared_tap(
    config: &Config,
    tap: &TapName,
    (vm, nic): (&Vm, &Nic),
    (other, other_nic): (&Vm, &Nic),
) -> Option<Finding> {
    let defaults = (
        is_default(config, vm, nic),
        is_default(config, other, other_nic),
    );
    let (name, message, (at, elsewhere)) = match defaults {
        // A shared id is reported elsewhere.
        (true, true) => return None,
        (false, false) => (
            FindingName::SharedTap,
            format!("{tap} is a tap of {} and of {}", other.name, vm.name),
            (nic.origin, other_nic.origin),
        ),
        (is_default, _) => {
            let (taker, owner, places) = if is_default {
                (other, vm, (other_nic.origin, nic.origin))
            } else {
                (vm, other, (nic.origin, other_nic.origin))
            };
            (
                FindingName::DefaultTap,
                format!(
                    "{} uses {tap}, the default tap of {}, whose id is {}",
                    taker.name, owner.name, owner.id
                ),
                places,
            )
        }
    };
    let finding = Finding::new(
        name,
        at?,
        message,
        "use another tap; only one of the two VMs can run at a time",
    );
    Some(match elsewhere {
        Some(elsewhere) => finding.note(format!(
            "the other tap is set at {}",
            config.place(elsewhere)
        )),
        None => finding,
    })
}

/// Two NICs with one address, set or derived by bhyve.
fn shared_mac(
    config: &Config,
    mac: Mac,
    (vm, nic): (&Vm, &Nic),
    (other, other_nic): (&Vm, &Nic),
) -> Option<Finding> {
    let set = |vm: &Vm, nic: &Nic| Some(config.get(&mac_of(vm, nic))?.value_span);
    let of = |vm: &Vm, nic: &Nic| match nic.mac {
        Some(_) => mac_of(vm, nic),
        None => format!(
            "the address that bhyve derives for if{} of {}",
            nic.number, vm.name
        ),
    };
    let (own, elsewhere) = (set(vm, nic), set(other, other_nic));
    let help = match (own, elsewhere) {
        (None, None) => format!("set {} to an address of its own", mac_of(vm, nic)),
        (Some(_), _) => {
            "use another address, or remove the setting: bhyve derives one from the name \
                         of the VM"
                .to_owned()
        }
        (None, Some(_)) => format!(
            "use another address for {}, or set {}",
            mac_of(other, other_nic),
            mac_of(vm, nic)
        ),
    };
    let finding = Finding::new(
        FindingName::SharedMac,
        own.or(elsewhere).or(own_place(config, vm, nic.origin))?,
        format!(
            "{} and {} are both {mac}",
            of(other, other_nic),
            of(vm, nic)
        ),
        help,
    );
    Some(match own.and(elsewhere) {
        Some(elsewhere) => finding.note(format!(
            "the other address is set at {}",
            config.place(elsewhere)
        )),
        None => finding,
    })
}

/// Two VMs with one UUID, by which guests and their software tell machines apart.
fn shared_uuid(config: &Config, uuid: Uuid, vm: &Vm, other: &Vm) -> Option<Finding> {
    let place = |vm: &Vm| Some(config.get(&format!("{}_uuid", vm.name))?.value_span);
    if vm.name == other.name {
        return None;
    }
    let finding = Finding::new(
        FindingName::SharedUuid,
        place(vm)?,
        format!("{}_uuid and {}_uuid are both {uuid}", other.name, vm.name),
        "use another UUID, or remove the setting: it is then derived from the name of the VM",
    );
    Some(match place(other) {
        Some(elsewhere) => finding.note(format!(
            "the other UUID is set at {}",
            config.place(elsewhere)
        )),
        None => finding,
    })
}

/// The name of the setting with the address of a NIC.
fn mac_of(vm: &Vm, nic: &Nic) -> String {
    format!("{}_{}", vm.name, numbered("ifN_mac", nic.number))
}

/// Numbers of disks, CDs and NICs whose predecessor is missing.
fn gaps(vm: &Vm) -> Vec<Finding> {
    let disks = vm.disks.iter().map(|disk| ("hd", disk.number, disk.origin));
    let cds = vm.cds.iter().map(|cd| ("cd", cd.number, cd.origin));
    let nics = vm.nics.iter().map(|nic| ("if", nic.number, nic.origin));
    let mut findings = Vec::new();
    let mut last: Option<(&str, u8)> = None;
    for (kind, number, origin) in disks.chain(cds).chain(nics) {
        let expected = last
            .filter(|(other, _)| *other == kind)
            .map_or(0, |(_, number)| number + 1);
        if number > expected
            && let Some(span) = origin
        {
            findings.push(Finding::new(
                FindingName::NumberGap,
                span,
                format!("{} has {kind}{number} and no {kind}{expected}", vm.name),
                format!(
                    "if the gap is not intended, use {}_{kind}{expected}",
                    vm.name
                ),
            ));
        }
        last = Some((kind, number));
    }
    findings
}

/// Settings of another loader than the VM's.
fn unused_grub(one: &Checked<'_>, vm: &Vm) -> Vec<Finding> {
    let own = vm.loader.kind();
    let set = || one.keys.keys.iter().filter(|key| !key.set.value.is_empty());
    let chooses = |key: &&Key<'_>| {
        let mut choosing = LoaderKind::choosing_settings();
        choosing.any(|name| name == key.setting.name)
    };
    let by_profile = one.keys.get("os", 0);
    let chosen = set().find(chooses).map(|key| key.set);
    let why = match chosen.or(by_profile) {
        Some(chosen) => format!(
            "has {}={} and ",
            chosen
                .name
                .strip_prefix(&format!("{}_", vm.name))
                .unwrap_or(chosen.name),
            String::from_utf8_lossy(chosen.value)
        ),
        None => String::new(),
    };
    // A screen that the loader cannot show is an error of its own.
    let is_of_another = |key: &&Key<'_>| {
        let loader = key.setting.loader;
        loader.is_some_and(|loader| loader != own) && key.setting.finding != FindingName::Screen
    };
    set()
        .filter(is_of_another)
        .map(|key| {
            let name = key.set.name;
            Finding::new(
                FindingName::UnusedGrub,
                key.set.name_span,
                format!(
                    "{name} has no effect: {} {why}{}",
                    vm.name,
                    own.facts().loads
                ),
                match (chosen, by_profile, key.setting.loader) {
                    (Some(chosen), ..) => format!("remove it, or remove {}", chosen.name),
                    (None, Some(_), Some(loader)) => format!(
                        "remove it, or set {}_loader={}",
                        vm.name,
                        loader.facts().word
                    ),
                    _ => "remove it".to_owned(),
                },
            )
        })
        .collect()
}
