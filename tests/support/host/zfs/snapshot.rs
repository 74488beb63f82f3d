//! `zfs snapshot` and `zfs bookmark`.

use std::collections::BTreeSet;

use super::super::Host;
use super::super::call::{Answer, Call};
use super::super::state::{Bookmark, Snapshot, State};
use super::name::{self, Types};
use super::relation::{family, referenced, snapshots};
use super::settings::{self, Settings};
use super::usage::{options, wrong};
use super::{denied, refused};

/// `zfs snapshot [-r] [-o property=value]... dataset@name ...`: all of them or none.
pub(super) fn snapshot(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let state = &host.state;
    let words = options(state, "snapshot", "ro:", args)?;
    let settings = settings::parse(&words)?;
    if words.operands.is_empty() {
        return Err(wrong(state, "snapshot", "missing snapshot argument"));
    }
    let mut wanted: Vec<String> = Vec::new();
    for full in &words.operands {
        let Some((base, label)) = full.split_once('@') else {
            return Err(wrong(state, "snapshot", ""));
        };
        name::open(state, base, Types::HEADS).map_err(|line| wrong(state, "snapshot", &line))?;
        let bases = match words.has("r") {
            true => family(state, base),
            false => vec![base.into()],
        };
        wanted.extend(bases.iter().map(|base| format!("{base}@{label}")));
    }
    // zfs_do_snapshot adds a line if several snapshots were requested.
    let several = words.operands.len() > 1 || words.has("r");
    let none = |answer: Answer| match several {
        true => answer.and_err("no snapshots were created"),
        false => answer,
    };
    for full in &wanted {
        if let Some(problem) = name::problem(full, Types::SNAPSHOT, true) {
            let cannot = format!("cannot create snapshot '{full}'");
            return Err(none(refused(&cannot, &problem)));
        }
    }
    let cannot = "cannot create snapshots ";
    settings::check(state, &settings, Types::SNAPSHOT, None, cannot).map_err(none)?;
    if let Some(answer) = denied(call, cannot) {
        return Err(none(answer));
    }
    let pools: BTreeSet<&str> = wanted.iter().map(|full| name::pool(full)).collect();
    let bases: BTreeSet<&str> = wanted.iter().map(|full| base_of(full)).collect();
    if pools.len() > 1 || bases.len() < wanted.len() {
        let problem = "multiple snapshots of same fs not allowed";
        return Err(none(refused(cannot, problem)));
    }
    let problems: Vec<String> = wanted
        .iter()
        .filter_map(|full| {
            let problem = problem(state, full)?;
            Some(format!("cannot create snapshot '{full}': {problem}"))
        })
        .collect();
    if !problems.is_empty() {
        return Err(none(Answer::fail(1, problems.join("\n"))));
    }
    take(host, &wanted, &settings);
    Ok(Answer::ok())
}

fn base_of(full: &str) -> &str {
    full.split('@').next().unwrap_or(full)
}

/// dsl_dataset_snapshot_check: for a volume with a reservation, the data written since the last
/// snapshot must fit into the pool once more.
fn problem(state: &State, full: &str) -> Option<&'static str> {
    if name::kind(state, full).is_some() {
        return Some("dataset already exists");
    }
    let base = base_of(full);
    let dataset = state.datasets.get(base)?;
    let volume = dataset.volume.as_ref()?;
    let newest = snapshots(state, base)
        .pop()
        .and_then(|full| dataset.snapshots.get(full.split_once('@')?.1));
    let is_written = !volume.blank
        && newest
            .and_then(|newest| newest.volume.as_ref())
            .is_none_or(|volume| volume.blank);
    let needs = match is_written {
        true => referenced(volume).min(volume.refreservation),
        false => 0,
    };
    let free = state.pools.get(name::pool(full)).copied().unwrap_or(0);
    (needs > free).then_some("out of space")
}

fn take(host: &mut Host, wanted: &[String], settings: &Settings) {
    let createtxg = host.state.next_txg;
    host.state.next_txg += 3;
    let creation = host.state.seconds();
    for full in wanted {
        if let Some((base, label)) = full.split_once('@')
            && let Some(dataset) = host.state.datasets.get_mut(base)
        {
            let snapshot = Snapshot {
                creation,
                createtxg,
                volume: dataset.volume.clone(),
                holds: BTreeSet::new(),
                local: settings.iter().cloned().collect(),
            };
            dataset.snapshots.insert(label.into(), snapshot);
        }
    }
}

/// `zfs bookmark dataset@name dataset#name`; the dataset may be missing in one of the two.
pub(super) fn bookmark(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let state = &host.state;
    let words = options(state, "bookmark", "", args)?;
    let misused = |problem: &str| Err(wrong(state, "bookmark", problem));
    let (source, mark) = match words.operands.as_slice() {
        [source, mark, ..] => (source.clone(), mark.clone()),
        [_] => return misused("missing bookmark argument"),
        [] => return misused("missing source argument"),
    };
    if !source.contains(['@', '#']) {
        return misused(&format!(
            "invalid source name '{source}': must contain a '@' or '#'"
        ));
    }
    if !mark.contains('#') {
        return misused(&format!(
            "invalid bookmark name '{mark}': must contain a '#'"
        ));
    }
    let dataset = |full: &str| full.split(['@', '#']).next().unwrap_or_default().to_owned();
    let (source, mark) = match (dataset(&source).as_str(), dataset(&mark).as_str()) {
        ("", base) => (format!("{base}{source}"), mark),
        (base, "") => (source, format!("{base}{mark}")),
        _ => (source, mark),
    };
    let kind = match source.contains('@') {
        true => Types::SNAPSHOT,
        false => Types::BOOKMARK,
    };
    name::open(state, &source, kind).map_err(|line| wrong(state, "bookmark", &line))?;
    let cannot = format!("cannot create bookmark '{mark}'");
    if let Some(answer) = denied(call, &cannot) {
        return Err(answer);
    }
    if name::kind(state, &mark).is_some() {
        return Err(refused(&cannot, "bookmark exists"));
    }
    let Some((base, label)) = mark.split_once('#') else {
        return Ok(Answer::ok());
    };
    let found = state.datasets.get(base).and_then(|dataset| {
        let (_, label) = source.split_once(['@', '#'])?;
        let snapshot = dataset.snapshots.get(label).map(|snapshot| Bookmark {
            creation: snapshot.creation,
            createtxg: snapshot.createtxg,
        });
        snapshot.or_else(|| dataset.bookmarks.get(label).cloned())
    });
    match (found, host.state.datasets.get_mut(base)) {
        (Some(bookmark), Some(dataset)) => {
            dataset.bookmarks.insert(label.into(), bookmark);
            Ok(Answer::ok())
        }
        _ => Err(refused(&cannot, "dataset does not exist")),
    }
}
