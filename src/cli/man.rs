//! `easy-bhyve man`: shows a manual page.

use super::invocation;
use super::invocation::options::ManArgs;
use crate::command::{Command, Streams};
use crate::error::Result;
use crate::host::Host;
use crate::manual;
use crate::plan::FileChange;
use crate::run;
use crate::session::Session;
use crate::tools::manual::{FORMATTERS, format, plain};
use std::path::Path;

/// Shows a page: on a terminal through the formatter and its pager, elsewhere as plain text; its
/// source if that is asked for, or if no formatter is installed.
///
/// # Errors
/// If the formatter fails, its file cannot be made, or the output cannot be written.
pub(super) fn man(session: &mut Session<'_, '_>, args: ManArgs) -> Result<()> {
    let source = manual::source(args.page, &invocation::definition(None));
    if args.source {
        return write(session, &source);
    }
    let mut formatters = FORMATTERS.into_iter();
    let Some(formatter) = formatters.find(|program| session.host.find(program).is_some()) else {
        session.say("neither mandoc nor man is installed: this is the source of the page");
        return write(session, &source);
    };
    let streams = if session.process.is_watched {
        Streams::Terminal
    } else {
        Streams::Captured
    };
    let scratch = session.process.scratch_of_user();
    let file = scratch.join(args.page.file_name());
    let page = in_scratch(session.host, &scratch, |host| {
        let text = source.into_bytes();
        let path = file.clone();
        change(host, &FileChange::Write { path, text })?;
        answer(host, &format(formatter, &file, streams))
    })?;
    write(session, &plain(&String::from_utf8_lossy(&page)))
}

/// Does some work in a new directory, and removes the directory; a signal does not end the program
/// before.
fn in_scratch(
    host: &mut dyn Host,
    scratch: &Path,
    work: impl FnOnce(&mut dyn Host) -> Result<Vec<u8>>,
) -> Result<Vec<u8>> {
    run::catch_signals(host)?;
    change(host, &FileChange::MakeScratch(scratch.to_owned()))?;
    let done = work(host);
    let removed = change(host, &FileChange::RemoveScratch(scratch.to_owned()));
    done.and_then(|output| removed.map(|()| output))
}

fn change(host: &mut dyn Host, change: &FileChange) -> Result<()> {
    let changed = host.change(change);
    changed
        .map(drop)
        .map_err(|error| run::not_changed(change, &error))
}

/// Runs a command to its end; its output, if that is captured.
fn answer(host: &mut dyn Host, command: &Command) -> Result<Vec<u8>> {
    let finished = host
        .run(command)
        .map_err(|error| run::not_started(command, &error))?;
    run::judge(command, &finished, true)?;
    Ok(finished.stdout)
}

fn write(session: &mut Session<'_, '_>, text: &str) -> Result<()> {
    let out = &mut session.output.out;
    let written = out.write_all(text.as_bytes());
    written.and_then(|()| out.flush()).map_err(run::not_written)
}
