//! Runs a call, and returns the exit status.

use super::edit::Edited;
use super::invocation::options::SetupArgs;
use super::invocation::{self, Admin, Call, Invocation};
use super::locate::{self, Refused};
use super::preview::{self, Shown};
use super::rename::former;
use super::{
    all, check, clone, complete, destroy, disk, doctor, import, init, inspect, list, man, new, os,
    rename, set, setup, status,
};
use crate::config::{Config, lint, unsilenced};
use crate::error::{self, EXIT_DONE, EXIT_FAILED, Error, Kind, Result};
use crate::host::Host;
use crate::host::inspected;
use crate::host::system::System;
use crate::operation::TypedVerb;
use crate::operation::context::{CallersPlan, Context, Outcome};
use crate::process::{Places, Process};
use crate::root::{client, server};
use crate::run::{self, Output};
use crate::session::Session;
use crate::verb::Spelling;
use crate::{report, suggest, vis};
use std::io::{self, BufWriter, Write};

/// Runs the call of this process, and returns the exit status.
pub fn start() -> u8 {
    start_at(Places::default())
}

/// As [`start`], on a host with these paths.
pub fn start_at(places: Places) -> u8 {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr().lock();
    let pace = places.pace;
    match Process::current(places, invocation::is_root_side) {
        Ok(process) => {
            if let Some(directory) = inspected::called(&process.args) {
                return inspected::serve(directory, &mut out);
            }
            let host = System::new(&process.search_path, &process.run, &process.logs);
            let mut host = host.of_program(&process.program).at_pace(pace);
            let mut output = Output {
                out: &mut out,
                err: &mut err,
                display: process.display,
            };
            main(&process, &mut host, &mut output)
        }
        Err(error) => {
            let error = error
                .downcast::<Error>()
                .unwrap_or_else(|other| Error::host(format!("{other:#}")));
            let text = report::render(&error, invocation::PROGRAM, None, false);
            let _ = err.write_all(text.as_bytes());
            EXIT_FAILED
        }
    }
}

/// Runs a call in these surroundings, and returns the exit status.
pub fn main(process: &Process, host: &mut dyn Host, output: &mut Output<'_>) -> u8 {
    let title = invocation::title(&process.args);
    let mut session = Session {
        process,
        began: host.uptime(),
        host,
        output,
        title: &title,
        spelling: Spelling::default(),
    };
    if process.is_root_side {
        session.title = invocation::PROGRAM;
        return server::serve(&mut session);
    }
    let invocation = match invocation::parse(&process.args, process.columns) {
        Ok(invocation) => invocation,
        Err(error) => return finish(Err(error), None, &mut session),
    };
    match &invocation.request {
        Call::Show(text) => {
            let written = write(text, &mut session).and_then(|()| flush(&mut session));
            return finish(written, None, &mut session);
        }
        // `check` needs no usable configuration, and `init`, `man` and `setup --man` none at all.
        Call::Admin(Admin::Check(args)) => {
            let result = check::check(&mut session, &invocation, *args);
            return finish(result, None, &mut session);
        }
        Call::Admin(Admin::Init(args)) => {
            let result = init::init(&mut session, &invocation, *args)
                .and_then(|(config, plan)| carry_out_plan(&mut session, &config, &plan));
            return finish(result, None, &mut session);
        }
        Call::Admin(Admin::Man(args)) => {
            let result = man::man(&mut session, *args);
            return finish(result, None, &mut session);
        }
        Call::Admin(Admin::Setup(SetupArgs {
            man: Some(directory),
            dry_run,
            ..
        })) => {
            let result = man::install(process, directory, *dry_run)
                .and_then(|(config, plan)| carry_out_plan(&mut session, &config, &plan));
            return finish(result, None, &mut session);
        }
        // An unusable configuration completes without VMs.
        Call::Admin(Admin::Complete(args)) => {
            let result = complete::complete(&mut session, args);
            return finish(result, None, &mut session);
        }
        Call::Admin(Admin::Completions(args)) => {
            let result = complete::completions(&mut session, *args);
            return finish(result, None, &mut session);
        }
        Call::Admin(Admin::Doctor(args)) => {
            let result = doctor::doctor(&mut session, &invocation, *args);
            return finish(result, None, &mut session);
        }
        Call::Admin(Admin::Import(args)) if !args.add => {
            let result = import::print(&mut session, &invocation, args);
            return finish(result, None, &mut session);
        }
        // A file needs no configuration, which only says how to become root.
        Call::Admin(Admin::Inspect(args)) => {
            let (result, config) = match locate::load(process, &invocation) {
                Err(refused) if !args.is_file() => (Err(refused.error), refused.config),
                config => {
                    let config = config.ok();
                    let result = inspect::inspect(&mut session, &invocation, args, config.as_ref());
                    (result, config)
                }
            };
            return finish(result, config.as_ref(), &mut session);
        }
        // Without a configuration there are the profiles of the program.
        Call::Admin(Admin::Os(args)) => {
            let (shown, config) = os::os(process, &invocation, args);
            let result = shown.and_then(|(text, wrong)| {
                write(&text, &mut session)?;
                flush(&mut session)?;
                wrong.map_or(Ok(()), Err)
            });
            return finish(result, config.as_ref(), &mut session);
        }
        Call::Admin(_) | Call::Vm(_) => {}
    }
    let config = match locate::load(process, &invocation) {
        Ok(config) => config,
        Err(refused) => {
            return finish(Err(refused.error), refused.config.as_ref(), &mut session);
        }
    };
    let result = serve(&mut session, &config, invocation).and_then(|()| flush(&mut session));
    finish(result, Some(&config), &mut session)
}

