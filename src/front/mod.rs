//! The front: shows a request, or has the root side do it, with one escalation at the most.

mod heard;
mod phases;

use crate::command::{Command, Streams};
use crate::config::Config;
use crate::config::resolve;
use crate::error::{Error, Kind, Result};
use crate::host::elevate::Elevation;
use crate::host::{Ended, Event, Host, Interruption};
use crate::job::ground::Ground;
use crate::job::plan::{Planned, plan};
use crate::job::words;
use crate::job::{Job, Request};
use crate::model::Vm;
use crate::process::Process;
use crate::root::report::Report as Told;
use crate::root::state::State;
use crate::root::{self, EXIT_FAILED, EXIT_REFUSED};
use crate::run::{
    self, Output, READER_GONE, Report, Unwatched, execute, interrupted_by, not_started, not_watched,
};
use crate::tools::{self, daemon};
use crate::verbs::Asked;
use crate::{report, say};
pub(crate) use heard::Heard;
use heard::not_run;
use nix::libc::SIGHUP;
use phases::Phases;
use std::time::Duration;

/// The time between two looks whether something else asks this process to stop.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Has a request done, and does what is to be done afterwards.
///
/// # Errors
/// What stood in its way, or what has failed.
pub fn carry_out(
    process: &Process,
    config: &Config,
    asked: &Asked,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    for finding in &asked.warnings {
        let text = report::warning(finding, &asked.request.title, config, process.colour);
        let _ = output.err.write_all(text.as_bytes());
    }
    let request = &asked.request;
    for note in &asked.notes {
        say(output, &request.title, note);
    }
    let elevation = Elevation::choose(resolve::privilege(config)?, process.uid, host);
    if request.job.supervises() {
        elevation.clone()?;
    }
    let serves_itself = matches!(elevation, Ok(Elevation::None)) && !request.job.supervises();
    // What stands in its way is told with the setting that it comes from, before a password is asked
    // for or anything is written.
    let planned = if serves_itself && asked.before.forms.is_empty() {
        None
    } else {
        Some(planned(process, request, host)?)
    };
    let elevation = match elevation {
        Err(error) if !asked.before.forms.is_empty() => return Err(error),
        other => other,
    };
    say_all(
        execute(&asked.before, host, &mut Unwatched, output)?,
        request,
        output,
    );
    let done = match planned {
        Some(planned) if !serves_itself => {
            have_done(process, asked, &planned, elevation, host, output)
        }
        _ => root::carry_out(process, request, false, host, output),
    };
    if let Err(error) = done {
        return Err(taken_back(asked, error, host, output));
    }
    let report = execute(&asked.after, host, &mut Unwatched, output);
    let report = report.map_err(|error| match request.job {
        Job::MakeDisk { .. } => error.note("the disk was made before, and stays"),
        _ => error,
    })?;
    say_all(report, request, output);
    if let Some(done) = &asked.done {
        say(output, &request.title, done);
    }
    Ok(())
}

fn say_all(report: Report, request: &Request, output: &mut Output<'_>) {
    for note in report.notes {
        say(output, &request.title, &note);
    }
}

/// Takes back what was done before a request that has failed.
fn taken_back(asked: &Asked, error: Error, host: &mut dyn Host, output: &mut Output<'_>) -> Error {
    let error = run::take_back(&asked.before, error, host, output);
    if error.is_said() {
        for note in &error.notes {
            say(output, &asked.request.title, note);
        }
    }
    error
}

/// The plan of a request, all of whose programs are there.
fn planned(process: &Process, request: &Request, host: &mut dyn Host) -> Result<Planned> {
    let mut ground = Ground {
        look: host,
        is_answered: true,
        process,
    };
    let planned = plan(&mut ground, request)?;
    for command in planned.plan.commands() {
        for program in command.programs() {
            tools::require(program, host)?;
        }
    }
    Ok(planned)
}

/// Has a request done by the root side, behind an escalator or in the background.
fn have_done(
    process: &Process,
    asked: &Asked,
    planned: &Planned,
    elevation: Result<Elevation>,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    if planned.plan.forms.is_empty() && !has_stale_note(process, &asked.request, host) {
        told(planned, asked, output);
        Ok(())
    } else if asked.request.job.is_detached() {
        detach(process, asked, elevation?, host, output)
    } else {
        call(process, asked, elevation?, host)
    }
}

/// Whether there is nothing to clean but what a supervisor that was killed has noted.
fn has_stale_note(process: &Process, request: &Request, host: &mut dyn Host) -> bool {
    let is_noted = |vm: &Vm| State::of(host, &process.run, &vm.name).is_some();
    request.job == Job::Clean && request.vms.first().is_some_and(is_noted)
}

/// Says what there is to say where nothing is to be done.
fn told(planned: &Planned, asked: &Asked, output: &mut Output<'_>) {
    for note in planned.notes.iter().chain(&planned.done) {
        say(output, &asked.request.title, note);
    }
}

/// Has it done by a process that has this terminal, and waits for it.
fn call(process: &Process, asked: &Asked, elevation: Elevation, host: &mut dyn Host) -> Result<()> {
    let words = words::of(&asked.request, process.host(), &process.devices);
    let command = elevation
        .call(&process.program, words)
        .streams(Streams::Terminal);
    host.catch_signals()
        .map_err(|error| Error::host(format!("could not watch for signals: {error}")))?;
    match on_this_terminal(&command, elevation, host)? {
        Ended::Exit(0) => Ok(()),
        Ended::Exit(status) if status == i32::from(EXIT_FAILED) => Err(Error::said(Kind::Host)),
        Ended::Exit(status) if status == i32::from(EXIT_REFUSED) => Err(Error::said(Kind::State)),
        ended => Err(not_run(&asked.request, elevation, ended, &[])),
    }
}

/// Runs a command to its end, and passes on to it what asks this process to stop: where we lead the
/// session, the terminal tells nobody else that it has gone.
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
            // Root's own process takes none from an ordinary user.
            let _ = host.signal(pid, signal);
            // Nor need an escalator pass one on. When who leads the session has ended, all on the
            // terminal hear that it has gone (_exit(2)).
            if signal == SIGHUP && elevation != Elevation::None {
                return Err(Error::host(interrupted_by(signal)));
            }
        }
    }
}

/// Has it done by a process in the background, and follows its report until the VM runs.
fn detach(
    process: &Process,
    asked: &Asked,
    elevation: Elevation,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let request = &asked.request;
    let words = words::of(request, process.host(), &process.devices);
    let command = elevation.wrap(&daemon::detach(&process.program, words));
    host.catch_signals()
        .map_err(|error| Error::host(format!("could not watch for signals: {error}")))?;
    let mut heard = Heard::default();
    let mut phases = Phases::new(request, output);
    let followed = host.follow(&command, &mut |_, line| match heard.hear(line) {
        Some(Told::Note(note)) => phases.aside(|| say(output, &request.title, &note)),
        Some(phase) => phases.show(&phase),
        None => {}
    });
    drop(phases);
    let ended = followed.map_err(|error| not_started(&command, &error))?;
    let result = heard.result(request, elevation, ended);
    match (result, host.interrupted()) {
        // It only knows that we have gone.
        (Err(mut error), Some(Interruption::Signal(signal))) if error.what == READER_GONE => {
            error.what = interrupted_by(signal);
            Err(error)
        }
        (result, _) => result,
    }
}
