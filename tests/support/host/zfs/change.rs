//! `zfs create`, `destroy`, `set` and `rename`.

use super::super::Host;
use super::super::call::{Answer, Call};
use super::super::state::Volume;
use super::super::words::Words;
use super::property::{clones, exists, snapshots};
use super::{denied, name, size, usage};

/// `zfs create [-p] [-o property=value]... dataset`, or with `[-s] [-b blocksize] -V size` a volume.
pub(super) fn create(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let verb = "create [-Pnpuv] [-o property=value] ... <filesystem>\n\t\
         create [-Pnpsv] [-b blocksize] [-o property=value] ... -V <size> <volume>";
    let words = match Words::parse(args, "PV:b:no:psuv") {
        Ok(words) => words,
        Err(error) => return usage(&format!("{error}"), verb),
    };
    let name = match words.operands.as_slice() {
        [name] => name.clone(),
        [] => return usage("missing dataset argument", verb),
        _ => return usage("too many arguments", verb),
    };
    let mut properties = Vec::new();
    for text in words.all("o") {
        match text.split_once('=') {
            Some((property, value)) => properties.push((property.to_owned(), value.to_owned())),
            None => return usage("missing '=' for property=value argument", verb),
        }
    }
    let volume = match words.last("V") {
        None if words.has("s") || words.has("b") => {
            return usage(
                "'-s' and '-b' can only be used when creating a volume",
                verb,
            );
        }
        None => None,
        Some(text) => match volume_of(host, text, &words) {
            Ok(volume) => Some(volume),
            Err(answer) => return answer,
        },
    };
    let cannot = format!("cannot create '{name}'");
    if let Some(problem) = name::problem(&name).or_else(|| {
        name.contains('@')
            .then(|| "snapshot delimiter '@' is not expected here".to_owned())
    }) {
        return Answer::fail(1, format!("{cannot}: {problem}"));
    }
    let modes = ["default", "full", "geom", "dev", "none"];
    if properties
        .iter()
        .any(|(property, value)| property == "volmode" && !modes.contains(&value.as_str()))
    {
        let text =
            format!("{cannot}: 'volmode' must be one of 'default | full | geom | dev | none'");
        return Answer::fail(1, text);
    }
    if let Some(refusal) = room(host, call, &name, &cannot, words.has("p")) {
        return refusal;
    }
    if exists(&host.state, &name) {
        return match words.has("p") {
            true => Answer::ok(),
            false => Answer::fail(1, format!("{cannot}: dataset already exists")),
        };
    }
    let needs = volume.as_ref().map_or(0, |volume| volume.refreservation);
    let pool = name::pool(&name).to_owned();
    let free = host.state.pools.get(&pool).copied().unwrap_or(0);
    if needs > free {
        return Answer::fail(1, format!("{cannot}: out of space"));
    }
    host.state.pools.insert(pool, free - needs);
    make_parents(host, &name);
    let dataset = host.add_dataset(&name, volume);
    dataset.local.extend(properties);
    Answer::ok()
}

/// The volume of `-V`, or what zfs says to it.
fn volume_of(host: &Host, text: &str, words: &Words) -> Result<Volume, Answer> {
    let major = host.state.major();
    let bad = |what: &str, text: &str, why: String| {
        Answer::fail(1, format!("bad volume {what} '{text}': {why}"))
    };
    let mut volsize = size::parse(text).map_err(|why| bad("size", text, why))?;
    let volblocksize = match words.last("b") {
        None if major >= 14 => 16 << 10,
        None => 8 << 10,
        Some(text) => size::parse(text).map_err(|why| bad("block size", text, why))?,
    };
    let operand = words.operands.first().cloned().unwrap_or_default();
    if !volblocksize.is_power_of_two() || !(512..=16 << 20).contains(&volblocksize) {
        let text = format!(
            "cannot create '{operand}': 'volblocksize' must be power of 2 from 512B to 16M"
        );
        return Err(Answer::fail(1, text));
    }
    if volsize == 0 {
        let text = format!("cannot create '{operand}': volume size cannot be zero");
        return Err(Answer::fail(1, text));
    }
    if !volsize.is_multiple_of(volblocksize) {
        if major < 14 {
            let text = format!(
                "cannot create '{operand}': volume size must be a multiple of volume block size"
            );
            return Err(Answer::fail(1, text));
        }
        volsize = volsize.next_multiple_of(volblocksize);
    }
    let refreservation = if words.has("s") {
        0
    } else {
        reservation(volsize, volblocksize)
    };
    Ok(Volume {
        volsize,
        volblocksize,
        refreservation,
        blank: true,
    })
}

