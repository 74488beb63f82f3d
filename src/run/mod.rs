//! The executor: carries out a plan, and undoes it on failure.
//!
//! Contains no verb and no program. [`crate::script`] prints the same plan for sh(1).

pub mod causes;
mod failure;
mod interrupt;
mod log;
mod observer;
pub mod progress;
mod supervise;
mod system;
mod undo;
mod workers;

use crate::command::{Command, Streams};
use crate::error::{Error, Result};
use crate::host::programs;
use crate::host::{Ended, Finished, Host};
use crate::plan::{Action, Form, Guard, Plan, Step, Test, Undo, Wait, When};
use crate::vis;
use failure::{changed_but, unasked};
pub use failure::{
    judge, no_answer, not_changed, not_started, not_watched, not_written, signal_name,
};
pub use interrupt::{READER_GONE, catch_signals, check_interrupt, interrupted_by};
pub use log::not_read;
pub use observer::{Observer, Phase, RoundEnd, Unobserved};
use progress::{Display, Progress};
use std::io::Write;
use std::time::Duration;
pub use system::remedy;
pub use undo::take_back;

/// The result of a finished plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The meaning of the last status of a command with meanings, in words that follow "the guest".
    pub ending: Option<&'static str>,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Carries out `plan`.
///
/// # Errors
/// The first failure, with what was undone; nothing is started if a program is missing.
pub fn execute(
    plan: &Plan,
    host: &mut dyn Host,
    observer: &mut dyn Observer,
    output: &mut Output<'_>,
) -> Result<Summary> {
    for command in plan.commands() {
        for program in command.programs() {
            programs::require(program, host)?;
        }
    }
    // A plan that only prints can end anywhere.
    if plan.forms.iter().any(Form::can_be_stopped) {
        catch_signals(host)?;
    }
    let mut run = Run::new(host, observer, output);
    match run.forms(&plan.forms) {
        Ok(()) => run.finish(),
        Err(error) => Err(run.undo_after(error)),
    }
}

/// The output streams of a run.
pub struct Output<'writer> {
    /// Standard output.
    pub out: &'writer mut dyn Write,
    /// Standard error.
    pub err: &'writer mut dyn Write,
    /// How the progress of a wait is displayed.
    pub display: Display,
}

impl Output<'_> {
    /// Writes a message to standard error, each line with the title as its prefix.
    pub fn say(&mut self, title: &str, text: &str) {
        // In one call: standard error is unbuffered, and `setup` can write thousands of lines.
        let title = vis::line(title);
        let lines: Vec<String> = text
            .lines()
            .map(|line| format!("{title}: {}\n", vis::line(line)))
            .collect();
        // Ignore failure: a lost message is no reason to stop.
        let _ = self.err.write_all(lines.concat().as_bytes());
    }
}

struct Run<'plan, 'host, 'writer> {
    host: &'host mut dyn Host,
    observer: &'host mut dyn Observer,
    output: &'host mut Output<'writer>,
    armed: Vec<&'plan Undo>,
    done: Option<&'plan str>,
    steps: usize,
    /// Whether the guest was seen running: from then on a signal is a request to stop.
    is_running: bool,
    /// Whether the command of a loop may have had an effect.
    has_begun: bool,
    /// When the last wait began.
    waits_since: Option<Duration>,
    report: Summary,
}

impl<'plan, 'host, 'writer> Run<'plan, 'host, 'writer> {
    fn new(
        host: &'host mut dyn Host,
        observer: &'host mut dyn Observer,
        output: &'host mut Output<'writer>,
    ) -> Self {
        Self {
            host,
            observer,
            output,
            armed: Vec::new(),
            done: None,
            steps: 0,
            is_running: false,
            has_begun: false,
            waits_since: None,
            report: Summary::default(),
        }
    }

    fn forms(&mut self, forms: &'plan [Form]) -> Result<()> {
        for form in forms {
            if form.can_be_stopped() {
                check_interrupt(self.host)?;
            }
            match form {
                Form::Step(step) => {
                    self.step(step)?;
                }
                Form::Guard(guard) => self.guard(guard)?,
                Form::Wait(wait) => self.wait(wait, false)?,
                Form::Loop(round) => self.rounds(round)?,
                Form::Undo(undo) => self.armed.push(undo),
                Form::NoReturn(point) => {
                    self.armed.retain(|undo| undo.when == When::End);
                    self.done = Some(&point.done);
                }
                Form::Root(root) => self.forms(&root.forms)?,
            }
        }
        Ok(())
    }

