//! Two runs of the program for one VM at the same time.

use std::fs;
use std::process::Output;

use super::faults::{call, host, machine, stderr};
use crate::host::{Host, Status};
use crate::machine::Machine;
use crate::wait::{output_of, until};

/// A host on which the network exists already.
pub(super) fn warm() -> Host {
    host().with_commands(&[
        "kldload -n vmm nmdm if_tuntap if_bridge",
        "sysctl net.link.tap.up_on_open=1",
        "ifconfig bridge0 create",
        "ifconfig bridge0 addm igb0 up",
    ])
}

/// A host whose user has created the tap.
fn with_own_tap() -> Host {
    warm()
        .with_tap("tap1", "mine")
        .with_commands(&["ifconfig bridge0 addm tap1"])
}

/// How many lines the log of the machine's calls has.
fn calls(machine: &Machine) -> usize {
    let log = fs::read(machine.path().join("calls")).unwrap();
    log.iter().filter(|byte| **byte == b'\n').count()
}

/// Boots twice, the second time when the first has made this number of calls or has ended.
fn boot_twice(machine: &Machine, lead: usize) -> [Output; 2] {
    let first = call(machine, "fbsd0-boot");
    let first = std::thread::spawn(|| output_of(first));
    until("the lead of the first", || {
        calls(machine) >= lead || first.is_finished()
    });
    let second = output_of(call(machine, "fbsd0-boot"));
    [first.join().unwrap(), second]
}

/// The lead of the first boot in calls: it surveys the host, sets up its network, starts its loader or
/// bhyve, or has ended.
const LEADS: [usize; 9] = [0, 1, 2, 3, 6, 9, 12, 15, usize::MAX];

/// Runs two boots at the same time on this host, the second with each of the leads.
fn race(make: fn() -> Host) {
    for lead in LEADS {
        let mut host = make();
        host.state.guest.title_ms = [0, 100][lead % 2];
        let machine = machine(host);
        let both = boot_twice(&machine, lead);
        let said = both.each_ref().map(stderr).join("\n");
        let said = format!("lead {lead}:\n{said}");
        let mut statuses = both.each_ref().map(|output| output.status.code());
        statuses.sort_unstable();
        assert_eq!(statuses, [Some(0), Some(2)], "{said}");
        let host = machine.host();
        let ran = |program: &str, status| {
            let all = host.calls().iter();
            all.filter(|call| call.argv[0] == program && call.status == status)
                .count()
        };
        assert!(ran("bhyve", Status::Running) <= 1, "two ran; {said}");
        // This is the status of the destruction of an open tap.
        assert_eq!(ran("ifconfig", Status::Hang), 0, "{said}");
        end(&machine);
    }
}

/// Waits until the guest listens to its power button.
fn until_acpi(machine: &Machine) {
    until("ACPI", || {
        let state = machine.host().state;
        let pid = state.bhyve_of("fbsd0").unwrap();
        state.processes[&pid].sigignore != 0
    });
}

/// Ends the VM: nothing of it is left then.
fn end(machine: &Machine) {
    until_acpi(machine);
    let output = output_of(call(machine, "fbsd0-shutdown"));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_freed(machine);
}

/// Nothing of the VM is left.
fn assert_freed(machine: &Machine) {
    let state = machine.host().state;
    assert_eq!(state.bhyve_of("fbsd0"), None);
    assert!(state.vms.is_empty(), "{:?}", state.vms);
    // A tap without the mark does not belong to the program.
    let mut taps = state.interfaces.values();
    assert!(taps.all(|tap| tap.description != "easy-bhyve:fbsd0"));
}

#[test]
fn of_two_boots_of_a_cold_host_one_starts_the_vm_and_the_other_reports_why_not() {
    race(host);
}

#[test]
fn of_two_boots_of_a_warm_host_one_starts_the_vm_and_the_other_reports_why_not() {
    race(warm);
}

#[test]
fn of_two_boots_with_a_tap_of_the_user_one_starts_the_vm() {
    race(with_own_tap);
}

/// A machine on which `fbsd0` runs; its guest and loader are slow.
fn with_running() -> Machine {
    let mut host = warm();
    host.state.guest.button_ms = Some(2_000);
    host.state.guest.loader_ms = 600;
    // A later call waits until the end of this one.
    host.state.pace = 4;
    let machine = machine(host);
    let output = output_of(call(&machine, "fbsd0-boot"));
    assert!(output.status.success(), "{}", stderr(&output));
    until_acpi(&machine);
    machine
}

/// Runs this call once the guest was told to end.
fn second(machine: &Machine, name: &str) -> Output {
    until("the press of the button", || {
        let host = machine.host();
        let calls = host.calls().iter();
        let signals = calls.filter(|call| call.argv[..2] == ["kill", "-TERM"]);
        // The first signal is for the supervisor.
        signals.count() > 1
    });
    output_of(call(machine, name))
}

/// Whether another command has ended this start.
fn was_ended(output: &Output) -> bool {
    output.status.code() == Some(1) && stderr(output).contains("interrupted by SIGTERM")
}

#[test]
fn of_two_restarts_one_starts_the_vm_and_the_other_frees_nothing_of_it() {
    let machine = with_running();
    let first = call(&machine, "fbsd0-restart");
    let first = std::thread::spawn(|| output_of(first));
    let second = second(&machine, "fbsd0-restart");
    let both = [first.join().unwrap(), second];
    let said = both.each_ref().map(stderr).join("\n");
    let (done, others): (Vec<&Output>, Vec<&Output>) =
        both.iter().partition(|output| output.status.success());
    assert_eq!(done.len(), 1, "{said}");
    // The later call finds a VM that is being started, and ends that start first.
    let is_told = |output: &&Output| output.status.code() == Some(2) || was_ended(output);
    assert!(others.iter().all(is_told), "{said}");
    end(&machine);
}

#[test]
fn a_shutdown_frees_nothing_of_a_restart_that_began_before_it() {
    let machine = with_running();
    let restart = call(&machine, "fbsd0-restart");
    let restart = std::thread::spawn(|| output_of(restart));
    let shutdown = second(&machine, "fbsd0-shutdown");
    let restart = restart.join().unwrap();
    // The later call finds a VM that is being started, and ends that start; or it is the first to lock
    // what the guest has left.
    if was_ended(&restart) || restart.status.code() == Some(2) {
        assert!(shutdown.status.success(), "{}", stderr(&shutdown));
        assert_freed(&machine);
        return;
    }
    assert!(restart.status.success(), "{}", stderr(&restart));
    // It may have seen that everything was free, before the restart continued.
    let said = stderr(&shutdown);
    let is_told = said.contains("fbsd0 has ended, and is ");
    assert_eq!(
        shutdown.status.code(),
        Some(2 * i32::from(is_told)),
        "{said}"
    );
    end(&machine);
}
