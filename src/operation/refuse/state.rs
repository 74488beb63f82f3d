//! Refusals because of the state of VMs.

use crate::error::{Error, Kind, Result};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::operation::plan_context::PlanContext;
use crate::plan::{Refusal, Test};
use crate::survey::{Processes, State, Traces};
use crate::tools::process::Role;
use crate::tools::workers;
use crate::verb::Verb;
use std::path::Path;

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
        State::Busy(process, role @ (Role::Starting | Role::Supervised)) => {
            Err(Error::state(format!("{name} {}", process.who.does(role)))
                .help("wait, and check the state: easy-bhyve status"))
        }
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
            return Err(unknown(rival).note(format!("{rival} uses a disk of {}", vm.name)));
        }
    };
    Err(
        Error::state(format!("{rival} uses a disk of {} and {how}", vm.name))
            .at(vm.disks.first().and_then(|disk| disk.origin))
            .note("two VMs that write to one disk corrupt its content")
            .help(format!(
                "end {rival} first, or use another disk for {}",
                vm.name
            )),
    )
}

/// The error for a VM that is not running.
pub(crate) fn not_running(vm: &Vm) -> Refusal {
    Refusal {
        kind: Kind::State,
        what: format!("{} is not running", vm.name),
        help: Some(format!(
            "to free leftovers of an earlier run: {}",
            vm.command(Verb::Clean)
        )),
    }
}

/// The state of a VM's node at the time when a plan for its disk is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node<'path> {
    /// There is no node; a node that appears later shows that the VM was started.
    Absent(&'path Path),
    /// The node is a leftover of an earlier run.
    LeftOver,
}

impl Node<'_> {
    /// Tests that the VM has not been started since.
    pub(crate) fn is_stopped(self, vm: &Vm) -> Test {
        match self {
            Self::Absent(node) => !Test::Exists(node.to_owned()),
            Self::LeftOver => !workers::is_alive(&vm.name),
        }
    }
}

/// Refuses if the VM or another VM with its disk runs; returns the state of the VM's node.
pub(crate) fn stopped<'path>(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    rivals: &[VmName],
    node: &'path Path,
) -> Result<Node<'path>> {
    if !context.is_freebsd {
        return Ok(Node::Absent(node));
    }
    let (at, look) = context.asking();
    let traces = Traces::ask(look, &at)?;
    if traces.has(vm.name.as_str()) || !rivals.is_empty() {
        let processes = Processes::ask(look, &at, &traces)?;
        refuse_busy_state(vm, processes.state(vm.name.as_str(), &traces))?;
        for rival in rivals {
            refuse_rival(vm, rival, processes.state(rival.as_str(), &traces))?;
        }
    }
    Ok(if traces.has_node(&vm.name) {
        Node::LeftOver
    } else {
        Node::Absent(node)
    })
}
