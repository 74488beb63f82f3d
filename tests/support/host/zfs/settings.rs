//! `-o property=value`, and whether a dataset can have it (libzfs_dataset.c, zfs_valid_proplist).

use std::collections::BTreeMap;

use super::super::Host;
use super::super::call::Answer;
use super::super::state::{State, Volume};
use super::super::words::Words;
use super::name::{self, Types};
use super::property::{Access, Look, Property};
use super::relation::reserved;
use super::{refused, since_2_2, size};

/// Properties with their values, as typed.
pub(super) type Settings = Vec<(String, String)>;

/// Adds one `property=value` to others.
pub(super) fn add(settings: &mut Settings, text: &str) -> Result<(), Answer> {
    let Some((name, value)) = text.split_once('=') else {
        let problem = "missing '=' for property=value argument";
        return Err(Answer::fail(1, problem));
    };
    if settings.iter().any(|(known, _)| known == name) {
        let problem = format!("property '{name}' specified multiple times");
        return Err(Answer::fail(1, problem));
    }
    settings.push((name.into(), value.into()));
    Ok(())
}

/// All settings of `-o`.
pub(super) fn parse(words: &Words) -> Result<Settings, Answer> {
    let mut settings = Settings::new();
    for text in words.all("o") {
        add(&mut settings, text)?;
    }
    Ok(settings)
}

/// Refuses settings that a dataset of this kind cannot have; `volume` is an existing volume.
pub(super) fn check(
    state: &State,
    settings: &Settings,
    kind: Types,
    volume: Option<&Volume>,
    cannot: &str,
) -> Result<(), Answer> {
    for (typed, value) in settings {
        let problem = problem(state, typed, value, kind, volume);
        if let Some(problem) = problem {
            return Err(refused(cannot, &problem));
        }
    }
    Ok(())
}

fn problem(
    state: &State,
    typed: &str,
    value: &str,
    kind: Types,
    volume: Option<&Volume>,
) -> Option<String> {
    let property = Property::named(typed);
    if property
        .as_ref()
        .is_some_and(|one| one.access == Access::User)
    {
        return None;
    }
    if kind == Types::SNAPSHOT {
        return Some("this property can not be modified for snapshots".into());
    }
    let Some(property) = property else {
        return Some(format!("invalid property '{typed}'"));
    };
    if !property.types.has(kind) {
        return Some(format!("'{typed}' does not apply to datasets of this type"));
    }
    if property.is_readonly() && (property.access != Access::Once || volume.is_some()) {
        return Some(format!("'{typed}' is readonly"));
    }
    let number = match property.look {
        Look::Word(words) if words.contains(&value) => return None,
        Look::Word(words) => {
            let words = words.join(" | ");
            return Some(format!("'{}' must be one of '{words}'", property.name));
        }
        Look::Text => return None,
        _ if value == "none" => 0,
        _ => match size::parse(value) {
            Ok(number) => number,
            Err(problem) => return Some(problem),
        },
    };
    match (&*property.name, volume) {
        ("volblocksize", _) => {
            let most = if since_2_2(state) { 16 } else { 1 };
            let is_good = number.is_power_of_two() && (512..=most << 20).contains(&number);
            (!is_good).then(|| format!("'{typed}' must be power of 2 from 512B to {most}M"))
        }
        ("volsize", Some(volume)) if !number.is_multiple_of(volume.volblocksize) => {
            let block = size::bytes(volume.volblocksize);
            Some(format!(
                "'{typed}' must be a multiple of volume block size ({block})"
            ))
        }
        ("volsize", Some(_)) if number == 0 => Some(format!("'{typed}' cannot be zero")),
        _ => None,
    }
}

/// Applies settings that [`check`] has accepted to a dataset or a snapshot; a reservation that does not fit is refused.
pub(super) fn apply(host: &mut Host, dataset: &str, settings: &Settings) -> Result<(), String> {
    for (typed, value) in settings {
        let Some(property) = Property::named(typed) else {
            if let Some(dataset) = host.state.datasets.get_mut(dataset) {
                dataset.local.insert(typed.clone(), value.clone());
            }
            continue;
        };
        let number = size::parse(value).unwrap_or(0);
        match &*property.name {
            "volsize" => {
                let Some(volume) = volume_of(host, dataset) else {
                    continue;
                };
                // zfs_add_synthetic_resv: a reservation of the full size remains one.
                let whole = reservation(volume.volsize, volume.volblocksize);
                let is_whole = volume.refreservation == whole;
                let more = reservation(number, volume.volblocksize);
                if is_whole && !settings.iter().any(|(name, _)| name == "refreservation") {
                    reserve(host, dataset, more)?;
                }
                if let Some(volume) = volume_of(host, dataset) {
                    volume.volsize = number;
                }
            }
            "refreservation" => {
                reserve(host, dataset, number)?;
                if let Some(dataset) = host.state.datasets.get_mut(dataset) {
                    dataset.local.insert(property.name.into(), value.clone());
                }
            }
            _ => {
                if let Some(local) = local_of(host, dataset) {
                    local.insert(property.name.into(), value.clone());
                }
            }
        }
    }
    Ok(())
}

/// The properties set on a dataset or a snapshot itself.
pub(super) fn local_of<'host>(
    host: &'host mut Host,
    full: &str,
) -> Option<&'host mut BTreeMap<String, String>> {
    match full.split_once('@') {
        None => Some(&mut host.state.datasets.get_mut(full)?.local),
        Some((base, label)) => {
            let dataset = host.state.datasets.get_mut(base)?;
            Some(&mut dataset.snapshots.get_mut(label)?.local)
        }
    }
}

fn volume_of<'host>(host: &'host mut Host, dataset: &str) -> Option<&'host mut Volume> {
    host.state.datasets.get_mut(dataset)?.volume.as_mut()
}

/// Subtracts a volume's reservation from the free space of its pool.
fn reserve(host: &mut Host, dataset: &str, bytes: u64) -> Result<(), String> {
    let pool = name::pool(dataset).to_owned();
    let had = host.state.datasets.get(dataset).map_or(0, reserved);
    let free = host.state.pools.get(&pool).copied().unwrap_or(0) + had;
    let Some(left) = free.checked_sub(bytes) else {
        return Err("size is greater than available space".into());
    };
    host.state.pools.insert(pool, left);
    if let Some(volume) = volume_of(host, dataset) {
        volume.refreservation = bytes;
    }
    Ok(())
}

/// zvol_volsize_to_reservation: a volume's size and its indirect blocks, twice.
pub(super) fn reservation(volsize: u64, volblocksize: u64) -> u64 {
    let mut blocks = volsize / volblocksize;
    let mut metadata = 7;
    while blocks > 1 {
        blocks = blocks.div_ceil(1024);
        metadata += blocks;
    }
    volsize.saturating_add(metadata * 2 * (128 << 10))
}
