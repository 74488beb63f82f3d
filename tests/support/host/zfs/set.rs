//! `zfs set` and `zfs inherit`.

use super::super::Host;
use super::super::call::{Answer, Call, Status};
use super::name::{self, Types};
use super::property::{Access, Property};
use super::relation::family;
use super::settings::{self, Settings};
use super::usage::{options, wrong};
use super::{denied, refused, since_2_2};

/// `zfs set property=value ... dataset ...`
pub(super) fn set(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let words = options(&host.state, "set", "u", args)?;
    let misused = |problem: &str| Err(wrong(&host.state, "set", problem));
    match words.operands.as_slice() {
        [] => return misused("missing arguments"),
        [only] if only.contains('=') => return misused("missing dataset name(s)"),
        [_] => return misused("missing property=value argument(s)"),
        _ => {}
    }
    let is_setting = |word: &String| word.contains('=');
    let count = words
        .operands
        .iter()
        .take_while(|word| is_setting(word))
        .count();
    let (pairs, names) = words.operands.split_at(count);
    // Since it has options, zfs_do_set overlooks a dataset that comes before all properties.
    let is_seen = count > 0 || !since_2_2(&host.state);
    if is_seen && names.iter().any(is_setting) {
        return misused("invalid argument order");
    }
    if names.is_empty() {
        return misused("missing dataset name(s)");
    }
    let mut settings = Settings::new();
    for pair in pairs {
        settings::add(&mut settings, pair).map_err(|mut answer| {
            // zfs_do_set returns -1.
            answer.status = Status::Exit(255);
            answer
        })?;
    }
    let mut answer = Answer::ok();
    for name in names {
        // Before 2.2 set_callback returned 1 for each failure; since then it returns the -1 of libzfs.
        let (line, status) = match name::open(&host.state, name, Types::DATASETS) {
            Err(line) => (line, 1),
            Ok(kind) => match set_on(host, call, name, kind, &settings) {
                Ok(()) => continue,
                Err(refusal) if since_2_2(&host.state) => (refusal.stderr(), 255),
                Err(refusal) => (refusal.stderr(), 1),
            },
        };
        answer = answer.and_err(line);
        if answer.status != Status::Exit(255) {
            answer.status = Status::Exit(status);
        }
    }
    Ok(answer)
}

fn set_on(
    host: &mut Host,
    call: &Call,
    name: &str,
    kind: Types,
    settings: &Settings,
) -> Result<(), Answer> {
    let cannot = format!("cannot set property for '{name}'");
    let dataset = host.state.datasets.get(name);
    let volume = dataset.and_then(|dataset| dataset.volume.as_ref());
    settings::check(&host.state, settings, kind, volume, &cannot)?;
    if let Some(answer) = denied(call, &cannot) {
        return Err(answer);
    }
    settings::apply(host, name, settings).map_err(|problem| refused(&cannot, &problem))
}

/// `zfs inherit [-r] property dataset ...`
pub(super) fn inherit(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let words = options(&host.state, "inherit", "rS", args)?;
    let (typed, names) = match words.operands.as_slice() {
        [] => return Err(wrong(&host.state, "inherit", "missing property argument")),
        [_] => return Err(wrong(&host.state, "inherit", "missing dataset argument")),
        [typed, names @ ..] => (typed, names),
    };
    let Some(property) = Property::named(typed) else {
        let problem = format!("invalid property '{typed}'");
        return Err(wrong(&host.state, "inherit", &problem));
    };
    if property.is_readonly() {
        let problem = format!("{typed} property is read-only");
        return Err(Answer::fail(1, problem));
    }
    if !matches!(property.access, Access::Inherited | Access::User) {
        let mut problem = format!("'{typed}' property cannot be inherited");
        if property.name == "refreservation" {
            problem += &format!(
                "\nuse 'zfs set {typed}=none' to clear\nuse 'zfs inherit -S {typed}' to revert to \
                 received value"
            );
        }
        return Err(Answer::fail(1, problem));
    }
    let mut answer = Answer::ok();
    for name in names {
        let failed = |answer: Answer, line: String| {
            let mut answer = answer.and_err(line);
            answer.status = Status::Exit(1);
            answer
        };
        if let Err(line) = name::open(&host.state, name, Types::DATASETS) {
            answer = failed(answer, line);
            continue;
        }
        let datasets = match words.has("r") {
            true => family(&host.state, name),
            false => vec![name.clone()],
        };
        for one in datasets {
            let cannot = format!("cannot inherit {typed} for '{one}'");
            if let Some(refusal) = denied(call, &cannot) {
                answer = failed(answer, refusal.stderr());
            } else if let Some(local) = settings::local_of(host, &one) {
                local.remove(&*property.name);
            }
        }
    }
    Ok(answer)
}
