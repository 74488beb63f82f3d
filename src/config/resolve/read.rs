//! Reads the settings of a configuration, row by row.

use super::faults::Faults;
use super::preset::Presets;
use crate::config::profile::{Profile, Profiles};
use crate::config::settings::{
    self, Default, Given, HostSettings, RowFilter, Set, VmSettings, needs,
};
use crate::config::{Config, Key, Keys, lint};
use crate::error::Error;
use crate::finding::FindingName;
use crate::model::device::Slots;
use crate::model::name::{IfName, NameError, VmId, VmName};
use crate::span::Span;
use std::rc::Rc;

#[derive(Debug, Default)]
pub(super) struct OfVm {
    pub(super) settings: VmSettings,
    /// The profile, if the VM has one that can be used.
    pub(super) profile: Option<Rc<Profile>>,
    /// The settings whose values come from the profile, by the name of their row and their number.
    pub(super) presets: Vec<(&'static str, u8)>,
    /// The invalid settings, by the name of their row and their number.
    wrong: Vec<(&'static str, u8)>,
}

impl OfVm {
    /// Whether a setting is set to an invalid value.
    pub(super) fn is_wrong(&self, name: &str, number: u8) -> bool {
        self.wrong.contains(&(name, number))
    }
}

impl From<VmSettings> for OfVm {
    fn from(settings: VmSettings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }
}

/// Reads the settings of a VM, and these rows of its profile; an invalid value is treated as not set.
pub(super) fn of_vm(
    config: &Config,
    keys: &Keys<'_>,
    profiles: &Profiles,
    rows: RowFilter,
    faults: &mut Faults,
) -> OfVm {
    let mut read = OfVm::default();
    let mut seen: Vec<(&str, u8)> = Vec::with_capacity(keys.keys.len());
    for key in keys.keys.iter().filter(|key| !key.set.value.is_empty()) {
        let stops = key.setting.needed_by;
        let Some(number) = key.setting.in_range(key.number) else {
            faults.add(too_high(key), stops);
            continue;
        };
        if !has_effect(key, keys) {
            continue;
        }
        // Of two spellings the first one counts; a conflict is reported below.
        if seen.contains(&(key.setting.name, number)) {
            continue;
        }
        seen.push((key.setting.name, number));
        let given = Given::of(&key.set, number);
        if let Err(wrong) = (key.setting.read)(&mut read.settings, given) {
            read.wrong.push((key.setting.name, number));
            let error = wrong_value(key.set.name, &wrong, given, key.setting.finding);
            if key.setting.finding == FindingName::Id {
                // A placeholder, so that the other settings can be checked.
                read.settings.id = Some(Set {
                    value: VmId(0),
                    span: given.span,
                });
                faults.add_missing(with_free_id(config, key.set.name, error), stops);
            } else if key.setting.shapes_vm {
                faults.add_missing(error, stops);
            } else {
                faults.add(error, stops);
            }
        }
    }
    for conflict in lint::conflicts(config, keys) {
        let of_it = keys.keys.iter();
        let mut of_it = of_it.filter(|key| key.set.name_span == conflict.span);
        let stops = of_it.next().map_or(&[][..], |key| key.setting.needed_by);
        faults.add(conflict.into(), stops);
    }
    if let Some(os) = read.settings.os.clone() {
        match profiles.get(&os.value) {
            Ok(profile) => {
                let presets = Presets {
                    profile: &profile,
                    config,
                    keys,
                    own: &seen,
                    rows,
                };
                read.presets = presets.read(&mut read.settings, faults);
                read.profile = Some(profile);
            }
            Err(error) => {
                let named_by = os.span.filter(|_| error.excerpt.is_some());
                let note = |span| format!("{}_os names it at {}", keys.vm, config.place(span));
                let error = named_by.map(note).into_iter().fold(error, Error::note);
                faults.add_missing(error.at(os.span), needs::SHOWN);
            }
        }
    }
    read
}

/// Whether the setting that this one belongs to is set.
pub(crate) fn has_effect(key: &Key<'_>, keys: &Keys<'_>) -> bool {
    let is_there = |whole| {
        let mut others = keys.keys.iter().filter(|other| !other.set.value.is_empty());
        others.any(|other| other.setting.name == whole && other.number == key.number)
    };
    key.number == 0 || key.setting.part_of.is_none_or(is_there)
}

/// Reads the host variables; an invalid or unset one has the default of the table.
pub(super) fn of_host(config: &Config, faults: &mut Faults) -> HostSettings {
    let mut host = HostSettings::default();
    for setting in &settings::HOST {
        if let Default::Value(text) = setting.default {
            // A test checks that the defaults of the table are valid.
            let _ = (setting.read)(&mut host, Given::by_default(text));
        }
        let set = config.get(setting.name);
        let Some(set) = set.filter(|set| !set.value.is_empty()) else {
            continue;
        };
        let given = Given::of(&set, 0);
        if let Err(wrong) = (setting.read)(&mut host, given) {
            let error = wrong_value(set.name, &wrong, given, setting.finding);
            faults.add(error, setting.needed_by);
            // An invalid bridge is reported once, and a placeholder takes its place.
            if setting.name == "bridge" {
                host.bridge = Some(given.with(placeholder_bridge()));
            }
        }
    }
    for (bridge, set) in config.uplinks() {
        let given = Given {
            bridge,
            ..Given::of(&set, 0)
        };
        if let Some((row, _)) = settings::of_host(set.name)
            && let Err(wrong) = (row.read)(&mut host, given)
        {
            faults.add(
                wrong_value(set.name, &wrong, given, row.finding),
                row.needed_by,
            );
        }
    }
    host
}

/// The placeholder for an unknown bridge, so that the other settings can be checked.
pub(super) fn placeholder_bridge() -> Option<IfName> {
    IfName::parse("bridge0").ok()
}

fn wrong_value(variable: &str, wrong: &NameError, given: Given<'_>, name: FindingName) -> Error {
    Error::config(format!("{variable}: {wrong}"))
        .at(given.span)
        .named(name)
}

fn with_free_id(config: &Config, variable: &str, error: Error) -> Error {
    match config.free_id() {
        Some(free) => error.help(format!(
            "the smallest free number is {free}: {variable}={free}"
        )),
        None => error.help("all numbers are in use: remove a VM first"),
    }
}

/// The error for a device that no guest finds, because function 0 of its PCI slot has none; `kind` is
/// `hd` or `if`.
pub(super) fn hidden(vm: &VmName, kind: &str, number: u8, origin: Option<Span>) -> Error {
    let leader = Slots::leader(number);
    Error::config(format!(
        "{vm} has {kind}{number} and no {kind}{leader}: guests ignore {kind}{number}, because they \
         look at a PCI slot only if it has a device at function 0"
    ))
    .at(origin)
    .named(FindingName::HiddenDevice)
    .help(format!("set {vm}_{kind}{leader}, too"))
}

/// The error for a device number above those that have a PCI slot.
fn too_high(key: &Key<'_>) -> Error {
    let last = key.setting.slots.map_or(0, Slots::last);
    Error::config(format!(
        "{}: numbers go up to {last}, one for each function of a PCI slot",
        key.set.name
    ))
    .at(key.set.value_span)
    .named(FindingName::DeviceNumber)
    .help(format!("use a number from 0 to {last}"))
}
