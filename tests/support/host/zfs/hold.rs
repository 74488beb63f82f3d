//! `zfs hold` and `zfs release`.

use super::super::Host;
use super::super::call::{Answer, Call, Status};
use super::super::state::Snapshot;
use super::name::{self, Types};
use super::relation::family;
use super::usage::{options, wrong};

/// `zfs hold [-r] tag snapshot...`
pub(super) fn hold(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    each(host, call, "hold", args)
}

/// `zfs release [-r] tag snapshot...`
pub(super) fn release(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    each(host, call, "release", args)
}

fn each(host: &mut Host, call: &Call, verb: &str, args: &[String]) -> Result<Answer, Answer> {
    let words = options(&host.state, verb, "r", args)?;
    let [tag, names @ ..] = words.operands.as_slice() else {
        return Err(wrong(&host.state, verb, ""));
    };
    if names.is_empty() {
        return Err(wrong(&host.state, verb, ""));
    }
    if verb == "hold" && tag.starts_with('.') {
        return Err(wrong(&host.state, verb, "tag may not start with '.'"));
    }
    let mut answer = Answer::ok();
    for full in names {
        if let Err(problem) = one(host, call, verb, tag, full, words.has("r")) {
            answer = answer.and_err(problem);
            answer.status = Status::Exit(1);
        }
    }
    Ok(answer)
}

fn one(
    host: &mut Host,
    call: &Call,
    verb: &str,
    tag: &str,
    full: &str,
    recursive: bool,
) -> Result<(), String> {
    let Some((base, label)) = full.split_once('@') else {
        return Err(format!("'{full}' is not a snapshot"));
    };
    name::open(&host.state, base, Types::HEADS)?;
    let bases = match recursive {
        true => family(&host.state, base),
        false => vec![base.to_owned()],
    };
    let cannot = match verb {
        "hold" => format!("cannot hold snapshot '{full}'"),
        _ => format!("cannot release hold from snapshot '{full}'"),
    };
    let held = |snapshot: &&Snapshot| verb == "hold" || snapshot.holds.contains(tag);
    let known = |base: &&String| snapshot_of(host, base, label).is_some();
    let bases: Vec<String> = bases.iter().filter(known).cloned().collect();
    let meant: Vec<&String> = bases
        .iter()
        .filter(|base| snapshot_of(host, base, label).as_ref().is_some_and(held))
        .collect();
    if meant.is_empty() {
        return Err(match bases.is_empty() {
            true => format!("{cannot}: dataset does not exist"),
            false => format!("{cannot}: no such tag on this dataset"),
        });
    }
    if call.uid != 0 {
        return Err(format!("cannot {verb}: permission denied"));
    }
    for base in meant {
        let Some(snapshot) = host
            .state
            .datasets
            .get_mut(base)
            .and_then(|dataset| dataset.snapshots.get_mut(label))
        else {
            continue;
        };
        if verb != "hold" {
            snapshot.holds.remove(tag);
        } else if !snapshot.holds.insert(tag.into()) {
            return Err(format!("{cannot}: tag already exists on this dataset"));
        }
    }
    Ok(())
}

fn snapshot_of<'host>(host: &'host Host, base: &str, label: &str) -> Option<&'host Snapshot> {
    host.state.datasets.get(base)?.snapshots.get(label)
}
