//! The client: has a request carried out by the root side, with at most one escalation.

use super::message::Message;
use super::phases::Phases;
use super::reply::{Reply, not_run};
use super::server::{self, EXIT_FAILED, EXIT_REFUSED};
use crate::command::{Command, Streams};
use crate::config::Config;
use crate::config::resolve;
use crate::error::{Error, Kind, Result};
use crate::host::programs;
use crate::host::{Ended, Event, Host, Interruption};
use crate::model::Vm;
use crate::model::privilege::Elevation;
use crate::operation::context::Asked;
use crate::operation::plan_context::PlanContext;
use crate::operation::timings::Timings;
use crate::operation::{Job, Planned, Request, plan, wire};
use crate::plan::{Action, Form};
use crate::run::{
    self, READER_GONE, Summary, Unobserved, execute, interrupted_by, not_started, not_watched,
};
use crate::session::Session;
use crate::survey::record::Record;
use crate::tools::daemon;
use nix::libc::SIGHUP;
use std::borrow::Cow;
use std::time::Duration;

/// The time between two checks for a further signal.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Has a request carried out, and the caller's plans before and after it.
///
/// # Errors
/// If the request is refused or fails.
pub fn carry_out(session: &mut Session<'_, '_>, config: &Config, asked: &Asked) -> Result<()> {
    let process = session.process;
    session.remark(&asked.warnings, &asked.notes, config);
    let request = &asked.request;
    let elevation = Elevation::choose(resolve::privilege(config)?, process.uid, session.host);
    if request.job.supervises() {
        elevation.clone()?;
    }
    let serves_itself = matches!(elevation, Ok(Elevation::None)) && !request.job.supervises();
    let is_alone = asked.before.forms.is_empty() && asked.changes.is_empty();
    // Errors are reported with the setting that causes them, before the escalator asks for a password
    // and before any write.
    let planned = if serves_itself && is_alone {
        None
    } else {
        match planned(session, request) {
            // Only the root side sees all processes.
            Err(error) if error.is_hidden && has_root_side(&elevation) => None,
            planned => Some(planned?),
        }
    };
    let elevation = match elevation {
        Err(error) if !asked.before.forms.is_empty() => return Err(error),
        other => other,
    };
    refuse_unwritable(asked, session)?;
    for change in &asked.changes {
        session.say(change);
    }
    let before = execute(&asked.before, session.host, &mut Unobserved, session.output)?;
    say_all(before, session);
    let done = if serves_itself {
        server::carry_out(session, request, false)
    } else {
        have_done(session, asked, planned.as_ref(), elevation)
    };
    if let Err(error) = done {
        return Err(undone(asked, error, session));
    }
    let after = execute(&asked.after, session.host, &mut Unobserved, session.output);
    let after = after.map_err(|error| match request.job.stays() {
        Some(what) => error.note(what),
        None => error,
    })?;
    say_all(after, session);
    if let Some(done) = &asked.done {
        session.say(done);
    }
    Ok(())
}

/// Refuses a request if this process could not change the files of the caller's plans, before or after it.
///
/// # Errors
/// About the first such file.
pub(crate) fn refuse_unwritable(asked: &Asked, session: &mut Session<'_, '_>) -> Result<()> {
    for form in asked.before.forms.iter().chain(&asked.after.forms) {
        if let Form::Step(step) = form
            && let Action::File(change) = &step.action
        {
            let may = session.host.may_change(change);
            may.map_err(|error| run::not_changed(change, &error))?;
        }
    }
    Ok(())
}

fn say_all(summary: Summary, session: &mut Session<'_, '_>) {
    for note in summary.notes {
        session.say(&note);
    }
}

/// Undoes the caller's plan after the request that follows has failed.
fn undone(asked: &Asked, error: Error, session: &mut Session<'_, '_>) -> Error {
    let error = run::take_back(&asked.before, error, session.host, session.output);
    if error.is_said() {
        for note in &error.notes {
            session.say(note);
        }
    }
    error
}

/// Makes the plan of a request, and checks that all of its programs are installed.
fn planned(session: &mut Session<'_, '_>, request: &Request) -> Result<Planned> {
    let planned = plan(&mut PlanContext::of(session), request)?;
    for command in planned
        .ending
        .commands()
        .into_iter()
        .chain(planned.plan.commands())
    {
        for program in command.programs() {
            programs::require(program, session.host)?;
        }
    }
    Ok(planned)
}

/// Has a request carried out by the root side, through an escalator or in the background.
fn have_done(
    session: &mut Session<'_, '_>,
    asked: &Asked,
    planned: Option<&Planned>,
    elevation: Result<Elevation>,
) -> Result<()> {
    if let Some(planned) = planned.filter(|planned| planned.plan.forms.is_empty())
        && !has_stale_record(session, &asked.request)
    {
        for note in planned.notes.iter().chain(&planned.done) {
            session.say(note);
        }
        Ok(())
    } else if asked.request.job.is_detached() {
        detach(session, asked, elevation?)
    } else {
        call(session, asked, elevation?)
    }
}

