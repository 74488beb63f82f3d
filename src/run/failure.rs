//! Whether the end of a command is a failure, and the error for it.

use super::causes;
use super::system::remedy;
use crate::command::{Command, Streams};
use crate::error::{Error, Kind, Result};
use crate::host::programs;
use crate::host::{Afterwards, ChangeError, Ended, Finished, SpawnError};
use crate::model::name::VmName;
use crate::plan::FileChange;
use crate::plan::Workers;
use crate::tools::{grub, zfs};
use crate::{quote, vis};
use nix::libc::SIGPIPE;
use std::io;

/// The size of the kept end of a command's output for an error, in bytes.
pub(super) const STDERR_KEPT: usize = 4096;

/// Returns the status of `command`, or the error if its end is a failure.
///
/// `titled`: whether the title of a started bhyve(8) was seen, if it has one.
///
/// # Errors
/// If its status is not accepted, or is 1 without the title.
pub fn judge(command: &Command, finished: &Finished, titled: bool) -> Result<i32> {
    // In the background the title must be seen, whatever the status.
    let counts = finished.ended == Ended::Exit(1) || command.streams == Streams::Relayed;
    let untitled = command.title.is_some() && !titled && counts;
    match finished.ended {
        Ended::Exit(status) if command.accept.contains(&status) && !untitled => Ok(status),
        Ended::Signal(SIGPIPE) if command.streams == Streams::Shown => {
            Err(not_written(io::ErrorKind::BrokenPipe.into()))
        }
        _ => Err(failed(command, finished, untitled)),
    }
}

/// The error of a file that could not be changed.
pub fn not_changed(change: &FileChange, error: &ChangeError) -> Error {
    let failed = Error::host(format!("{}: {error}", change.describe()));
    let help = match error {
        ChangeError::Meanwhile(kept) => {
            let stays = |path| {
                format!(
                    "another version of the file remains in {}",
                    vis::shown(path)
                )
            };
            let failed = kept.iter().map(stays).fold(failed, Error::note);
            return failed.help("repeat the command, which reads the current file");
        }
        ChangeError::Secret(_) => return failed,
        ChangeError::Locked => "repeat the command, which reads the current file".to_owned(),
        ChangeError::Ownership(_) => format!(
            "edit the file as its owner: ls -l {}",
            quote::shown(change.path())
        ),
        ChangeError::System(error) => match remedy(error, change.path()) {
            Some(remedy) => remedy,
            None if error.kind() != io::ErrorKind::PermissionDenied => return failed,
            None if matches!(change, FileChange::Replace { .. }) => {
                "check the owners of the file and its directory with ls -ld".to_owned()
            }
            None => "check the owner of the directory with ls -ld".to_owned(),
        },
    };
    failed.help(help)
}

/// The note about a changed file with a warning.
pub(super) fn changed_but(change: &FileChange, after: &Afterwards) -> String {
    format!("{} is changed, {after}", vis::shown(change.path()))
}

/// The error for a signal without a receiver.
pub(super) fn no_receiver(by: &Command, to: &Workers) -> Error {
    let names: Vec<&str> = to.vms.iter().map(VmName::as_str).collect();
    Error::host(format!(
        "no process to signal: {} has no {}",
        names.join(", "),
        to.work.as_str()
    ))
    .note(format!("command: {by} PID"))
    .help("check the state: easy-bhyve status")
}

