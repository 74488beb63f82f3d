//! When the way a command ended is a failure, and what there is to say about it.

use crate::command::{Command, Streams};
use crate::error::{Error, Kind, Result};
use crate::host::elevate::Elevation;
use crate::host::{Ended, Finished, SpawnError};
use crate::tools;
use nix::libc::SIGPIPE;
use std::io;

/// Decides whether the way `command` ended is a failure; `wrapped` is what was spawned for it.
///
/// # Errors
/// If its status is none of those that are accepted, if the escalator refused, or if a status of 1
/// came without the title by which a started bhyve(8) is known.
pub(super) fn judge(
    command: &Command,
    wrapped: &Command,
    elevation: Elevation,
    finished: &Finished,
) -> Result<i32> {
    let untitled = command.title.is_some() && !finished.titled && finished.ended == Ended::Exit(1);
    match finished.ended {
        Ended::Exit(status) if command.accept.contains(&status) && !untitled => Ok(status),
        Ended::Signal(SIGPIPE) if command.streams == Streams::Shown => {
            Err(not_written(io::ErrorKind::BrokenPipe.into()))
        }
        _ => Err(failed(command, wrapped, elevation, finished, untitled)),
    }
}

fn failed(
    command: &Command,
    wrapped: &Command,
    elevation: Elevation,
    finished: &Finished,
    untitled: bool,
) -> Error {
    let stderr = String::from_utf8_lossy(&finished.stderr);
    let last = stderr.trim_end().lines().last().unwrap_or_default();
    let between = elevation.word().filter(|word| wrapped.program == *word);
    // A refusal has status 1, as many a failure of the command itself.
    let escalator = between.filter(|_| finished.ended == Ended::Exit(1));
    if let Some(word) = escalator
        && let Some(said) = elevation.refusal(&stderr)
    {
        return Error::host(format!("{word} did not run {}", command.program))
            .note(format!("command: {wrapped}"))
            .note(format!("{word} said: {said}"))
            .help(elevation.how_to_allow(said));
    }
    let how = match finished.ended {
        Ended::Exit(status) => match command.meaning(status) {
            Some(words) if !untitled => format!("ended with status {status}: the guest {words}"),
            _ => match between.zip(signal_in(status)) {
                Some((word, signal)) => format!(
                    "failed with status {status}, by which {word} may mean {}",
                    signal_name(signal)
                ),
                None => format!("failed with status {status}"),
            },
        },
        Ended::Signal(signal) => format!("was ended by {}", signal_name(signal)),
    };
    let mut error =
        Error::host(format!("{} {how}", command.program)).note(format!("command: {wrapped}"));
    for line in stderr.lines().filter(|line| !line.trim().is_empty()) {
        error = error.note(format!("stderr: {line}"));
    }
    match (command.streams, escalator) {
        (Streams::Captured, _) if last.is_empty() => error.note("stderr: nothing"),
        (Streams::Captured, _) | (_, None) => error,
        (_, Some(word)) => error.note(format!(
            "either {word} refused to run it, or {} gave up itself: what they said stands above",
            command.program
        )),
    }
}

/// The failure of a question that was not answered.
pub(super) fn no_answer(question: &Command, finished: &Finished) -> Error {
    failed(question, question, Elevation::None, finished, false)
        .note("so the question that it answers is open")
}

/// The failure of a command that did not start.
pub(super) fn not_started(command: &Command, error: &SpawnError) -> Error {
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

/// The signal that a status stands for where something between has waited for the command, as
/// OpenDoas does (`pam.c`).
fn signal_in(status: i32) -> Option<i32> {
    let signal = status.checked_sub(128)?;
    nix::sys::signal::Signal::try_from(signal)
        .ok()
        .map(|known| known as i32)
}

/// A signal's name, as kill(1) spells it with its prefix.
pub fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal).map_or_else(
        |_| format!("signal {signal}"),
        |known| known.as_str().to_owned(),
    )
}

/// The failure to write to standard output; that its reader has gone is none.
#[expect(clippy::needless_pass_by_value, reason = "stands behind map_err")]
pub fn not_written(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::BrokenPipe {
        Kind::Pipe
    } else {
        Kind::Host
    };
    Error::new(kind, format!("standard output: {error}"))
}
