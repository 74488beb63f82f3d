//! `zfs snapshot`, `rollback`, `clone`, `promote`, `hold` and `release`.

use std::collections::BTreeSet;

use super::super::Host;
use super::super::call::{Answer, Call, Status};
use super::super::state::Snapshot;
use super::super::words::Words;
use super::change::{make_parents, redirect, remove, room};
use super::property::{clones, exists, snapshots};
use super::{denied, name, usage};

/// At most this many names follow an error (zfs_main.c).
const SHOWN: usize = 32;

/// `zfs snapshot [-r] [-o property=value]... dataset@name ...`: all of them or none.
pub(super) fn snapshot(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let verb = "snapshot [-r] [-o property=value] ... <filesystem|volume>@<snap> ...";
    let words = match Words::parse(args, "ro:") {
        Ok(words) => words,
        Err(error) => return usage(&format!("{error}"), verb),
    };
    if words.operands.is_empty() {
        return usage("missing snapshot argument", verb);
    }
    let several = words.operands.len() > 1 || words.has("r");
    let mut wanted = BTreeSet::new();
    for full in &words.operands {
        let cannot = format!("cannot create snapshot '{full}'");
        let Some((base, label)) = full.split_once('@') else {
            return usage(&format!("invalid snapshot name '{full}'"), verb);
        };
        if let Some(problem) = name::problem(full) {
            return refused(&format!("{cannot}: {problem}"), several);
        }
        if !host.state.datasets.contains_key(base) {
            let text = format!("cannot open '{base}': dataset does not exist");
            return usage(&text, verb);
        }
        wanted.insert(full.clone());
        if words.has("r") {
            let below = format!("{base}/");
            let children = host
                .state
                .datasets
                .keys()
                .filter(|name| name.starts_with(&below));
            wanted.extend(children.map(|name| format!("{name}@{label}")));
        }
    }
    if let Some(answer) = denied(call, "cannot create snapshots ") {
        return answer;
    }
    if let Some(full) = wanted.iter().find(|full| exists(&host.state, full)) {
        let text = format!("cannot create snapshot '{full}': dataset already exists");
        return refused(&text, several);
    }
    let createtxg = host.state.next_txg;
    host.state.next_txg += 3;
    let creation = host.state.seconds();
    for full in &wanted {
        if let Some((base, label)) = full.split_once('@')
            && let Some(dataset) = host.state.datasets.get_mut(base)
        {
            let snapshot = Snapshot {
                creation,
                createtxg,
                volume: dataset.volume.clone(),
                holds: BTreeSet::new(),
            };
            dataset.snapshots.insert(label.into(), snapshot);
        }
    }
    Answer::ok()
}

/// zfs_do_snapshot adds a line if there were to be several.
fn refused(text: &str, several: bool) -> Answer {
    let answer = Answer::fail(1, text);
    match several {
        true => answer.and_err("no snapshots were created"),
        false => answer,
    }
}

/// `zfs rollback [-rRf] dataset@name`. Nothing stops it while a VM runs on the volume.
pub(super) fn rollback(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let verb = "rollback [-rRf] <snapshot>";
    let words = match Words::parse(args, "rRf") {
        Ok(words) => words,
        Err(error) => return usage(&format!("{error}"), verb),
    };
    let full = match words.operands.as_slice() {
        [full] => full,
        [] => return usage("missing dataset argument", verb),
        _ => return usage("too many arguments", verb),
    };
    let Some((base, label)) = full.split_once('@') else {
        return Answer::fail(1, format!("cannot open '{full}': not a snapshot"));
    };
    if let Some(problem) = name::problem(full) {
        return Answer::fail(1, format!("cannot open '{full}': {problem}"));
    }
    if !exists(&host.state, full) {
        return Answer::fail(1, format!("cannot open '{full}': dataset does not exist"));
    }
    let cannot = format!("cannot rollback to '{full}'");
    let newer: Vec<String> = snapshots(&host.state, base)
        .into_iter()
        .skip_while(|name| name != full)
        .skip(1)
        .collect();
    if !newer.is_empty() && !words.has("r") && !words.has("R") {
        let text = format!(
            "{cannot}: more recent snapshots or bookmarks exist\nuse '-r' to force deletion of the \
             following snapshots and bookmarks:\n{}",
            shown(&newer)
        );
        return Answer::fail(1, text);
    }
    let dependent: Vec<String> = newer
        .iter()
        .flat_map(|snapshot| clones(&host.state, snapshot))
        .map(str::to_owned)
        .collect();
    if !dependent.is_empty() && !words.has("R") {
        let text = format!(
            "{cannot}: clones of previous snapshots exist\nuse '-R' to force deletion of the \
             following clones and dependents:\n{}",
            shown(&dependent)
        );
        return Answer::fail(1, text);
    }
    if let Some(answer) = denied(call, &format!("cannot rollback '{base}'")) {
        return answer;
    }
    for clone in &dependent {
        remove(host, clone);
    }
    if let Some(dataset) = host.state.datasets.get_mut(base) {
        for name in &newer {
            if let Some((_, label)) = name.split_once('@') {
                dataset.snapshots.remove(label);
            }
        }
        if let Some(snapshot) = dataset.snapshots.get(label) {
            dataset.volume.clone_from(&snapshot.volume);
        }
    }
    Answer::ok()
}

fn shown(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    if names.len() > SHOWN {
        text.push_str("\n...");
    }
    text
}