    fn guard(&mut self, guard: &Guard) -> Result<()> {
        if self.holds(&guard.test)? {
            return Ok(());
        }
        Err(Error::from(&guard.refusal))
    }

    /// Carries out a step; returns whether it made a change.
    fn step(&mut self, step: &Step) -> Result<bool> {
        if let Some(test) = &step.only_if
            && !self.holds(test)?
        {
            return Ok(false);
        }
        let first = match &step.action {
            Action::Sequence(commands) => commands.split_last().map_or(&[][..], |(_, first)| first),
            _ => &[],
        };
        for command in first {
            self.run(command)?;
        }
        let mut made = !first.is_empty();
        match (self.act(&step.action), &step.ok_if) {
            (Ok(()), _) => made = true,
            (Err(_), Some(test)) if self.holds(test).unwrap_or(false) => {}
            (Err(error), _) => return Err(error),
        }
        self.steps += usize::from(made);
        Ok(made)
    }

    /// Carries out an action; of a sequence, only the last command.
    fn act(&mut self, action: &Action) -> Result<()> {
        match action {
            Action::Run(command) => self.run(command),
            Action::Sequence(commands) => commands.last().map_or(Ok(()), |last| self.run(last)),
            Action::Signal(signal) => self.signal(signal),
            Action::File(change) => {
                let changed = self.host.change(change);
                let after = changed.map_err(|error| not_changed(change, &error))?;
                let note = after.map(|after| changed_but(change, &after));
                self.report.notes.extend(note);
                Ok(())
            }
            Action::Print(text) => self.output.out.write_all(text).map_err(not_written),
            Action::Log(log) => log::show(log, self.host, self.output),
        }
    }

    /// Runs a command to its end; a relayed one can be interrupted.
    fn run(&mut self, command: &Command) -> Result<()> {
        let mut finished = if command.streams == Streams::Relayed {
            self.relayed(command)?
        } else if command.fills.is_some() && self.output.display != Display::Lines {
            self.relayed(&command.clone().streams(Streams::Relayed))?
        } else {
            self.host
                .run(command)
                .map_err(|error| not_started(command, &error))?
        };
        if let Some(explaining) = &command.explained_by
            && finished.ended == Ended::Exit(1)
        {
            finished
                .stderr
                .append(&mut self.relayed(explaining)?.stderr);
        }
        let status = judge(command, &finished, true)?;
        if let Some(words) = command.meaning(status) {
            self.report.ending = Some(words);
        }
        Ok(())
    }

    fn holds(&mut self, test: &Test) -> Result<bool> {
        match test {
            Test::Exists(path) => self.host.exists(path).map_err(|error| {
                Error::host(format!(
                    "could not determine whether {} exists: {error}",
                    vis::shown(&path)
                ))
            }),
            Test::Succeeds(command) => {
                let finished = self.ask(command)?;
                match finished.ended {
                    Ended::Exit(0) => Ok(true),
                    Ended::Exit(1) => Ok(false),
                    _ => Err(no_answer(command, &finished)),
                }
            }
            Test::Mentions { command, text } => {
                let finished = self.ask(command)?;
                match finished.ended {
                    Ended::Exit(0) => Ok(String::from_utf8_lossy(&finished.stdout).contains(text)),
                    Ended::Exit(1) if command.is_absent(&finished.stderr) => Ok(false),
                    _ => Err(no_answer(command, &finished)),
                }
            }
            Test::HasRun => Ok(self.has_begun),
            Test::Works(workers) => Ok(!self.found(workers)?.is_empty()),
            Test::Still { command, known } => self.is_still(command, known),
            Test::Ours { vm, or } => Ok(self.observer.is_ours(self.host, vm, *or)),
            Test::Confirmed {
                question,
                otherwise,
            } => match self.host.confirm(question) {
                Some(answer) => check_interrupt(self.host).map(|()| answer),
                None => Err(unasked(question, otherwise)),
            },
            Test::Typed {
                question,
                word,
                otherwise,
            } => match self.host.type_in(question) {
                Some(typed) => check_interrupt(self.host).map(|()| typed == *word),
                None => Err(unasked(question, otherwise)),
            },
            Test::Not(inner) => Ok(!self.holds(inner)?),
            Test::All(tests) => {
                let mut tests = tests.iter();
                tests.try_fold(true, |all, test| Ok(all && self.holds(test)?))
            }
        }
    }

