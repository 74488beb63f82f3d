//! `zfs destroy`.

use super::super::Host;
use super::super::call::{Answer, Call};
use super::super::state::State;
use super::super::words::Words;
use super::name::{self, Types};
use super::relation::{children, clones, dependents, remove, snapshots};
use super::usage::{options, wrong};
use super::{denied, refused, since_2_3};

/// `zfs destroy [-rRf] dataset`, `zfs destroy [-rR] dataset@name[%name][,...]`, `zfs destroy
/// dataset#name`.
pub(super) fn destroy(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let words = options(&host.state, "destroy", "vpndfrR", args)?;
    let full = match words.operands.as_slice() {
        [full] => full.clone(),
        [] => return Err(wrong(&host.state, "destroy", "missing dataset argument")),
        _ => return Err(wrong(&host.state, "destroy", "too many arguments")),
    };
    if let Some((base, wanted)) = full.split_once('@') {
        by_labels(host, call, &words, base, wanted)?;
        return Ok(Answer::ok());
    }
    if let Some((base, label)) = full.split_once('#') {
        if name::kind(&host.state, &full).is_none() {
            let text = format!("bookmark '{full}' does not exist.");
            return Err(Answer::fail(1, text));
        }
        if let Some(answer) = denied(call, "cannot destroy bookmark") {
            return Err(answer);
        }
        if let Some(dataset) = host.state.datasets.get_mut(base) {
            dataset.bookmarks.remove(label);
        }
        return Ok(Answer::ok());
    }
    let kind = opened(&host.state, &full, Types::DATASETS)?;
    let cannot = format!("cannot destroy '{full}'");
    let (recursive, with_clones) = (words.has("r") || words.has("R"), words.has("R"));
    if name::parent(&full).is_none() && !recursive {
        let text = format!(
            "{cannot}: operation does not apply to pools\nuse 'zfs destroy -r {full}' to destroy \
             all datasets in the pool\nuse 'zpool destroy {full}' to destroy the pool itself"
        );
        return Err(Answer::fail(1, text));
    }
    let all = dependents(&host.state, &full);
    let is_below = |one: &&String| {
        one.strip_prefix(full.as_str())
            .is_some_and(|rest| rest.starts_with(['/', '@']))
    };
    let (below, elsewhere): (Vec<&String>, Vec<&String>) = all.iter().partition(is_below);
    if !recursive && !below.is_empty() {
        return Err(needs_more(&cannot, kind, "has children", "-r", &below));
    }
    if recursive && !with_clones && !elsewhere.is_empty() {
        return Err(needs_more(
            &cannot,
            kind,
            "has dependent clones",
            "-R",
            &elsewhere,
        ));
    }
    each(host, call, &all, &full)?;
    Ok(Answer::ok())
}

fn opened(state: &State, name: &str, types: Types) -> Result<Types, Answer> {
    name::open(state, name, types).map_err(|line| Answer::fail(1, line))
}

fn needs_more(cannot: &str, kind: Types, why: &str, option: &str, list: &[&String]) -> Answer {
    let names: Vec<&str> = list.iter().map(|name| name.as_str()).collect();
    let kind = kind.word();
    Answer::fail(
        1,
        format!(
            "{cannot}: {kind} {why}\nuse '{option}' to destroy the following datasets:\n{}",
            names.join("\n")
        ),
    )
}

