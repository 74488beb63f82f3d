//! Keys that are signals elsewhere, and signals to the program while something has its terminal.

use nix::sys::signal::Signal;

use super::{
    BOTH, assert_as_before, assert_free, machine, patient, process, quick, sit, until_title_is_seen,
};
use crate::wait::{until, wait_for};

#[test]
fn control_c_goes_to_loader_and_guest() {
    for by in BOTH {
        let machine = machine(patient());
        let mut seat = sit(&machine, by, "ttyboot fbsd0");
        // In a loader that is a key as any other.
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
fn a_signal_during_the_loader_is_heeded_behind_it_and_all_is_undone() {
    for verb in ["ttyboot", "boot"] {
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
            for by in BOTH {
                let machine = machine(patient());
                let mut seat = sit(&machine, by, &format!("{verb} fbsd0"));
                seat.see("any other key stops. ");
                seat.signal(signal);
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
}

#[test]
fn a_signal_during_the_guest_does_not_end_it() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
        for by in BOTH {
            let machine = machine(quick());
            let mut seat = sit(&machine, by, "ttyboot fbsd0");
            seat.answer("login: ", "root\r");
            until_title_is_seen(&machine);
            seat.signal(signal);
            seat.answer("# ", "hostname\r");
            seat.see("\r\nfbsd0\r\n");
            seat.answer("# ", "poweroff\r");
            let left = seat.end();
            assert_as_before(&machine, by, &left);
            assert_eq!(left.status.code(), Some(0), "{signal}: {}", left.written);
        }
    }
}

#[test]
fn a_terminal_that_goes_away_ends_what_runs_on_it_and_all_is_undone() {
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
