//! Properties of datasets and snapshots, and what hangs together.

use super::super::state::State;
use super::name;

/// Properties and whether they are sizes.
pub(super) const PROPERTIES: [(&str, bool); 17] = [
    ("name", false),
    ("type", false),
    ("creation", false),
    ("used", true),
    ("avail", true),
    ("available", true),
    ("refer", true),
    ("referenced", true),
    ("written", true),
    ("volsize", true),
    ("volblocksize", true),
    ("refreservation", true),
    ("volmode", false),
    ("origin", false),
    ("clones", false),
    ("createtxg", false),
    ("mountpoint", false),
];

/// Whether there is such a property; a user's own has a colon in its name.
pub(super) fn is_known(property: &str) -> bool {
    PROPERTIES.iter().any(|(known, _)| *known == property) || property.contains(':')
}

/// An exact value, as with `-p`; `-` where there is none.
pub(super) fn property(state: &State, full: &str, property: &str) -> String {
    let (base, label) = match full.split_once('@') {
        Some((base, label)) => (base, Some(label)),
        None => (full, None),
    };
    let Some(dataset) = state.datasets.get(base) else {
        return "-".into();
    };
    let snapshot = label.and_then(|label| dataset.snapshots.get(label));
    let volume = match &snapshot {
        Some(snapshot) => snapshot.volume.as_ref(),
        None => dataset.volume.as_ref(),
    };
    let live = label.is_none();
    let written = volume.map_or(
        96 << 10,
        |volume| if volume.blank { 56 << 10 } else { 1 << 30 },
    );
    match property {
        "name" => full.into(),
        "type" => match (live, volume) {
            (false, _) => "snapshot".into(),
            (true, Some(_)) => "volume".into(),
            (true, None) => "filesystem".into(),
        },
        "creation" => snapshot
            .map_or(dataset.creation, |snapshot| snapshot.creation)
            .to_string(),
        "createtxg" => snapshot
            .map_or(dataset.createtxg, |snapshot| snapshot.createtxg)
            .to_string(),
        "used" if !live => "0".into(),
        "used" => volume
            .map_or(written, |volume| volume.refreservation.max(written))
            .to_string(),
        "refer" | "referenced" | "written" => written.to_string(),
        "avail" | "available" if live => state
            .pools
            .get(name::pool(base))
            .map_or_else(|| "-".into(), ToString::to_string),
        "volsize" => volume.map_or_else(|| "-".into(), |volume| volume.volsize.to_string()),
        "volblocksize" if live => {
            volume.map_or_else(|| "-".into(), |volume| volume.volblocksize.to_string())
        }
        "refreservation" if live => volume.map_or(0, |volume| volume.refreservation).to_string(),
        "volmode" if live && volume.is_some() => {
            inherited(state, base, "volmode").map_or_else(|| "default".into(), |(value, _)| value)
        }
        "origin" if live => dataset.origin.clone().unwrap_or_else(|| "-".into()),
        "clones" if !live => {
            let clones: Vec<&str> = clones(state, full).collect();
            clones.join(",")
        }
        "mountpoint" if live && volume.is_none() => format!("/{base}"),
        other if other.contains(':') => {
            inherited(state, base, other).map_or_else(|| "-".into(), |(value, _)| value)
        }
        _ => "-".into(),
    }
}

/// A property set on a dataset or the nearest of its parents, and where.
fn inherited<'state>(
    state: &'state State,
    dataset: &'state str,
    property: &str,
) -> Option<(String, &'state str)> {
    let mut at = Some(dataset);
    while let Some(here) = at {
        if let Some(value) = state
            .datasets
            .get(here)
            .and_then(|dataset| dataset.local.get(property))
        {
            return Some((value.clone(), here));
        }
        at = name::parent(here);
    }
    None
}

/// The clones of a snapshot.
pub(super) fn clones<'state>(
    state: &'state State,
    snapshot: &'state str,
) -> impl Iterator<Item = &'state str> {
    state
        .datasets
        .iter()
        .filter(move |(_, dataset)| dataset.origin.as_deref() == Some(snapshot))
        .map(|(name, _)| name.as_str())
}

/// The snapshots of a dataset, oldest first, with their full names.
pub(super) fn snapshots(state: &State, dataset: &str) -> Vec<String> {
    let Some(known) = state.datasets.get(dataset) else {
        return Vec::new();
    };
    let mut found: Vec<_> = known.snapshots.iter().collect();
    found.sort_by_key(|(_, snapshot)| snapshot.createtxg);
    found
        .into_iter()
        .map(|(label, _)| format!("{dataset}@{label}"))
        .collect()
}

/// Whether a dataset or snapshot exists.
pub(super) fn exists(state: &State, full: &str) -> bool {
    match full.split_once('@') {
        None => state.datasets.contains_key(full),
        Some((base, label)) => state
            .datasets
            .get(base)
            .is_some_and(|dataset| dataset.snapshots.contains_key(label)),
    }
}

/// Where a property's value comes from.
pub(super) fn source(state: &State, full: &str, name: &str) -> String {
    if name != "volmode" && !name.contains(':') {
        return "-".into();
    }
    match inherited(state, full, name) {
        None => "default".into(),
        Some((_, at)) if at == full => "local".into(),
        Some((_, at)) => format!("inherited from {at}"),
    }
}
