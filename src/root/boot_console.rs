//! A start in the background with a user at the console: the terminal is connected before the guest
//! is loaded, so that the user sees all output of loader and guest and can answer prompts.

use super::message::Message;
use super::phases::Phases;
use super::reply::Reply;
use crate::error::{Error, Result};
use crate::host::{Event, Host};
use crate::model::Vm;
use crate::model::privilege::Elevation;
use crate::operation::boot::Boot;
use crate::operation::boot::plan::Start;
use crate::operation::refuse::state::see_log;
use crate::operation::{Request, wire};
use crate::process::Process;
use crate::run::not_started;
use crate::session::Session;
use crate::survey::record::Record;
use crate::survey::{Processes, State as Seen, Traces};
use crate::tools::line::side_of_person;
use crate::tools::process::Role;
use crate::tools::{cu, daemon};
use crate::vis;
use nix::libc::SIGTERM;
use std::path::Path;

/// Starts another root side in the background, and connects this terminal to the console.
///
/// # Errors
/// If the start is refused or fails; the terminal is disconnected then.
pub(super) fn start(
    session: &mut Session<'_, '_>,
    request: &Request,
    vm: &Vm,
    boot: &Boot,
) -> Result<()> {
    let (process, title) = (session.process, session.title);
    let (host, output) = (&mut *session.host, &mut *session.output);
    let behind = Request {
        job: Boot {
            start: Start::Background,
            waits: true,
            ..boot.clone()
        }
        .into(),
        ..request.clone()
    };
    let words = wire::of(&behind, process.host(), &process.devices);
    let command = daemon::detach(&process.program, words);
    let line = side_of_person(vm, &process.devices);
    let mut reply = Reply::default();
    let mut phases = Phases::new(&behind, output.display);
    let mut connected = None;
    let followed = host.follow(&command, phases.every(), &mut |host, said| {
        match said.and_then(|said| reply.read(said)) {
            Some(Message::Note(note)) => {
                phases.end(output);
                output.say(title, &note);
            }
            Some(Message::Loader) if connected.is_none() => {
                phases.end(output);
                output.say(title, &cu::how_to_leave(&vm.name, request.is_over_ssh));
                // The line buffers the output until cu(1) is connected.
                match connect(&line, host) {
                    Ok(cu) => connected = Some(cu),
                    Err(error) => output.say(
                        title,
                        &format!(
                            "{}; the VM starts nevertheless, connect to its console later",
                            error.what
                        ),
                    ),
                }
                let _ = host.go();
            }
            Some(phase) => phases.begin(&phase, host),
            // The terminal belongs to cu(1).
            None if connected.is_some() => {}
            None => phases.draw(host, output),
        }
    });
    phases.end(output);
    let ended = followed.map_err(|error| not_started(&command, &error))?;
    if let Some(cu) = connected {
        leave(cu, reply.is_running(), host)?;
    }
    if let Some(took) = reply.result(request, Elevation::None, ended)? {
        took.write(request, output)?;
    }
    // The VM may have ended while the user was at the console.
    let note = if has_ended(process, vm, host)? {
        format!("{} has ended; {}", vm.name, see_log(vm))
    } else {
        vm.running_note(request.is_over_ssh)
    };
    output.say(title, &note);
    Ok(())
}

/// Whether the VM has ended: it has no process except one that frees its resources.
fn has_ended(process: &Process, vm: &Vm, host: &mut dyn Host) -> Result<bool> {
    let at = process.surroundings();
    let traces = Traces::ask(host, &at)?;
    let processes = Processes::ask(host, &at, &traces)?;
    Ok(match processes.state(vm.name.as_str(), &traces) {
        Seen::Busy(_, Role::Supervised) => {
            let noted = Record::of_supervisor(host, &process.run, &processes, &vm.name);
            noted.is_none_or(|noted| noted.phase.is_over())
        }
        Seen::Busy(..) | Seen::Unknown => false,
        Seen::Stopped | Seen::LeftOver => true,
    })
}

/// Connects this terminal to the console.
fn connect(line: &Path, host: &mut dyn Host) -> Result<u32> {
    host.hold(line)
        .map_err(|error| Error::host(format!("could not open {}: {error}", vis::shown(&line))))?;
    let cu = cu::connect(line);
    host.begin(&cu).map_err(|error| not_started(&cu, &error))
}

/// Waits until the user leaves the console; if the guest was not started, ends the connection.
fn leave(cu: u32, is_started: bool, host: &mut dyn Host) -> Result<()> {
    if !is_started {
        // An error means that cu(1) has already exited.
        let _ = host.signal(cu, SIGTERM);
    }
    loop {
        match host.watch(cu, None, false) {
            Ok(Event::Ended(_)) => return Ok(()),
            Ok(Event::Said(_) | Event::Overdue | Event::Interrupted) => {}
            Err(error) => {
                return Err(Error::host(format!("could not wait for cu: {error}")));
            }
        }
    }
}