/// `zfs clone [-p] [-o property=value]... dataset@name dataset`
pub(super) fn clone(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let verb = "clone [-p] [-o property=value] ... <snapshot> <filesystem|volume>";
    let words = match Words::parse(args, "po:u") {
        Ok(words) => words,
        Err(error) => return usage(&format!("{error}"), verb),
    };
    let (full, new) = match words.operands.as_slice() {
        [full, new] => (full.clone(), new.clone()),
        [] => return usage("missing source dataset argument", verb),
        [_] => return usage("missing target dataset argument", verb),
        _ => return usage("too many arguments", verb),
    };
    let mut properties = Vec::new();
    for text in words.all("o") {
        match text.split_once('=') {
            Some((property, value)) => properties.push((property.to_owned(), value.to_owned())),
            None => return usage("missing '=' for property=value argument", verb),
        }
    }
    let volume = full.split_once('@').and_then(|(base, label)| {
        let dataset = host.state.datasets.get(base)?;
        dataset
            .snapshots
            .get(label)
            .map(|found| found.volume.clone())
    });
    let Some(mut volume) = volume else {
        return Answer::fail(1, format!("cannot open '{full}': dataset does not exist"));
    };
    let cannot = format!("cannot create '{new}'");
    if let Some(problem) = name::problem(&new) {
        return Answer::fail(1, format!("{cannot}: {problem}"));
    }
    if let Some(answer) = room(host, call, &new, &cannot, words.has("p")) {
        return answer;
    }
    if name::pool(&full) != name::pool(&new) {
        return Answer::fail(1, format!("{cannot}: source and target pools differ"));
    }
    if exists(&host.state, &new) {
        return match words.has("p") {
            true => Answer::ok(),
            false => Answer::fail(1, format!("{cannot}: dataset already exists")),
        };
    }
    // The size comes with the data; the reservation and local properties do not.
    if let Some(volume) = &mut volume {
        volume.refreservation = 0;
    }
    make_parents(host, &new);
    let dataset = host.add_dataset(&new, volume);
    dataset.origin = Some(full);
    dataset.local.extend(properties);
    Answer::ok()
}

/// `zfs promote clone`: the snapshots up to the origin move to the clone.
pub(super) fn promote(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let [clone] = args else {
        return usage(
            "missing clone filesystem argument",
            "promote <clone-filesystem>",
        );
    };
    let Some(dataset) = host.state.datasets.get(clone) else {
        return Answer::fail(1, format!("cannot open '{clone}': dataset does not exist"));
    };
    let cannot = format!("cannot promote '{clone}'");
    let Some(origin) = dataset.origin.clone() else {
        return Answer::fail(1, format!("{cannot}: not a cloned filesystem"));
    };
    if let Some(answer) = denied(call, &cannot) {
        return answer;
    }
    let Some((parent, _)) = origin.split_once('@') else {
        return Answer::ok();
    };
    let all = snapshots(&host.state, parent);
    let end = all.iter().position(|name| *name == origin).unwrap_or(0);
    let moving: Vec<String> = all[..=end].to_vec();
    for full in &moving {
        let label = full.split_once('@').map_or("", |(_, label)| label);
        if exists(&host.state, &format!("{clone}@{label}")) {
            let text = format!("{cannot}: snapshot name '{full}' from origin conflicts");
            return Answer::fail(1, text);
        }
    }
    let grand = host
        .state
        .datasets
        .get(parent)
        .and_then(|dataset| dataset.origin.clone());
    for full in &moving {
        let Some((_, label)) = full.split_once('@') else {
            continue;
        };
        let moved = host
            .state
            .datasets
            .get_mut(parent)
            .and_then(|dataset| dataset.snapshots.remove(label));
        if let (Some(snapshot), Some(dataset)) = (moved, host.state.datasets.get_mut(clone)) {
            dataset.snapshots.insert(label.into(), snapshot);
        }
        redirect(host, full, &format!("{clone}@{label}"));
    }
    let label = origin.split_once('@').map_or("", |(_, label)| label);
    if let Some(dataset) = host.state.datasets.get_mut(clone) {
        dataset.origin = grand;
    }
    if let Some(dataset) = host.state.datasets.get_mut(parent) {
        dataset.origin = Some(format!("{clone}@{label}"));
    }
    Answer::ok()
}

/// `zfs hold tag snapshot...` and `zfs release tag snapshot...`
pub(super) fn hold(host: &mut Host, call: &Call, holds: bool, args: &[String]) -> Answer {
    let verb = if holds { "hold" } else { "release" };
    let Some((tag, names)) = args.split_first().filter(|(_, names)| !names.is_empty()) else {
        return usage(
            "missing tag argument",
            &format!("{verb} [-r] <tag> <snapshot> ..."),
        );
    };
    let mut answer = Answer::ok();
    for full in names {
        let cannot = format!("cannot {verb} '{full}'");
        if let Some(answer) = denied(call, &cannot) {
            return answer;
        }
        let found = full.split_once('@').and_then(|(base, label)| {
            let dataset = host.state.datasets.get_mut(base)?;
            dataset.snapshots.get_mut(label)
        });
        let problem = match found {
            None => Some("dataset does not exist"),
            Some(snapshot) if holds => (!snapshot.holds.insert(tag.clone()))
                .then_some("tag already exists on this dataset"),
            Some(snapshot) => {
                (!snapshot.holds.remove(tag)).then_some("no such tag on this dataset")
            }
        };
        if let Some(problem) = problem {
            answer = answer.and_err(format!("{cannot}: {problem}"));
            answer.status = Status::Exit(1);
        }
    }
    answer
}
