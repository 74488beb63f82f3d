//! easy-bhyve: VMs under FreeBSD's bhyve(8), handled like ordinary commands.
//!
//! ```text
//! argv, env, clock ── process ──▶ Process
//! Process.args ── invocation ──▶ Invocation
//! files ── config ──▶ Config (assignments, each with its place)
//! Config ── config::resolve ──▶ Vm (all defaults decided)
//! Vm, options ── verbs ──▶ Request (what is asked of the root side)
//! Request ── front ──▶ words behind one escalation ── root ──▶ the same Request
//! host ── survey ──▶ Survey (the fewest questions)
//! Request, Survey ── job, plan ──▶ Plan (seven forms)
//! Plan ── run ──▶ the host changes
//!      └─ script ──▶ the same as a POSIX sh script
//! ```
//!
//! The plan is the program: [`run::execute`] and [`script::script`] read one value.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod admin;
pub mod check;
pub mod command;
pub mod config;
pub mod error;
pub mod finding;
pub mod front;
pub mod host;
pub mod invocation;
pub mod job;
pub mod locate;
pub mod model;
pub mod plan;
mod preview;
pub mod process;
pub mod quote;
pub mod report;
pub mod root;
pub mod run;
pub mod script;
pub mod span;
pub mod suggest;
pub mod survey;
pub mod tools;
pub mod verb;
pub mod verbs;
pub mod vis;

use admin::edit::Edited;
use config::Config;
use error::{EXIT_DONE, EXIT_FAILED, Error, Kind, Result};
use host::Host;
use host::system::System;
use invocation::{Admin, Invocation, Request};
use locate::Refused;
use preview::{Shown, show, show_job};
use process::{Places, Process};
use run::Output;
use std::io::{self, BufWriter, Write};
use verbs::{Context, Outcome};

/// Does what this process was called for, and returns the exit status.
pub fn start() -> u8 {
    start_at(Places::default())
}

/// As [`start`], on a host with these places.
pub fn start_at(places: Places) -> u8 {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr().lock();
    let pace = places.pace;
    match Process::current(places) {
        Ok(process) => {
            let host = System::new(&process.search_path, &process.run, &process.logs);
            let mut host = host.at_pace(pace);
            let mut output = Output {
                out: &mut out,
                err: &mut err,
                is_terminal: process.is_watched,
            };
            main(&process, &mut host, &mut output)
        }
        Err(error) => {
            let error = error
                .downcast::<Error>()
                .unwrap_or_else(|other| Error::host(format!("{other:#}")));
            let text = report::render(&error, "easy-bhyve", None, false);
            let _ = err.write_all(text.as_bytes());
            EXIT_FAILED
        }
    }
}

/// Does what was asked for in these surroundings, and returns the exit status.
pub fn main(process: &Process, host: &mut dyn Host, output: &mut Output<'_>) -> u8 {
    if root::is_called(&process.args) {
        return root::serve(process, host, output);
    }
    let title = invocation::title(&process.args);
    let invocation = match invocation::parse(&process.args) {
        Ok(invocation) => invocation,
        Err(error) => return finish(Err(error), &title, None, process, output),
    };
    if let Request::Show(text) = &invocation.request {
        let written = output
            .out
            .write_all(vis::lines(text).as_bytes())
            .map_err(run::not_written);
        return finish(
            written.and_then(|()| flush(output)),
            &title,
            None,
            process,
            output,
        );
    }
    if let Request::Admin(Admin::Check(args)) = invocation.request {
        let result = admin::check::check(process, &invocation, args, host, output);
        return finish(result, &title, None, process, output);
    }
    let config = match locate::load(process, &invocation) {
        Ok(config) => config,
        Err(refused) => {
            return finish(
                Err(refused.error),
                &title,
                refused.config.as_ref(),
                process,
                output,
            );
        }
    };
    let result = serve(process, &config, invocation, host, output).and_then(|()| flush(output));
    finish(result, &title, Some(&config), process, output)
}

fn flush(output: &mut Output<'_>) -> Result<()> {
    output.out.flush().map_err(run::not_written)
}

/// Says what went wrong, if something did.
fn finish(
    result: Result<()>,
    title: &str,
    config: Option<&Config>,
    process: &Process,
    output: &mut Output<'_>,
) -> u8 {
    let Err(error) = result else { return EXIT_DONE };
    if error.kind != Kind::Pipe && !error.is_said() {
        // Nobody is left to tell if standard error has gone, too.
        let _ = output
            .err
            .write_all(report::render(&error, title, config, process.colour).as_bytes());
    }
    error.kind.exit_status()
}

