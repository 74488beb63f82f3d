//! How bhyve ends, and what it leaves.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

use super::rig::{Rig, bhyve, quick, send};
use crate::host::{Ending, GuestPlan, Status};
use crate::wait::{until, wait_for};

/// Every way in which a guest can end, and the resulting end of bhyve.
const ENDINGS: [(Ending, Status); 9] = [
    (Ending::Reboot, Status::Exit(0)),
    (Ending::PowerOff, Status::Exit(1)),
    (Ending::Halt, Status::Exit(2)),
    (Ending::TripleFault, Status::Exit(3)),
    (Ending::Error, Status::Exit(4)),
    (Ending::Unknown, Status::Exit(100)),
    (Ending::Signal(6), Status::Signal(6)),
    (Ending::Signal(9), Status::Signal(9)),
    (Ending::Signal(15), Status::Signal(15)),
];

/// A rig whose guests end one after the other in each of these ways.
fn rig_of_all() -> Rig {
    Rig::new(GuestPlan {
        runs_ms: Some(20),
        endings: ENDINGS.map(|(ending, _)| ending).to_vec(),
        ..quick()
    })
}

fn status(status: ExitStatus) -> Status {
    match status.code() {
        Some(code) => Status::Exit(code),
        None => Status::Signal(status.signal().unwrap()),
    }
}

#[test]
fn bhyve_in_the_foreground_exits_with_the_status_of_the_guests_end() {
    let rig = rig_of_all();
    for (ending, expected) in ENDINGS {
        rig.load();
        let output = rig.run(&bhyve("/dev/nmdm0A"));
        assert_eq!(status(output.status), expected, "{ending:?}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn bhyve_under_daemon_exits_with_the_status_of_the_guests_end() {
    let rig = rig_of_all();
    for (ending, expected) in ENDINGS {
        rig.load();
        let before = rig.state().ended;
        rig.done(&format!("daemon -f {}", bhyve("/dev/nmdm0A")));
        let (pid, status) = wait_for("the end of the guest", || {
            let mut all = rig.state().ended.into_iter();
            all.find(|(pid, _)| !before.contains_key(pid))
        });
        assert_eq!(status, expected, "{ending:?}");
        until("the end of the process", || !lives(pid));
    }
}

/// Whether a real process is alive; a zombie is not.
fn lives(pid: i32) -> bool {
    crate::host::live::alive::birth(pid).is_some()
}

/// The commands that root can type, and the resulting end of bhyve.
const COMMANDS: [(&str, Status); 6] = [
    ("poweroff", Status::Exit(1)),
    ("reboot", Status::Exit(0)),
    ("halt", Status::Exit(2)),
    ("fault", Status::Exit(3)),
    ("panic", Status::Exit(4)),
    ("crash", Status::Signal(6)),
];

#[test]
fn a_command_that_root_types_on_the_terminal_ends_bhyve_in_its_way() {
    let rig = Rig::new(quick());
    for (command, expected) in COMMANDS {
        rig.load();
        let mut seat = rig.sit(&bhyve("stdio"));
        seat.answer("login: ", "root\r");
        assert!(seat.is_raw());
        seat.answer("root@web:~ # ", &format!("{command}\r"));
        let left = seat.end();
        assert_eq!(status(left.status), expected, "{command}");
        // Only at its own normal end it restores the modes, and never O_NONBLOCK.
        let is_normal = matches!(expected, Status::Exit(_));
        assert_eq!((left.same_modes, left.same_flags), (is_normal, false));
    }
}

#[test]
fn a_command_that_root_types_at_the_console_ends_bhyve_under_daemon_in_its_way() {
    let rig = Rig::new(quick());
    let mut cu = rig.sit("cu -l /dev/nmdm0B");
    cu.see("Connected");
    for (command, expected) in COMMANDS {
        let pid = rig.boot();
        cu.answer("login: ", "root\r");
        cu.answer("root@web:~ # ", &format!("{command}\r"));
        until("the end of the process", || !lives(pid));
        assert_eq!(rig.state().ended[&pid], expected, "{command}");
    }
}

#[test]
fn without_a_kernel_the_guest_has_a_triple_fault_whatever_is_typed() {
    let rig = Rig::new(quick());
    rig.done("bhyvectl --vm=web --create");
    let mut seat = rig.sit(&bhyve("stdio"));
    seat.type_in("root\r");
    let left = seat.end();
    assert_eq!(status(left.status), Status::Exit(3), "{}", left.written);
    assert!(rig.state().vms.contains_key("web"));
}

#[test]
fn bhyvectl_ends_the_guest_and_the_status_shows_how() {
    let rig = Rig::new(quick());
    for (option, expected, has_node) in [
        ("--force-poweroff", 1, true),
        ("--force-reset", 0, true),
        ("--destroy", 4, false),
    ] {
        rig.load();
        let mut bhyve = rig.spawn(&bhyve("/dev/nmdm0A"));
        until("the title", || rig.web().is_some());
        rig.done(&format!("bhyvectl --vm=web {option}"));
        assert_eq!(bhyve.end().code(), Some(expected), "{option}");
        let state = rig.state();
        assert_eq!(state.vms.contains_key("web"), has_node, "{option}");
        assert_eq!(state.interfaces["tap0"].opened_by, None, "{option}");
    }
}

#[test]
fn a_real_signal_from_outside_ends_bhyve_and_the_host_notices() {
    let rig = Rig::new(quick());
    for signal in [Signal::SIGKILL, Signal::SIGHUP, Signal::SIGINT] {
        rig.load();
        let mut bhyve = rig.spawn(&bhyve("/dev/nmdm0A"));
        let pid = bhyve.pid();
        rig.until_acpi();
        assert_eq!(rig.state().interfaces["tap0"].opened_by, Some(pid));
        send(pid, signal);
        assert_eq!(bhyve.end().signal(), Some(signal as i32));
        let state = rig.state();
        assert!(!state.processes.contains_key(&pid), "{signal}");
        assert_eq!(state.interfaces["tap0"].opened_by, None, "{signal}");
        assert_eq!(state.interfaces["bridge0"].members, ["tap0"], "{signal}");
        assert!(state.vms.contains_key("web"), "{signal}");
    }
}