/// Whether the root side runs as another user than this process.
fn has_root_side(elevation: &Result<Elevation>) -> bool {
    matches!(elevation, Ok(elevation) if *elevation != Elevation::None)
}

/// Whether the only leftover is the record of a supervisor that was killed.
fn has_stale_record(session: &mut Session<'_, '_>, request: &Request) -> bool {
    let (process, host) = (session.process, &mut *session.host);
    let is_noted = |vm: &Vm| {
        let noted = Record::of(host, &process.run, &vm.name);
        noted.is_some_and(|noted| !noted.is_over())
    };
    matches!(request.job, Job::Clean(_)) && request.vms.first().is_some_and(is_noted)
}

/// The request, with what this process has measured if timings are wanted.
fn timed<'asked>(session: &mut Session<'_, '_>, asked: &'asked Asked) -> Cow<'asked, Request> {
    let Some(format) = asked.timings else {
        return Cow::Borrowed(&asked.request);
    };
    let timings = Timings {
        format,
        began: session.began,
        called: session.host.uptime(),
    };
    Cow::Owned(Request {
        timings: Some(timings),
        ..asked.request.clone()
    })
}

/// Calls the root side on this terminal, and waits for it.
fn call(session: &mut Session<'_, '_>, asked: &Asked, elevation: Elevation) -> Result<()> {
    let request = timed(session, asked);
    let (process, host) = (session.process, &mut *session.host);
    let words = wire::of(&request, process.host(), &process.devices);
    let command = elevation
        .call(&process.program, words)
        .streams(Streams::Terminal);
    run::catch_signals(host)?;
    match on_this_terminal(&command, elevation, host)? {
        Ended::Exit(0) => Ok(()),
        Ended::Exit(status) if status == i32::from(EXIT_FAILED) => Err(Error::said(Kind::Host)),
        Ended::Exit(status) if status == i32::from(EXIT_REFUSED) => Err(Error::said(Kind::State)),
        ended => Err(not_run(&request, elevation, ended, &[])),
    }
}

/// Runs a command to its end, and forwards termination signals to the command: if this process is
/// the session leader, the terminal sends SIGHUP to no other process.
fn on_this_terminal(command: &Command, elevation: Elevation, host: &mut dyn Host) -> Result<Ended> {
    let pid = host
        .begin(command)
        .map_err(|error| not_started(command, &error))?;
    let mut told = None;
    loop {
        let limit = told.map(|_| BETWEEN_LOOKS);
        if let Event::Ended(finished) = host
            .watch(pid, limit, told.is_none())
            .map_err(|error| not_watched(command, &error))?
        {
            return Ok(finished.ended);
        }
        let asked = host.interrupted();
        if let Some(Interruption::Signal(signal)) = asked
            && asked != told
        {
            told = asked;
            // An ordinary user may not signal a process of root.
            let _ = host.signal(pid, signal);
            // An escalator need not forward a signal. When the session leader exits, every process of
            // the foreground group is signalled (_exit(2)).
            if signal == SIGHUP && elevation != Elevation::None {
                return Err(Error::host(interrupted_by(signal)));
            }
        }
    }
}

/// Calls the root side in the background, and follows its report until the VM runs.
fn detach(session: &mut Session<'_, '_>, asked: &Asked, elevation: Elevation) -> Result<()> {
    let request = timed(session, asked);
    let (process, title) = (session.process, session.title);
    let (host, output) = (&mut *session.host, &mut *session.output);
    let words = wire::of(&request, process.host(), &process.devices);
    let command = elevation.wrap(&daemon::detach(&process.program, words));
    run::catch_signals(host)?;
    let mut reply = Reply::default();
    let mut phases = Phases::new(&request, output.display);
    let followed = host.follow(&command, phases.every(), &mut |host, line| match line
        .and_then(|line| reply.read(line))
    {
        Some(Message::Note(note)) => {
            phases.end(output);
            output.say(title, &note);
        }
        Some(phase) => {
            phases.begin(&phase, host);
            phases.draw(host, output);
        }
        None => phases.draw(host, output),
    });
    phases.end(output);
    let ended = followed.map_err(|error| not_started(&command, &error))?;
    let result = reply.result(&request, elevation, ended);
    match (result, host.interrupted()) {
        // The root side reports only that its caller has exited.
        (Err(mut error), Some(Interruption::Signal(signal))) if error.what == READER_GONE => {
            error.what = interrupted_by(signal);
            Err(error)
        }
        (Ok(Some(took)), _) => took.write(&request, output),
        (result, _) => result.map(drop),
    }
}
