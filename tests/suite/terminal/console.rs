//! The console of a VM in the background, on this terminal.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{BOTH, By, command, machine, process, quick, sit};
use crate::machine::Machine;
use crate::seat::Seat;
use crate::wait::{output_of, until};

/// A machine on which `fbsd0` runs, and a user at its console.
fn connected(by: By) -> (Machine, Seat) {
    let machine = machine(quick());
    let boot = output_of(command(&machine, By::Program, "boot fbsd0"));
    assert!(boot.status.success(), "{boot:?}");
    let mut seat = sit(&machine, by, "console fbsd0");
    seat.answer("Connected\r\n", "root\r");
    seat.see("root@fbsd0:~ # ");
    assert!(seat.is_raw());
    (machine, seat)
}

#[test]
fn the_console_attaches_and_a_tilde_and_a_dot_leave_it() {
    for by in BOTH {
        let (machine, mut seat) = connected(by);
        seat.type_in("hostname\r");
        seat.answer("\r\nfbsd0\r\n", "\r~.");
        let left = seat.end();
        assert_eq!(left.status.code(), Some(0), "{}", left.written);
        assert!(left.same_modes && left.same_flags);
        let note = "easy-bhyve: ~. at the beginning of a line leaves the console of fbsd0\r\n";
        assert_eq!(left.written.starts_with(note), by == By::Program);
        assert!(machine.host().state.bhyve_of("fbsd0").is_some());
    }
}

#[test]
fn the_console_stays_open_after_the_end_of_the_guest() {
    for by in BOTH {
        let (machine, mut seat) = connected(by);
        seat.type_in("poweroff\r");
        seat.see("The operating system is powering off.\r\n");
        until("the end of the guest", || {
            process(&machine, "bhyve").is_none()
        });
        seat.type_in("\r~.");
        let left = seat.end();
        assert_eq!(left.status.code(), Some(0), "{}", left.written);
        assert!(left.same_modes && left.same_flags);
    }
}

#[test]
fn a_terminal_that_a_killed_cu_left_raw_is_restored() {
    for by in BOTH {
        let (machine, seat) = connected(by);
        let pid = process(&machine, "cu").unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        let left = seat.end();
        assert!(left.same_modes && left.same_flags, "{by:?}");
        let said = left
            .written
            .contains("easy-bhyve: cu was terminated by SIGKILL\r\n");
        assert_eq!(said, by == By::Program, "{}", left.written);
        assert_eq!(left.status.code(), Some(1), "{}", left.written);
        assert!(machine.host().state.bhyve_of("fbsd0").is_some());
    }
}

#[test]
fn a_console_that_another_process_has_open_is_refused_with_that_process() {
    let (machine, _seat) = connected(By::Program);
    let cu = process(&machine, "cu").unwrap();
    let second = sit(&machine, By::Program, "console fbsd0").end();
    let line = machine.path().join("dev/nmdm1B");
    assert_eq!(
        (second.status.code(), second.written),
        (
            Some(2),
            format!(
                "easy-bhyve: the console of fbsd0 is in use by pid {cu}: cu -l {}\r\n  \
                 help: end that process and connect: easy-bhyve console fbsd0 -f\r\n",
                line.display()
            )
        )
    );
    assert_eq!(process(&machine, "cu"), Some(cu));
}

#[test]
fn with_f_a_console_is_taken_over_from_another_process() {
    let (machine, first) = connected(By::Program);
    let cu = process(&machine, "cu").unwrap();
    let mut second = sit(&machine, By::Program, "console fbsd0 -f");
    second.answer("Connected\r\n", "hostname\r");
    second.see("\r\nfbsd0\r\n");
    let first = first.end();
    assert!(first.written.ends_with("[EOT]\r\n"), "{}", first.written);
    assert_eq!((first.status.code(), first.same_modes), (Some(0), true));
    assert_ne!(process(&machine, "cu"), Some(cu));
    second.type_in("\r~.");
    assert_eq!(second.end().status.code(), Some(0));
}
