//! `zfs rename`.

use super::super::Host;
use super::super::call::{Answer, Call};
use super::create::{ancestors, room};
use super::name::{self, Types};
use super::relation::{family, redirect};
use super::usage::{options, wrong};
use super::{denied, refused};

/// `zfs rename [-p] dataset dataset`, `zfs rename dataset@old @new`.
pub(super) fn rename(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let state = &host.state;
    let words = options(state, "rename", "pruf", args)?;
    let misused = |problem: &str| Err(wrong(state, "rename", problem));
    let (old, new) = match words.operands.as_slice() {
        [old, new] => (old.clone(), new.clone()),
        [] => return misused("missing source dataset argument"),
        [_] => return misused("missing target dataset argument"),
        _ => return misused("too many arguments"),
    };
    let types = match (words.has("u"), words.has("p")) {
        (true, _) => Types::FILESYSTEM,
        (_, true) => Types::HEADS,
        _ => Types::DATASETS,
    };
    let kind = name::open(state, &old, types).map_err(|line| Answer::fail(1, line))?;
    if words.has("p") && name::problem(&new, kind, false).is_none() {
        ancestors(host, call, &new, &format!("cannot create '{new}'"))?;
    }
    if old == new {
        return Ok(Answer::ok());
    }
    let cannot = format!("cannot rename '{old}'");
    let wrong_target = |problem: &str| refused(&format!("cannot rename to '{new}'"), problem);
    let target = match old.split_once('@') {
        Some((base, _)) => match new.split_once('@') {
            None => format!("{base}@{new}"),
            Some(("", label)) => format!("{base}@{label}"),
            Some((other, _)) if other == base => new.clone(),
            Some(_) => return Err(wrong_target("snapshots must be part of same dataset")),
        },
        None => new.clone(),
    };
    if let Some(problem) = name::problem(&target, kind, true) {
        return Err(wrong_target(&problem));
    }
    if kind != Types::SNAPSHOT {
        room(
            &host.state,
            &target,
            &format!("cannot create '{target}'"),
            false,
        )?;
        if name::pool(&old) != name::pool(&target) {
            return Err(wrong_target("datasets must be within same pool"));
        }
        if target.starts_with(&format!("{old}/")) {
            let problem = "New dataset name cannot be a descendant of current dataset name";
            return Err(wrong_target(problem));
        }
    }
    if let Some(answer) = denied(call, &cannot) {
        return Err(answer);
    }
    if name::kind(&host.state, &target).is_some() {
        return Err(refused(&cannot, "dataset already exists"));
    }
    match (old.split_once('@'), target.split_once('@')) {
        (Some((base, from)), Some((_, to))) => {
            if let Some(dataset) = host.state.datasets.get_mut(base)
                && let Some(snapshot) = dataset.snapshots.remove(from)
            {
                dataset.snapshots.insert(to.into(), snapshot);
            }
            redirect(host, &old, &target);
        }
        _ => {
            for one in family(&host.state, &old) {
                let to = format!("{target}{}", &one[old.len()..]);
                moved(host, &one, &to);
            }
        }
    }
    Ok(Answer::ok())
}

/// Renames a dataset, even while its node is open (zvol_rename_minors).
fn moved(host: &mut Host, from: &str, to: &str) {
    let Some(dataset) = host.state.datasets.remove(from) else {
        return;
    };
    let labels: Vec<String> = dataset.snapshots.keys().cloned().collect();
    host.state.datasets.insert(to.into(), dataset);
    for label in labels {
        redirect(host, &format!("{from}@{label}"), &format!("{to}@{label}"));
    }
    let zvol = host.state.dev.join("zvol");
    for process in host.state.processes.values_mut() {
        if process.open.remove(&zvol.join(from)) {
            process.open.insert(zvol.join(to));
        }
    }
}
