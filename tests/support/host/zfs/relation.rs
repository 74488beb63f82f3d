//! Relations: snapshots, clones, and the dependents of a dataset.

use super::super::Host;
use super::super::state::{Dataset, State, Volume};
use super::name;
use super::size;

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

/// The bookmarks of a dataset, with their full names.
pub(super) fn bookmarks(state: &State, dataset: &str) -> Vec<String> {
    let known = state.datasets.get(dataset);
    let labels = known.into_iter().flat_map(|known| known.bookmarks.keys());
    labels.map(|label| format!("{dataset}#{label}")).collect()
}

/// The datasets directly below another.
pub(super) fn children(state: &State, parent: &str) -> Vec<String> {
    state
        .datasets
        .keys()
        .filter(|name| name::parent(name) == Some(parent))
        .cloned()
        .collect()
}

/// A dataset and all below it.
pub(super) fn family(state: &State, root: &str) -> Vec<String> {
    let below = format!("{root}/");
    state
        .datasets
        .keys()
        .filter(|name| *name == root || name.starts_with(&below))
        .cloned()
        .collect()
}

/// zfs_iter_dependents: everything that depends on this dataset or snapshot, each before the things that
/// it depends on. A clone below the same parent as its origin is listed twice.
pub(super) fn dependents(state: &State, full: &str) -> Vec<String> {
    let mut found = Vec::new();
    visit(state, full, &mut Vec::new(), &mut found);
    found.pop();
    found
}

fn visit(state: &State, full: &str, above: &mut Vec<String>, found: &mut Vec<String>) {
    if full.contains('@') {
        for clone in clones(state, full) {
            visit(state, clone, above, found);
        }
    } else {
        if above.iter().any(|name| name == full) {
            return;
        }
        above.push(full.into());
        for child in children(state, full).iter().chain(&snapshots(state, full)) {
            visit(state, child, above, found);
        }
        above.pop();
    }
    found.push(full.into());
}

/// Bytes that a volume refers to; whatever was written to it counts as one GiB, or its size.
pub(super) fn referenced(volume: &Volume) -> u64 {
    match volume.blank {
        true => 56 << 10,
        false => volume.volsize.min(1 << 30),
    }
}

/// Bytes that a dataset refers to.
fn refers(dataset: &Dataset) -> u64 {
    dataset.volume.as_ref().map_or(96 << 10, referenced)
}

/// Bytes that the pool reserves for a dataset.
pub(super) fn reserved(dataset: &Dataset) -> u64 {
    match &dataset.volume {
        Some(volume) => volume.refreservation,
        None => dataset
            .local
            .get("refreservation")
            .map_or(0, |set| size::parse(set).unwrap_or(0)),
    }
}

/// Bytes that a dataset takes from its pool: what is reserved for it, or what it refers to. A clone shares
/// that with its origin.
fn own(dataset: &Dataset) -> u64 {
    let refers = match dataset.origin {
        Some(_) => 0,
        None => refers(dataset),
    };
    refers.max(reserved(dataset))
}

/// zfsprops(7), `used`: bytes of a dataset and of all below it.
pub(super) fn used(state: &State, name: &str) -> u64 {
    let family = family(state, name);
    let datasets = family.iter().filter_map(|name| state.datasets.get(name));
    datasets.map(own).sum()
}

/// zfsprops(7), `available`: bytes that a dataset can still get from its pool. What is reserved for it and
/// not written yet is available to it alone.
pub(super) fn available(state: &State, name: &str) -> Option<u64> {
    let pool = name::pool(name);
    let family = family(state, pool);
    let datasets = family.iter().filter_map(|name| state.datasets.get(name));
    let written: u64 = datasets.map(|one| own(one) - reserved(one)).sum();
    let left = state.pools.get(pool)?.saturating_sub(written);
    let alone = state.datasets.get(name).map_or(0, |dataset| {
        reserved(dataset).saturating_sub(refers(dataset))
    });
    Some(left + alone)
}

/// Removes a dataset and releases its reservation.
pub(super) fn remove(host: &mut Host, name: &str) {
    let Some(dataset) = host.state.datasets.remove(name) else {
        return;
    };
    if let Some(free) = host.state.pools.get_mut(name::pool(name)) {
        *free += reserved(&dataset);
    }
}

/// Updates the origin of clones when their snapshot is renamed.
pub(super) fn redirect(host: &mut Host, old: &str, new: &str) {
    for dataset in host.state.datasets.values_mut() {
        if dataset.origin.as_deref() == Some(old) {
            dataset.origin = Some(new.into());
        }
    }
}
