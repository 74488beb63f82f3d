//! daemon(8): the process in the background, and its supervision.

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::rig::{Rig, bhyve, quick, send};
use crate::host::GuestPlan;
use crate::host::live::alive::birth;
use crate::wait::{LIMIT, until, wait_for};

fn pid_in(file: &std::path::Path) -> Option<i32> {
    fs::read_to_string(file).ok()?.parse().ok()
}

#[test]
fn without_f_the_callers_pipe_stays_open_while_the_vm_runs_and_with_f_it_does_not() {
    for (option, waits) in [("daemon -c", true), ("daemon -c -f", false)] {
        let rig = Rig::new(quick());
        rig.load();
        let mut daemon = rig
            .tool(&format!("{option} {}", bhyve("/dev/nmdm0A")))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pipe = daemon.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = pipe.read_to_end(&mut Vec::new());
            sender.send(Instant::now())
        });
        // daemon returns although the VM runs.
        let status = wait_for("the end of daemon", || daemon.try_wait().unwrap());
        assert_eq!(status.code(), Some(0));
        rig.until_acpi();
        if waits {
            assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty));
            let before = Instant::now();
            rig.done("bhyvectl --vm=web --force-poweroff");
            assert!(receiver.recv_timeout(LIMIT).unwrap() > before);
        } else {
            receiver.recv_timeout(LIMIT).unwrap();
            assert!(rig.web().is_some(), "the VM runs on");
        }
    }
}

#[test]
fn a_missing_program_is_named_unless_f_is_given() {
    let rig = Rig::new(quick());
    for (option, message) in [
        ("daemon", "daemon: nosuch: No such file or directory\n"),
        ("daemon -f", ""),
    ] {
        let output = rig.run(&format!("{option} nosuch"));
        assert_eq!(output.status.code(), Some(0), "{option}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), message);
    }
}

#[test]
fn with_r_daemon_starts_the_vm_again_until_it_is_told_to_end() {
    for (option, delay) in [("-r", 1_000), ("-R 0", 0)] {
        let rig = Rig::new(quick());
        let [child, own] = ["child.pid", OWN].map(|name| rig.machine.path().join(name));
        rig.load();
        rig.done(&format!(
            "daemon -f {option} -p {} -P {} {}",
            child.display(),
            own.display(),
            bhyve("/dev/nmdm0A")
        ));
        let pid = wait_for("a bhyve", || rig.state().bhyve_of("web"));
        until("the pid file", || pid_in(&child) == Some(pid));
        let daemon = pid_in(&own).expect("its own pid file");
        let args = rig.done(&format!("ps -p {daemon} -o args="));
        assert_eq!(args, format!("daemon: bhyve[{pid}] (daemon)\n"));
        // The kernel stays in the node for the next bhyve, as that of an EFI boot ROM does.
        let before = Instant::now();
        send(pid, Signal::SIGKILL);
        let next = || pid_in(&child).filter(|now| *now != pid);
        until("another bhyve", || next().is_some());
        assert!(before.elapsed() >= Duration::from_millis(delay));
        // Several bhyves may fail until the line is free.
        let next = wait_for("the next one", || {
            next().filter(|now| rig.state().processes.contains_key(now))
        });
        send(daemon, Signal::SIGTERM);
        until("the end of daemon", || birth(daemon).is_none());
        until("the end of its files", || !child.exists() && !own.exists());
        until("the end of bhyve", || birth(next).is_none());
        assert!(!rig.state().processes.contains_key(&daemon));
    }
}

/// The file with the pid of daemon itself.
const OWN: &str = "own.pid";

/// Starts `web` under a daemon that stays; the pid of daemon.
fn supervised(rig: &Rig) -> i32 {
    let own = rig.machine.path().join(OWN);
    let command = bhyve("/dev/nmdm0A");
    rig.load();
    rig.done(&format!("daemon -f -P {} {command}", own.display()));
    rig.until_acpi();
    pid_in(&own).expect("its own pid file")
}

#[test]
fn a_supervising_daemon_forwards_sigterm_and_ends_before_the_vm() {
    for by_host in [false, true] {
        let rig = Rig::new(GuestPlan {
            button_ms: Some(600),
            ..quick()
        });
        let daemon = supervised(&rig);
        let pid = rig.state().bhyve_of("web").unwrap();
        if by_host {
            rig.done(&format!("kill {daemon}"));
        } else {
            send(daemon, Signal::SIGTERM);
        }
        until("the end of daemon", || birth(daemon).is_none());
        let pressed = || {
            let guest = rig.web().and_then(|process| process.guest);
            guest.is_none_or(|guest| guest.pressed)
        };
        until("the press", pressed);
        rig.until_off();
        assert_eq!(rig.state().ended[&pid], crate::host::Status::Exit(1));
    }
}

#[test]
fn without_r_daemon_ends_with_its_command() {
    let rig = Rig::new(quick());
    let daemon = supervised(&rig);
    assert!(birth(daemon).is_some());
    rig.done("bhyvectl --vm=web --force-poweroff");
    until("the end of daemon", || birth(daemon).is_none());
    assert!(!rig.machine.path().join(OWN).exists());
}
