//! Relations: snapshots, clones, and the dependents of a dataset.

use super::super::Host;
use super::super::state::{State, Volume};
use super::name;

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

/// Bytes that a volume refers to; whatever was written to it counts as one GiB.
pub(super) fn referenced(volume: &Volume) -> u64 {
    match volume.blank {
        true => 56 << 10,
        false => 1 << 30,
    }
}

/// Removes a dataset and releases its reservation.
pub(super) fn remove(host: &mut Host, name: &str) {
    let Some(dataset) = host.state.datasets.remove(name) else {
        return;
    };
    let reserved = dataset.volume.map_or(0, |volume| volume.refreservation);
    if let Some(free) = host.state.pools.get_mut(name::pool(name)) {
        *free += reserved;
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
