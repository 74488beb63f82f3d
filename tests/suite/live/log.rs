//! `log` as a real process: it follows a log from file to file, and a signal ends it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};

use easy_bhyve::host::directory::Directory;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::faults::host;
use super::rig::quick;
use super::root::{done, machine, until_acpi, until_gone, with_guests};
use crate::machine::Machine;
use crate::wait::{LIMIT, output_of};

/// A `log -f` and the lines that it prints.
struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    fn begin(machine: &Machine, words: &[&str]) -> Self {
        let mut command = machine.program(words);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).for_each(|line| {
                let _ = sender.send(line);
            });
        });
        Self { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(LIMIT).expect("a line")
    }

    /// Sends a signal; the status, and the lines until then.
    fn end(mut self, signal: Signal) -> (Option<i32>, Vec<String>) {
        let pid = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
        let status = self.child.wait().unwrap().code();
        (status, self.lines.iter().collect())
    }
}

/// The directory of logs of a machine.
fn logs(machine: &Machine) -> Directory {
    Directory::open(&machine.path().join("log/easy-bhyve")).unwrap()
}

#[test]
fn a_log_is_followed_across_rotations_and_a_signal_ends_it_with_0() {
    let machine = machine(host(), "");
    let logs = logs(&machine);
    logs.append("fbsd0.log", "one\ntwo\n").unwrap();
    let follower = Follower::begin(&machine, &["fbsd0-log", "-f", "-n", "1"]);
    assert_eq!(follower.next(), "two");
    logs.append("fbsd0.log", "three\n").unwrap();
    assert_eq!(follower.next(), "three");
    // A text that does not fit causes the rotation; half a line is printed once it is whole.
    let filling = format!("{}\n", "x".repeat(255 * 1024));
    logs.append("fbsd0.log", &filling).unwrap();
    assert_eq!(follower.next().len(), 255 * 1024);
    logs.append("fbsd0.log", &format!("{}\nfo", "y".repeat(2048)))
        .unwrap();
    assert!(machine.path().join("log/easy-bhyve/fbsd0.log.0").exists());
    assert_eq!(follower.next().len(), 2048);
    logs.append("fbsd0.log", "ur\n").unwrap();
    assert_eq!(follower.next(), "four");
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let other = Follower::begin(&machine, &["fbsd0-log", "-f", "-n", "1"]);
        assert_eq!(other.next(), "four");
        assert_eq!(other.end(signal), (Some(0), Vec::new()));
    }
    assert_eq!(follower.end(Signal::SIGINT), (Some(0), Vec::new()));
}

#[test]
fn a_follower_that_was_stopped_during_two_rotations_prints_every_line_that_exists() {
    let machine = machine(host(), "");
    let logs = logs(&machine);
    logs.append("fbsd0.log", "one\n").unwrap();
    let follower = Follower::begin(&machine, &["fbsd0-log", "-f"]);
    assert_eq!(follower.next(), "one");
    let pid = Pid::from_raw(i32::try_from(follower.child.id()).unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    for begin in ["a", "b", "c"] {
        let text = format!("{begin}{}\n", "x".repeat(200 * 1024));
        logs.append("fbsd0.log", &text).unwrap();
    }
    kill(pid, Signal::SIGCONT).unwrap();
    let begins = [follower.next(), follower.next(), follower.next()];
    let begins = begins.map(|line| line[..1].to_owned());
    assert_eq!(begins, ["a", "b", "c"]);
    assert_eq!(follower.end(Signal::SIGINT), (Some(0), Vec::new()));
}

#[test]
fn the_lines_of_a_vm_arrive_while_it_lives() {
    let machine = with_guests(quick());
    done(&machine, &["fbsd0-boot"]);
    let follower = Follower::begin(&machine, &["fbsd0-log", "-f"]);
    assert!(follower.next().contains(" started: bhyve is pid "));
    until_acpi(&machine);
    done(&machine, &["fbsd0-shutdown"]);
    until_gone(&machine);
    assert!(
        follower
            .next()
            .ends_with(" the guest powered off (status 1)")
    );
    assert!(follower.next().ends_with(" ended: all resources are free"));
    assert_eq!(follower.end(Signal::SIGINT), (Some(0), Vec::new()));
}

#[test]
fn the_script_prints_what_the_program_prints() {
    let machine = machine(host(), "");
    let logs = logs(&machine);
    logs.append("fbsd0.log.0", "one\ntwo\n").unwrap();
    logs.append("fbsd0.log", "three\nfour\n").unwrap();
    for (words, lines) in [
        (&["fbsd0-log"][..], "one\ntwo\nthree\nfour\n"),
        (&["fbsd0-log", "-n", "3"], "two\nthree\nfour\n"),
        (&["fbsd0-log", "-n", "9"], "one\ntwo\nthree\nfour\n"),
    ] {
        let printed = output_of(machine.program(words));
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), lines);
        let script = output_of(machine.program(&[words, &["-d", "--format", "sh"]].concat()));
        fs::write(machine.path().join("script"), script.stdout).unwrap();
        let mut sh = machine.sh();
        sh.arg("script");
        let printed = output_of(sh);
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), lines);
    }
}
