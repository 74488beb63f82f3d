//! `easy-bhyve man`: shows a manual page; `easy-bhyve setup --man`: installs the pages.

use super::invocation;
use super::invocation::options::ManArgs;
use super::locate;
use super::written::written;
use crate::command::{Command, Streams};
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::manual::{self, Page};
use crate::operation::context::CallersPlan;
use crate::operation::options::DryRun;
use crate::plan::{FileChange, Plan};
use crate::process::Process;
use crate::run;
use crate::session::Session;
use crate::tools::manual::{FORMATTERS, Letters, format, plain};
use crate::vis;
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
    let letters = match args.page {
        Page::Japanese => Letters::Utf8,
        _ => Letters::OfLocale,
    };
    let scratch = session.process.scratch_of_user();
    let file = scratch.join(args.page.file_name());
    let page = in_scratch(session.host, &scratch, |host| {
        let text = source.into_bytes();
        let path = file.clone();
        change(host, &FileChange::Write { path, text })?;
        answer(host, &format(formatter, &file, letters, streams))
    })?;
    write(session, &plain(&String::from_utf8_lossy(&page)))
}

/// The plan that writes every page below a directory of the manual, and the configuration, which is
/// empty: none is needed.
///
/// # Errors
/// If a page that is installed cannot be read.
pub(super) fn install(
    process: &Process,
    directory: &Path,
    dry_run: DryRun,
) -> Result<(Config, CallersPlan)> {
    let config = locate::with_outside(process, |outside| config::parse(Vec::new(), outside))
        .map_err(|error| Error::config(error.to_string()))?;
    let root = process.directory.join(directory);
    let program = invocation::definition(None);
    let mut plan = Plan::default();
    for page in Page::ALL {
        let directory = root.join(page.directory());
        let path = directory.join(page.file_name());
        if !directory.is_dir() {
            plan.push(FileChange::MakeDirectories(directory));
        }
        if let Some(change) = written(path, manual::source(page, &program).into_bytes())? {
            plan.push(change);
        }
    }
    let shown = vis::shown(&root);
    let done = if plan.forms.is_empty() {
        format!("the manual pages below {shown} are up to date")
    } else {
        format!("wrote the manual pages below {shown}")
    };
    let planned = CallersPlan {
        plan,
        dry_run,
        done: Some(done),
        ..CallersPlan::default()
    };
    Ok((config, planned))
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