    fn ask(&mut self, command: &Command) -> Result<Finished> {
        self.host
            .ask(command)
            .map_err(|error| not_started(command, &error))
    }

    /// A wait of an undo is not ended by a signal, because a signal may be the reason of the undo.
    fn wait(&mut self, wait: &Wait, is_undo: bool) -> Result<()> {
        let mut progress = None;
        let result = self.wait_with(wait, is_undo, &mut progress);
        if let Some(progress) = progress {
            progress.end(self.output);
        }
        result
    }

    fn wait_with<'wait>(
        &mut self,
        wait: &'wait Wait,
        is_undo: bool,
        progress: &mut Option<Progress<'wait>>,
    ) -> Result<()> {
        // By the clock: with many VMs, the queries take most of the time.
        let now = self.host.uptime();
        let began = self.waits_since.filter(|_| wait.goes_on).unwrap_or(now);
        self.waits_since = Some(began);
        while !self.holds(&wait.until)? {
            let waited = self.host.uptime().saturating_sub(began);
            if waited >= wait.limit {
                let refusal = wait.refusal.as_ref();
                return refusal.map_or(Ok(()), |refusal| Err(refusal.into()));
            }
            if let (Some(text), None, false) = (&wait.progress, &progress, is_undo) {
                let shown = Progress::begin(text, wait.limit, self.host, self.observer);
                shown.announce(&wait.announcement(text), self.output);
                *progress = Some(shown);
            }
            match progress {
                Some(progress) => progress.pause(wait.every, waited, self.host, self.output),
                None => self.host.pause(wait.every),
            }
            if !is_undo {
                check_interrupt(self.host)?;
            }
        }
        Ok(())
    }

    /// Runs the undos for the end of the plan.
    fn finish(mut self) -> Result<Summary> {
        self.armed.retain(|undo| undo.when == When::End);
        let (_, failures) = self.undo();
        let mut failures = failures.into_iter();
        let Some(mut first) = failures.next() else {
            return Ok(self.report);
        };
        if let Some(ending) = self.report.ending {
            first = first.note(format!("before that, the guest {ending}"));
        }
        for failure in failures {
            first = first.note(format!("and {failure}"));
            first.notes.extend(failure.notes);
        }
        first.notes.append(&mut self.report.notes);
        Err(first)
    }

    /// Runs the armed undos, and reports them in the error.
    ///
    /// Differs: A command that fails stops the boot and undoes it
    fn undo_after(mut self, mut error: Error) -> Error {
        if let Some(done) = self.done {
            error = error.note(format!("not undone: {done}"));
        }
        if self.steps > 0 && !self.is_running {
            let steps = if self.steps == 1 { "step" } else { "steps" };
            error = error.note(format!("{} {steps} succeeded before", self.steps));
        }
        let word = if self.is_running { "freed" } else { "undone" };
        if self.armed.iter().any(|undo| undo.when == When::Failure) {
            self.observer.takes_back(self.host);
        }
        let (undone, failures) = self.undo();
        if !undone.is_empty() {
            error = error.note(format!("{word}: {}", undone.join(", ")));
        }
        for failure in failures {
            error = error.note(failure.to_string());
            error.notes.extend(failure.notes);
        }
        error.notes.append(&mut self.report.notes);
        error
    }

    /// Runs every armed undo, the last one first; a failure does not stop the others.
    fn undo(&mut self) -> (Vec<&'plan str>, Vec<Error>) {
        self.host.shield(true);
        let (mut undone, mut failures) = (Vec::new(), Vec::new());
        while let Some(undo) = self.armed.pop() {
            let (before, mut changed) = (failures.len(), false);
            for form in &undo.forms {
                let result = match form {
                    Form::Step(step) => self.step(step).map(|made| changed |= made),
                    Form::Wait(wait) => self.wait(wait, true),
                    Form::Guard(guard) => self.guard(guard),
                    other => self.forms(std::slice::from_ref(other)),
                };
                failures.extend(result.err().map(|mut error| {
                    error.what = format!("could not clean up {}: {}", undo.what, error.what);
                    error
                }));
            }
            if changed && failures.len() == before {
                undone.push(undo.what.as_str());
            }
        }
        self.host.shield(false);
        // Each of several links has an undo of its own.
        undone.dedup();
        (undone, failures)
    }
}
