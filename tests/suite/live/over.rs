//! No process outlives its host, and a waiting process uses hardly any time.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::rig::{DISK, Rig, Running, bhyve, quick};
use crate::host::live::alive::birth;
use crate::host::process::Live;
use crate::host::{Fault, GuestPlan, Host};
use crate::machine::playground;
use crate::seat::Seat;
use crate::wait::until;

/// One of each kind of waiting process.
struct Household {
    rig: Rig,
    running: Vec<Running>,
    seats: Vec<Seat>,
}

impl Household {
    fn new() -> Self {
        let mut host = Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_volume("zroot/vm/old", 1 << 30)
            .with_commands(&["kldload -n vmm nmdm"])
            .with_running_vm("old", "/dev/zvol/zroot/vm/old", "tap9")
            .with_tap("tap0", "");
        host.state.guest = quick();
        let patient = GuestPlan {
            loader_ms: 600_000,
            ..quick()
        };
        host.state.guests.insert("menu".into(), patient);
        let blind = GuestPlan {
            title_ms: 600_000,
            ..quick()
        };
        host.state.guests.insert("blind".into(), blind);
        host.order("truncate", 1, Fault::Hang);
        let rig = Rig::of(host);
        rig.load();
        rig.done(&format!("daemon -f -r {}", bhyve("/dev/nmdm0A")));
        rig.until_acpi();
        rig.done("bhyvectl --vm=blind --create");
        let load = |vm| format!("bhyveload -m 256M -d {DISK} {vm}");
        let running = vec![
            rig.spawn("ifconfig tap0 destroy"),
            rig.spawn("truncate -s 1 x"),
            rig.spawn(&load("menu")),
        ];
        rig.done("daemon -f sleep 600");
        rig.done("zfs create -V 1G zroot/vm/blank");
        let blank = load("blank").replace("/web ", "/blank ");
        let mut seats = vec![rig.sit("cu -l /dev/nmdm0B"), rig.sit(&blank)];
        let mut blind = rig.sit("bhyve -m 256M -s 1:0,lpc -l com1,stdio blind");
        blind.type_in("nobody reads this\r");
        seats.push(blind);
        let household = Self {
            rig,
            running,
            seats,
        };
        until("all of them", || household.processes().len() == 11);
        household
    }

    /// All real processes, with the drivers of null modems.
    fn processes(&self) -> Vec<(i32, Live)> {
        let state = self.rig.state();
        let own = state.processes.values();
        let own = own.filter_map(|process| Some((process.pid, process.live?)));
        let drivers = fs::read_dir(self.rig.machine.path().join("drivers")).unwrap();
        let drivers = drivers.map(|entry| {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let (pid, started) = text.split_once(' ').unwrap();
            let started = started.parse().unwrap();
            (pid.parse().unwrap(), Live { started })
        });
        own.chain(drivers).collect()
    }
}

fn live(processes: &[(i32, Live)]) -> Vec<i32> {
    let live = processes
        .iter()
        .filter(|(pid, live)| birth(*pid) == Some(*live));
    live.map(|(pid, _)| *pid).collect()
}

#[test]
fn no_process_outlives_its_machine() {
    let household = Household::new();
    let processes = household.processes();
    let directory = household.rig.machine.path().to_owned();
    assert_eq!(live(&processes).len(), processes.len());
    let Household {
        rig,
        running,
        seats,
    } = household;
    drop(rig);
    until("the end of all processes", || live(&processes).is_empty());
    assert!(!directory.exists());
    drop((running, seats));
}

#[test]
fn waiting_processes_end_when_the_process_that_keeps_the_host_has_exited() {
    let household = Household::new();
    let keeper = household.rig.machine.path().join("keeper");
    let processes = household.processes();
    // A program of the real machine does not know the host. Its process is there before it is that program.
    let foreign = || {
        let state = household.rig.state();
        let is_foreign = |&&(pid, _): &&(i32, _)| {
            let process = state.processes.get(&pid);
            process.is_some_and(|process| process.comm == "sleep")
        };
        processes.iter().find(is_foreign).copied()
    };
    until("the program of the real machine", || foreign().is_some());
    let foreign = foreign();
    let (foreign, own): (Vec<_>, Vec<_>) = processes
        .iter()
        .copied()
        .partition(|process| Some(*process) == foreign);
    assert_eq!((foreign.len(), own.len()), (1, 10));
    // The pid of this process, with another start.
    fs::write(keeper, format!("{} 1", std::process::id())).unwrap();
    until("the end of all processes", || live(&own).is_empty());
}

#[test]
fn a_waiting_process_uses_hardly_any_time_of_a_cpu() {
    let household = Household::new();
    let processes = household.processes();
    let used = |pid: i32| used_ms(pid).unwrap_or_default();
    let before: Vec<u64> = processes.iter().map(|(pid, _)| used(*pid)).collect();
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(500));
    let elapsed = u64::try_from(start.elapsed().as_millis()).unwrap();
    let state = household.rig.state();
    for ((pid, _), before) in processes.iter().zip(before) {
        let spent = used(*pid).saturating_sub(before);
        let argv = state.processes.get(pid).map(|process| &process.argv);
        // 50 ms a second; the clock of proc(5) counts in 10 ms.
        assert!(
            spent <= 20 + elapsed / 20,
            "{spent} ms of {elapsed}: {argv:?}"
        );
    }
    assert_eq!(live(&processes).len(), processes.len());
}

#[test]
fn a_playground_whose_terminal_closes_removes_everything() {
    let place = tempfile::tempdir().unwrap();
    let mut command = Command::new(playground());
    command
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "vt100")
        .env("TMPDIR", place.path())
        .current_dir(place.path());
    let mut seat = Seat::start(&command);
    seat.answer(
        "playground$ ",
        "fbsd0-resources -V 1g -s && fbsd0-install\r",
    );
    seat.see("Booting in");
    let left = || fs::read_dir(place.path()).unwrap().count();
    assert_eq!(left(), 1);
    let mut playground = seat.hang_up();
    until("the end of the playground", || {
        playground.try_wait().unwrap().is_some()
    });
    assert_eq!(left(), 0);
}

/// The time of a CPU that a process has used; `None` without proc(5).
fn used_ms(pid: i32) -> Option<u64> {
    let about = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = about.rsplit_once(')')?;
    // The 14th and 15th word of all, in hundredths of a second.
    let words = rest.split_ascii_whitespace().skip(11).take(2);
    Some(
        words
            .filter_map(|word| word.parse::<u64>().ok())
            .sum::<u64>()
            * 10,
    )
}
