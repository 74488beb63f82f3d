//! The executor: does what a plan says, and takes it back when it fails.
//!
//! Knows no verb and no program. [`crate::script`] prints the same plan for sh(1).

use crate::command::{Command, Streams};
use crate::error::{Error, Kind, Result};
use crate::host::elevate::Elevation;
use crate::host::{Ended, Finished, Host, SpawnError};
use crate::plan::{Action, Form, Loop, Plan, Refusal, Step, Test, Undo, Wait, When};
use crate::tools;
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
            // Not between a step and the undo behind it: what was made must be known to be undone.
            if !matches!(form, Form::Undo(_) | Form::NoReturn(_)) {
                self.heed_signals()?;
            }
            match form {
                Form::Step(step) => {
                    self.step(step)?;
                }
                Form::Guard(guard) => {
                    if !self.holds(&guard.test)? {
                        return Err(refused(&guard.refusal));
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
                let finished = self.run(command)?;
                self.judge(command, &finished)?;
            }
            Action::File(change) => self
                .host
                .change(change)
                .map_err(|error| Error::host(format!("{}: {error}", change.describe())))?,
            Action::Print(text) => self.output.out.write_all(text)?,
        }
        self.steps += 1;
        Ok(true)
    }

    fn run(&mut self, command: &Command) -> Result<Finished> {
        let wrapped = self.elevation.wrap(command);
        self.host
            .run(&wrapped)
            .map_err(|error| not_started(&wrapped, &error))
    }

    /// Decides whether the way a command ended is a failure.
    fn judge(&mut self, command: &Command, finished: &Finished) -> Result<i32> {
        let wrapped = self.elevation.wrap(command);
        let untitled =
            command.title.is_some() && !finished.titled && finished.ended == Ended::Exit(1);
        match finished.ended {
            Ended::Exit(status) if command.accept.contains(&status) && !untitled => {
                if let Some(words) = command.meaning(status) {
                    self.report.ending = Some(words);
                }
                Ok(status)
            }
            ended => Err(self.failed(command, &wrapped, ended, finished, untitled)),
        }
    }

    fn failed(
        &self,
        command: &Command,
        wrapped: &Command,
        ended: Ended,
        finished: &Finished,
        untitled: bool,
    ) -> Error {
        let stderr = String::from_utf8_lossy(&finished.stderr);
        let last = stderr.trim_end().lines().last().unwrap_or_default();
        if let (Some(word), Ended::Exit(1)) = (self.elevation.word(), ended)
            && wrapped.program == word
            && last.starts_with(&format!("{word}:"))
        {
            return Error::host(format!("{word} did not run {}", command.program))
                .note(format!("command: {wrapped}"))
                .note(format!("{word} said: {last}"))
                .help(self.elevation.how_to_allow());
        }
        let how = match ended {
            Ended::Exit(status) => match command.meaning(status) {
                Some(words) if !untitled => {
                    format!("ended with status {status}: the guest {words}")
                }
                _ => format!("failed with status {status}"),
            },
            Ended::Signal(signal) => format!("was ended by {}", signal_name(signal)),
        };
        let mut error =
            Error::host(format!("{} {how}", command.program)).note(format!("command: {wrapped}"));
        for line in stderr.lines().filter(|line| !line.trim().is_empty()) {
            error = error.note(format!("stderr: {line}"));
        }
        if command.streams == Streams::Captured && last.is_empty() {
            error = error.note("stderr: nothing");
        }
        // Only a captured command's last line tells whose status 1 is.
        if let Some(word) = self.elevation.word()
            && wrapped.program == word
            && command.streams != Streams::Captured
            && ended == Ended::Exit(1)
        {
            error = error
                .note(format!(
                    "either {word} refused to run it, or {} gave up itself: see above",
                    command.program
                ))
                .help(self.elevation.how_to_allow());
        }
        error
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
                    ended => Err(self.no_answer(command, ended, &finished)),
                }
            }
            Test::Mentions { command, text } => {
                let finished = self.ask(command)?;
                if finished.ended != Ended::Exit(0) {
                    return Err(self.no_answer(command, finished.ended, &finished));
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

    fn no_answer(&self, question: &Command, ended: Ended, finished: &Finished) -> Error {
        self.failed(question, question, ended, finished, false)
            .note("so the question that it answers is open")
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
                    Some(refusal) => Err(refused(refusal)),
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
            let finished = self.run(&round.command)?;
            let status = self.judge(&round.command, &finished)?;
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
        match failures.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.report),
        }
    }

    /// Takes back what is armed, and says so in the error.
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
                failures.extend(result.err());
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
            Some(refusal) if !self.holds(&wait.until)? => Err(refused(refusal)),
            _ => Ok(()),
        }
    }
}

fn refused(refusal: &Refusal) -> Error {
    let mut error = Error::new(refusal.kind, refusal.what.clone());
    error.help.extend(refusal.help.clone());
    error
}

fn not_started(command: &Command, error: &SpawnError) -> Error {
    match error {
        SpawnError::NotFound => Error::host(format!("{} is not installed", command.program))
            .note(format!("command: {command}"))
            .help(tools::how_to_install(command.program)),
        SpawnError::Refused(why) => {
            Error::host(format!("{} could not be started: {why}", command.program))
                .note(format!("command: {command}"))
        }
    }
}

/// A signal's name, as kill(1) spells it with its prefix.
pub fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal).map_or_else(
        |_| format!("signal {signal}"),
        |known| known.as_str().to_owned(),
    )
}

impl From<std::io::Error> for Error {
    /// A failure to write to standard output; the kind of a lost reader is kept in the words.
    fn from(error: std::io::Error) -> Self {
        Error::new(
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                Kind::Pipe
            } else {
                Kind::Host
            },
            format!("standard output: {error}"),
        )
    }
}
