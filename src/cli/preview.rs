//! `-d`: shows the plan as a script or as JSON, and reports what prevents the plan on this host.

use crate::command::{Command, Privilege};
use crate::config::Config;
use crate::config::resolve;
use crate::error::Result;
use crate::host::programs;
use crate::model::privilege::Elevation;
use crate::operation;
use crate::operation::context::{Asked, Assumption};
use crate::operation::options::{DryRun, Format};
use crate::operation::plan_context::PlanContext;
use crate::plan::Plan;
use crate::run;
use crate::script;
use crate::session::Session;
use crate::survey;
use std::collections::BTreeSet;

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

/// The plan of a request, whose warnings and notes are reported.
pub(super) fn plan_of(
    session: &mut Session<'_, '_>,
    config: &Config,
    asked: &Asked,
) -> Result<Plan> {
    session.remark(&asked.warnings, &asked.notes, config);
    let planned = operation::plan(&mut PlanContext::of(session), &asked.request)?;
    for note in &planned.notes {
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

/// Shows a plan, as a script or as JSON.
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
    let text = match shown.dry_run.format.unwrap_or_default() {
        Format::Text => {
            let path = &process.search_path;
            script::script(shown.plan, title, path, &process.run, elevation)
        }
        Format::Json => script::json(shown.plan, title, &process.search_path, elevation)?,
    };
    session
        .output
        .out
        .write_all(&text)
        .map_err(run::not_written)
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
