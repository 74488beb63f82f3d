//! Supervises the rounds of a command: a guest's bhyve(8), from its first start to its last end.

use super::causes;
use super::failure::{STDERR_KEPT, judge, not_started, not_watched};
use super::progress::{self, FRAME, Line};
use super::{Phase, RoundEnd, Run, check_interrupt, signal_name};
use crate::command::{Command, Streams};
use crate::error::{Error, Result};
use crate::host::{Ended, Event, Finished, Interruption};
use crate::plan::{Loop, Step, When};
use crate::tools::process;
use nix::libc::SIGHUP;
use std::time::Duration;

/// The time between two checks for interruptions.
const INTERRUPT_INTERVAL: Duration = Duration::from_secs(1);

/// The time between two checks for the title: at first, and at most.
const TITLE_INTERVALS: (Duration, Duration) =
    (Duration::from_millis(40), Duration::from_millis(500));

impl<'plan> Run<'plan, '_, '_> {
    /// Runs the rounds of a loop.
    ///
    /// # Errors
    /// If a form before the command fails, the command does not start, its end is neither accepted nor a
    /// reason for another round, or it ends too often.
    pub(super) fn rounds(&mut self, round: &'plan Loop) -> Result<()> {
        let armed = self.armed.len();
        let mut ends: Vec<Duration> = Vec::new();
        let mut first = round.first.as_ref();
        loop {
            self.observer.phase(self.host, Phase::Loading)?;
            self.forms(&round.body)?;
            // The undos of the body end when the command starts.
            self.armed.truncate(armed);
            let had_begun = self.has_begun;
            let (finished, titled) = self.round(round, first.take())?;
            if let Ended::Exit(status) = finished.ended
                && Loop::NOT_STARTED.contains(&status)
                && !titled
            {
                self.has_begun = had_begun;
            }
            let judged = judge(&round.command, &finished, titled);
            let has_worked = titled || round.command.title.is_none();
            let wants_another = match &judged {
                Ok(status) => round.again.contains(status) && has_worked,
                Err(_) => round.again_if_failed && has_worked,
            };
            let wants_another = wants_another && self.host.interrupted().is_none();
            if wants_another {
                let now = self.host.uptime();
                ends.push(now);
                ends.retain(|end| now.saturating_sub(*end) < Loop::WITHIN);
            }
            let again = wants_another && ends.len() <= Loop::MOST_ENDS;
            // A command that did not start is reported as a failure.
            if has_worked || judged.is_ok() {
                let end = RoundEnd {
                    how: &outcome(&round.command, &finished),
                    status: match finished.ended {
                        Ended::Exit(status) => Some(status),
                        Ended::Signal(_) => None,
                    },
                    is_crash: judged.is_err() && self.host.interrupted().is_none(),
                    again,
                };
                self.observer.ended(self.host, end);
            }
            if wants_another && !again {
                return Err(too_often(round));
            }
            if !again {
                let status = judged?;
                self.report.ending = round.command.meaning(status).or(self.report.ending);
                return Ok(());
            }
            self.forms(&round.between)?;
        }
    }

    /// Runs the command of one round to its end; returns whether its title was seen. `waiting` is the
    /// command of the first round that waits for a user.
    fn round(
        &mut self,
        round: &'plan Loop,
        waiting: Option<&'plan Command>,
    ) -> Result<(Finished, bool)> {
        check_interrupt(self.host)?;
        let command = waiting.unwrap_or(&round.command);
        let start_limit = round.start_limit.filter(|_| waiting.is_none());
        let pid = self.begin(command)?;
        self.has_begun = true;
        self.observer.phase(self.host, Phase::Starting(pid))?;
        // By pid: any process can set this title.
        let question = command.title.as_ref().map(|_| process::who_is(pid));
        let began = self.host.uptime();
        let (mut interval, longest) = TITLE_INTERVALS;
        let mut look_at = began + interval;
        let (mut titled, mut told) = (false, None);
        let mut tail = Vec::new();
        loop {
            // By the clock: the output may never pause.
            if let Some(question) = question.as_ref().filter(|_| !titled)
                && self.host.uptime() >= look_at
            {
                let answer = self.host.ask(question);
                if answer.is_ok_and(|answer| shows_title(command, &answer)) {
                    titled = true;
                    if !self.is_running {
                        self.is_running = true;
                        self.armed.retain(|undo| undo.when == When::End);
                    }
                    self.once_running(&round.once_running);
                    self.observer.phase(self.host, Phase::Running(pid))?;
                } else if let Some(limit) = start_limit
                    && self.host.uptime().saturating_sub(began) >= limit
                {
                    return Err(not_seen(command, limit, &tail));
                }
                interval = (interval * 5 / 4).min(longest);
                look_at = self.host.uptime() + interval;
            }
            let until_look = question
                .as_ref()
                .filter(|_| !titled)
                .map(|_| look_at.saturating_sub(self.host.uptime()));
            let limit = until_look.or(told.map(|_| INTERRUPT_INTERVAL));
            let has_terminal = command.streams == Streams::Terminal;
            let is_interruptible = !self.is_running || has_terminal && told.is_none();
            let event = self
                .host
                .watch(pid, limit, is_interruptible)
                .map_err(|error| not_watched(command, &error))?;
            match event {
                Event::Ended(mut finished) => {
                    finished.stderr = tail;
                    return Ok((finished, titled));
                }
                Event::Said(lines) => {
                    self.observer.said(self.host, &lines);
                    keep(&mut tail, &lines);
                }
                Event::Interrupted if !self.is_running => check_interrupt(self.host)?,
                Event::Interrupted | Event::Overdue => {}
            }
            if self.is_running && has_terminal && self.host.interrupted() != told {
                told = self.host.interrupted();
                // If this process is the session leader, the loss of the terminal signals no other process.
                if told == Some(Interruption::Signal(SIGHUP)) {
                    let _ = self.host.signal(pid, SIGHUP);
                }
            }
        }
    }

