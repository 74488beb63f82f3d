//! The executor: does what a plan says, and takes it back when it fails.
//!
//! Knows no verb and no program. [`crate::script`] prints the same plan for sh(1).

mod failure;

use crate::command::Command;
use crate::error::{Error, Result};
use crate::host::elevate::Elevation;
use crate::host::{Ended, Finished, Host};
use crate::plan::{Action, Form, Loop, Plan, Step, Test, Undo, Wait, When};
use crate::tools;
use failure::{judge, no_answer, not_started};
pub use failure::{not_written, signal_name};
use std::io::Write;

/// What a finished plan has to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What the last status of a command with meanings meant, in words that follow "the guest".
    pub ending: Option<&'static str>,
}

/// Carries out `plan`.
///
/// # Errors
/// The first failure, with what was undone; nothing is started if a program is missing.
pub fn execute(
    plan: &Plan,
    elevation: Elevation,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<Report> {
    for command in plan.commands() {
        for program in elevation.wrap(command).programs() {
            tools::require(program, host)?;
        }
    }
    host.heed_signals()
        .map_err(|error| Error::host(format!("could not watch for signals: {error}")))?;
    let mut run = Run {
        host,
        output,
        elevation,
        armed: Vec::new(),
        done: None,
        steps: 0,
        report: Report::default(),
    };
    match run.forms(&plan.forms) {
        Ok(()) => run.finish(),
        Err(error) => Err(run.take_back(error)),
    }
}

/// Where a run writes.
pub struct Output<'writer> {
    /// Standard output.
    pub out: &'writer mut dyn Write,
    /// Standard error.
    pub err: &'writer mut dyn Write,
}

struct Run<'plan, 'host, 'writer> {
    host: &'host mut dyn Host,
    output: &'host mut Output<'writer>,
    elevation: Elevation,
    armed: Vec<&'plan Undo>,
    done: Option<&'plan str>,
    steps: usize,
    report: Report,
}

impl<'plan> Run<'plan, '_, '_> {
    fn forms(&mut self, forms: &'plan [Form]) -> Result<()> {
        for form in forms {
            if form.can_be_stopped() {
                self.heed_signals()?;
            }
            match form {
                Form::Step(step) => {
                    self.step(step)?;
                }
                Form::Guard(guard) => {
                    if !self.holds(&guard.test)? {
                        return Err(Error::from(&guard.refusal));
                    }
                }
                Form::Wait(wait) => self.wait(wait)?,
                Form::Loop(round) => self.rounds(round)?,
                Form::Undo(undo) => self.armed.push(undo),
                Form::NoReturn(point) => {
                    self.armed.retain(|undo| undo.when == When::End);
                    self.done = Some(&point.done);
                }
                Form::Root(inner) => self.forms(inner)?,
            }
        }
        Ok(())
    }

    fn heed_signals(&mut self) -> Result<()> {
        match self.host.interrupted() {
            Some(signal) => Err(Error::host(format!(
                "interrupted by {}",
                signal_name(signal)
            ))),
            None => Ok(()),
        }
    }

    /// Makes a step; returns whether its condition asked for it.
    fn step(&mut self, step: &Step) -> Result<bool> {
        if let Some(test) = &step.only_if
            && !self.holds(test)?
        {
            return Ok(false);
        }
        match &step.action {
            Action::Run(command) => {
                self.run(command)?;
            }
            Action::File(change) => self.host.change(change).map_err(|error| {
                Error::host(format!("{}: {error}", change.describe()))
                    .help("is the directory yours? look with ls -ld")
            })?,
            Action::Print(text) => self.output.out.write_all(text).map_err(not_written)?,
        }
        self.steps += 1;
        Ok(true)
    }

    /// Runs a command; returns its status, one of those that are no failure.
    fn run(&mut self, command: &Command) -> Result<i32> {
        let wrapped = self.elevation.wrap(command);
        let finished = self
            .host
            .run(&wrapped)
            .map_err(|error| not_started(&wrapped, &error))?;
        let status = judge(command, &wrapped, self.elevation, &finished)?;
        if let Some(words) = command.meaning(status) {
            self.report.ending = Some(words);
        }
        Ok(status)
    }

