//! A bhyve with more output than the program keeps.

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

/// A line, so often that there is never a pause.
const CHATTER: Noise = Noise {
    bytes: 20,
    every_ms: Some(5),
};

#[test]
fn a_bhyve_that_never_stops_writing_is_seen_to_run() {
    let machine = with_guests(GuestPlan {
        noise: Some(CHATTER),
        ..quick()
    });
    done(&machine, &["fbsd0-boot"]);
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until_gone(&machine);
}

#[test]
fn a_start_can_be_interrupted_during_any_amount_of_output() {
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
fn a_bhyve_that_never_stops_writing_has_no_more_time_to_start_than_others() {
    let machine = with_guests(GuestPlan {
        noise: Some(CHATTER),
        title_ms: 600_000,
        ..quick()
    });
    // The limit must be reached: other load on the machine does not prevent that.
    machine.with(|host| host.state.pace = 1);
    let output = output_of(machine.program(&["fbsd0-boot"]));
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let first = "fbsd0-boot: bhyve did not start within 10 s: its title was never seen\n";
    assert!(said.starts_with(first), "{said}");
    until_gone(&machine);
}

/// The number behind this name in a file of proc(5) about a process.
fn about(pid: i32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':')
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Whether a process waits for an event.
fn is_asleep(pid: i32) -> Option<bool> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let state = text.lines().find_map(|line| line.strip_prefix("State:"))?;
    Some(state.trim_start().starts_with('S'))
}

#[test]
fn of_a_flood_of_output_the_log_keeps_little_and_counts_the_rest() {
    const FLOOD: u64 = 20 << 20;
    if !Path::new("/proc/self/io").exists() {
        skip("this system does not show how much a process has read");
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
    // The output is read, so that bhyve never blocks. The supervisor also reads files, so its count may
    // reach that of the flood before the end; but it sleeps only once the pipe is empty.
    let guest = bhyve(&machine).expect("a bhyve").pid;
    wait_for("the end of the flood", || {
        let written = about(guest, "io", "wchar")?;
        let read = about(pid, "io", "rchar")?;
        (written >= FLOOD && read >= FLOOD && is_asleep(pid)?).then_some(read)
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

/// The directory of the files of the script that supervises the VM.
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
fn of_a_flood_of_output_a_script_keeps_little() {
    const FLOOD: u64 = 8 << 20;
    if !Path::new("/proc/self/io").exists() {
        skip("this system does not show how much a process has written");
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
    // The output is read, so that bhyve never blocks.
    until("a flood", || written() >= until_running + FLOOD);
    let kept = fs::metadata(scratch(&machine).join("output"))
        .unwrap()
        .len();
    assert!(kept <= 200 * 80, "{kept}");
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until_gone(&machine);
}

#[test]
fn a_script_that_does_not_get_the_status_of_bhyve_frees_everything() {
    for is_killed in [true, false] {
        let machine = with_guests(quick());
        boot(&machine);
        let pid = bhyve(&machine).expect("a bhyve").pid;
        if is_killed {
            // The shell that would record the status.
            let Some(parent) = about(pid, "status", "PPid") else {
                skip("this system does not show the parent of a process");
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
