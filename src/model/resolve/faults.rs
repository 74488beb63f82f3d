//! Every fault of the settings, where a verb is content with the first.

use super::disk::refuse_blank;
use super::keys::{Kind, in_range, number_of};
use super::{HostSettings, host, name, resolve, setting_error};
use crate::config::de::{self, Located, Text};
use crate::config::{Config, FindingName, Keys, Span, canonical};
use crate::error::Error;
use crate::model::name::IfName;
use crate::model::{Loader, Vm};
use crate::verb::Spelling;
use std::ffi::OsString;
use std::path::Path;

/// A VM whose settings were looked at.
#[derive(Debug)]
pub struct Checked<'config> {
    /// Its keys.
    pub keys: Keys<'config>,
    /// The VM, with what is wrong taken as not set, if it can be had.
    pub vm: Option<Vm>,
    /// What is wrong with its settings.
    pub faults: Vec<Error>,
}

/// Looks at every setting: what is wrong with the host variables, and each VM.
///
/// Takes time linear in the configuration.
pub fn checked<'config>(
    config: &'config Config,
    devices: &Path,
) -> (Vec<Error>, Vec<Checked<'config>>) {
    let mut faults = Vec::new();
    let host = host(config).unwrap_or_else(|_| {
        let mut good = Vec::new();
        for variable in HostSettings::NAMES {
            let Some(set) = config.get(variable) else {
                continue;
            };
            match de::from_keys::<HostSettings>([(variable, set)]) {
                Ok(_) => good.push((variable, set)),
                Err(error) => {
                    faults.push(setting_error(&error).named(name_of_setting(variable)));
                }
            }
        }
        // What is wrong is told once, and taken as not set.
        de::from_keys(good).unwrap_or_default()
    });
    // A bridge that is wrong is told once, and is one all the same.
    let mut host = host;
    if config
        .get("bridge")
        .is_some_and(|set| !set.value.is_empty())
    {
        let at = config.get("bridge").map(|set| set.value_span);
        stand_in(&mut host, "bridge", at);
    }
    let vms = config.keys_of_all().into_iter();
    let vms = vms.map(|keys| vm(config, &host, keys, devices));
    (faults, vms.collect())
}

/// One VM and its faults. What is wrong is taken as not set, so that the rest can be looked at.
fn vm<'config>(
    config: &'config Config,
    host: &HostSettings,
    all: Keys<'config>,
    devices: &Path,
) -> Checked<'config> {
    let name = match name(config, all.vm) {
        Ok(name) => name,
        Err(error) => {
            return Checked {
                keys: all,
                vm: None,
                faults: vec![error.named(FindingName::VmName)],
            };
        }
    };
    let id = config.id_of(all.vm).map(|id| id.value_span);
    let mut faults = Vec::new();
    let mut keys = all.clone();
    // Of these there can be any number; of all others only as many as there are keys.
    keys.keys.retain(|&(key, set)| {
        let number = number_of(key).filter(|_| !set.value.is_empty());
        let fault = number.and_then(|(_, number)| in_range(number, set).err());
        let is_good = fault.is_none();
        faults.extend(fault);
        is_good
    });
    // What was taken away leaves a default in its place, which nobody has asked for.
    let mut is_whole = true;
    let mut removed: Vec<&str> = Vec::new();
    let mut host = host.clone();
    let vm = loop {
        let fault = match resolve(config, &host, name.clone(), &keys, Spelling::Word, devices) {
            Ok(vm) => break Some(vm),
            Err(fault) => fault,
        };
        let wrong = keys.keys.iter().position(|(_, set)| {
            fault.at == Some(set.value_span) || fault.at == Some(set.name_span)
        });
        let key = wrong.and_then(|at| keys.keys.get(at)).map(|(key, _)| *key);
        let was_removed = |stem: &str| removed.iter().any(|key| key.starts_with(stem));
        let (follows, stand_in) = match fault.name {
            Some(FindingName::VolrootUnset | FindingName::MissingHd0) => (
                was_removed("hd") || was_removed("zvol"),
                stand_in(&mut host, "volroot", id),
            ),
            Some(FindingName::BridgeUnset) => {
                (was_removed("if"), stand_in(&mut host, "bridge", id))
            }
            Some(FindingName::PathBlank) => (was_removed("freebsd"), false),
            _ => (false, false),
        };
        let fault = match (fault.name, key) {
            (None, Some(key)) => fault.named(name_of_setting(canonical(key))),
            _ => fault,
        };
        let is_new = !faults.contains(&fault);
        if !follows {
            faults.push(fault);
        }
        match wrong {
            _ if stand_in => is_whole = false,
            Some(at) if key == Some("id") && is_new => {
                is_whole = false;
                if let Some((_, id)) = keys.keys.get_mut(at) {
                    id.value = b"0";
                }
            }
            Some(at) if is_new => {
                let (key, _) = keys.keys.remove(at);
                is_whole &= !["hd", "zvol", "if", "freebsd"]
                    .iter()
                    .any(|stem| key.starts_with(stem));
                removed.push(key);
            }
            _ => break None,
        }
    };
    if let Some(vm) = &vm {
        // What only an installation would meet.
        let cds = vm.cds.iter();
        let cds = cds.filter(|_| matches!(vm.loader, Loader::Grub(_)));
        faults.extend(cds.filter_map(|cd| refuse_blank(&cd.path, cd.origin).err()));
    }
    Checked {
        keys: all,
        vm: vm.filter(|_| is_whole),
        faults,
    }
}

/// Puts something in the place of a host variable that is not set, so that the rest can be looked
/// at; whether it was not set.
pub(super) fn stand_in(host: &mut HostSettings, variable: &str, at: Option<Span>) -> bool {
    let Some(span) = at else { return false };
    match variable {
        "bridge" if host.bridge.is_none() => {
            let bridge = IfName::parse("bridge0").ok();
            host.bridge = bridge.map(|value| Located { value, span });
            host.bridge.is_some()
        }
        "volroot" if host.volroot.is_none() => {
            host.volroot = Some(Located {
                value: Text::from(OsString::from("/")),
                span,
            });
            true
        }
        _ => false,
    }
}

/// The name of what is wrong with the value of this key or host variable.
fn name_of_setting(key: &str) -> FindingName {
    match key {
        "id" => FindingName::Id,
        "mem" => FindingName::Memory,
        "cpu" => FindingName::Cpu,
        "freebsd" | "autostart" => FindingName::YesOrNo,
        "bridge" | "netif" => FindingName::InterfaceName,
        "zvol" => FindingName::Dataset,
        "grub_install" | "grub_bootcmd" => FindingName::GrubCommands,
        _ if matches!(number_of(key), Some((Kind::Tap | Kind::Bridge, _))) => {
            FindingName::InterfaceName
        }
        _ => FindingName::Setting,
    }
}
