//! The terminal while loaders, guests and consoles use it, and its state afterwards: with the
//! program, and with the script that `-d` prints.

mod background;
mod console;
mod ends;
mod handed_over;
mod progress;
mod signals;

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::host::{GuestPlan, Host, program};
use crate::machine::{CONFIG, Machine};
use crate::seat::{Left, Seat};
use crate::wait::{output_of, until};

/// A guest that boots at once, and loaders that wait for a key.
fn patient() -> GuestPlan {
    GuestPlan {
        title_ms: 0,
        acpi_ms: Some(0),
        button_ms: Some(0),
        loader_ms: 600_000,
        ..GuestPlan::default()
    }
}

/// The same guest, and loaders that boot at once.
fn quick() -> GuestPlan {
    GuestPlan {
        loader_ms: 0,
        ..patient()
    }
}

/// A machine on which `fbsd0` and `deb0` can be booted by root, without an escalator.
fn machine(guest: GuestPlan) -> Machine {
    machine_with(guest, "")
}

/// The same with further settings.
fn machine_with(guest: GuestPlan, settings: &str) -> Machine {
    let mut host = Host::freebsd(14)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
        .with_volume("zroot/vm/deb0", 1 << 30);
    // Commands from a file have no menu that a key could stop.
    let at_once = GuestPlan {
        loader_ms: 0,
        ..guest.clone()
    };
    host.state.guests.insert("net0".into(), at_once);
    host.state.guest = guest;
    let config = CONFIG.replace("@WORD@", "none");
    Machine::new(host, &format!("{config}{settings}\n"))
}

/// The way in which a verb is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The program.
    Program,
    /// The script that `-d` prints, run by sh.
    Script,
}

const BOTH: [By; 2] = [By::Program, By::Script];

/// The command for a verb, such as `ttyboot fbsd0`.
fn command(machine: &Machine, by: By, verb: &str) -> Command {
    let words: Vec<&str> = ["easy-bhyve"].into_iter().chain(verb.split(' ')).collect();
    let program = |words: &[&str]| {
        let mut command = machine.program(words);
        command.env(program::UID, "0");
        command
    };
    if by == By::Program {
        return program(&words);
    }
    let shown = output_of(program(&[&words[..], &["-d", "--format", "sh"]].concat()));
    assert!(shown.status.success(), "{shown:?}");
    let path = machine.path().join("script");
    fs::write(&path, shown.stdout).unwrap();
    let mut sh = machine.sh();
    sh.arg(path).env(program::UID, "0");
    sh
}

/// The same on a terminal.
fn sit(machine: &Machine, by: By, verb: &str) -> Seat {
    Seat::start(&command(machine, by, verb))
}

#[test]
fn a_watched_status_replaces_the_previous_one() {
    let machine = machine(quick());
    let mut seat = sit(&machine, By::Program, "status --watch");
    for _ in 0..2 {
        seat.see("\x1b[2J");
        seat.see("\x1b[H");
        seat.see("no VM is running\r\n");
    }
    seat.signal(Signal::SIGINT);
    let left = seat.end();
    assert!(left.status.success(), "{left:?}");
    let clears = left.written.matches("\x1b[2J").count();
    assert_eq!(clears, left.written.matches("no VM").count());
}

/// The process of this program on the host.
fn process(machine: &Machine, program: &str) -> Option<i32> {
    let state = machine.host().state;
    let mut all = state.processes.values();
    all.find(|one| one.comm == program).map(|one| one.pid)
}

/// Waits until a wait for the guest's title has seen it.
#[track_caller]
fn until_title_is_seen(machine: &Machine) {
    until_title_is_seen_again(machine, 1);
}

/// Waits until a guest's title was seen this number of times, and a script knows of it: the
/// background process of the script that looks for it has exited.
#[track_caller]
fn until_title_is_seen_again(machine: &Machine, times: usize) {
    until("a look at the title", || titles_seen(machine) == times);
    until("the end of the look", || shells(machine) <= 1);
}

/// How many shells run in the machine's directory.
fn shells(machine: &Machine) -> usize {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.map(|entry| entry.path());
    let shells = processes.filter(|path| {
        fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm == "sh\n")
            && fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == machine.path())
    });
    shells.count()
}

/// How often the title of a guest was seen.
fn titles_seen(machine: &Machine) -> usize {
    machine.host().orders.titles_shown
}

/// The terminal is as before, and nothing of any VM is left on the host.
#[track_caller]
fn assert_as_before(machine: &Machine, by: By, left: &Left) {
    assert!(left.same_modes, "{by:?}: {}", left.written);
    // Not every base system has a program by which sh could reset O_NONBLOCK.
    assert!(left.same_flags || by == By::Script, "{}", left.written);
    assert_free(machine, &left.written);
}

/// Nothing of any VM is left on the host.
#[track_caller]
fn assert_free(machine: &Machine, written: &str) {
    let state = machine.host().state;
    assert!(state.vms.is_empty(), "{written}");
    assert_eq!(state.bhyve_of("fbsd0"), None, "{written}");
    let mut taps = state.interfaces.values();
    assert!(taps.all(|tap| tap.description.is_empty()), "{written}");
}
