//! The server: carries out a request in one process, under locks.

use super::boot_console;
use super::journal::Journal;
use super::leftovers;
use super::locks::{self, Freeing};
use super::message::{Failure, Message};
use crate::error::{EXIT_DONE, Error, Kind, Result};
use crate::model::Vm;
use crate::model::name::Snapshot;
use crate::operation::boot::plan::Start;
use crate::operation::boot::temp;
use crate::operation::plan_context::PlanContext;
use crate::operation::refuse::state::see_log;
use crate::operation::resize::reservation;
use crate::operation::timings::{Part, Stopwatch};
use crate::operation::{Job, Planned, Request, plan, wire};
use crate::plan::Form;
use crate::report;
use crate::run;
use crate::run::progress::Display;
use crate::session::Session;
use crate::survey::{Traces, record};
use crate::verb::Spelling;
use std::time::Duration;

/// Exit status of the root side after a reported failure. No escalator uses this status itself.
pub const EXIT_FAILED: u8 = 11;
/// Exit status of the root side after a reported refusal.
pub const EXIT_REFUSED: u8 = 12;

/// How long the supervisor of a VM that has ended may still hold the VM's lock.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// Serves a call of the root side, and returns the exit status.
pub fn serve(session: &mut Session<'_, '_>) -> u8 {
    let typed = session.process.args.get(1..).unwrap_or_default();
    let request = match wire::parse(typed, &session.process.devices) {
        Ok(request) => request,
        Err(mut error) => {
            // Any bad word means that the call was not made by easy-bhyve itself.
            error.kind = Kind::Usage;
            let error = error.help("only easy-bhyve itself may call this verb");
            return leave(Err(error), session);
        }
    };
    if session.process.is_watched {
        session.output.display = request.display;
    }
    let mut session = Session {
        spelling: Spelling::default(),
        title: &request.title,
        ..session.again()
    };
    let detached = request.job.is_detached();
    if detached {
        session.host.watch_reader();
    }
    match carry_out(&mut session, &request, detached) {
        Err(error) if detached => {
            // A detached process has no caller: the failure is also in the log.
            let failed = Message::Failed(Failure::from(error));
            let _ = session.host.report(&failed.line());
            EXIT_FAILED
        }
        other => leave(other, &mut session),
    }
}

fn leave(result: Result<()>, session: &mut Session<'_, '_>) -> u8 {
    let Err(error) = result else { return EXIT_DONE };
    if error.kind != Kind::Pipe {
        let text = report::render(&error, session.title, None, false);
        let _ = session.output.err.write_all(text.as_bytes());
    }
    match error.kind {
        Kind::Pipe => EXIT_DONE,
        Kind::Usage | Kind::State => EXIT_REFUSED,
        Kind::Config | Kind::Host => EXIT_FAILED,
    }
}

/// Carries out a request in this process; `reports`: a caller waits for the report.
///
/// # Errors
/// If the request is refused, or the first failure, with the result of the undo.
pub fn carry_out(session: &mut Session<'_, '_>, request: &Request, reports: bool) -> Result<()> {
    let Some(vm) = request.vms.first() else {
        return Ok(());
    };
    session
        .host
        .isolate()
        .map_err(|error| Error::host(format!("could not isolate this process: {error}")))?;
    run::catch_signals(session.host)?;
    match &request.job {
        Job::Start(boot) if boot.start == Start::Attended => {
            return boot_console::start(session, request, vm, boot);
        }
        job if job.supervises() => {
            let mut journal = Journal::new(&vm.name, session.process, reports, session.host);
            journal.waits = matches!(job, Job::Start(boot) if boot.waits);
            journal.stopwatch = request.timings.map(Stopwatch::new);
            let ended = end_first(session, request, vm, &mut journal)?;
            return supervise(session, request, vm, journal, ended);
        }
        _ => locks::lock_vm(session, request, vm, Duration::ZERO, &mut run::Unobserved)?,
    }
    let planned = plan(&mut PlanContext::of(session), request)?;
    execute(&planned, request, session, false)?;
    if request.job.frees() {
        leftovers::forget(session, request)?;
    }
    Ok(())
}

/// Carries out a plan that supervises no guest.
///
/// `reports`: a caller displays the progress.
fn execute(
    planned: &Planned,
    request: &Request,
    session: &mut Session<'_, '_>,
    reports: bool,
) -> Result<()> {
    for note in &planned.notes {
        session.say(note);
    }
    let mut freeing = Freeing::new(session.process, &request.job, reports);
    run::execute(&planned.plan, session.host, &mut freeing, session.output)?;
    freeing.result(&request.vms)?;
    if let Some(done) = &planned.done {
        session.say(done);
    }
    if let Some(volume) = &planned.reserved {
        let text = reservation(session.host, volume);
        session.say(&text);
    }
    Ok(())
}

