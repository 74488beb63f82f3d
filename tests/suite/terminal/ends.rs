//! The ends of a loader or guest on the terminal: exit status, message, and the terminal afterwards.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{
    BOTH, By, assert_as_before, machine, machine_with, patient, process, quick, sit,
    until_title_is_seen, until_title_is_seen_again,
};
use crate::wait::until;

/// The command that root types, the exit status of the program, and the end of its output.
const ENDS: [(&str, i32, &str); 6] = [
    (
        "poweroff",
        0,
        "easy-bhyve: the guest powered off; to see its log: easy-bhyve log fbsd0\r\n",
    ),
    (
        "reboot",
        0,
        "easy-bhyve: the guest rebooted; to see its log: easy-bhyve log fbsd0\r\n",
    ),
    (
        "halt",
        0,
        "easy-bhyve: the guest halted; to see its log: easy-bhyve log fbsd0\r\n",
    ),
    (
        "fault",
        1,
        "easy-bhyve: bhyve exited with status 3: the guest had a triple fault\r\n",
    ),
    (
        "panic",
        1,
        "easy-bhyve: bhyve exited with status 4: the guest was terminated by an error of bhyve\r\n",
    ),
    (
        "crash",
        1,
        "easy-bhyve: bhyve was terminated by SIGABRT\r\n",
    ),
];

#[test]
fn each_end_of_a_guest_has_its_status_and_restores_the_terminal() {
    for (command, status, message) in ENDS {
        for by in BOTH {
            let machine = machine_with(quick(), "fbsd0_on_reboot=stop");
            let mut seat = sit(&machine, by, "ttyboot fbsd0");
            seat.answer("login: ", "root\r");
            until_title_is_seen(&machine);
            seat.answer("# ", &format!("{command}\r"));
            let left = seat.end();
            assert_eq!(left.status.code(), Some(status), "{}", left.written);
            let said = left.written.contains(message);
            assert_eq!(said, by == By::Program, "{}", left.written);
            assert_as_before(&machine, by, &left);
        }
    }
}

#[test]
fn a_bhyve_that_exits_with_1_before_its_title_is_seen_is_no_power_off() {
    for by in BOTH {
        let machine = machine(quick());
        machine.with(|host| host.fail("bhyve", 1, 1, "out of luck"));
        let left = sit(&machine, by, "ttyboot fbsd0").end();
        assert_eq!(left.status.code(), Some(1), "{}", left.written);
        let message = match by {
            By::Program => {
                "out of luck\r\neasy-bhyve: bhyve did not start, and exited with status 1"
            }
            By::Script => "easy-bhyve: bhyve failed: its process was never seen\r\n",
        };
        assert!(left.written.contains(message), "{}", left.written);
        assert_as_before(&machine, by, &left);
    }
}

#[test]
fn a_terminal_that_a_killed_bhyve_left_raw_is_restored() {
    for by in BOTH {
        let machine = machine(quick());
        let mut seat = sit(&machine, by, "ttyboot fbsd0");
        seat.see("login: ");
        assert!(seat.is_raw());
        let pid = process(&machine, "bhyve").unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        let left = seat.end();
        assert_eq!(left.status.code(), Some(1), "{}", left.written);
        let said = left
            .written
            .contains("easy-bhyve: bhyve was terminated by SIGKILL\r\n");
        assert_eq!(said, by == By::Program, "{}", left.written);
        assert_as_before(&machine, by, &left);
    }
}

#[test]
fn a_terminal_that_a_killed_loader_left_raw_is_restored() {
    for (vm, loader) in [("fbsd0", "bhyveload"), ("deb0", "grub-bhyve")] {
        for by in BOTH {
            let machine = machine(patient());
            let mut seat = sit(&machine, by, &format!("ttyboot {vm}"));
            seat.see("any other key stops. ");
            assert!(seat.is_raw());
            let pid = process(&machine, loader).unwrap();
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
            let left = seat.end();
            let said = left.written.contains(&format!(
                "easy-bhyve: {loader} was terminated by SIGKILL\r\n"
            ));
            assert_eq!(said, by == By::Program, "{}", left.written);
            assert_eq!(left.status.code(), Some(1), "{}", left.written);
            assert_as_before(&machine, by, &left);
            assert!(!left.written.contains("login: "));
        }
    }
}

#[test]
fn a_loader_that_the_user_ends_starts_no_guest() {
    for (verb, words) in [
        ("ttyboot", "failed with status 1\r\n"),
        ("install", "failed with status 1\r\n"),
        (
            "boot --console",
            "failed with status 1: the loader gave up\r\n",
        ),
    ] {
        for (vm, prompt, leave, loader) in [
            ("fbsd0", "OK ", "quit\r", "bhyveload"),
            ("deb0", "grub> ", "exit\r", "grub-bhyve"),
        ] {
            for by in BOTH {
                let machine = machine(patient());
                let mut seat = sit(&machine, by, &format!("{verb} {vm}"));
                seat.answer("any other key stops. ", "\x1b");
                seat.answer(prompt, leave);
                if by == By::Script && verb == "boot --console" {
                    seat.see("\r\n");
                    until("the end of the loader", || {
                        process(&machine, loader).is_none()
                    });
                    seat.type_in("\r~.");
                }
                let left = seat.end();
                assert_eq!(left.status.code(), Some(1), "{}", left.written);
                let said = left
                    .written
                    .contains(&format!("easy-bhyve: {loader} {words}"));
                assert_eq!(said, by == By::Program, "{}", left.written);
                assert_as_before(&machine, by, &left);
            }
        }
    }
}

#[test]
fn a_reboot_of_the_guest_starts_it_again_on_the_same_terminal() {
    for vm in ["fbsd0", "deb0"] {
        for by in BOTH {
            let machine = machine(quick());
            let mut seat = sit(&machine, by, &format!("ttyboot {vm}"));
            let mut pids = Vec::new();
            for command in ["reboot\r", "reboot\r", "poweroff\r"] {
                seat.answer("login: ", "root\r");
                pids.extend(process(&machine, "bhyve"));
                until_title_is_seen_again(&machine, pids.len());
                seat.answer("# ", command);
            }
            let left = seat.end();
            assert_eq!(left.status.code(), Some(0), "{}", left.written);
            let said = left.written.contains("easy-bhyve: the guest powered off");
            assert_eq!(said, by == By::Program, "{}", left.written);
            pids.dedup();
            assert_eq!(pids.len(), 3, "{by:?} {vm}");
            assert_as_before(&machine, by, &left);
        }
    }
}

#[test]
fn a_guest_that_reboots_more_than_three_times_a_minute_is_not_started_again() {
    for by in BOTH {
        let machine = machine(quick());
        let mut seat = sit(&machine, by, "ttyboot fbsd0");
        for round in 1..=4 {
            seat.answer("login: ", "root\r");
            until_title_is_seen_again(&machine, round);
            seat.answer("# ", "reboot\r");
        }
        let left = seat.end();
        assert_eq!(left.status.code(), Some(1), "{}", left.written);
        let message = "easy-bhyve: the guest has ended more than 3 times within 60 s, so it is not \
                       started again\r\n";
        assert!(left.written.contains(message), "{}", left.written);
        assert_as_before(&machine, by, &left);
    }
}
