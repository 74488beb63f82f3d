//! The keys of one VM, sorted into those with a name of their own and the numbered ones.

use super::{VmName, free_ids, setting_error};
use crate::config::{Assignment, Config, Keys, canonical, de, lint};
use crate::error::{Error, Result};
use crate::model::settings::VmSettings;
use std::collections::BTreeMap;

/// The highest number of a NIC, a disk or a CD: the functions of one PCI slot.
///
/// Differs: Numbers of disks and NICs may have gaps and end at 7
const HIGHEST_NUMBER: u8 = 7;

/// Values of numbered keys, each key's by number.
pub(super) type Numbered<'config> = BTreeMap<&'static str, BTreeMap<u8, Assignment<'config>>>;

/// The settings of a VM: those with a name of their own, and the numbered ones.
pub(super) fn settings<'config>(
    config: &Config,
    name: &VmName,
    keys: &Keys<'config>,
) -> Result<(VmSettings, Numbered<'config>)> {
    let mut named: BTreeMap<&str, Assignment<'config>> = BTreeMap::new();
    let mut numbered = Numbered::new();
    for &(key, assignment) in &keys.keys {
        if assignment.value.is_empty() {
            continue;
        }
        if let Some((kind, number)) = number_of(key) {
            let number = number.filter(|&number| number <= HIGHEST_NUMBER).ok_or_else(|| {
                Error::config(format!("{}: numbers go up to {HIGHEST_NUMBER}, one for each function of a PCI slot", assignment.name))
                    .at(assignment.value_span)
            })?;
            numbered.entry(kind).or_default().insert(number, assignment);
            continue;
        }
        // Differs: Older names of settings count
        named.insert(canonical(key), assignment);
    }
    if let Some(conflict) = lint::conflicts(config, keys).into_iter().next() {
        let mut error = Error::config(conflict.message).at(conflict.span);
        error.help.extend(conflict.help);
        return Err(error);
    }
    let settings = de::from_keys(named).map_err(|error| match &error.name {
        Some(wrong) if *wrong == format!("{name}_id") => {
            let free = free_ids(config).next().unwrap_or_default();
            setting_error(&error).help(format!(
                "the smallest number that no VM has is {free}: {wrong}={free}"
            ))
        }
        _ => setting_error(&error),
    })?;
    Ok((settings, numbered))
}

/// The kind and the number of a numbered key; no number if it is too large for one.
fn number_of(key: &str) -> Option<(&'static str, Option<u8>)> {
    let (key, bridge) = match key.strip_suffix("_bridge") {
        Some(key) => (key, true),
        None => (key, false),
    };
    let (kind, number) = key.split_at_checked(2)?;
    let kind = match (kind, bridge) {
        ("hd", false) => "hd",
        ("cd", false) => "cd",
        ("if", false) => "if",
        ("if", true) => "if_bridge",
        _ => return None,
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| (kind, number.parse().ok()))
}
