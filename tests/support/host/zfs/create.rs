//! `zfs create`.

use super::super::Host;
use super::super::call::{Answer, Call};
use super::super::state::{State, Volume};
use super::super::words::Words;
use super::name::{self, Types};
use super::property::default_block;
use super::relation::remove;
use super::settings::{self, Settings, reservation};
use super::usage::{options, wrong};
use super::{denied, refused, size};

/// `zfs create [-p] [-o property=value]... dataset`, or with `[-s] [-b blocksize] -V size` a volume.
pub(super) fn create(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let words = options(&host.state, "create", ":PV:b:nso:puv", args)?;
    let mut settings = given(&words)?;
    let kind = match words.has("V") {
        true => Types::VOLUME,
        false => Types::FILESYSTEM,
    };
    let misused = |problem: &str| Err(wrong(&host.state, "create", problem));
    if kind == Types::FILESYSTEM && (words.has("s") || words.has("b")) {
        return misused("'-s' and '-b' can only be used when creating a volume");
    }
    if kind == Types::VOLUME && words.has("u") {
        return misused("'-u' can only be used when creating a filesystem");
    }
    let name = match words.operands.as_slice() {
        [name] => name.clone(),
        [] => return misused(&format!("missing {} argument", kind.word())),
        _ => return misused("too many arguments"),
    };
    let cannot = format!("cannot create '{name}'");
    let mut warning = Answer::ok();
    if kind == Types::VOLUME {
        let pool = name::pool(&name);
        if let Some(problem) = name::pool_problem(pool) {
            return Err(refused(&format!("cannot open '{pool}'"), &problem));
        }
        if !host.state.pools.contains_key(pool) {
            return Err(refused(&format!("cannot open '{pool}'"), "no such pool"));
        }
        settings::check(&host.state, &settings, kind, None, &cannot)?;
        warning = warned(&host.state, &settings);
    }
    let made = make(host, call, &words, &name, kind, &mut settings);
    let made = made.unwrap_or_else(|answer| answer);
    Ok(Answer {
        stderr: [warning.stderr, made.stderr].concat(),
        ..made
    })
}

/// The settings of the options, in order: the size and the block size are settings, too.
fn given(words: &Words) -> Result<Settings, Answer> {
    let mut settings = Settings::new();
    for (option, text) in &words.options {
        let text = text.as_deref().unwrap_or_default();
        let (property, what) = match option.as_str() {
            "V" => ("volsize", "size"),
            "b" => ("volblocksize", "block size"),
            "o" => {
                settings::add(&mut settings, text)?;
                continue;
            }
            _ => continue,
        };
        let number = size::parse(text).map_err(|why| {
            let problem = format!("bad volume {what} '{text}': {why}");
            Answer::fail(1, problem)
        })?;
        settings.push((property.into(), number.to_string()));
    }
    Ok(settings)
}

/// default_volblocksize: small blocks waste space.
fn warned(state: &State, settings: &Settings) -> Answer {
    let default = default_block(state);
    match number(settings, "volblocksize") {
        Some(block) if block < default => Answer::ok().and_err(format!(
            "Warning: volblocksize ({block}) is less than the default minimum block size \
             ({default}).\nTo reduce wasted space a volblocksize of {default} is recommended."
        )),
        _ => Answer::ok(),
    }
}

fn number(settings: &Settings, property: &str) -> Option<u64> {
    let (_, value) = settings.iter().find(|(name, _)| name == property)?;
    size::parse(value).ok()
}

fn make(
    host: &mut Host,
    call: &Call,
    words: &Words,
    name: &str,
    kind: Types,
    settings: &mut Settings,
) -> Result<Answer, Answer> {
    let cannot = format!("cannot create '{name}'");
    let refuse = |problem: &str| Err(refused(&cannot, problem));
    if words.has("p") && name::problem(name, kind, false).is_none() {
        if name::kind(&host.state, name) == Some(kind) {
            return Ok(Answer::ok());
        }
        ancestors(host, call, name, &cannot)?;
    }
    if let Some(problem) = name::problem(name, kind, true) {
        return refuse(&problem);
    }
    room(&host.state, name, &cannot, false)?;
    if name::kind(&host.state, name).is_some() {
        return refuse("dataset already exists");
    }
    let volume = if kind == Types::VOLUME {
        let block = number(settings, "volblocksize").unwrap_or(default_block(&host.state));
        let volsize = number(settings, "volsize").unwrap_or(0);
        if volsize == 0 {
            return refuse("volume size cannot be zero");
        }
        let volsize = volsize.checked_next_multiple_of(block).unwrap_or(volsize);
        Some(Volume {
            volsize,
            volblocksize: block,
            refreservation: match words.has("s") {
                true => 0,
                false => reservation(volsize, block),
            },
            blank: true,
        })
    } else {
        settings::check(&host.state, settings, kind, None, &cannot)?;
        None
    };
    if let Some(answer) = denied(call, &cannot) {
        return Err(answer);
    }
    super::key::check(&host.state, name::parent(name).unwrap_or(name), &cannot)?;
    let needs = volume.as_ref().map_or(0, |volume| volume.refreservation);
    let pool = name::pool(name).to_owned();
    let free = host.state.pools.get(&pool).copied().unwrap_or(0);
    let Some(left) = free.checked_sub(needs) else {
        return refuse("out of space");
    };
    host.state.pools.insert(pool, left);
    host.add_dataset(name, volume);
    settings.retain(|(property, _)| property != "volsize" && property != "volblocksize");
    if settings::apply(host, name, settings).is_err() {
        remove(host, name);
        return refuse("out of space");
    }
    Ok(Answer::ok())
}

/// check_parents: whether a dataset of this name is possible; with `far` any existing ancestor is enough.
pub(super) fn room(state: &State, name: &str, cannot: &str, far: bool) -> Result<(), Answer> {
    let refuse = |problem: &str| Err(refused(cannot, problem));
    if name::is_too_deep(name) {
        return refuse("maximum name nesting depth exceeded");
    }
    let Some(mut parent) = name::parent(name) else {
        return refuse("missing dataset name");
    };
    let pool = name::pool(name);
    if !state.pools.contains_key(pool) {
        return refuse(&format!("no such pool '{pool}'"));
    }
    while far && !state.datasets.contains_key(parent) {
        match name::parent(parent) {
            Some(next) => parent = next,
            None => break,
        }
    }
    match name::kind(state, parent) {
        Some(Types::FILESYSTEM) => Ok(()),
        Some(_) => refuse("parent is not a filesystem"),
        None => refuse("parent does not exist"),
    }
}

/// zfs_create_ancestors: makes the missing parents of a dataset.
pub(super) fn ancestors(
    host: &mut Host,
    call: &Call,
    name: &str,
    cannot: &str,
) -> Result<(), Answer> {
    room(&host.state, name, cannot, true)?;
    let ends = name.match_indices('/').map(|(at, _)| at);
    for parent in ends.map(|end| &name[..end]) {
        if !host.state.datasets.contains_key(parent) {
            if let Some(answer) = denied(call, &format!("cannot create '{parent}'")) {
                return Err(answer);
            }
            host.add_dataset(parent, None);
        }
    }
    Ok(())
}