/// zvol_volsize_to_reservation (lib/libzfs/libzfs_dataset.c): the size and its indirect blocks.
fn reservation(volsize: u64, volblocksize: u64) -> u64 {
    let mut blocks = volsize / volblocksize;
    let mut metadata = 7;
    while blocks > 1 {
        blocks = blocks.div_ceil(1024);
        metadata += blocks;
    }
    volsize + metadata * 2 * (128 << 10)
}

/// Whether there can be a dataset of this name: check_parents of libzfs_dataset.c.
pub(super) fn room(
    host: &Host,
    call: &Call,
    name: &str,
    cannot: &str,
    with_parents: bool,
) -> Option<Answer> {
    let pool = name::pool(name);
    let Some(parent) = name::parent(name) else {
        return Some(Answer::fail(1, format!("{cannot}: missing dataset name")));
    };
    if !host.state.pools.contains_key(pool) {
        return Some(Answer::fail(1, format!("{cannot}: no such pool '{pool}'")));
    }
    let mut nearest = parent;
    while !host.state.datasets.contains_key(nearest) {
        if !with_parents {
            return Some(Answer::fail(1, format!("{cannot}: parent does not exist")));
        }
        nearest = name::parent(nearest)?;
    }
    if host
        .state
        .datasets
        .get(nearest)
        .is_some_and(|dataset| dataset.volume.is_some())
    {
        return Some(Answer::fail(
            1,
            format!("{cannot}: parent is not a filesystem"),
        ));
    }
    if host.state.datasets.contains_key(name) {
        return None;
    }
    denied(call, cannot)
}

/// Makes the missing parents of a dataset.
pub(super) fn make_parents(host: &mut Host, name: &str) {
    let parts: Vec<&str> = name.split('/').collect();
    for end in 1..parts.len() {
        let parent = parts[..end].join("/");
        if !host.state.datasets.contains_key(&parent) {
            host.add_dataset(&parent, None);
        }
    }
}

/// `zfs destroy [-r | -R] [-f] dataset`, `zfs destroy dataset@snapshot`.
pub(super) fn destroy(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let verb = "destroy [-fnpRrv] <filesystem|volume>\n\tdestroy [-dnpRrv] \
         <filesystem|volume>@<snap>[%<snap>][,...]";
    let words = match Words::parse(args, "vpndfrR") {
        Ok(words) => words,
        Err(error) => return usage(&format!("{error}"), verb),
    };
    let [full] = words.operands.as_slice() else {
        return usage("missing dataset argument", verb);
    };
    let cannot = format!("cannot destroy '{full}'");
    if !exists(&host.state, full) {
        return match full.contains('@') {
            true => Answer::fail(
                1,
                "could not find any snapshots to destroy; check snapshot names.",
            ),
            false => Answer::fail(1, format!("cannot open '{full}': dataset does not exist")),
        };
    }
    if let Some((base, label)) = full.split_once('@') {
        let dependent: Vec<String> = clones(&host.state, full).map(str::to_owned).collect();
        if !dependent.is_empty() && !words.has("R") {
            let text = format!(
                "{cannot}: snapshot has dependent clones\nuse '-R' to destroy the following \
                 datasets:\n{}",
                dependent.join("\n")
            );
            return Answer::fail(1, text);
        }
        if let Some(answer) = denied(call, &cannot) {
            return answer;
        }
        for clone in &dependent {
            remove(host, clone);
        }
        if let Some(dataset) = host.state.datasets.get_mut(base) {
            let held = dataset
                .snapshots
                .get(label)
                .is_some_and(|snapshot| !snapshot.holds.is_empty());
            if held {
                return Answer::fail(1, format!("{cannot}: dataset is busy"));
            }
            dataset.snapshots.remove(label);
        }
        return Answer::ok();
    }
    let below = format!("{full}/");
    let family: Vec<String> = host
        .state
        .datasets
        .keys()
        .filter(|name| *name == full || name.starts_with(&below))
        .cloned()
        .collect();
    let held: Vec<String> = family
        .iter()
        .flat_map(|dataset| snapshots(&host.state, dataset))
        .collect();
    let children: Vec<String> = held
        .iter()
        .chain(family.iter().filter(|name| *name != full))
        .cloned()
        .collect();
    let dependent: Vec<String> = held
        .iter()
        .flat_map(|snapshot| clones(&host.state, snapshot))
        .filter(|clone| !family.iter().any(|name| name == clone))
        .map(str::to_owned)
        .collect();
    let kind = match host.state.datasets.get(full) {
        Some(dataset) if dataset.volume.is_some() => "volume",
        _ => "filesystem",
    };
    let (option, problem, list) = if !dependent.is_empty() && !words.has("R") {
        ("-R", "has dependent clones", &dependent)
    } else if !children.is_empty() && !words.has("r") && !words.has("R") {
        ("-r", "has children", &children)
    } else {
        ("", "", &children)
    };
    if !option.is_empty() {
        let text = format!(
            "{cannot}: {kind} {problem}\nuse '{option}' to destroy the following datasets:\n{}",
            list.join("\n")
        );
        return Answer::fail(1, text);
    }
    if let Some(answer) = denied(call, &cannot) {
        return answer;
    }
    if family.iter().any(|name| host.volume_is_open(name)) {
        return Answer::fail(1, format!("{cannot}: dataset is busy"));
    }
    for name in dependent.iter().chain(&family) {
        remove(host, name);
    }
    Answer::ok()
}