/// destroy_callback for each: a dataset that cannot be destroyed stays, and the others are destroyed.
fn each(host: &mut Host, call: &Call, all: &[String], last: &str) -> Result<(), Answer> {
    let mut failed: Option<Answer> = None;
    let mut batch: Vec<String> = Vec::new();
    let last = last.to_owned();
    for one in all.iter().chain([&last]) {
        if one.contains('@') {
            batch.push(one.clone());
            continue;
        }
        let gone = destroy_snapshots(host, call, &std::mem::take(&mut batch));
        let gone = gone.and_then(|()| match name::kind(&host.state, one) {
            Some(_) => destroy_one(host, call, one),
            None => Ok(()),
        });
        if let Err(answer) = gone {
            let before = failed.take().unwrap_or_else(|| Answer::exit(1));
            failed = Some(before.and_err(answer.stderr()));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Snapshots of one dataset, or with `-r` of all below it, by a list with commas and ranges.
fn by_labels(
    host: &mut Host,
    call: &Call,
    words: &Words,
    base: &str,
    wanted: &str,
) -> Result<(), Answer> {
    opened(&host.state, base, Types::HEADS)?;
    let with_clones = words.has("R");
    let mut found: Vec<String> = Vec::new();
    let mut bases = vec![base.to_owned()];
    while let Some(base) = bases.pop() {
        for label in wanted.split(',') {
            found.extend(range(&host.state, &base, label));
        }
        if words.has("r") || with_clones {
            bases.extend(children(&host.state, &base));
        }
    }
    let mut refusals: Vec<String> = Vec::new();
    for full in found.iter().filter(|_| !with_clones && !words.has("d")) {
        let clones = dependents(&host.state, full);
        if !clones.is_empty() {
            let clones: Vec<&String> = clones.iter().collect();
            let cannot = format!("cannot destroy '{full}'");
            let why = "has dependent clones";
            refusals.push(needs_more(&cannot, Types::SNAPSHOT, why, "-R", &clones).stderr());
        }
    }
    if !refusals.is_empty() {
        return Err(Answer::fail(1, refusals.concat()));
    }
    if found.is_empty() {
        let text = "could not find any snapshots to destroy; check snapshot names.";
        return Err(Answer::fail(1, text));
    }
    for full in found.iter().filter(|_| with_clones) {
        let clones = dependents(&host.state, full);
        if let Some((last, before)) = clones.split_last() {
            each(host, call, before, last)?;
        }
    }
    destroy_snapshots(host, call, &found)
}

/// zfs_iter_snapspec: `name`, or `first%last`, where either end may be missing.
fn range(state: &State, base: &str, spec: &str) -> Vec<String> {
    let Some((first, last)) = spec.split_once('%') else {
        let full = format!("{base}@{spec}");
        let is_there = name::kind(state, &full).is_some();
        return is_there.then_some(full).into_iter().collect();
    };
    let (first, last) = (format!("{base}@{first}"), format!("{base}@{last}"));
    let is_open = |end: &str| end.ends_with('@');
    if !is_open(&last) && name::kind(state, &last).is_none() {
        return Vec::new();
    }
    let mut all = snapshots(state, base);
    if let Some(end) = all.iter().position(|full| *full == last) {
        all.truncate(end + 1);
    }
    all.into_iter()
        .skip_while(|full| !is_open(&first) && *full != first)
        .collect()
}

/// zfs_destroy_snaps_nvl: all of them or none.
pub(super) fn destroy_snapshots(
    host: &mut Host,
    call: &Call,
    snapshots: &[String],
) -> Result<(), Answer> {
    if snapshots.is_empty() {
        return Ok(());
    }
    if let Some(answer) = denied(call, "cannot destroy snapshots") {
        return Err(answer);
    }
    let problems: Vec<String> = snapshots
        .iter()
        .filter_map(|full| {
            let problem = match held(&host.state, full) {
                true if since_2_3(&host.state) => {
                    format!("it's being held. Run 'zfs holds -r {full}' to see holders.")
                }
                true => "dataset is busy".into(),
                false => clones(&host.state, full)
                    .next()
                    .map(|_| "snapshot is cloned".into())?,
            };
            Some(format!("cannot destroy snapshot {full}: {problem}"))
        })
        .collect();
    if !problems.is_empty() {
        return Err(Answer::fail(1, problems.join("\n")));
    }
    for full in snapshots {
        forget(host, full);
    }
    Ok(())
}

/// zfs_destroy: one dataset, snapshot or bookmark without dependents.
pub(super) fn destroy_one(host: &mut Host, call: &Call, full: &str) -> Result<(), Answer> {
    let cannot = format!("cannot destroy '{full}'");
    if let Some(answer) = denied(call, &cannot) {
        return Err(answer);
    }
    if held(&host.state, full) || host.volume_is_open(full) {
        return Err(refused(&cannot, "dataset is busy"));
    }
    forget(host, full);
    Ok(())
}

fn held(state: &State, full: &str) -> bool {
    full.split_once('@')
        .and_then(|(base, label)| state.datasets.get(base)?.snapshots.get(label))
        .is_some_and(|snapshot| !snapshot.holds.is_empty())
}

fn forget(host: &mut Host, full: &str) {
    let Some((base, label)) = full.split_once(['@', '#']) else {
        return remove(host, full);
    };
    if let Some(dataset) = host.state.datasets.get_mut(base) {
        match full.contains('@') {
            true => drop(dataset.snapshots.remove(label)),
            false => drop(dataset.bookmarks.remove(label)),
        }
    }
}
