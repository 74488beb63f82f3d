//! `-d`: shows the plan, and reports what prevents the plan on this host.

use super::rename::former;
use crate::command::{Command, Privilege};
use crate::config::Config;
use crate::config::resolve;
use crate::error::Result;
use crate::host::programs;
use crate::model::privilege::Elevation;
use crate::operation;
use crate::operation::context::{Asked, Assumption};
use crate::operation::options::{DryRun, PlanFormat};
use crate::operation::plan_context::PlanContext;
use crate::plan::Plan;
use crate::preview::{self, Seen};
use crate::quote;
use crate::root::client;
use crate::run;
use crate::script;
use crate::session::Session;
use crate::survey;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Shows what a request would do.
pub(super) fn show_job(
    session: &mut Session<'_, '_>,
    config: &Config,
    asked: &Asked,
) -> Result<()> {
    let plan = plan_of(session, config, asked)?;
    let shown = Shown {
        plan: &plan,
        dry_run: asked.dry_run,
        assumption: Some(asked.assumption),
    };
    show(session, config, &shown)
}

/// The whole plan of a request, after its remarks.
pub(super) fn plan_of(
    session: &mut Session<'_, '_>,
    config: &Config,
    asked: &Asked,
) -> Result<Plan> {
    session.remark(&asked.warnings, &asked.notes, config);
    let planned = operation::plan(&mut PlanContext::of(session), &asked.request);
    let planned = planned.map_err(|error| former::explained(session, config, asked, error))?;
    if survey::is_freebsd(session.host) {
        client::refuse_unwritable(asked, session)?;
    }
    for note in asked.changes.iter().chain(&planned.notes) {
        session.say(note);
    }
    let mut plan = asked.before.clone();
    plan.append(planned.whole());
    plan.append(asked.after.clone());
    Ok(plan)
}

/// A plan that is shown.
pub(super) struct Shown<'plan> {
    pub(super) plan: &'plan Plan,
    pub(super) dry_run: DryRun,
    /// The assumption about a host that is not FreeBSD.
    pub(super) assumption: Option<Assumption>,
}

/// Shows a plan: its commands, or as a script, or as JSON.
pub(super) fn show(
    session: &mut Session<'_, '_>,
    config: &Config,
    shown: &Shown<'_>,
) -> Result<()> {
    let is_freebsd = survey::is_freebsd(session.host);
    let elevation = elevation(session, config, shown.plan, is_freebsd)?;
    if is_freebsd {
        tell_missing(shown.plan, session);
    } else if let Some(assumption) = shown.assumption
        && !shown.plan.commands().is_empty()
    {
        session.say(assumption.as_str());
    }
    let (process, title) = (session.process, session.title);
    let path = &process.search_path;
    let text = match shown.dry_run.format.unwrap_or_default() {
        PlanFormat::Text => {
            let seen = Seen {
                elevation,
                processes: &processes(session, shown.plan, is_freebsd),
                script: &script_call(&process.args),
                colour: process.colour && process.is_watched,
            };
            preview::preview(shown.plan, seen).into_bytes()
        }
        PlanFormat::Sh => script::script(shown.plan, title, path, &process.run, elevation),
        PlanFormat::Json => script::json(shown.plan, title, path, elevation)?,
    };
    session
        .output
        .out
        .write_all(&text)
        .map_err(run::not_written)
}

/// The processes of the host, if the plan has a signal for some.
fn processes(session: &mut Session<'_, '_>, plan: &Plan, is_freebsd: bool) -> String {
    let question = preview::question(&plan.forms).filter(|_| is_freebsd);
    // Without an answer the preview names no pid.
    let answer = question.and_then(|question| survey::answer(session.host, question).ok());
    answer.unwrap_or_default()
}

/// The call that prints the script, to paste: the present one with another format.
fn script_call(args: &[OsString]) -> String {
    let mut words: Vec<&OsStr> = Vec::new();
    let mut rest = args.iter().map(OsString::as_os_str);
    while let Some(word) = rest.next() {
        if word == "--" {
            words.extend(SCRIPT.map(OsStr::new));
            words.push(word);
            words.extend(rest);
            return line(&words);
        }
        if word == "--format" {
            rest.next();
        } else if !word.as_bytes().starts_with(b"--format=") {
            words.push(word);
        }
    }
    words.extend(SCRIPT.map(OsStr::new));
    line(&words)
}

/// The option for the script.
const SCRIPT: [&str; 2] = ["--format", "sh"];

fn line(words: &[&OsStr]) -> String {
    let words: Vec<String> = words.iter().map(quote::shown).collect();
    words.join(" ")
}

/// The escalator that the script uses; none if the plan does not need root.
fn elevation(
    session: &mut Session<'_, '_>,
    config: &Config,
    plan: &Plan,
    is_freebsd: bool,
) -> Result<Elevation> {
    let needs_root = |command: &&Command| command.privilege == Privilege::Root;
    if !plan.commands().iter().any(needs_root) {
        return Ok(Elevation::None);
    }
    let choice = resolve::privilege(config)?;
    let chosen = Elevation::choose(choice, session.process.uid, session.host);
    if is_freebsd {
        return chosen;
    }
    // A preview for another host needs no escalator on this one.
    Ok(chosen.unwrap_or(Elevation::intended(choice)))
}

/// Reports the programs that the script needs and this host lacks.
fn tell_missing(plan: &Plan, session: &mut Session<'_, '_>) {
    let programs: BTreeSet<_> = plan
        .commands()
        .iter()
        .flat_map(|command| command.programs())
        .collect();
    for program in programs {
        if session.host.find(program).is_none() {
            session.say(&format!(
                "{program} is not installed; {}",
                programs::how_to_install(program)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::script_call;
    use std::ffi::OsString;

    #[test]
    fn the_call_of_the_script_is_the_typed_one_with_its_format() {
        for (typed, call) in [
            (&["deb0-boot", "-d"][..], "deb0-boot -d --format sh"),
            (
                &["eb/a-boot", "--format=text", "-dt", "--config", "my vms"],
                "eb/a-boot -dt --config 'my vms' --format sh",
            ),
            (
                &[
                    "easy-bhyve",
                    "snapshot",
                    "a",
                    "--format",
                    "text",
                    "-d",
                    "--",
                    "-x",
                ],
                "easy-bhyve snapshot a -d --format sh -- -x",
            ),
        ] {
            let typed: Vec<OsString> = typed.iter().map(OsString::from).collect();
            assert_eq!(script_call(&typed), call);
        }
    }
}
