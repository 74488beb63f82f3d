//! Prints a log, and follows it from file to file.

use super::{Output, not_written};
use crate::error::{Error, Result};
use crate::host::{Host, OpenFile};
use crate::plan::Log;
use crate::vis;
use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The time between two looks for new lines.
const EVERY: Duration = Duration::from_millis(500);

/// Prints the end of a log; with [`Log::followed`] also what is added until a signal arrives.
///
/// # Errors
/// If a file cannot be read, or the output cannot be written.
pub(super) fn show(log: &Log, host: &mut dyn Host, output: &mut Output<'_>) -> Result<()> {
    let (rotated, mut file) = both(log, host)?;
    let mut text = Vec::new();
    if let Some(mut rotated) = rotated {
        read(&mut rotated, &log.rotated, &mut text)?;
        end_line(&mut text);
    }
    if let Some(file) = &mut file {
        read(file, &log.file, &mut text)?;
    }
    if log.followed.is_none() {
        return print(&text, log.lines, output);
    }
    print(&whole_lines(&mut text), log.lines, output)?;
    while host.interrupted().is_none() {
        host.pause(EVERY);
        add(log, host, &mut file, &mut text)?;
        print(&whole_lines(&mut text), None, output)?;
    }
    Ok(())
}

/// Opens both files, and not one file twice if it is renamed meanwhile.
fn both(log: &Log, host: &mut dyn Host) -> Result<(Option<OpenFile>, Option<OpenFile>)> {
    loop {
        let file = open(&log.file, host)?;
        let rotated = open(&log.rotated, host)?;
        if !is_same(file.as_ref(), rotated.as_ref()) {
            return Ok((rotated, file));
        }
    }
}

/// Adds what was written since, and replaces the open file if another one has its name.
fn add(
    log: &Log,
    host: &mut dyn Host,
    file: &mut Option<OpenFile>,
    text: &mut Vec<u8>,
) -> Result<()> {
    // Opened before the rest of the previous file is read: nothing is added to that file after it was
    // renamed.
    let next = open(&log.file, host)?;
    if let Some(file) = file {
        read(file, &log.file, text)?;
    }
    let Some(mut next) = next else { return Ok(()) };
    if is_same(file.as_ref(), Some(&next)) {
        return Ok(());
    }
    // A stopped process may have missed a whole file.
    let rotated = open(&log.rotated, host)?;
    let is_known =
        is_same(rotated.as_ref(), file.as_ref()) || is_same(rotated.as_ref(), Some(&next));
    if let Some(mut missed) = rotated.filter(|_| !is_known) {
        end_line(text);
        read(&mut missed, &log.rotated, text)?;
    }
    end_line(text);
    read(&mut next, &log.file, text)?;
    *file = Some(next);
    Ok(())
}

fn is_same(one: Option<&OpenFile>, other: Option<&OpenFile>) -> bool {
    one.zip(other)
        .is_some_and(|(one, other)| one.identity == other.identity)
}

/// Opens a file; `None` if it does not exist.
fn open(path: &Path, host: &mut dyn Host) -> Result<Option<OpenFile>> {
    match host.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(not_read(path, &error)),
    }
}

/// Reads a file from the current position to its end.
fn read(file: &mut OpenFile, path: &Path, text: &mut Vec<u8>) -> Result<()> {
    let read = file.content.read_to_end(text);
    read.map(|_| ()).map_err(|error| not_read(path, &error))
}

/// The error of a log that cannot be read.
pub fn not_read(path: &Path, error: &io::Error) -> Error {
    Error::host(format!(
        "could not read the log {}: {error}",
        vis::shown(path)
    ))
}

/// Ends a line that was cut short.
fn end_line(text: &mut Vec<u8>) {
    if text.last().is_some_and(|&last| last != b'\n') {
        text.push(b'\n');
    }
}

/// Takes the whole lines out of a text.
fn whole_lines(text: &mut Vec<u8>) -> Vec<u8> {
    let end = text.iter().rposition(|&byte| byte == b'\n');
    text.drain(..end.map_or(0, |end| end + 1)).collect()
}

/// Prints the last `lines` lines of a text, or all.
fn print(text: &[u8], lines: Option<usize>, output: &mut Output<'_>) -> Result<()> {
    let all = vis::lines_of(text).count();
    let skipped = lines.map_or(0, |lines| all.saturating_sub(lines));
    let mut shown = String::new();
    for line in vis::lines_of(text).skip(skipped) {
        // A string can always be written to.
        let _ = writeln!(shown, "{line}");
    }
    let written = output.out.write_all(shown.as_bytes());
    written
        .and_then(|()| output.out.flush())
        .map_err(not_written)
}