fn failed(command: &Command, finished: &Finished, untitled: bool) -> Error {
    let program = command.last_program();
    let signal = match finished.ended {
        Ended::Exit(status) => causes::signal_in(command, status),
        Ended::Signal(signal) => Some(signal),
    };
    let of_status = match finished.ended {
        Ended::Exit(status) => causes::of_status(command, status),
        Ended::Signal(_) => None,
    };
    let words = of_status
        .map(|known| known.message.to_owned())
        .or_else(|| signal.map(terminated_by));
    let in_words =
        |words: Option<String>| words.map_or_else(String::new, |words| format!(": {words}"));
    let what = match finished.ended {
        Ended::Signal(signal) if untitled => {
            format!("{program} did not start: {}", terminated_by(signal))
        }
        Ended::Signal(signal) => format!("{program} was terminated by {}", signal_name(signal)),
        // The status has no meaning for a guest that never ran.
        Ended::Exit(status) if untitled => format!(
            "{program} did not start, and exited with status {status}{}",
            in_words(words)
        ),
        Ended::Exit(status) => match command.meaning(status) {
            Some(meaning) => format!("{program} exited with status {status}: the guest {meaning}"),
            None => format!("{program} failed with status {status}{}", in_words(words)),
        },
    };
    let refusal = zfs::refusal::of(command, &finished.stderr);
    if let Some(refusal) = refusal {
        let help = refusal.help_for(command);
        return Error::host(refusal.what)
            .note(format!("command: {command}"))
            .help(help);
    }
    let error = Error::host(what).note(format!("command: {command}"));
    let mut error = with_stderr(error, command, &finished.stderr);
    let known = of_status.or_else(|| causes::of_signal(command, signal?));
    // The output is more specific than the status.
    if let Some(known) = known.filter(|_| error.help.is_empty()) {
        error = error
            .note(format!("likely cause: {}", known.cause_for(command)))
            .help(known.remedy_for(command));
    }
    match command.streams {
        Streams::Captured | Streams::Relayed if finished.stderr.trim_ascii().is_empty() => {
            error.note("stderr: empty")
        }
        _ => error,
    }
}

fn terminated_by(signal: i32) -> String {
    format!("terminated by {}", signal_name(signal))
}

/// Adds the command's output to the error, with cause and remedy if known.
pub(super) fn with_stderr(mut error: Error, command: &Command, stderr: &[u8]) -> Error {
    let text = String::from_utf8_lossy(stderr);
    let complaints = complaints(command, &text);
    for complaint in &complaints {
        error = error.note(format!("grub: {complaint}"));
    }
    let lines = vis::lines_of(stderr).filter(|line| !line.is_blank());
    for line in lines.filter(|_| complaints.is_empty()) {
        error = error.note(format!("stderr: {line}"));
    }
    let text = match complaints.as_slice() {
        [] => text.into_owned(),
        complaints => complaints.join("\n"),
    };
    match causes::of(&text) {
        Some(known) => error
            .note(format!("likely cause: {}", known.cause_for(command)))
            .help(known.remedy_for(command)),
        None => error,
    }
}

/// The complaints of grub, if the command is grub.
fn complaints(command: &Command, said: &str) -> Vec<String> {
    match command.last_program() {
        "grub-bhyve" => grub::complaints(said),
        _ => Vec::new(),
    }
}

/// The error of a wait for a started command.
pub fn not_watched(command: &Command, error: &io::Error) -> Error {
    Error::host(format!("could not wait for {}: {error}", command.program))
        .note(format!("command: {command}"))
}

/// The error of a failed query.
pub fn no_answer(question: &Command, finished: &Finished) -> Error {
    failed(question, finished, false).note("the query of the host has no result")
}

/// The error of a command that did not start.
pub fn not_started(command: &Command, error: &SpawnError) -> Error {
    match error {
        SpawnError::NotFound => Error::host(format!("{} is not installed", command.program))
            .note(format!("command: {command}"))
            .help(programs::how_to_install(command.program)),
        SpawnError::Refused(why) => {
            let failed = Error::host(format!("{} could not be started: {why}", command.program))
                .note(format!("command: {command}"));
            match why.kind() {
                // fork(2)
                io::ErrorKind::WouldBlock => {
                    failed.help("this user has reached the limit of processes: limits -u")
                }
                _ => failed,
            }
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

/// The error of a write to standard output; [`Kind::Pipe`] if the reader has exited.
#[expect(clippy::needless_pass_by_value, reason = "an operand of map_err")]
pub fn not_written(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::BrokenPipe {
        Kind::Pipe
    } else {
        Kind::Host
    };
    let failed = Error::new(kind, format!("standard output: {error}"));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failed.help("the file system of the output is full: see df -h; free space")
        }
        _ => failed,
    }
}

/// The error for a question without a terminal.
pub(super) fn unasked(question: &str, otherwise: &str) -> Error {
    let (lost, asked) = question.rsplit_once('\n').unwrap_or(("", question));
    let error = Error::usage(format!("{asked} There is no terminal to ask on"));
    lost.lines()
        .fold(error, |error, line| error.note(line.trim_start()))
        .help(otherwise)
}
