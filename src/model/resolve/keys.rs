//! The keys of one VM, sorted into those with a name of their own and the numbered ones.

use super::{VmName, setting_error};
use crate::config::{Assignment, Config, FindingName, Keys, canonical, de, lint};
use crate::error::{Error, Result};
use crate::model::settings::VmSettings;

/// The highest number of a NIC, a disk or a CD: the functions of one PCI slot.
///
/// Differs: Numbers of disks and NICs may have gaps and end at 7
pub(in crate::model) const HIGHEST_NUMBER: u8 = 7;

/// What a numbered key sets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Disk,
    Cd,
    Tap,
    Bridge,
}

/// The numbered keys of a VM, by kind and number.
pub(super) struct Numbered<'config>(Vec<(Kind, u8, Assignment<'config>)>);

impl<'config> Numbered<'config> {
    /// The numbers of this kind that are set, ascending.
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = (u8, &Assignment<'config>)> {
        let of_kind = self.0.iter().filter(move |(other, ..)| *other == kind);
        of_kind.map(|(_, number, set)| (*number, set))
    }

    /// The value of one number.
    pub(super) fn get(&self, kind: Kind, number: u8) -> Option<&Assignment<'config>> {
        let mut all = self.all(kind);
        all.find_map(|(other, set)| (other == number).then_some(set))
    }
}

/// The settings of a VM: those with a name of their own, and the numbered ones.
pub(super) fn settings<'config>(
    config: &Config,
    name: &VmName,
    keys: &Keys<'config>,
) -> Result<(VmSettings, Numbered<'config>)> {
    let (mut named, mut numbered) = (Vec::with_capacity(keys.keys.len()), Vec::new());
    for &(key, assignment) in &keys.keys {
        if assignment.value.is_empty() {
            continue;
        }
        if let Some((kind, number)) = number_of(key) {
            numbered.push((kind, in_range(number, assignment)?, assignment));
            continue;
        }
        // Differs: Older names of settings count
        named.push((canonical(key), assignment));
    }
    if let Some(conflict) = lint::conflicts(config, keys).into_iter().next() {
        return Err(conflict.into());
    }
    // What two spellings of one key say is the same by now.
    named.sort_by_key(|(key, _)| *key);
    named.dedup_by_key(|(key, _)| *key);
    let settings = named_settings(config, name, named)?;
    numbered.sort_unstable_by_key(|&(kind, number, _)| (kind, number));
    Ok((settings, Numbered(numbered)))
}

/// The settings with a name of their own.
fn named_settings<'config>(
    config: &Config,
    name: &VmName,
    named: impl IntoIterator<Item = (&'config str, Assignment<'config>)>,
) -> Result<VmSettings> {
    de::from_keys(named).map_err(|error| match &error.name {
        Some(wrong) if *wrong == format!("{name}_id") => {
            let error = setting_error(&error);
            match config.free_id() {
                Some(free) => error.help(format!(
                    "the smallest number that no VM has is {free}: {wrong}={free}"
                )),
                None => error.help("no number is left: remove a VM first"),
            }
        }
        _ => setting_error(&error),
    })
}

/// A number that a function of a PCI slot has.
pub(super) fn in_range(number: Option<u8>, assignment: Assignment<'_>) -> Result<u8> {
    number
        .filter(|&number| number <= HIGHEST_NUMBER)
        .ok_or_else(|| {
            Error::config(format!(
                "{}: numbers go up to {HIGHEST_NUMBER}, one for each function of a PCI slot",
                assignment.name
            ))
            .at(assignment.value_span)
            .named(FindingName::DeviceNumber)
            .help(format!("give it a number from 0 to {HIGHEST_NUMBER}"))
        })
}

/// The kind and the number of a numbered key; no number if it is too large for one.
pub(super) fn number_of(key: &str) -> Option<(Kind, Option<u8>)> {
    let (key, bridge) = match key.strip_suffix("_bridge") {
        Some(key) => (key, true),
        None => (key, false),
    };
    let (kind, number) = key.split_at_checked(2)?;
    let kind = match (kind, bridge) {
        ("hd", false) => Kind::Disk,
        ("cd", false) => Kind::Cd,
        ("if", false) => Kind::Tap,
        ("if", true) => Kind::Bridge,
        _ => return None,
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (kind, number.parse().ok()))
}
