//! The root side: does what the front asks for, as one process, under a lock.
//!
//! It reads no configuration and no environment; it takes the words of its call by the same
//! newtypes as a configuration, and plans by the same functions as the front. It takes no commands
//! from anybody.

mod allowance;
mod attended;
mod left;
pub mod life;
mod locks;
pub mod report;
pub mod state;

use crate::error::{EXIT_DONE, Error, Kind, Result};
use crate::host::Host;
use crate::job::ground::Ground;
use crate::job::plan::{Planned, plan};
use crate::job::start::without_trace;
use crate::job::{Boot, How, Job, Request, Whom, words};
use crate::model::Vm;
use crate::model::name::Snapshot;
use crate::plan::boot::Start;
use crate::plan::loader::Source;
use crate::plan::temp;
use crate::process::Process;
use crate::report as rendered;
use crate::run::{self, Output};
use crate::survey::{self, State as Seen, Survey};
use life::Life;
use locks::Freeing;
use report::{Failure, Report};
use std::ffi::OsString;
use std::time::Duration;

/// Exit status of the root side: it has failed, and has said so. Not one by which an escalator
/// tells of itself.
pub const EXIT_FAILED: u8 = 11;
/// Exit status of the root side: it has refused, and has said so.
pub const EXIT_REFUSED: u8 = 12;

/// How long the lock of a VM that has ended may still be held by what has ended it.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// Whether these are the words of a call of the root side: by the program's own name. Behind the
/// name of a link every word is one of its verb's.
pub fn is_called(args: &[OsString]) -> bool {
    args.get(1)
        .and_then(|verb| verb.to_str())
        .is_some_and(|verb| verb.starts_with(words::PREFIX))
        && !crate::invocation::is_link(args)
}

/// Serves a call of the root side, and returns the exit status.
pub fn serve(process: &Process, host: &mut dyn Host, output: &mut Output<'_>) -> u8 {
    let typed = process.args.get(1..).unwrap_or_default();
    let request = match words::parse(typed, &process.devices) {
        Ok(request) => request,
        Err(mut error) => {
            // Whatever is wrong about a word, it is one that nobody should have said.
            error.kind = Kind::Usage;
            return leave(
                Err(error.help("it is called by easy-bhyve itself, not by hand")),
                "easy-bhyve",
                output,
            );
        }
    };
    let detached = request.job.is_detached();
    if detached {
        host.watch_reader();
    }
    let result = carry_out(process, &request, detached, host, output);
    match result {
        Err(error) if detached => {
            // Who has let go of the caller, or was left by it, has the log to tell.
            let failed = Report::Failed(Failure::from(error));
            let _ = host.report(&failed.line());
            EXIT_FAILED
        }
        other => leave(other, &request.title, output),
    }
}

fn leave(result: Result<()>, title: &str, output: &mut Output<'_>) -> u8 {
    let Err(error) = result else { return EXIT_DONE };
    if error.kind != Kind::Pipe {
        let text = rendered::render(&error, title, None, false);
        let _ = output.err.write_all(text.as_bytes());
    }
    match error.kind {
        Kind::Pipe => EXIT_DONE,
        Kind::Usage | Kind::State => EXIT_REFUSED,
        Kind::Config | Kind::Host => EXIT_FAILED,
    }
}

/// Does what is asked for, as this process; `reports`: a caller waits for the report.
///
/// # Errors
/// What stood in its way, or the first failure with what was taken back.
pub fn carry_out(
    process: &Process,
    request: &Request,
    reports: bool,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let Some(vm) = request.vms.first() else {
        return Ok(());
    };
    host.isolate()
        .map_err(|error| Error::host(format!("could not take surroundings of its own: {error}")))?;
    host.catch_signals()
        .map_err(|error| Error::host(format!("could not watch for signals: {error}")))?;
    if let Job::Restart(how) = &request.job {
        let mut life = Life::new(&vm.name, process, reports, host);
        if let Err(error) = stop_first(process, request, vm, *how, &mut life, host, output) {
            life.fails(host, &error);
            return Err(error);
        }
        let again = Request {
            job: Job::Start(Boot {
                start: Start::Background,
                source: Source::Disk,
                waits: false,
                temp: None,
            }),
            ..request.clone()
        };
        return start(process, &again, vm, life, host, output);
    }
    if let Job::Start(boot) = &request.job {
        if boot.start == Start::Attended {
            return attended::start(process, request, vm, host, output);
        }
        let mut life = Life::new(&vm.name, process, reports, host);
        life.waits = boot.waits;
        return start(process, request, vm, life, host, output);
    }
    if request.job.is_exclusive() {
        locks::lock_vm(process, request, vm, Duration::ZERO, host)?;
    }
    let planned = plan(&mut ground(process, host), request)?;
    let freeing = Freeing::new(process, &request.job);
    execute(&planned, &request.title, freeing, host, output)?;
    if matches!(request.job, Job::Shutdown { .. } | Job::Clean) {
        left::forget(process, request, host, output)?;
    }
    Ok(())
}

