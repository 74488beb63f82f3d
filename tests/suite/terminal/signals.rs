//! Keys that send signals elsewhere, and signals to the program while another program uses its terminal.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Command;

use super::{
    BOTH, By, assert_as_before, assert_free, machine, patient, process, quick, sit,
    until_title_is_seen,
};
use crate::host::Fault;
use crate::machine::Machine;
use crate::wait::{until, wait_for};

/// Sends a signal to the parent of the process of this program: a parent that passes the signal on may do
/// so only after the next key.
fn signal_who_waits_for(machine: &Machine, program: &str, signal: Signal) {
    let pid = process(machine, program).unwrap().to_string();
    let asked = Command::new("ps")
        .args(["-o", "ppid=", "-p", &pid])
        .output();
    let parent = String::from_utf8(asked.unwrap().stdout).unwrap();
    kill(Pid::from_raw(parent.trim().parse().unwrap()), signal).unwrap();
}

#[test]
fn control_c_reaches_loader_and_guest_as_a_key() {
    for by in BOTH {
        let machine = machine(patient());
        let mut seat = sit(&machine, by, "ttyboot fbsd0");
        // A loader reads it as any other key.
        seat.answer("any other key stops. ", "\x03");
        seat.answer("OK ", "boot\r");
        seat.answer("login: ", "root\r");
        seat.answer("# ", "nonsense\x03");
        seat.see("^C\r\nroot@fbsd0:~ # ");
        until_title_is_seen(&machine);
        seat.type_in("poweroff\r");
        let left = seat.end();
        assert_eq!(left.status.code(), Some(0), "{}", left.written);
        assert_as_before(&machine, by, &left);
    }
}

#[test]
fn a_signal_during_the_loader_is_handled_after_it_and_everything_is_undone() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        for by in BOTH {
            let machine = machine(patient());
            let mut seat = sit(&machine, by, "ttyboot fbsd0");
            seat.see("any other key stops. ");
            signal_who_waits_for(&machine, "bhyveload", signal);
            seat.type_in("\r");
            let left = seat.end();
            assert_eq!(left.status.code(), Some(1), "{}", left.written);
            let first = format!("easy-bhyve: interrupted by {signal}\r\n");
            assert!(left.written.contains(&first), "{}", left.written);
            assert_as_before(&machine, by, &left);
            assert!(!left.written.contains("login: "));
        }
    }
}

#[test]
fn a_signal_to_a_boot_ends_the_loader_in_the_background_and_everything_is_undone() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        let machine = machine(patient());
        let seat = sit(&machine, By::Program, "boot fbsd0");
        until("the loader", || process(&machine, "bhyveload").is_some());
        seat.signal(signal);
        let left = seat.end();
        assert_eq!(left.status.code(), Some(1), "{}", left.written);
        let message = format!("easy-bhyve: interrupted by {signal}\r\n");
        assert!(left.written.contains(&message), "{}", left.written);
        assert_as_before(&machine, By::Program, &left);
        assert_eq!(process(&machine, "bhyveload"), None);
    }
}

#[test]
fn a_signal_during_the_guest_does_not_end_it_but_its_next_end_is_the_last() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        for by in BOTH {
            let machine = machine(quick());
            let mut seat = sit(&machine, by, "ttyboot fbsd0");
            seat.answer("login: ", "root\r");
            until_title_is_seen(&machine);
            signal_who_waits_for(&machine, "bhyve", signal);
            seat.answer("# ", "hostname\r");
            seat.see("\r\nfbsd0\r\n");
            seat.answer("# ", "reboot\r");
            let left = seat.end();
            assert_as_before(&machine, by, &left);
            assert_eq!(left.status.code(), Some(0), "{signal}: {}", left.written);
        }
    }
}

#[test]
fn the_loss_of_the_terminal_is_passed_on_to_a_guest_that_does_not_get_it_otherwise() {
    let machine = machine(quick());
    let mut seat = sit(&machine, By::Program, "ttyboot fbsd0");
    seat.see("login: ");
    until_title_is_seen(&machine);
    seat.signal(Signal::SIGHUP);
    let left = seat.end();
    assert_eq!(left.status.code(), Some(1), "{}", left.written);
    let message = "easy-bhyve: bhyve was terminated by SIGHUP\r\n";
    assert!(left.written.contains(message), "{}", left.written);
    assert_as_before(&machine, By::Program, &left);
}

#[test]
fn the_loss_of_the_terminal_is_passed_on_even_after_another_signal() {
    let machine = machine(quick());
    let mut seat = sit(&machine, By::Program, "ttyboot fbsd0");
    seat.answer("login: ", "root\r");
    until_title_is_seen(&machine);
    signal_who_waits_for(&machine, "bhyve", Signal::SIGTERM);
    seat.answer("# ", "hostname\r");
    seat.see("\r\nfbsd0\r\n");
    signal_who_waits_for(&machine, "bhyve", Signal::SIGHUP);
    let left = seat.end();
    assert_eq!(left.status.code(), Some(1), "{}", left.written);
    assert_as_before(&machine, By::Program, &left);
}

#[test]
fn a_terminal_that_closes_ends_the_programs_on_it_and_everything_is_undone() {
    for guest_runs in [false, true] {
        for by in BOTH {
            let machine = machine(if guest_runs { quick() } else { patient() });
            let mut seat = sit(&machine, by, "ttyboot fbsd0");
            seat.see(if guest_runs {
                "login: "
            } else {
                "any other key stops. "
            });
            let mut program = seat.hang_up();
            let status = wait_for("the end of the program", || program.try_wait().unwrap());
            assert!(!status.success(), "{by:?}: {status}");
            until("the end of its programs", || {
                process(&machine, "bhyve").is_none() && process(&machine, "bhyveload").is_none()
            });
            assert_free(&machine, &format!("{by:?} {guest_runs}"));
        }
    }
}

#[test]
fn control_c_does_not_interrupt_an_undo() {
    let machine = machine(patient());
    machine.with(|host| host.order("bhyvectl", 1, Fault::Hang));
    let mut seat = sit(&machine, By::Program, "ttyboot fbsd0");
    seat.answer("any other key stops. ", "x");
    seat.answer("OK ", "quit\r");
    let pid = wait_for("the undo", || process(&machine, "bhyvectl"));
    seat.type_in("\x03");
    seat.see("^C");
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let left = seat.end();
    assert_eq!(left.status.code(), Some(1), "{}", left.written);
    let message = "could not clean up the VM node of fbsd0: bhyvectl was terminated by SIGKILL\r\n";
    assert!(left.written.contains(message), "{}", left.written);
}
