//! easy-bhyve: VMs under FreeBSD's bhyve(8), handled like ordinary commands.
//!
//! ```text
//! argv, env, clock ── process ──▶ Process
//! Process.args ── invocation ──▶ Invocation
//! files ── config ──▶ Config (assignments, each with its place)
//! Config ── model::resolve ──▶ Vm (all defaults decided)
//! host ── survey ──▶ Survey (the fewest questions)
//! Vm, Survey, options ── plan ──▶ Plan (seven forms)
//! Plan ── run ──▶ the host changes
//!      └─ script ──▶ the same as a POSIX sh script
//! ```
//!
//! The plan is the program: [`run::execute`] and [`script::script`] read one value.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod admin;
pub mod command;
pub mod config;
pub mod error;
pub mod host;
pub mod invocation;
pub mod locate;
pub mod model;
pub mod plan;
pub mod process;
pub mod quote;
pub mod report;
pub mod run;
pub mod script;
pub mod suggest;
pub mod survey;
pub mod tools;
pub mod verb;
pub mod verbs;

use config::Config;
use error::{EXIT_DONE, EXIT_FAILED, Kind, Result};
use host::Host;
use host::elevate::Elevation;
use host::system::System;
use invocation::options::Format;
use invocation::{Admin, Invocation, Request};
use model::resolve;
use process::Process;
use run::Output;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use verbs::{Context, Outcome, Planned};

/// Does what this process was called for, and returns the exit status.
pub fn start() -> u8 {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr().lock();
    match Process::current() {
        Ok(process) => {
            let mut host = System::new(process.search_path.clone());
            let mut output = Output {
                out: &mut out,
                err: &mut err,
            };
            main(&process, &mut host, &mut output)
        }
        Err(error) => {
            let _ = writeln!(err, "easy-bhyve: {error:#}");
            EXIT_FAILED
        }
    }
}

/// Does what was asked for in these surroundings, and returns the exit status.
pub fn main(process: &Process, host: &mut dyn Host, output: &mut Output<'_>) -> u8 {
    let title = invocation::title(&process.args);
    let invocation = match invocation::parse(&process.args) {
        Ok(invocation) => invocation,
        Err(error) => return finish(Err(error), &title, None, process, output),
    };
    if let Request::Show(text) = &invocation.request {
        let written = output
            .out
            .write_all(text.as_bytes())
            .map_err(run::not_written);
        return finish(
            written.and_then(|()| flush(output)),
            &title,
            None,
            process,
            output,
        );
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
    if error.kind != Kind::Pipe {
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
    let spelling = invocation.spelling;
    let mut context = Context {
        process,
        config,
        look: host,
        is_answered,
        spelling,
    };
    let outcome = match invocation.request {
        Request::Show(text) => Outcome::Text(text),
        Request::Admin(Admin::Setup(dry_run)) => admin::setup::setup(&mut context, dry_run)?,
        Request::Admin(Admin::List(format)) => admin::list::list(&mut context, format)?,
        Request::Admin(Admin::Status(format, all)) => {
            Outcome::Text(admin::status::status(&mut context, format, all)?)
        }
        Request::Vm(name, work) => verbs::serve(&mut context, &name, work)?,
    };
    match outcome {
        Outcome::Text(text) => output
            .out
            .write_all(text.as_bytes())
            .map_err(run::not_written),
        Outcome::Partly(text, error) => {
            output
                .out
                .write_all(text.as_bytes())
                .map_err(run::not_written)?;
            flush(output)?;
            Err(error)
        }
        Outcome::Plan(planned) => {
            let elevation = elevation(process, config, &planned, host, is_answered)?;
            for finding in &planned.warnings {
                let text = report::warning(finding, &invocation.title, config, process.colour);
                let _ = output.err.write_all(text.as_bytes());
            }
            for note in &planned.notes {
                say(output, &invocation.title, note);
            }
            if planned.dry_run.dry_run {
                if is_answered {
                    tell_missing(&invocation.title, &planned, host, output);
                }
                show(
                    process,
                    &invocation.title,
                    &planned,
                    elevation,
                    is_answered,
                    output,
                )
            } else {
                carry_out(&invocation.title, &planned, elevation, host, output)
            }
        }
    }
}

/// The escalator; a plan that needs none asks for none.
fn elevation(
    process: &Process,
    config: &Config,
    planned: &Planned,
    host: &mut dyn Host,
    is_answered: bool,
) -> Result<Elevation> {
    if !planned
        .plan
        .commands()
        .iter()
        .any(|command| command.privilege == command::Privilege::Root)
    {
        return Ok(Elevation::None);
    }
    let choice = resolve::privilege(config)?;
    let chosen = Elevation::choose(choice, process.uid, host);
    if planned.dry_run.dry_run && !is_answered {
        // A preview for another host needs no escalator on this one.
        return Ok(chosen.unwrap_or(Elevation::intended(choice)));
    }
    chosen
}

fn show(
    process: &Process,
    title: &str,
    planned: &Planned,
    elevation: Elevation,
    is_answered: bool,
    output: &mut Output<'_>,
) -> Result<()> {
    if !is_answered && !planned.plan.commands().is_empty() {
        say(output, title, planned.assumption.as_str());
    }
    let text = match planned.dry_run.format.unwrap_or_default() {
        Format::Text => script::script(&planned.plan, title, &process.search_path, elevation),
        Format::Json => script::json(&planned.plan, title, &process.search_path, elevation)?,
    };
    output.out.write_all(&text).map_err(run::not_written)
}

/// Says which programs the script would miss on this host.
fn tell_missing(title: &str, planned: &Planned, host: &mut dyn Host, output: &mut Output<'_>) {
    let commands = planned.plan.commands();
    let programs: BTreeSet<_> = commands
        .iter()
        .flat_map(|command| command.programs())
        .collect();
    for program in programs {
        if host.find(program).is_none() {
            say(
                output,
                title,
                &format!(
                    "{program} is not installed; {}",
                    tools::how_to_install(program)
                ),
            );
        }
    }
}

fn carry_out(
    title: &str,
    planned: &Planned,
    elevation: Elevation,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let report = run::execute(&planned.plan, elevation, host, output)?;
    if let Some(ending) = report.ending {
        say(output, title, &format!("the guest {ending}"));
    }
    if let Some(done) = &planned.done {
        say(output, title, done);
    }
    Ok(())
}

/// Tells the person at the terminal something that is no failure.
fn say(output: &mut Output<'_>, title: &str, text: &str) {
    // All in one piece: standard error has no buffer, and `setup` can have thousands of lines to say.
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("{title}: {line}\n"))
        .collect();
    // A remark that cannot be written is no reason to stop.
    let _ = output.err.write_all(lines.concat().as_bytes());
}