fn serve(
    process: &Process,
    config: &Config,
    invocation: Invocation,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let is_answered = survey::is_freebsd(host);
    let (title, spelling) = (invocation.title.as_str(), invocation.spelling);
    let mut context = Context {
        process,
        config,
        look: host,
        is_answered,
        spelling,
        title,
    };
    let outcome = match invocation.request {
        Request::Show(text) => Outcome::Text(text),
        // It needs no configuration that can be used: see `main`.
        Request::Admin(Admin::Check(_)) => return Ok(()),
        Request::Admin(Admin::Setup(dry_run)) => admin::setup::setup(&context, dry_run)?,
        Request::Admin(Admin::List(format)) => admin::list::list(&mut context, format)?,
        Request::Admin(Admin::Set(args)) => {
            let edited = admin::set::set(&context, &args);
            return follow(process, title, edited, is_answered, host, output);
        }
        Request::Admin(Admin::New(args)) => {
            let edited = admin::new::new(&mut context, &args);
            return follow(process, title, edited, is_answered, host, output);
        }
        Request::Admin(Admin::Status(showing)) if showing.watch => {
            return admin::status::watch(process, config, title, showing.all, host, output);
        }
        Request::Admin(Admin::Status(showing)) => {
            Outcome::Text(admin::status::status(&mut context, showing)?)
        }
        Request::Admin(Admin::StopAll(args)) => {
            return admin::all::stop(process, config, title, args, host, output);
        }
        Request::Admin(Admin::Autostart(dry_run)) => {
            return admin::all::start(process, config, title, dry_run, host, output);
        }
        Request::Vm(name, work) => verbs::serve(&mut context, &name, work)?,
    };
    carry_out(process, config, title, outcome, is_answered, host, output)
}

/// Does what an edited configuration asks for. What goes wrong is told with the places in that one.
fn follow(
    process: &Process,
    title: &str,
    edited: Result<Edited, Box<Refused>>,
    is_answered: bool,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let (error, config) = match edited {
        Ok(Edited { config, outcome }) => {
            match carry_out(process, &config, title, outcome, is_answered, host, output) {
                Ok(()) => return Ok(()),
                Err(error) => (error, Some(config)),
            }
        }
        Err(refused) => (refused.error, refused.config),
    };
    let kind = error.kind;
    finish(Err(error), title, config.as_ref(), process, output);
    Err(error::Error::said(kind))
}

/// Does what a command or a verb wants done, or shows it.
fn carry_out(
    process: &Process,
    config: &Config,
    title: &str,
    outcome: Outcome,
    is_answered: bool,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    match outcome {
        Outcome::Text(text) => output
            .out
            .write_all(vis::lines(&text).as_bytes())
            .map_err(run::not_written),
        Outcome::Partly(text, error) => {
            output
                .out
                .write_all(vis::lines(&text).as_bytes())
                .map_err(run::not_written)?;
            flush(output)?;
            Err(error)
        }
        Outcome::Job(asked) if asked.dry_run.dry_run => {
            show_job(process, config, &asked, is_answered, host, output)
        }
        Outcome::Job(asked) => front::carry_out(process, config, &asked, host, output),
        Outcome::Plan(planned) => {
            for finding in &planned.warnings {
                let text = report::warning(finding, title, config, process.colour);
                let _ = output.err.write_all(text.as_bytes());
            }
            for note in &planned.notes {
                say(output, title, note);
            }
            if planned.dry_run.dry_run {
                let shown = Shown {
                    plan: &planned.plan,
                    dry_run: planned.dry_run,
                    assumption: None,
                };
                return show(process, config, title, &shown, is_answered, host, output);
            }
            let report = run::execute(&planned.plan, host, &mut run::Unwatched, output)?;
            for note in &report.notes {
                say(output, title, note);
            }
            if let Some(done) = &planned.done {
                say(output, title, done);
            }
            Ok(())
        }
    }
}

/// Tells the person at the terminal something that is no failure.
pub(crate) fn say(output: &mut Output<'_>, title: &str, text: &str) {
    // All in one piece: standard error has no buffer, and `setup` can have thousands of lines to say.
    let title = vis::line(title);
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("{title}: {}\n", vis::line(line)))
        .collect();
    // A remark that cannot be written is no reason to stop.
    let _ = output.err.write_all(lines.concat().as_bytes());
}