    /// Takes the steps after a start. The guest runs already, and goes on if one fails.
    fn once_running(&mut self, steps: &'plan [Step]) {
        for step in steps {
            if let Err(error) = self.step(step) {
                self.observer
                    .said(self.host, format!("{error}\n").as_bytes());
                self.report.notes.push(error.to_string());
            }
        }
    }

    /// Runs a command with relayed output to its end; the undos end an interrupted command, but not one
    /// that fills a file, which is never interrupted.
    pub(super) fn relayed(&mut self, command: &Command) -> Result<Finished> {
        let mut line = Line::default();
        let result = self.relayed_with(command, &mut line);
        line.erase(self.output);
        result
    }

    fn relayed_with(&mut self, command: &Command, line: &mut Line) -> Result<Finished> {
        let fills = command.fills.as_ref();
        let began = self.host.uptime();
        let pid = self.begin(command)?;
        let mut tail = Vec::new();
        loop {
            if let Some((file, size)) = fills {
                let made = self.host.about(file).map_or(0, |about| about.size);
                let time = self.host.uptime().saturating_sub(began);
                let how_far = progress::bytes(made, *size, time);
                line.draw("making the disk", &how_far, "", self.output);
            }
            let event = self
                .host
                .watch(pid, fills.map(|_| FRAME), fills.is_none())
                .map_err(|error| not_watched(command, &error))?;
            match event {
                Event::Ended(mut finished) => {
                    finished.stderr = tail;
                    return Ok(finished);
                }
                Event::Said(lines) => {
                    self.observer.said(self.host, &lines);
                    keep(&mut tail, &lines);
                }
                Event::Interrupted => check_interrupt(self.host)?,
                Event::Overdue => {}
            }
        }
    }

    fn begin(&mut self, command: &Command) -> Result<u32> {
        self.host
            .begin(command)
            .map_err(|error| not_started(command, &error))
    }
}

/// Whether ps(1) lists the process of a command under its title.
fn shows_title(command: &Command, answer: &Finished) -> bool {
    let listing = String::from_utf8_lossy(&answer.stdout);
    let title = command.title.as_deref().unwrap_or_default();
    process::parse_who(&listing)
        .iter()
        .any(|process| process.has_title(title, command.program))
}

/// Keeps the end of a child's output, from the start of a line.
fn keep(tail: &mut Vec<u8>, lines: &[u8]) {
    tail.extend_from_slice(lines);
    if tail.len() > STDERR_KEPT {
        let cut = tail.len() - STDERR_KEPT;
        let line = tail.iter().skip(cut).position(|&byte| byte == b'\n');
        tail.drain(..cut + line.map_or(0, |line| line + 1));
    }
}

/// The end of a round, in words that follow "the guest", or the signal that ended it.
fn outcome(command: &Command, finished: &Finished) -> String {
    match finished.ended {
        Ended::Exit(status) => command.meaning(status).map_or_else(
            || format!("exited with status {status}"),
            |words| format!("{words} (status {status})"),
        ),
        Ended::Signal(signal) => format!("was terminated by {}", signal_name(signal)),
    }
}

fn too_often(round: &Loop) -> Error {
    Error::host(format!(
        "the guest has ended more than {} times within {} s, so it is not started again",
        Loop::MOST_ENDS,
        Loop::WITHIN.as_secs()
    ))
    .note(format!("command: {}", round.command))
    .help(causes::SILENT.remedy_for(&round.command))
}

fn not_seen(command: &Command, limit: Duration, said: &[u8]) -> Error {
    let error = Error::host(format!(
        "{} did not start within {} s: its title was never seen",
        command.program,
        limit.as_secs()
    ))
    .note(format!("command: {command}"));
    let error = super::failure::with_stderr(error, command, said);
    if error.help.is_empty() {
        error.help(causes::SILENT.remedy_for(command))
    } else {
        error
    }
}
