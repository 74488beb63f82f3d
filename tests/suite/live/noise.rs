//! A bhyve that says more than anybody wants to read.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use super::faults::stderr;
use super::forged::by_script;
use super::rig::{quick, send};
use super::root::{begin, bhyve, done, supervisor, until_gone, with_guests};
use crate::host::{Edit, Ending, GuestPlan, Noise};
use crate::machine::Machine;
use crate::place::skip;
use crate::wait::{output_of, until, wait_for};

/// A line so often that nobody ever sees silence.
const CHATTER: Noise = Noise {
    bytes: 20,
    every_ms: Some(5),
};

#[test]
fn a_bhyve_that_never_stops_to_speak_is_seen_to_run() {
    let machine = with_guests(GuestPlan {
        noise: Some(CHATTER),
        ..quick()
    });
    done(&machine, &["fbsd0-boot"]);
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until_gone(&machine);
}

#[test]
fn a_start_is_interrupted_however_much_is_said() {
    let machine = with_guests(GuestPlan {
        noise: Some(Noise {
            bytes: 64 << 10,
            every_ms: Some(0),
        }),
        title_ms: 600_000,
        ..quick()
    });
    let mut boot = begin(&machine, &["fbsd0-boot"]);
    until("bhyve", || bhyve(&machine).is_some());
    boot.kill().unwrap();
    boot.wait().unwrap();
    until_gone(&machine);
}

#[test]
fn a_bhyve_that_never_stops_to_speak_has_no_more_time_than_others_to_start() {
    let machine = with_guests(GuestPlan {
        noise: Some(CHATTER),
        title_ms: 600_000,
        ..quick()
    });
    // The limit is to come; no load keeps it away.
    machine.with(|host| host.state.pace = 1);
    let output = output_of(machine.program(&["fbsd0-boot"]));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let first = "fbsd0-boot: bhyve did not start within 10 s: its title was never seen\n";
    assert!(said.starts_with(first), "{said}");
    until_gone(&machine);
}

/// A number in a file of the kernel's about a process, by the name before it.
fn about(pid: i32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':')
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[test]
fn of_a_flood_the_log_keeps_little_and_counts_the_rest() {
    const FLOOD: u64 = 20 << 20;
    if !Path::new("/proc/self/io").exists() {
        skip("this system does not tell how much a process has read");
        return;
    }
    let machine = with_guests(GuestPlan {
        noise: Some(Noise {
            bytes: usize::try_from(FLOOD).unwrap(),
            every_ms: None,
        }),
        ..quick()
    });
    done(&machine, &["fbsd0-boot"]);
    let pid = supervisor(&machine).expect("a supervisor").pid;
    // It is read, so that bhyve never waits for it.
    wait_for("the end of the flood", || {
        about(pid, "io", "rchar").filter(|read| *read >= FLOOD)
    });
    let anonymous = about(pid, "status", "RssAnon").expect("its memory");
    assert!(anonymous < 4 << 10, "{anonymous} KiB");
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until_gone(&machine);
    let logs = machine.path().join("log/easy-bhyve");
    let log = fs::read_to_string(logs.join("fbsd0.log")).unwrap();
    assert!(
        !logs.join("fbsd0.log.0").exists() && log.len() < 64 << 10,
        "{}",
        log.len()
    );
    let is_kept = |line: &&str| line.ends_with("xxxx");
    let kept: usize = log.lines().filter(is_kept).count() * 80;
    let told: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" were dropped"))
        .collect();
    let dropped: usize = told
        .iter()
        .map(|line| {
            let (_, rest) = line.split_once('(').unwrap();
            rest.split_once(" bytes)")
                .unwrap()
                .0
                .parse::<usize>()
                .unwrap()
        })
        .sum();
    assert!(kept > 16 << 10, "{kept}");
    assert_eq!(u64::try_from(kept + dropped).unwrap(), FLOOD, "{told:?}");
}

/// The directory in which the script that supervises the VM has its files.
fn scratch(machine: &Machine) -> PathBuf {
    let all = fs::read_dir(machine.path().join("run/easy-bhyve/scratch")).unwrap();
    let mut all = all.map(|one| one.unwrap().path());
    all.next().expect("a directory")
}

/// Boots by a script, which must succeed.
#[track_caller]
fn boot(machine: &Machine) {
    let output = by_script(machine, &["fbsd0-boot"]);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn of_a_flood_a_script_keeps_little() {
    const FLOOD: u64 = 8 << 20;
    if !Path::new("/proc/self/io").exists() {
        skip("this system does not tell how much a process has written");
        return;
    }
    let machine = with_guests(GuestPlan {
        noise: Some(Noise {
            bytes: 64 << 10,
            every_ms: Some(0),
        }),
        ..quick()
    });
    boot(&machine);
    let pid = bhyve(&machine).expect("a bhyve").pid;
    let written = || about(pid, "io", "wchar").expect("how much it has written");
    let until_running = written();
    // It is read, so that bhyve never waits for it.
    until("a flood", || written() >= until_running + FLOOD);
    let kept = fs::metadata(scratch(&machine).join("output"))
        .unwrap()
        .len();
    assert!(kept <= 200 * 80, "{kept}");
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until_gone(&machine);
}

#[test]
fn a_script_that_cannot_learn_how_bhyve_has_ended_frees_everything() {
    for is_killed in [true, false] {
        let machine = with_guests(quick());
        boot(&machine);
        let pid = bhyve(&machine).expect("a bhyve").pid;
        if is_killed {
            // The shell that would note it.
            let Some(parent) = about(pid, "status", "PPid") else {
                skip("this system does not tell whose child a process is");
                return;
            };
            send(parent.try_into().unwrap(), Signal::SIGKILL);
        } else {
            fs::remove_dir_all(scratch(&machine)).unwrap();
        }
        machine.with(|host| host.edit(&Edit::End("fbsd0".into(), Ending::PowerOff)));
        until("the end of the script", || {
            let state = machine.host().state;
            let mut all = state.processes.values().flat_map(|one| &one.argv);
            !all.any(|word| word == "supervise-fbsd0")
        });
        until_gone(&machine);
    }
}
