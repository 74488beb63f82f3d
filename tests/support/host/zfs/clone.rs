//! `zfs clone` and `zfs promote`.

use super::super::Host;
use super::super::call::{Answer, Call};
use super::create::{ancestors, room};
use super::name::{self, Types};
use super::relation::{redirect, remove, snapshots};
use super::usage::{options, wrong};
use super::{denied, refused, settings};

/// `zfs clone [-p] [-o property=value]... dataset@name dataset`
pub(super) fn clone(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let words = options(&host.state, "clone", "o:p", args)?;
    let settings = settings::parse(&words)?;
    let misused = |problem: &str| Err(wrong(&host.state, "clone", problem));
    let (origin, new) = match words.operands.as_slice() {
        [origin, new] => (origin, new),
        [] => return misused("missing source dataset argument"),
        [_] => return misused("missing target dataset argument"),
        _ => return misused("too many arguments"),
    };
    name::open(&host.state, origin, Types::SNAPSHOT).map_err(|line| Answer::fail(1, line))?;
    let cannot = format!("cannot create '{new}'");
    if words.has("p") && name::problem(new, Types::HEADS, false).is_none() {
        if name::kind(&host.state, new).is_some() {
            return Ok(Answer::ok());
        }
        ancestors(host, call, new, &cannot)?;
    }
    if let Some(problem) = name::problem(new, Types::FILESYSTEM, true) {
        return Err(refused(&cannot, &problem));
    }
    room(&host.state, new, &cannot, false)?;
    let source = origin.split_once('@').and_then(|(base, label)| {
        let dataset = host.state.datasets.get(base)?;
        dataset.snapshots.get(label)
    });
    let mut volume = source.and_then(|source| source.volume.clone());
    let kind = match volume {
        Some(_) => Types::VOLUME,
        None => Types::FILESYSTEM,
    };
    settings::check(&host.state, &settings, kind, volume.as_ref(), &cannot)?;
    if let Some(answer) = denied(call, &cannot) {
        return Err(answer);
    }
    if name::pool(origin) != name::pool(new) {
        return Err(refused(&cannot, "source and target pools differ"));
    }
    if name::kind(&host.state, new).is_some() {
        return Err(refused(&cannot, "dataset already exists"));
    }
    // The size is that of the data; the reservation and local properties are not inherited.
    if let Some(volume) = &mut volume {
        volume.refreservation = 0;
    }
    host.add_dataset(new, volume).origin = Some(origin.clone());
    if settings::apply(host, new, &settings).is_err() {
        remove(host, new);
        return Err(refused(&cannot, "out of space"));
    }
    Ok(Answer::ok())
}

/// `zfs promote clone`: the snapshots up to the origin move to the clone.
pub(super) fn promote(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let misused = |problem: &str| Err(wrong(&host.state, "promote", problem));
    let clone = match args {
        [first, ..] if first.starts_with('-') => {
            let letter: String = first.chars().skip(1).take(1).collect();
            return misused(&format!("invalid option '{letter}'"));
        }
        [clone] => clone,
        [] => return misused("missing clone filesystem argument"),
        _ => return misused("too many arguments"),
    };
    name::open(&host.state, clone, Types::HEADS).map_err(|line| Answer::fail(1, line))?;
    let cannot = format!("cannot promote '{clone}'");
    let dataset = host.state.datasets.get(clone);
    let Some(origin) = dataset.and_then(|dataset| dataset.origin.clone()) else {
        return Err(refused(&cannot, "not a cloned filesystem"));
    };
    if let Some(answer) = denied(call, &cannot) {
        return Err(answer);
    }
    let Some((parent, label)) = origin.split_once('@') else {
        return Ok(Answer::ok());
    };
    let mut moving = snapshots(&host.state, parent);
    let end = moving.iter().position(|name| *name == origin);
    moving.truncate(end.map_or(0, |end| end + 1));
    let labels: Vec<&str> = moving
        .iter()
        .filter_map(|full| Some(full.split_once('@')?.1))
        .collect();
    for label in &labels {
        if name::kind(&host.state, &format!("{clone}@{label}")).is_some() {
            let problem = format!("conflicting snapshot '{label}' from parent '{origin}'");
            return Err(refused(&cannot, &problem));
        }
    }
    for label in labels {
        let from = host.state.datasets.get_mut(parent);
        let moved = from.and_then(|dataset| dataset.snapshots.remove(label));
        if let (Some(snapshot), Some(dataset)) = (moved, host.state.datasets.get_mut(clone)) {
            dataset.snapshots.insert(label.into(), snapshot);
        }
        redirect(
            host,
            &format!("{parent}@{label}"),
            &format!("{clone}@{label}"),
        );
    }
    let grand = host
        .state
        .datasets
        .get(parent)
        .and_then(|dataset| dataset.origin.clone());
    if let Some(dataset) = host.state.datasets.get_mut(clone) {
        dataset.origin = grand;
    }
    if let Some(dataset) = host.state.datasets.get_mut(parent) {
        dataset.origin = Some(format!("{clone}@{label}"));
    }
    Ok(Answer::ok())
}