fn write(text: &str, session: &mut Session<'_, '_>) -> Result<()> {
    let written = session.output.out.write_all(vis::lines(text).as_bytes());
    written.map_err(run::not_written)
}

fn flush(session: &mut Session<'_, '_>) -> Result<()> {
    session.output.out.flush().map_err(run::not_written)
}

/// Reports the error, if there is one; returns the exit status.
fn finish(result: Result<()>, config: Option<&Config>, session: &mut Session<'_, '_>) -> u8 {
    let Err(mut error) = result else {
        return EXIT_DONE;
    };
    if error.kind == Kind::Usage {
        let words = session.process.args.iter().skip(1);
        let words = words.map(|word| word.to_string_lossy());
        // Only a word that the error quotes is the reason.
        let mut quoted = words.filter(|word| error.what.contains(word.as_ref()));
        let help = quoted.find_map(|word| suggest::look_alike(&word));
        error.help.extend(help);
    }
    if error.kind != Kind::Pipe && !error.is_said() {
        let text = report::render(&error, session.title, config, session.process.colour);
        // Standard error may be closed.
        let _ = session.output.err.write_all(text.as_bytes());
    }
    error.kind.exit_status()
}

fn serve(session: &mut Session<'_, '_>, config: &Config, invocation: Invocation) -> Result<()> {
    session.spelling = locate::spelling(session, invocation.spelling);
    session.remark(&unsilenced(config, lint::line_ends(config)), &[], config);
    let mut context = Context::of(session, config);
    let outcome = match invocation.request {
        Call::Show(text) => Outcome::Text(text),
        Call::Admin(
            Admin::Check(_)
            | Admin::Complete(_)
            | Admin::Completions(_)
            | Admin::Doctor(_)
            | Admin::Init(_)
            | Admin::Inspect(_)
            | Admin::Man(_)
            | Admin::Os(_),
        ) => {
            return Ok(());
        }
        Call::Admin(Admin::Setup(args)) => setup::setup(&mut context, &args)?,
        Call::Admin(Admin::List(args)) => {
            list::list(&mut context, args.format.unwrap_or_default())?
        }
        Call::Admin(Admin::Set(args)) => {
            let edited = set::set(&mut context, &args);
            return follow(session, edited);
        }
        Call::Admin(Admin::New(args)) => {
            let edited = new::new(&mut context, &args);
            return follow(session, edited);
        }
        Call::Admin(Admin::Disk(args)) => {
            let edited = disk::disk(&mut context, &args);
            return follow(session, edited);
        }
        Call::Admin(Admin::Rename(args)) => {
            let edited = rename::rename(&mut context, &args);
            return follow(session, edited);
        }
        Call::Admin(Admin::Destroy(args)) => {
            let edited = destroy::destroy(&mut context, &args);
            return follow(session, edited);
        }
        Call::Admin(Admin::Import(args)) => {
            let edited = import::add(&mut context, &args);
            return follow(session, edited);
        }
        Call::Admin(Admin::Status(args)) if args.watch => {
            return status::watch(session, config, args);
        }
        Call::Admin(Admin::Status(args)) => Outcome::Text(status::status(&mut context, args)?),
        Call::Admin(Admin::StopAll(args)) => return all::stop(session, config, args),
        Call::Admin(Admin::Autostart(dry_run)) => return all::start(session, config, dry_run),
        Call::Vm(TypedVerb::Clone(typed)) if typed.options.add => {
            let edited = clone::clone(&mut context, typed);
            return follow(session, edited);
        }
        Call::Vm(work) => work.begin(&mut context)?,
    };
    carry_out(session, config, outcome)
}

/// Carries out the outcome of an edit; an error is shown with its place in the edited text.
fn follow(session: &mut Session<'_, '_>, edited: Result<Edited, Box<Refused>>) -> Result<()> {
    let (error, config) = match edited {
        Ok(Edited { config, outcome }) => match carry_out(session, &config, outcome) {
            Ok(()) => return Ok(()),
            Err(error) => (error, Some(config)),
        },
        Err(refused) => (refused.error, refused.config),
    };
    let kind = error.kind;
    finish(Err(error), config.as_ref(), session);
    Err(error::Error::said(kind))
}

/// Carries out the outcome of a command or a verb, or shows it.
fn carry_out(session: &mut Session<'_, '_>, config: &Config, outcome: Outcome) -> Result<()> {
    match outcome {
        Outcome::Text(text) => write(&text, session),
        Outcome::Partly(text, error) => {
            write(&text, session)?;
            flush(session)?;
            Err(error)
        }
        Outcome::Job(asked) if asked.dry_run.dry_run => preview::show_job(session, config, &asked),
        Outcome::Job(asked) => client::carry_out(session, config, &asked)
            .map_err(|error| former::explained(session, config, &asked, error)),
        Outcome::Plan(planned) => carry_out_plan(session, config, &planned),
    }
}

/// Carries out a plan that needs no root side, or shows it.
fn carry_out_plan(
    session: &mut Session<'_, '_>,
    config: &Config,
    planned: &CallersPlan,
) -> Result<()> {
    session.remark(&planned.warnings, &planned.notes, config);
    if planned.dry_run.dry_run {
        let shown = Shown {
            plan: &planned.plan,
            dry_run: planned.dry_run,
            assumption: None,
        };
        return preview::show(session, config, &shown);
    }
    let mut unobserved = run::Unobserved;
    let summary = run::execute(&planned.plan, session.host, &mut unobserved, session.output)?;
    for note in summary.notes.iter().chain(&planned.done) {
        session.say(note);
    }
    Ok(())
}
