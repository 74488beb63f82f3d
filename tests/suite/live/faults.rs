//! Injected faults in runs of the real program.

use std::process::{Command, Output};

use nix::sys::signal::Signal;

use super::rig::{quick, send};
use crate::host::{Edit, Ending, Fault, Host, program};
use crate::machine::{CONFIG, Machine};
use crate::wait::{output_of, until, wait_for};

/// A host on which `fbsd0` can be booted.
pub(super) fn host() -> Host {
    let mut host = Host::freebsd(14).with_volume("zroot/vm/fbsd0", 1 << 30);
    host.state.guest = quick();
    host
}

/// The same as a machine whose user is root.
pub(super) fn machine(host: Host) -> Machine {
    Machine::new(host, &CONFIG.replace("@WORD@", "none"))
}

/// The program, called by root.
pub(super) fn call(machine: &Machine, name: &str) -> Command {
    let mut command = machine.program(&[name]);
    command.env(program::UID, "0");
    command
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Nothing of the VM exists: no process, no node, no tap of its own.
#[track_caller]
pub(super) fn assert_gone(machine: &Machine) {
    // The supervisor closes the pipe to its caller a moment before it exits.
    until("the end of its supervisor", || {
        let state = machine.host().state;
        state.processes.values().all(|one| one.comm != "playground")
    });
    let state = machine.host().state;
    let args: Vec<_> = state.processes.values().map(|one| &one.argv).collect();
    assert!(
        args.iter()
            .all(|argv| !argv.contains(&"fbsd0".to_owned()) && argv[0] != "ifconfig"),
        "{args:?}"
    );
    assert!(!state.vms.contains_key("fbsd0"), "{:?}", state.vms);
    assert!(!state.interfaces.contains_key("tap1"));
}

#[test]
fn a_program_that_hangs_can_be_killed_and_that_is_reported_and_undone() {
    for (program, nth) in [("ifconfig", 5), ("bhyveload", 1), ("kldload", 1)] {
        let mut host = host();
        host.order(program, nth, Fault::Hang);
        let machine = machine(host);
        let boot = call(&machine, "fbsd0-boot");
        let boot = std::thread::spawn(|| output_of(boot));
        let pid = wait_for("the program that hangs", || {
            let state = machine.host().state;
            let mut all = state.processes.values();
            all.find(|one| one.comm == program).map(|one| one.pid)
        });
        send(pid, Signal::SIGKILL);
        let output = boot.join().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let first = format!("fbsd0-boot: {program} was terminated by SIGKILL\n");
        assert!(said.starts_with(&first), "{said}");
        assert_gone(&machine);
    }
}

#[test]
fn a_program_that_a_signal_ends_is_reported_and_undone() {
    for (program, nth, signal, what) in [
        ("ifconfig", 4, 15, "ifconfig was terminated by SIGTERM"),
        ("bhyveload", 1, 11, "bhyveload was terminated by SIGSEGV"),
        (
            "daemon",
            1,
            6,
            "root-boot was terminated by SIGABRT before completion",
        ),
        ("bhyve", 1, 6, "bhyve did not start: terminated by SIGABRT"),
    ] {
        let mut host = host();
        host.kill(program, nth, signal);
        let machine = machine(host);
        let output = output_of(call(&machine, "fbsd0-boot"));
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&format!("fbsd0-boot: {what}\n")), "{said}");
        assert_gone(&machine);
    }
}

/// A command of root, as a change.
fn command(line: &str) -> Edit {
    Edit::Command(line.split(' ').map(String::from).collect())
}

#[test]
fn a_tap_that_appears_between_the_survey_and_its_creation_is_not_destroyed() {
    let mut host = host();
    host.before("bhyveload", 1, command("ifconfig tap40 create"));
    host.before("sysctl", 2, command("ifconfig tap1 create description x"));
    let machine = machine(host);
    let output = output_of(call(&machine, "fbsd0-boot"));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("interface tap1 already exists"), "{said}");
    let state = machine.host().state;
    assert_eq!(state.interfaces["tap1"].description, "x");
    assert!(state.processes.values().all(|one| one.guest.is_none()));
}

#[test]
fn a_vm_that_is_started_meanwhile_is_not_destroyed() {
    let mut host = host();
    host.before("kldload", 1, command("bhyvectl --vm=fbsd0 --create"));
    let machine = machine(host);
    let output = output_of(call(&machine, "fbsd0-boot"));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("fbsd0-boot: fbsd0 was started by another process\n"),
        "{said}"
    );
    let state = machine.host().state;
    assert!(state.vms.contains_key("fbsd0"));
    assert!(!state.interfaces.contains_key("tap1"));
}

#[test]
fn a_guest_that_ends_by_itself_during_shutdown_counts_as_shut_down() {
    let mut host = host();
    // The first signal is for the supervisor.
    host.before("kill", 2, Edit::Advance(60_000));
    host.state.guest.runs_ms = Some(30_000);
    host.state.guest.endings = vec![Ending::PowerOff];
    let machine = machine(host);
    let boot = output_of(call(&machine, "fbsd0-boot"));
    assert!(boot.status.success(), "{}", stderr(&boot));
    until("ACPI", || {
        let state = machine.host().state;
        let pid = state.bhyve_of("fbsd0").unwrap();
        state.processes[&pid].sigignore != 0
    });
    let output = output_of(call(&machine, "fbsd0-shutdown"));
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (
            Some(0),
            "fbsd0-shutdown: fbsd0 has ended, and its resources are free; to see its log: fbsd0-log\n"
        )
    );
    assert_gone(&machine);
}
