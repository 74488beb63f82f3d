//! Who works for a VM, as a question to ask again and as whom to signal: a plan's tests and steps.
//!
//! What counts is decided by [`Who`]: root's own processes, and in no jail. Each process is
//! looked for just before it is signalled, and a number alone is nobody.

use super::process::{self, Role, Who};
use crate::command::{Command, args};
use crate::model::name::VmName;
use crate::plan::{Action, Known, Signal, Step, Test, Work, Workers};

/// Whether these processes do it.
fn covers(work: Work, role: Role) -> bool {
    match role {
        Role::Running => matches!(work, Work::Running | Work::Bhyve | Work::Any),
        Role::Starting => matches!(work, Work::Bhyve | Work::Any),
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

/// The numbers of those in a listing of [`Workers::command`].
pub fn among(workers: &Workers, listing: &str) -> Vec<u32> {
    let seen = process::parse_who(listing);
    let works = |process: &&Who| {
        let work = process.works_for();
        work.is_some_and(|(name, role)| {
            covers(workers.work, role) && workers.vms.iter().any(|vm| vm.as_str() == name)
        })
    };
    seen.iter().filter(works).map(|one| one.pid).collect()
}

/// Whether this is the listing of a process that is known by this.
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

/// Whether a bhyve works for the VM, also one that is just starting.
pub fn is_alive(vm: &VmName) -> Test {
    works(Work::Bhyve, vec![vm.clone()])
}

/// Whether a bhyve works for one of these VMs, also one that is just starting.
pub fn any_is_alive<'vm>(vms: impl Iterator<Item = &'vm VmName>) -> Test {
    works(Work::Bhyve, vms.cloned().collect())
}

/// Whether a loader works for the VM.
pub fn is_loading(vm: &VmName) -> Test {
    works(Work::Loader, vec![vm.clone()])
}

/// Whether a loader or a bhyve works for the VM.
pub fn is_at_work(vm: &VmName) -> Test {
    works(Work::Any, vec![vm.clone()])
}

/// Sends a signal: `kill -SIGNAL PID…`. Where there is nobody to get it, that is status 1.
fn send(signal: &str, work: Work, vm: &VmName, accept: &'static [i32]) -> Step {
    let signal = Signal {
        by: Command::root("kill", args![signal]).accept(accept),
        to: workers(work, vec![vm.clone()]),
    };
    Action::Signal(Box::new(signal)).into()
}

/// Presses the VM's power button: SIGTERM for the bhyve under its title. Nobody to press it for is
/// a failure but where `accept` has 1.
pub fn press_power_button(vm: &VmName, accept: &'static [i32]) -> Step {
    send("-TERM", Work::Running, vm, accept)
}

/// Asks the VM's loader to end, if it has not.
pub fn end_loader(vm: &VmName) -> Step {
    send("-TERM", Work::Loader, vm, &[0, 1])
}

/// Kills a bhyve that works for the VM, also one that is just starting, if it has not ended.
pub fn kill(vm: &VmName) -> Step {
    send("-KILL", Work::Bhyve, vm, &[0, 1])
}

/// Kills what works for the VM, if it has not ended.
pub fn kill_any(vm: &VmName) -> Step {
    send("-KILL", Work::Any, vm, &[0, 1])
}

/// Whether a process is still the one that it was known as.
pub fn is_still(pid: u32, known: Known) -> Test {
    Test::Still {
        command: process::who_is(pid),
        known,
    }
}

/// Asks one process to end, if it is still the one that it was known as: `kill -TERM PID`. Status 1
/// says that it has ended meanwhile.
///
/// What supervises a VM then takes the guest's next end for its last; before the VM runs, it takes
/// back the start.
pub fn end_one(pid: u32, known: Known) -> Step {
    Step::from(Command::root("kill", args!["-TERM", pid.to_string()]).accept(&[0, 1]))
        .only_if(is_still(pid, known))
}
