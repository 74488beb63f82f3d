//! The front: shows a request, or has the root side do it, with one escalation at the most.

use crate::command::{Command, Streams};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::host::elevate::Elevation;
use crate::host::{Ended, Event, Host, Interruption};
use crate::job::ground::Ground;
use crate::job::plan::{Planned, plan};
use crate::job::{Request, words};
use crate::model::resolve;
use crate::process::Process;
use crate::root::report::Report;
use crate::root::{self, EXIT_FAILED, EXIT_REFUSED};
use crate::run::{
    Output, READER_GONE, Unwatched, execute, interrupted_by, not_started, not_watched, signal_name,
};
use crate::tools::{self, daemon};
use crate::verb::Verb;
use crate::verbs::Asked;
use crate::{report, say};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nix::libc::SIGHUP;
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
    let elevation = Elevation::choose(resolve::privilege(config)?, process.uid, host);
    if request.job.supervises() {
        elevation.clone()?;
    }
    if matches!(elevation, Ok(Elevation::None)) && !request.job.supervises() {
        root::carry_out(process, request, false, host, output)?;
    } else {
        // What stands in its way is told with the setting that it comes from, before a password is
        // asked for.
        let planned = plan(
            &mut Ground {
                look: host,
                is_answered: true,
                process,
            },
            request,
        )?;
        for command in planned.plan.commands() {
            for program in command.programs() {
                tools::require(program, host)?;
            }
        }
        if planned.plan.forms.is_empty() {
            told(&planned, asked, output);
        } else if request.job.is_detached() {
            detach(process, asked, elevation?, host, output)?;
        } else {
            call(process, asked, elevation?, host)?;
        }
    }
    execute(&asked.after, host, &mut Unwatched, output)?;
    if let Some(done) = &asked.done {
        say(output, &request.title, done);
    }
    Ok(())
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
    host.heed_signals()
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

/// The failure where the root side has not run to an end of its own.
pub(crate) fn not_run(
    request: &Request,
    elevation: Elevation,
    ended: Ended,
    said: &[String],
) -> Error {
    let root = format!("{}{}", words::PREFIX, request.job.verb());
    let how = match ended {
        Ended::Exit(status) => format!("ended with status {status}"),
        Ended::Signal(signal) => format!("was ended by {}", signal_name(signal)),
    };
    let clean = || {
        let vm = request.vms.first();
        vm.map_or_else(String::new, |vm| {
            format!("free what it may have left: {}", vm.command(Verb::Clean))
        })
    };
    let Some(word) = elevation.word() else {
        return with(
            Error::host(format!("{root} {how} before it was done")),
            said,
        )
        .help(clean());
    };
    if let Some(refusal) = elevation.refusal(&said.join("\n")) {
        return Error::host(format!("{word} did not run easy-bhyve"))
            .note(format!("{word} said: {refusal}"))
            .help(elevation.how_to_allow(refusal));
    }
    // The root side itself never ends so.
    if ended == Ended::Exit(1) && said.is_empty() {
        return Error::host(format!("{word} did not run easy-bhyve"))
            .note("what it said stands above")
            .help(elevation.how_to_allow(""));
    }
    let error = with(
        Error::host(format!("{root} {how}, behind {word}, before it was done")),
        said,
    );
    if ended == Ended::Exit(1) {
        return error
            .note(format!(
                "either {word} refused to run it, or daemon gave up itself"
            ))
            .help(elevation.how_to_allow(""));
    }
    error.help(clean())
}

fn with(mut error: Error, said: &[String]) -> Error {
    error
        .notes
        .extend(said.iter().map(|line| format!("said: {line}")));
    error
}

/// The line on a terminal that says how far a start has got: from its first phase on, since an
/// escalator may ask for a password before.
struct Phases {
    line: Option<ProgressBar>,
    is_terminal: bool,
    title: String,
    /// What to type to see the loader.
    console: String,
}

impl Phases {
    fn new(request: &Request, output: &Output<'_>) -> Self {
        let vm = request.vms.first();
        Self {
            line: None,
            is_terminal: output.is_terminal,
            title: request.title.clone(),
            console: vm.map_or_else(String::new, |vm| vm.command(Verb::Console)),
        }
    }

    fn show(&mut self, phase: &Report) {
        let message = match phase {
            Report::Stopping => "waiting for the guest to shut down".to_owned(),
            Report::Network => "making the network".to_owned(),
            Report::Loader => format!("loading the guest; {} shows its loader", self.console),
            Report::Starting(pid) => format!("bhyve starts as pid {pid}"),
            Report::Running(_) | Report::Note(_) | Report::Failed(_) => return,
        };
        match &self.line {
            Some(line) => line.set_message(message),
            None if self.is_terminal => self.line = Some(self.begin(message)),
            None => {}
        }
    }

    fn begin(&self, message: String) -> ProgressBar {
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_prefix(self.title.clone())
            .with_message(message);
        let line = match ProgressStyle::with_template("{prefix}: {msg}") {
            Ok(style) => line.with_style(style),
            Err(_) => line,
        };
        line.tick();
        line
    }

    /// Says something else meanwhile.
    fn aside(&self, say: impl FnOnce()) {
        match &self.line {
            Some(line) => line.suspend(say),
            None => say(),
        }
    }
}

impl Drop for Phases {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
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
    host.heed_signals()
        .map_err(|error| Error::host(format!("could not watch for signals: {error}")))?;
    let (mut failed, mut is_running, mut said) = (None, false, Vec::new());
    let mut phases = Phases::new(request, output);
    let followed = host.follow(&command, &mut |_, line| match Report::parse(line) {
        Some(Report::Failed(failure)) => failed = Some(Error::from(failure)),
        Some(Report::Running(_)) => is_running = true,
        Some(Report::Note(note)) => phases.aside(|| say(output, &request.title, &note)),
        Some(phase) => phases.show(&phase),
        None => said.push(String::from_utf8_lossy(line).into_owned()),
    });
    drop(phases);
    let ended = followed.map_err(|error| not_started(&command, &error))?;
    match (failed, host.interrupted()) {
        // It only knows that we have gone.
        (Some(mut error), Some(Interruption::Signal(signal))) if error.what == READER_GONE => {
            error.what = interrupted_by(signal);
            Err(error)
        }
        (Some(error), _) => Err(error),
        (None, _) if is_running => Ok(()),
        (None, _) => Err(not_run(request, elevation, ended, &said)),
    }
}
