//! What a VM is wanted for: a setting that is wrong and not needed for that is no reason to stop.

use super::faults::stand_in;
use super::keys::{HIGHEST_NUMBER, Kind, number_of};
use super::{HostSettings, VmName, host, host_of, known, name, resolve, vm};
use crate::config::{Assignment, Config, Keys, canonical};
use crate::error::Result;
use crate::model::Vm;
use crate::verb::Spelling;
use std::path::Path;

/// What is needed of a VM, always with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// All but what only its installation takes, and when the host starts it: to boot it.
    Boot,
    /// All but what only its installation takes: to boot it with the host.
    Autostart,
    /// Nothing else: to reach its console.
    Number,
    /// Its NICs, and how long it may take to shut down: to end it, and to free what it has.
    Network,
    /// Its disks.
    Disks,
}

impl Need {
    fn has_key(self, key: &str) -> bool {
        match (self, number_of(key)) {
            (_, None) if key == "id" => true,
            (Self::Boot, None) if key.starts_with("autostart") => false,
            (Self::Boot | Self::Autostart, None) => canonical(key) != "grub_install",
            (Self::Boot | Self::Autostart, Some((kind, _))) => kind != Kind::Cd,
            (Self::Network, None) => key == "stop_timeout",
            (Self::Network, Some((kind, _))) => matches!(kind, Kind::Tap | Kind::Bridge),
            (Self::Disks, None) => key == "zvol",
            (Self::Disks, Some((kind, _))) => kind == Kind::Disk,
            (Self::Number, _) => false,
        }
    }

    fn has_host_variable(self, variable: &str) -> bool {
        match self {
            Self::Boot | Self::Autostart => true,
            Self::Number => false,
            Self::Network => variable == "bridge",
            Self::Disks => variable == "volroot",
        }
    }
}

/// The VM of that name, for what is needed of it: of what is not needed, a setting that is wrong is
/// taken as not set.
///
/// # Errors
/// If there is no such VM, or the first of the settings needed that is wrong.
pub fn vm_for(
    config: &Config,
    name: &str,
    need: Need,
    spelling: Spelling,
    devices: &Path,
) -> Result<Vm> {
    vm(config, name, spelling, devices).or_else(|_| {
        let name = known(config, name)?;
        let keys = config.keys_of(name.as_str());
        without_the_needless(config, &name, keys, need, spelling, devices)
    })
}

/// All VMs, in the order of the configuration, for what is needed of each.
pub fn all_for<'config>(
    config: &'config Config,
    need: Need,
    spelling: Spelling,
    devices: &'config Path,
) -> impl Iterator<Item = Result<Vm>> {
    let host = host(config).ok();
    config.keys_of_all().into_iter().map(move |keys| {
        let name = name(config, keys.vm)?;
        let whole = host
            .as_ref()
            .and_then(|host| resolve(config, host, name.clone(), &keys, spelling, devices).ok());
        whole.map_or_else(
            || without_the_needless(config, &name, keys, need, spelling, devices),
            Ok,
        )
    })
}

/// The VM, when what is wrong and not needed is left out one by one.
pub(super) fn without_the_needless(
    config: &Config,
    name: &VmName,
    mut keys: Keys<'_>,
    need: Need,
    spelling: Spelling,
    devices: &Path,
) -> Result<Vm> {
    let id = config.id_of(keys.vm).map(|id| id.value_span);
    let mut variables: Vec<&str> = HostSettings::NAMES.to_vec();
    // Of these there can be any number; of all others only as many as there are keys.
    keys.keys.retain(|(key, _)| {
        let number = number_of(key).map(|(_, number)| number);
        let is_too_high = |number: Option<u8>| number.is_none_or(|number| number > HIGHEST_NUMBER);
        need.has_key(key) || !number.is_some_and(is_too_high)
    });
    loop {
        let made = host_of(config, &variables).and_then(|mut host| {
            for variable in ["bridge", "volroot"] {
                if !need.has_host_variable(variable) {
                    stand_in(&mut host, variable, id);
                }
            }
            resolve(config, &host, name.clone(), &keys, spelling, devices)
        });
        let fault = match made {
            Ok(vm) => return Ok(vm),
            Err(fault) => fault,
        };
        let is_at = |set: &Assignment<'_>| {
            fault.at == Some(set.value_span) || fault.at == Some(set.name_span)
        };
        let is_needless_key =
            |(key, set): &(&str, Assignment<'_>)| !need.has_key(key) && is_at(set);
        let is_needless_variable = |variable: &&str| {
            !need.has_host_variable(variable) && config.get(variable).as_ref().is_some_and(is_at)
        };
        if let Some(at) = keys.keys.iter().position(is_needless_key) {
            keys.keys.remove(at);
        } else if let Some(at) = variables.iter().position(is_needless_variable) {
            variables.remove(at);
        } else {
            return Err(fault);
        }
    }
}
