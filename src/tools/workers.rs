//! The processes of a VM, as tests and signals of a plan.
//!
//! [`Who`] decides which processes count: those of root, in no jail. Each process is looked up just
//! before its signal; a pid alone identifies no process.

use super::process::{self, Role, Who};
use crate::command::{Command, args};
use crate::model::name::VmName;
use crate::plan::{Action, Known, Signal, Step, Test, Work, Workers};

fn covers(work: Work, role: Role) -> bool {
    match role {
        Role::Running => matches!(work, Work::Running | Work::Deaf | Work::Bhyve | Work::Any),
        Role::Starting => matches!(work, Work::Deaf | Work::Bhyve | Work::Any),
        Role::Loading => matches!(work, Work::Loader | Work::Any),
        Role::Supervised => false,
    }
}

fn workers(work: Work, vms: Vec<VmName>) -> Workers {
    Workers {
        command: process::who(),
        work,
        vms,
    }
}

/// The pids of the matching processes in the output of [`Workers::command`].
pub fn among(workers: &Workers, listing: &str) -> Vec<u32> {
    let works = |process: &Who| {
        let work = process.works_for();
        work.is_some_and(|(name, role)| {
            covers(workers.work, role) && workers.vms.iter().any(|vm| vm.as_str() == name)
        })
    };
    let seen = if workers.work == Work::Deaf {
        let seen = process::parse(listing).into_iter();
        let deaf = seen.filter(|process| !process.listens());
        deaf.map(|process| process.who).collect()
    } else {
        process::parse_who(listing)
    };
    let working = seen.iter().filter(|process| works(process));
    working.map(|process| process.pid).collect()
}

/// Whether the listed process is the known one.
pub fn is_known(known: &Known, listing: &str) -> bool {
    process::parse_who(listing)
        .iter()
        .any(|process| match known {
            Known::Supervisor(vm) => process.supervises() == Some(vm.as_str()),
            Known::Shown(shown) => process.shown() == *shown,
        })
}

fn works(work: Work, vms: Vec<VmName>) -> Test {
    Test::Works(workers(work, vms))
}

/// Whether the VM's bhyve runs under its title.
pub fn is_running(vm: &VmName) -> Test {
    works(Work::Running, vec![vm.clone()])
}

/// Whether one of these VMs has a bhyve whose guest does not handle its power button, or not yet.
pub fn any_is_deaf<'vm>(vms: impl Iterator<Item = &'vm VmName>) -> Test {
    Test::Works(Workers {
        command: process::list(),
        ..workers(Work::Deaf, vms.cloned().collect())
    })
}

/// Whether the VM has a bhyve, with or without its title.
pub fn is_alive(vm: &VmName) -> Test {
    works(Work::Bhyve, vec![vm.clone()])
}

/// Whether one of these VMs has a bhyve, with or without its title.
pub fn any_is_alive<'vm>(vms: impl Iterator<Item = &'vm VmName>) -> Test {
    works(Work::Bhyve, vms.cloned().collect())
}

/// Whether the VM has a loader.
pub fn is_loading(vm: &VmName) -> Test {
    works(Work::Loader, vec![vm.clone()])
}

/// Whether the VM has a loader or a bhyve.
pub fn is_at_work(vm: &VmName) -> Test {
    works(Work::Any, vec![vm.clone()])
}

/// Sends a signal: `kill -SIGNAL PID…`. Without a receiver, the status is 1.
fn send(signal: &str, work: Work, vm: &VmName, accept: &'static [i32]) -> Step {
    let signal = Signal {
        by: Command::root("kill", args![signal]).accept(accept),
        to: workers(work, vec![vm.clone()]),
    };
    Action::Signal(Box::new(signal)).into()
}

/// Presses the VM's power button: SIGTERM to the bhyve under its title. Without a receiver, the step
/// fails unless `accept` contains 1.
pub fn press_power_button(vm: &VmName, accept: &'static [i32]) -> Step {
    send("-TERM", Work::Running, vm, accept)
}

/// Sends SIGTERM to the VM's loader, if running.
pub fn end_loader(vm: &VmName) -> Step {
    send("-TERM", Work::Loader, vm, &[0, 1])
}

/// Ends the VM's bhyve while it waits for a viewer, with SIGTERM: it has no guest yet, and handles no
/// signal (`usr.sbin/bhyve/rfb.c`, `rfb_init`).
pub fn end_waiting(vm: &VmName) -> Step {
    send("-TERM", Work::Bhyve, vm, &[0, 1])
}

/// Kills the VM's bhyve, if running, with or without its title.
pub fn kill(vm: &VmName) -> Step {
    send("-KILL", Work::Bhyve, vm, &[0, 1])
}

/// Kills the VM's loader and bhyve, if running.
pub fn kill_any(vm: &VmName) -> Step {
    send("-KILL", Work::Any, vm, &[0, 1])
}

/// Whether a process is still the known one.
pub fn is_still(pid: u32, known: Known) -> Test {
    Test::Still {
        command: process::who_is(pid),
        known,
    }
}

/// Sends SIGTERM to one process, if still the known one: `kill -TERM PID`. Status 1 means that the
/// process has already exited.
///
/// A supervisor then treats the guest's next end as its last; before the guest runs, it undoes the
/// start.
pub fn end_one(pid: u32, known: Known) -> Step {
    Step::from(Command::root("kill", args!["-TERM", pid.to_string()]).accept(&[0, 1]))
        .only_if(is_still(pid, known))
}