/// Ends the VM first if the plan requires it; returns whether the VM was ended.
fn end_first(
    session: &mut Session<'_, '_>,
    request: &Request,
    vm: &Vm,
    journal: &mut Journal<'_>,
) -> Result<bool> {
    let may_run = request.job.ends_first()
        && Traces::ask(session.host, &session.process.surroundings())?.has(vm.name.as_str());
    if !may_run {
        return Ok(false);
    }
    let ending = plan(&mut PlanContext::of(session), request)?.ending;
    if ending.forms.is_empty() {
        return Ok(false);
    }
    journal.begins_part(Part::Ending, session.began);
    journal.report(session.host, &Message::Stopping)?;
    // A wait before any change: the guest is still booting.
    if let Some(Form::Wait(wait)) = ending.forms.first()
        && let Some(text) = &wait.progress
    {
        let text = wait.announcement(text);
        if request.display == Display::Lines {
            journal.tells(session.host, &text)?;
        } else {
            journal.log(session.host, &text);
        }
    }
    let planned = Planned {
        plan: ending,
        ..Planned::default()
    };
    let ended = execute(&planned, request, session, true);
    ended.inspect_err(|error| journal.fails(session.host, error))?;
    Ok(true)
}

/// Starts the VM, and supervises it until it ends; `has_ended`: this process has just ended an earlier
/// run.
fn supervise(
    session: &mut Session<'_, '_>,
    request: &Request,
    vm: &Vm,
    mut journal: Journal<'_>,
    has_ended: bool,
) -> Result<()> {
    let (patience, now) = if has_ended {
        (LOCK_LIMIT, session.host.uptime())
    } else {
        (Duration::ZERO, session.began)
    };
    journal.begins_part(Part::Network, now);
    let snapshots = match prepare(session, request, vm, &mut journal, patience) {
        Ok(snapshots) => snapshots,
        Err(error) => {
            // The log must not end with the earlier run.
            if has_ended {
                journal.fails(session.host, &error);
            }
            return Err(error);
        }
    };
    journal.without_trace(&snapshots);
    journal.is_given(vm);
    journal.begins(session.host)?;
    let mine = locks::lock_network(session, vm, &mut journal);
    let mine = mine.and_then(|()| journal.report(session.host, &Message::Network));
    let planned = mine.and_then(|()| plan(&mut PlanContext::of(session), request));
    if planned.is_ok() {
        // This process holds the VM's lock, so the files are unused. Remaining files are harmless.
        let _ = session.host.sweep(&vm.name);
    }
    let result = planned.and_then(|planned| {
        for note in &planned.notes {
            if !journal.tells(session.host, note)? {
                session.say(note);
            }
        }
        if !planned.ending.forms.is_empty() {
            return Err(
                Error::state(format!("{} was started by another process", vm.name)).help(format!(
                    "check its state: {}",
                    vm.spelling.command("status")
                )),
            );
        }
        if let Job::Start(boot) = &request.job
            && let Some(note) = boot.how_to_leave(vm)
        {
            session.say(&note);
        }
        run::execute(&planned.plan, session.host, &mut journal, session.output)
    });
    let ended = result.as_ref().map(|_| ()).map_err(Clone::clone);
    journal.has_ended(session.host, &ended);
    if let Some(note) = journal.unheard.take() {
        session.say(&note);
    }
    if let Some(took) = journal.took.take() {
        took.write(request, session.output)?;
    }
    let summary = result.map_err(|error| {
        if journal.has_loaded() {
            error.help(see_log(vm))
        } else {
            error
        }
    })?;
    if let Some(ending) = summary.ending {
        session.say(&format!("the guest {ending}; {}", see_log(vm)));
    }
    Ok(())
}

/// Locks the VM, waiting for `patience`; returns the snapshots that earlier temporary runs have left, and
/// those of this run.
fn prepare(
    session: &mut Session<'_, '_>,
    request: &Request,
    vm: &Vm,
    journal: &mut Journal<'_>,
    patience: Duration,
) -> Result<Vec<Snapshot>> {
    locks::lock_vm(session, request, vm, patience, journal)?;
    let mut snapshots = leftovers::by(vm, session)?;
    for text in temp::left(vm, &session.process.devices, &snapshots) {
        journal.remark(session, text)?;
    }
    if let Job::Start(boot) = &request.job
        && let Some(name) = &boot.temp
    {
        let disks = temp::disks(vm, &session.process.devices, name)?;
        let wanted: Vec<Snapshot> = disks.into_iter().map(|disk| disk.snapshot).collect();
        // A snapshot of the same name would be mistaken for a snapshot of this run.
        if let Some(other) = record::there(session.host, wanted.iter().cloned())?.first() {
            return Err(Error::state(format!("snapshot {other} already exists"))
                .help("repeat the command in a minute: the name contains the minute"));
        }
        snapshots.extend(wanted);
    }
    Ok(snapshots)
}