    fn holds(&mut self, test: &Test) -> Result<bool> {
        match test {
            Test::Exists(path) => self.host.exists(path).map_err(|error| {
                Error::host(format!(
                    "could not tell whether {} exists: {error}",
                    path.display()
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
                if finished.ended != Ended::Exit(0) {
                    return Err(no_answer(command, &finished));
                }
                Ok(String::from_utf8_lossy(&finished.stdout).contains(text))
            }
            Test::Confirmed(question) => match self.host.confirm(question) {
                Some(answer) => Ok(answer),
                None => Err(
                    Error::usage(format!("{question} There is no terminal to ask on"))
                        .help("say -f to go on without the question"),
                ),
            },
            Test::Not(inner) => Ok(!self.holds(inner)?),
        }
    }

    fn ask(&mut self, command: &Command) -> Result<Finished> {
        self.host
            .ask(command)
            .map_err(|error| not_started(command, &error))
    }

    fn wait(&mut self, wait: &Wait) -> Result<()> {
        let mut looks = wait.looks();
        while !self.holds(&wait.until)? {
            if looks == 0 {
                return match &wait.refusal {
                    Some(refusal) => Err(Error::from(refusal)),
                    None => Ok(()),
                };
            }
            if looks == wait.looks()
                && let Some(progress) = &wait.progress
            {
                // A progress line that cannot be written is no reason to stop.
                let _ = writeln!(self.output.err, "{progress}");
            }
            looks -= 1;
            self.host.pause(wait.every);
            self.heed_signals()?;
        }
        Ok(())
    }

    fn rounds(&mut self, round: &'plan Loop) -> Result<()> {
        loop {
            self.forms(&round.body)?;
            let status = self.run(&round.command)?;
            if !round.again.contains(&status) {
                return Ok(());
            }
            self.heed_signals()?;
        }
    }

    /// Runs what is armed for the end of the plan.
    fn finish(mut self) -> Result<Report> {
        self.armed.retain(|undo| undo.when == When::End);
        let (_, failures) = self.undo();
        let mut failures = failures.into_iter();
        let Some(mut first) = failures.next() else {
            return Ok(self.report);
        };
        if let Some(ending) = self.report.ending {
            first = first.note(format!("before that the guest {ending}"));
        }
        for failure in failures {
            first = first.note(format!("and {failure}"));
            first.notes.extend(failure.notes);
        }
        Err(first)
    }

    /// Takes back what is armed, and says so in the error.
    ///
    /// Differs: A command that fails stops the boot and undoes it
    fn take_back(mut self, mut error: Error) -> Error {
        if let Some(done) = self.done {
            error = error.note(format!("not taken back: {done}"));
        }
        if self.steps > 0 {
            let steps = if self.steps == 1 { "step" } else { "steps" };
            error = error.note(format!("{} {steps} had succeeded before", self.steps));
        }
        let (undone, failures) = self.undo();
        if !undone.is_empty() {
            error = error.note(format!("undone: {}", undone.join(", ")));
        }
        for failure in failures {
            error = error.note(format!("could not undo: {failure}"));
            error.notes.extend(failure.notes);
        }
        error
    }

    /// Tries every armed undo, last first; one that fails does not stop the others.
    fn undo(&mut self) -> (Vec<&'plan str>, Vec<Error>) {
        let (mut undone, mut failures) = (Vec::new(), Vec::new());
        while let Some(undo) = self.armed.pop() {
            let (before, mut changed) = (failures.len(), false);
            for form in &undo.forms {
                let result = match form {
                    Form::Step(step) => self.step(step).map(|made| changed |= made),
                    Form::Wait(wait) => self.wait_to_undo(wait),
                    other => self.forms(std::slice::from_ref(other)),
                };
                failures.extend(result.err().map(|mut error| {
                    error.what = format!("{} stays: {}", undo.what, error.what);
                    error
                }));
            }
            if changed && failures.len() == before {
                undone.push(undo.what.as_str());
            }
        }
        (undone, failures)
    }

    /// As [`Self::wait`], but a signal does not end it: it is what we are cleaning up after.
    fn wait_to_undo(&mut self, wait: &Wait) -> Result<()> {
        for _ in 0..wait.looks() {
            if self.holds(&wait.until)? {
                return Ok(());
            }
            self.host.pause(wait.every);
        }
        match &wait.refusal {
            Some(refusal) if !self.holds(&wait.until)? => Err(Error::from(refusal)),
            _ => Ok(()),
        }
    }
}
