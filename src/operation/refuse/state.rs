//! Refusals because of the state of VMs.

use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::operation::free;
use crate::operation::plan_context::PlanContext;
use crate::plan::{Guard, Refusal, Test};
use crate::survey::{Processes, State, Traces};
use crate::tools::process::Role;
use crate::tools::{bhyve, workers};
use crate::verb::Verb;
use std::time::Duration;

/// Refuses a VM that runs or may run.
///
/// # Errors
/// If the VM runs or may run; the error contains the command that ends the VM.
pub(crate) fn refuse_busy_state(vm: &Vm, state: State<'_>) -> Result<()> {
    let name = &vm.name;
    match state {
        State::Stopped | State::LeftOver => Ok(()),
        State::Busy(process, role @ Role::Running) => {
            Err(Error::state(format!("{name} {}", process.who.does(role)))
                .help(format!("end it first: {}", vm.command(Verb::Shutdown))))
        }
        State::Busy(process, Role::Starting) if process.who.waits_for_viewer() => {
            Err(Error::state(format!(
                "{name} waits for a viewer (pid {})",
                process.who.pid
            ))
            .help(format!("open its screen: {}", vm.command(Verb::Vnc)))
            .help(format!("or end it: {}", vm.command(Verb::Shutdown))))
        }
        State::Busy(process, role @ (Role::Starting | Role::Supervised)) => Err(Error::state(
            format!("{name} {}", process.who.does(role)),
        )
        .help(format!(
            "wait, and check the state: {}",
            vm.spelling.command("status")
        ))),
        State::Busy(process, Role::Loading) => Err(Error::state(format!(
            "{name} is being loaded by pid {}: {}",
            process.who.pid, process.who.args
        ))
        .help(format!(
            "wait until the guest is loaded, or end the VM: {}",
            vm.command(Verb::Shutdown)
        ))),
        State::Unknown => Err(unknown(name)),
    }
}

/// The error for a VM whose state is unknown.
pub(crate) fn unknown(vm: &VmName) -> Error {
    Error::host(format!(
        "could not determine whether {vm} is running: its VM node exists, but processes are hidden"
    ))
    .note("security.bsd.see_other_uids or see_other_gids is 0, or this is a jail")
    .help("repeat the command as root, outside of jails")
    .hidden()
}

/// Refuses to use a disk of another VM, if that VM runs or may run.
///
/// Differs: A disk that another running VM has is refused, for `rollback` and for `clone` from now,
/// too
pub(crate) fn refuse_rival(vm: &Vm, rival: &VmName, state: State<'_>) -> Result<()> {
    let how = match state {
        State::Stopped | State::LeftOver => return Ok(()),
        State::Busy(process, role) => process.who.does(role),
        State::Unknown => {
            return Err(unknown(rival).note(format!("{rival} uses {} of {}", shared(vm), vm.name)));
        }
    };
    Err(Error::state(format!(
        "{rival} uses {} of {} and {how}",
        shared(vm),
        vm.name
    ))
    .at(vm.disks.first().and_then(|disk| disk.origin))
    .note("two VMs that write to one disk corrupt its content")
    .help(format!(
        "end {rival} first, or use another disk for {}",
        vm.name
    )))
}

/// What two VMs may share, as words before the name of one.
fn shared(vm: &Vm) -> &'static str {
    match vm.uefi() {
        None => "a disk",
        Some(_) => "a disk or the UEFI variables",
    }
}

/// The error with the last end of a VM that is not running, if it is recorded.
pub(crate) fn with_last_end(error: Error, vm: &Vm, traces: &Traces, now: Duration) -> Error {
    match traces.last_end(vm.name.as_str()) {
        Some(end) => error
            .note(format!("{} the guest {}", end.ago(now), end.reason))
            .help(see_log(vm)),
        None => error,
    }
}

/// The advice to look into the log.
pub(crate) fn see_log(vm: &Vm) -> String {
    format!("to see its log: {}", vm.command(Verb::Log))
}

/// The error for a VM that is not running.
pub(crate) fn not_running(vm: &Vm) -> Refusal {
    Refusal::state(format!("{} is not running", vm.name)).help(format!(
        "to free leftovers of an earlier run: {}",
        vm.command(Verb::Clean)
    ))
}

/// Refuses if the VM or another VM with its disk runs; the returned guard refuses a VM that was started
/// after this check.
pub(crate) fn stopped(context: &mut PlanContext<'_>, vm: &Vm, rivals: &[VmName]) -> Result<Guard> {
    // A node that appears later shows that the VM was started.
    let mut test = !Test::Exists(bhyve::node(context.devices(), &vm.name));
    if context.is_freebsd {
        let (at, look) = context.asking();
        let traces = Traces::ask(look, &at)?;
        if traces.has(vm.name.as_str()) || !rivals.is_empty() {
            let processes = Processes::ask(look, &at, &traces)?;
            refuse_busy_state(vm, processes.state(vm.name.as_str(), &traces))?;
            for rival in rivals {
                refuse_rival(vm, rival, processes.state(rival.as_str(), &traces))?;
            }
        }
        if traces.has_node(&vm.name) {
            test = !workers::is_alive(&vm.name);
        }
    }
    Ok(Guard {
        test,
        refusal: free::started_meanwhile(vm),
    })
}