/// Takes a dataset away and gives its reservation back.
pub(super) fn remove(host: &mut Host, name: &str) {
    let Some(dataset) = host.state.datasets.remove(name) else {
        return;
    };
    let reserved = dataset.volume.map_or(0, |volume| volume.refreservation);
    if let Some(free) = host.state.pools.get_mut(name::pool(name)) {
        *free += reserved;
    }
}

/// `zfs set property=value ... dataset ...`
pub(super) fn set(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let verb = "set <property=value> ... <filesystem|volume|snapshot> ...";
    let (pairs, names): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|word| word.contains('='));
    if pairs.is_empty() || names.is_empty() {
        return usage("missing property=value argument(s)", verb);
    }
    for name in names {
        if !exists(&host.state, name) {
            return Answer::fail(1, format!("cannot open '{name}': dataset does not exist"));
        }
        if let Some(answer) = denied(call, &format!("cannot set property for '{name}'")) {
            return answer;
        }
        let Some(dataset) = host.state.datasets.get_mut(name) else {
            continue;
        };
        for (property, value) in pairs.iter().filter_map(|pair| pair.split_once('=')) {
            match (property, size::parse(value), &mut dataset.volume) {
                ("volsize", Ok(bytes), Some(volume)) => volume.volsize = bytes,
                ("refreservation", parsed, Some(volume)) => {
                    volume.refreservation = parsed.unwrap_or(0);
                }
                _ => drop(dataset.local.insert(property.into(), value.into())),
            }
        }
    }
    Answer::ok()
}

/// `zfs rename dataset dataset`, `zfs rename dataset@old @new`.
pub(super) fn rename(host: &mut Host, call: &Call, args: &[String]) -> Answer {
    let verb = "rename [-f] <filesystem|volume|snapshot> <filesystem|volume|snapshot>";
    let [old, new] = args else {
        return usage("missing target dataset argument", verb);
    };
    let cannot = format!("cannot rename '{old}'");
    if !exists(&host.state, old) {
        return Answer::fail(1, format!("cannot open '{old}': dataset does not exist"));
    }
    if let Some(answer) = denied(call, &cannot) {
        return answer;
    }
    if let (Some((base, from)), Some((_, to))) = (old.split_once('@'), new.split_once('@')) {
        if let Some(dataset) = host.state.datasets.get_mut(base) {
            if dataset.snapshots.contains_key(to) {
                return Answer::fail(1, format!("{cannot}: dataset already exists"));
            }
            if let Some(snapshot) = dataset.snapshots.remove(from) {
                dataset.snapshots.insert(to.into(), snapshot);
            }
        }
        let target = format!("{base}@{to}");
        redirect(host, old, &target);
        return Answer::ok();
    }
    if exists(&host.state, new) {
        return Answer::fail(1, format!("{cannot}: dataset already exists"));
    }
    if host.volume_is_open(old) {
        return Answer::fail(1, format!("{cannot}: dataset is busy"));
    }
    if let Some(dataset) = host.state.datasets.remove(old) {
        let moved: Vec<String> = dataset.snapshots.keys().cloned().collect();
        host.state.datasets.insert(new.clone(), dataset);
        for label in moved {
            redirect(host, &format!("{old}@{label}"), &format!("{new}@{label}"));
        }
    }
    Answer::ok()
}

/// Clones follow when the snapshot that they come from has another name.
pub(super) fn redirect(host: &mut Host, old: &str, new: &str) {
    for dataset in host.state.datasets.values_mut() {
        if dataset.origin.as_deref() == Some(old) {
            dataset.origin = Some(new.into());
        }
    }
}
