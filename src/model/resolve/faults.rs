//! Every fault of the settings, where a verb is content with the first.

use super::disk::{device_path, refuse_blank};
use super::keys::{Kind, in_range, named_settings, number_of};
use super::{HostSettings, host, name, resolve, setting_error, typed};
use crate::config::de;
use crate::config::{Assignment, Config, FindingName, Keys, canonical, lint};
use crate::error::Error;
use crate::model::name::{IfName, TapName, VmName};
use crate::model::{Loader, Vm};
use crate::verb::Spelling;
use std::path::Path;

/// A VM whose settings were looked at.
#[derive(Debug)]
pub struct Checked<'config> {
    /// Its keys.
    pub keys: Keys<'config>,
    /// The VM, if it can be had.
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
    let mut vms = Vec::new();
    for keys in config.keys_of_all() {
        let checked = vm(config, &host, &keys, devices);
        vms.push(match checked {
            Ok((vm, faults)) => Checked {
                keys,
                vm: Some(vm),
                faults,
            },
            Err(faults) => Checked {
                keys,
                vm: None,
                faults,
            },
        });
    }
    (faults, vms)
}

/// One VM, or what keeps it from being had.
fn vm(
    config: &Config,
    host: &HostSettings,
    keys: &Keys<'_>,
    devices: &Path,
) -> Result<(Vm, Vec<Error>), Vec<Error>> {
    let name = name(config, keys.vm).map_err(|error| vec![error.named(FindingName::VmName)])?;
    match resolve(config, host, name.clone(), keys, Spelling::Word, devices) {
        Ok(vm) => {
            // What only an installation would meet.
            let cds = vm
                .cds
                .iter()
                .filter(|_| matches!(vm.loader, Loader::Grub(_)));
            let faults = cds.filter_map(|cd| refuse_blank(&cd.path, cd.origin).err());
            let faults = faults.collect();
            Ok((vm, faults))
        }
        Err(first) => {
            let mut faults = single_faults(config, &name, keys);
            let is_told = |fault: &Error| fault.what == first.what && fault.at == first.at;
            // What needs settings that are wrong themselves is not worth telling.
            if faults.is_empty() || first.name.is_some() && !faults.iter().any(is_told) {
                faults.push(first);
            }
            Err(faults)
        }
    }
}

/// What is wrong with each setting for itself.
fn single_faults(config: &Config, name: &VmName, keys: &Keys<'_>) -> Vec<Error> {
    let mut faults: Vec<Error> = lint::conflicts(config, keys)
        .into_iter()
        .map(Error::from)
        .collect();
    let id = keys.keys.iter().find(|(key, _)| *key == "id");
    let has_good_id =
        id.is_some_and(|(key, set)| named_settings(config, name, [(*key, *set)]).is_ok());
    for &(key, set) in &keys.keys {
        if set.value.is_empty() {
            continue;
        }
        let fault = match number_of(key) {
            Some((kind, number)) => in_range(number, set)
                .and_then(|_| numbered(kind, &set))
                .err(),
            None if key != "id" && !has_good_id => None,
            None => {
                let own = (canonical(key), set);
                let all = id.filter(|_| key != "id").map(|(key, set)| (*key, *set));
                named_settings(config, name, all.into_iter().chain([own])).err()
            }
        };
        faults.extend(fault.map(|fault| match fault.name {
            Some(_) => fault,
            None => fault.named(name_of_setting(canonical(key))),
        }));
    }
    faults
}

fn numbered(kind: Kind, set: &Assignment<'_>) -> Result<(), Error> {
    match kind {
        Kind::Disk | Kind::Cd => device_path(set).map(|_| ()),
        Kind::Tap => typed::<TapName>(set)
            .map(|_| ())
            .map_err(|error| error.named(FindingName::InterfaceName)),
        Kind::Bridge => typed::<IfName>(set)
            .map(|_| ())
            .map_err(|error| error.named(FindingName::InterfaceName)),
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
        _ => FindingName::Setting,
    }
}
