//! The power button, and the state of a guest as seen from outside.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;

use super::rig::{Rig, bhyve, quick, send};
use crate::host::GuestPlan;
use crate::wait::until;

/// The ways to send SIGTERM.
#[derive(Clone, Copy, Debug)]
enum By {
    /// kill(2) of this machine.
    Kill2,
    /// kill(1) of the host.
    Kill1,
    /// pkill(1) of the host.
    Pkill,
}

const WAYS: [By; 3] = [By::Kill2, By::Kill1, By::Pkill];

fn terminate(rig: &Rig, pid: i32, by: By) {
    match by {
        By::Kill2 => send(pid, Signal::SIGTERM),
        By::Kill1 => drop(rig.done(&format!("kill {pid}"))),
        By::Pkill => drop(rig.done("pkill -TERM -x bhyve")),
    }
}

#[test]
fn before_acpi_the_button_is_a_power_cut() {
    let rig = Rig::new(GuestPlan {
        acpi_ms: None,
        ..quick()
    });
    for by in WAYS {
        rig.load();
        let mut bhyve = rig.spawn(&bhyve("/dev/nmdm0A"));
        let pid = bhyve.pid();
        until("the title", || {
            rig.web().is_some_and(|process| process.title.is_some())
        });
        terminate(&rig, pid, by);
        assert_eq!(bhyve.end().signal(), Some(15), "{by:?}");
        let state = rig.state();
        assert!(!state.processes.contains_key(&pid), "{by:?}");
        assert!(state.vms.contains_key("web"), "{by:?}");
        assert_eq!(state.interfaces["tap0"].opened_by, None, "{by:?}");
        assert_eq!(state.interfaces["bridge0"].members, ["tap0"], "{by:?}");
    }
}

#[test]
fn with_acpi_it_powers_off_after_its_time_and_a_second_press_changes_nothing() {
    let time = 2_000;
    let rig = Rig::new(GuestPlan {
        button_ms: Some(time),
        ..quick()
    });
    for by in WAYS {
        rig.load();
        let mut bhyve = rig.spawn(&bhyve("/dev/nmdm0A"));
        let pid = bhyve.pid();
        rig.until_acpi();
        let guest = || rig.web().and_then(|process| process.guest);
        assert!(guest().is_some_and(|guest| !guest.pressed));
        let before = rig.state().clock_ms;
        terminate(&rig, pid, by);
        until("the press", || guest().is_some_and(|guest| guest.pressed));
        let first = guest().unwrap();
        assert!(first.end.is_some_and(|(at, _)| at >= before + time));
        terminate(&rig, pid, by);
        if let Some(second) = guest() {
            assert_eq!(second, first, "{by:?}");
        }
        assert_eq!(bhyve.end().code(), Some(1), "{by:?}");
        let at = first.end.map_or(0, |(at, _)| at);
        assert!(rig.state().clock_ms >= at, "{by:?}");
        assert!(rig.state().vms.contains_key("web"), "{by:?}");
    }
}

#[test]
fn a_press_right_after_acpi_is_enabled_is_a_press_of_the_button() {
    for round in 0..20 {
        let rig = Rig::new(quick());
        rig.load();
        let mut bhyve = rig.spawn(&bhyve("/dev/nmdm0A"));
        rig.until_acpi();
        send(bhyve.pid(), Signal::SIGTERM);
        assert_eq!(bhyve.end().code(), Some(1), "round {round}");
    }
}

#[test]
fn ps_shows_that_sigterm_is_ignored_from_acpi_on_only() {
    let rig = Rig::new(GuestPlan {
        acpi_ms: Some(400),
        ..quick()
    });
    let pid = rig.boot();
    let ignored = || rig.done(&format!("ps -p {pid} -o sigignore="));
    let start = rig.state().processes[&pid].started_ms;
    let first = ignored();
    assert!(first == "0\n" || rig.state().clock_ms >= start + 400);
    until("ACPI", || ignored() == "4000\n");
    assert!(rig.state().clock_ms >= start + 400);
}

#[test]
fn the_title_appears_late_and_the_command_line_is_shown_until_then() {
    let rig = Rig::new(GuestPlan {
        title_ms: 400,
        ..quick()
    });
    let pid = rig.boot();
    let start = rig.state().processes[&pid].started_ms;
    let args = || rig.done(&format!("ps -p {pid} -o args="));
    let first = args();
    let command = format!("{}\n", bhyve("/dev/nmdm0A"));
    assert!(first == command || rig.state().clock_ms >= start + 400);
    until("the title", || {
        let now = args();
        assert!(now == command || now == "bhyve: web (bhyve)\n", "{now}");
        now != command
    });
    assert!(rig.state().clock_ms >= start + 400);
}

#[test]
fn a_start_that_fails_never_shows_the_title() {
    let rig = Rig::new(quick());
    let holder = rig.boot();
    let other = bhyve("/dev/nmdm1A").replace(" web", " other");
    rig.done(&format!("bhyveload -m 256M -d {} other", super::rig::DISK));
    let mut failed = rig.spawn(&other);
    let status = until_ended_without_title(&rig, &mut failed);
    assert_eq!(status, Some(4));
    assert_eq!(rig.state().bhyve_of("web"), Some(holder));
    let said = rig.run(&other);
    assert_eq!(
        String::from_utf8_lossy(&said.stderr),
        "open of tap device /dev/tap0 failed\n\
         Device emulation initialization error: Device busy\n"
    );
}

fn until_ended_without_title(rig: &Rig, failed: &mut super::rig::Running) -> Option<i32> {
    crate::wait::wait_for("the end of bhyve", || {
        let seen = rig.run("pgrep -qxf bhyve:.other");
        assert_eq!(seen.status.code(), Some(1));
        failed.ended()
    })
    .code()
}