fn ground<'run>(process: &'run Process, host: &'run mut dyn Host) -> Ground<'run> {
    Ground {
        is_answered: survey::is_freebsd(host),
        look: host,
        process,
    }
}

/// Carries out a plan that supervises no guest.
fn execute(
    planned: &Planned,
    title: &str,
    mut freeing: Freeing,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    for note in &planned.notes {
        crate::say(output, title, note);
    }
    run::execute(&planned.plan, host, &mut freeing, output)?;
    freeing.result()?;
    if let Some(done) = &planned.done {
        crate::say(output, title, done);
    }
    Ok(())
}

/// Starts the VM, and stays with it until it has ended.
fn start(
    process: &Process,
    request: &Request,
    vm: &Vm,
    mut life: Life<'_>,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let patience = match request.job {
        Job::Restart(_) => LOCK_LIMIT,
        _ => Duration::ZERO,
    };
    locks::lock_vm(process, request, vm, patience, host)?;
    let mut snapshots = left::by(vm, process, host)?;
    for snapshot in &snapshots {
        life.remark(host, &request.title, temp::left(snapshot), output)?;
    }
    if let Job::Start(boot) = &request.job
        && let Some(name) = &boot.temp
    {
        let disks = without_trace(vm, &process.devices, name)?;
        let wanted: Vec<Snapshot> = disks.into_iter().map(|disk| disk.snapshot).collect();
        // Somebody else's of that name would be taken for this run's.
        if let Some(other) = state::there(host, wanted.iter().cloned())?.first() {
            return Err(Error::state(format!("snapshot {other} exists already"))
                .help("start it again in a minute, which is part of the name"));
        }
        snapshots.extend(wanted);
    }
    life.without_trace(&snapshots);
    life.begins(host)?;
    let mine = locks::lock_network(process, vm, host);
    let planned = mine.and_then(|()| plan(&mut ground(process, host), request));
    if planned.is_ok() {
        // The VM is ours, and nothing works for it. What cannot be removed is in nobody's way.
        let _ = host.sweep(&vm.name);
    }
    let result = planned.and_then(|planned| {
        for note in &planned.notes {
            if !life.tells(host, note)? {
                crate::say(output, &request.title, note);
            }
        }
        run::execute(&planned.plan, host, &mut life, output)
    });
    let ended = result.as_ref().map(|_| ()).map_err(Clone::clone);
    life.has_ended(host, &ended);
    if let Some(note) = life.unheard.take() {
        crate::say(output, &request.title, &note);
    }
    let report = result?;
    if let Some(ending) = report.ending {
        crate::say(output, &request.title, &format!("the guest {ending}"));
    }
    Ok(())
}

/// Ends the VM first, if it runs.
fn stop_first(
    process: &Process,
    request: &Request,
    vm: &Vm,
    how: How,
    life: &mut Life<'_>,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    let survey = {
        let mut ground = ground(process, host);
        let (at, look) = ground.asking();
        Survey::for_freeing(look, &at, std::iter::once(vm))?
    };
    if !matches!(survey.state(&vm.name), Seen::Busy(..) | Seen::Unknown) {
        return Ok(());
    }
    life.report(host, &Report::Stopping)?;
    let stop = Request {
        job: Job::Shutdown {
            whom: Whom::Named,
            how,
            quiet: true,
        },
        ..request.clone()
    };
    let planned = plan(&mut ground(process, host), &stop)?;
    let freeing = Freeing::new(process, &request.job);
    execute(&planned, &request.title, freeing, host, output)
}
