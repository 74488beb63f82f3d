//! What `-d` shows: the plan as a script or as data, and what stands in its way on this host.

use crate::command::{Command, Privilege};
use crate::config::Config;
use crate::config::resolve;
use crate::error::Result;
use crate::host::Host;
use crate::host::elevate::Elevation;
use crate::invocation::options::{DryRun, Format};
use crate::job::ground::Ground;
use crate::plan::Plan;
use crate::process::Process;
use crate::run::{self, Output};
use crate::verbs::{Asked, Assumption};
use crate::{job, report, say, script, tools};
use std::collections::BTreeSet;

/// Shows what a request would do.
pub(crate) fn show_job(
    process: &Process,
    config: &Config,
    asked: &Asked,
    is_answered: bool,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let title = &asked.request.title;
    for finding in &asked.warnings {
        let text = report::warning(finding, title, config, process.colour);
        let _ = output.err.write_all(text.as_bytes());
    }
    for note in &asked.notes {
        say(output, title, note);
    }
    let mut ground = Ground {
        look: &mut *host,
        is_answered,
        process,
    };
    let mut planned = job::plan::plan(&mut ground, &asked.request)?;
    for note in &planned.notes {
        say(output, title, note);
    }
    let before = asked.before.forms.iter().cloned();
    planned.plan.forms.splice(0..0, before);
    planned.plan.forms.extend(asked.after.forms.iter().cloned());
    let shown = Shown {
        plan: &planned.plan,
        dry_run: asked.dry_run,
        assumption: Some(asked.assumption),
    };
    show(process, config, title, &shown, is_answered, host, output)
}

/// A plan that is shown.
pub(crate) struct Shown<'plan> {
    pub(crate) plan: &'plan Plan,
    pub(crate) dry_run: DryRun,
    /// What is taken for granted on a host that cannot be asked.
    pub(crate) assumption: Option<Assumption>,
}

/// Shows a plan, as a script or as data.
pub(crate) fn show(
    process: &Process,
    config: &Config,
    title: &str,
    shown: &Shown<'_>,
    is_answered: bool,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let elevation = elevation(process, config, shown.plan, host, is_answered)?;
    if is_answered {
        tell_missing(title, shown.plan, host, output);
    } else if let Some(assumption) = shown.assumption
        && !shown.plan.commands().is_empty()
    {
        say(output, title, assumption.as_str());
    }
    let text = match shown.dry_run.format.unwrap_or_default() {
        Format::Text => {
            let path = &process.search_path;
            script::script(shown.plan, title, path, &process.run, elevation)
        }
        Format::Json => script::json(shown.plan, title, &process.search_path, elevation)?,
    };
    output.out.write_all(&text).map_err(run::not_written)
}

/// The escalator that a script shows; a plan that needs none asks for none.
fn elevation(
    process: &Process,
    config: &Config,
    plan: &Plan,
    host: &mut dyn Host,
    is_answered: bool,
) -> Result<Elevation> {
    let needs_root = |command: &&Command| command.privilege == Privilege::Root;
    if !plan.commands().iter().any(needs_root) {
        return Ok(Elevation::None);
    }
    let choice = resolve::privilege(config)?;
    let chosen = Elevation::choose(choice, process.uid, host);
    if is_answered {
        return chosen;
    }
    // A preview for another host needs no escalator on this one.
    Ok(chosen.unwrap_or(Elevation::intended(choice)))
}

/// Says which programs the script would miss on this host.
fn tell_missing(title: &str, plan: &Plan, host: &mut dyn Host, output: &mut Output<'_>) {
    let programs: BTreeSet<_> = plan
        .commands()
        .iter()
        .flat_map(|command| command.programs())
        .collect();
    for program in programs {
        if host.find(program).is_none() {
            say(
                output,
                title,
                &format!(
                    "{program} is not installed; {}",
                    tools::how_to_install(program)
                ),
            );
        }
    }
}
