//! The progress of waits: drawn on one line of a terminal and erased, and nowhere else.

use super::{By, assert_free, command, machine, machine_with, patient, process, quick};
use crate::host::{GuestPlan, Host};
use crate::machine::{CONFIG, Machine};
use crate::place::write_script;
use crate::seat::{Left, Seat};
use crate::wait::{output_of, wait_for};
use easy_bhyve::host::directory::Directory;
use easy_bhyve::host::{Lock, LockResult};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};

/// The verb on a terminal, with further variables.
fn sit_with(machine: &Machine, verb: &str, variables: &[(&str, &str)]) -> Seat {
    let mut command = command(machine, By::Program, verb);
    command.envs(variables.iter().copied());
    Seat::start(&command)
}

fn sit(machine: &Machine, verb: &str) -> Seat {
    sit_with(machine, verb, &[])
}

/// What a terminal shows after this output.
fn screen(written: &str) -> String {
    let (mut lines, mut column) = (vec![Vec::new()], 0);
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        let line: &mut Vec<char> = lines.last_mut().unwrap();
        match letter {
            '\r' => column = 0,
            '\n' => lines.push(Vec::new()),
            '\x1b' => {
                assert_eq!(letters.by_ref().take(2).collect::<String>(), "[K");
                line.truncate(column);
            }
            letter => {
                line.truncate(column);
                line.push(letter);
                column += 1;
            }
        }
    }
    let lines = lines.into_iter().map(String::from_iter);
    lines.collect::<Vec<String>>().join("\n")
}

/// The progress is erased, and the terminal as before.
#[track_caller]
fn assert_erased(left: &Left, what: &str) {
    assert!(left.written.contains(what), "{}", left.written);
    let shown = screen(&left.written);
    assert!(!shown.contains(what), "{shown}");
    assert!(left.same_modes && left.same_flags, "{}", left.written);
}

/// A machine on which `fbsd0` runs.
fn running(guest: GuestPlan) -> Machine {
    let machine = machine(guest);
    let output = output_of(command(&machine, By::Program, "boot fbsd0"));
    assert!(output.status.success(), "{output:?}");
    machine
}

#[test]
fn a_boot_shows_its_steps_and_their_limits_until_the_guest_runs() {
    let machine = machine(GuestPlan {
        title_ms: 600_000,
        ..quick()
    });
    let mut seat = sit(&machine, "boot fbsd0");
    seat.see("setting up the network 0 s");
    seat.see("/120 s; to see the loader: easy-bhyve console fbsd0\x1b[K");
    seat.see("starting bhyve as pid ");
    seat.see("/10 s\x1b[K");
    wait_for("bhyve", || process(&machine, "bhyve"));
    machine.with(|host| {
        let bhyve = host.state.processes.values_mut();
        let mut bhyve = bhyve.filter(|one| one.comm == "bhyve");
        bhyve.next().unwrap().title = Some("bhyve: fbsd0".into());
    });
    let left = seat.end();
    assert_erased(&left, "loading the guest ");
    assert_erased(&left, "starting bhyve as pid ");
    let note = "easy-bhyve: fbsd0 is running; ";
    assert!(screen(&left.written).starts_with(note), "{}", left.written);
}

#[test]
fn an_interrupted_or_failed_boot_leaves_no_progress() {
    for is_killed in [false, true] {
        let machine = machine(patient());
        let mut seat = sit(&machine, "boot fbsd0");
        seat.see("loading the guest 0/120 s");
        let loader = wait_for("the loader", || process(&machine, "bhyveload"));
        if is_killed {
            kill(Pid::from_raw(loader), Signal::SIGKILL).unwrap();
        } else {
            seat.type_in("\x03");
            seat.see("^C");
        }
        let left = seat.end();
        assert_eq!(left.status.code(), Some(1), "{}", left.written);
        assert_erased(&left, "loading the guest 0/120 s");
        let shown = screen(&left.written);
        let message = if is_killed {
            "easy-bhyve: bhyveload was terminated by SIGKILL"
        } else {
            "easy-bhyve: interrupted by SIGINT"
        };
        assert!(shown.starts_with(message), "{shown}");
        assert_free(&machine, &shown);
    }
}

#[test]
fn a_shutdown_shows_what_it_waits_for() {
    let machine = running(GuestPlan {
        acpi_ms: Some(600_000),
        ..quick()
    });
    let waits = "waiting for fbsd0, perhaps still booting, to handle its power button 0/60 s\x1b[K";
    for verb in ["shutdown fbsd0", "restart fbsd0"] {
        let mut seat = sit(&machine, verb);
        seat.see(waits);
        seat.type_in("\x03");
        let left = seat.end();
        assert_erased(&left, "perhaps still booting");
        assert_eq!(left.status.code(), Some(1), "{}", left.written);
    }
    let machine = running(GuestPlan {
        button_ms: None,
        ..quick()
    });
    let mut seat = sit(&machine, "shutdown fbsd0");
    seat.see("waiting for fbsd0 to shut down 0/60 s\x1b[K");
    let bhyve = process(&machine, "bhyve").unwrap();
    kill(Pid::from_raw(bhyve), Signal::SIGKILL).unwrap();
    let left = seat.end();
    assert_erased(&left, "waiting for fbsd0 to shut down");
    assert_eq!(left.status.code(), Some(0), "{}", left.written);
}

#[test]
fn the_root_side_of_another_user_draws_as_the_terminal_of_its_caller_can() {
    for (locale, frame) in [("C.UTF-8", '⠋'), ("C", '|')] {
        let mut host = Host::freebsd(14).with_volume("zroot/vm/fbsd0", 1 << 30);
        host.state.guest = GuestPlan {
            button_ms: Some(1_000),
            ..quick()
        };
        let machine = Machine::new(host, &CONFIG.replace("@WORD@", "doas"));
        let booted = output_of(machine.program(&["easy-bhyve", "boot", "fbsd0"]));
        assert!(booted.status.success(), "{booted:?}");
        let mut shutdown = machine.program(&["easy-bhyve", "shutdown", "fbsd0"]);
        let mut seat = Seat::start(shutdown.env("LC_ALL", locale));
        seat.see(&format!("{frame} waiting for fbsd0 to shut down "));
        let left = seat.end();
        assert_erased(&left, "waiting for fbsd0 to shut down");
        let mut calls = machine.host().calls().to_vec().into_iter();
        assert!(calls.any(|call| call.argv[0] == "doas"), "{}", left.written);
    }
}

#[test]
fn the_frames_are_in_utf_8_if_the_locale_is() {
    for (variables, is_utf_8) in [
        (&[][..], false),
        (&[("LANG", "en_US.UTF-8")], true),
        (&[("LANG", "C"), ("LC_CTYPE", "C.utf8")], true),
        (&[("LANG", "C.UTF-8"), ("LC_CTYPE", "C")], false),
        (&[("LC_CTYPE", "C"), ("LC_ALL", "C.UTF-8")], true),
        (&[("LC_CTYPE", "C.UTF-8"), ("LC_ALL", "C")], false),
        (
            &[("LANG", "C.UTF-8"), ("LC_CTYPE", ""), ("LC_ALL", "")],
            true,
        ),
    ] {
        let machine = machine(quick());
        let left = sit_with(&machine, "boot fbsd0", variables).end();
        assert_eq!(!left.written.is_ascii(), is_utf_8, "{variables:?}");
        assert_eq!(left.written.contains('⠋'), is_utf_8, "{}", left.written);
        assert_erased(&left, "loading the guest ");
    }
}

#[test]
fn a_line_that_is_too_long_is_cut_and_keeps_the_time() {
    let machine = machine(patient());
    let mut seat = sit(&machine, "boot fbsd0");
    for (columns, line) in [
        (40, " loading the guest 0/120 s\x1b[K"),
        (20, " load... 0/120 s\x1b[K"),
    ] {
        seat.see("to see the loader: easy-bhyve console fbsd0\x1b[K");
        seat.resize(columns);
        seat.see(line);
        seat.resize(80);
    }
    seat.type_in("\x03");
    let left = seat.end();
    assert!(left.same_modes, "{}", left.written);
}

#[test]
fn without_an_able_terminal_or_with_q_nothing_is_drawn() {
    let guest = GuestPlan {
        button_ms: Some(1_000),
        ..quick()
    };
    let is_plain = |text: &str| !text.replace("\r\n", "").contains(char::is_control);
    for (verb, line) in [
        (
            "shutdown fbsd0",
            "waiting for fbsd0 to shut down (up to 60 s)",
        ),
        ("shutdown fbsd0 -q", ""),
        ("restart fbsd0 -q", ""),
    ] {
        let machine = running(guest.clone());
        let left = sit_with(&machine, verb, &[("TERM", "dumb")]).end();
        assert!(is_plain(&left.written), "{:?}", left.written);
        assert!(left.written.starts_with(line), "{}", left.written);
        assert_eq!(left.status.code(), Some(0), "{}", left.written);
    }
    for verb in ["shutdown fbsd0 -q", "restart fbsd0 -q"] {
        let machine = running(guest.clone());
        assert_eq!(sit(&machine, verb).end().written, "", "{verb}");
    }
    let machine = running(guest);
    let output = output_of(command(&machine, By::Program, "restart fbsd0"));
    let said = String::from_utf8(output.stderr).unwrap();
    let note = "easy-bhyve: fbsd0 is running; ";
    assert!(
        said.starts_with(note) && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_program_that_has_the_terminal_has_it_alone() {
    for verb in ["ttyboot fbsd0", "install fbsd0", "boot fbsd0 --console"] {
        let machine = machine(patient());
        let mut seat = sit(&machine, verb);
        seat.see("any other key stops. ");
        // Later than many frames.
        seat.answer("any other key stops. ", "\x1b");
        seat.answer("OK ", "quit\r");
        let left = seat.end();
        let (_, after) = left.written.split_once("any other key stops. ").unwrap();
        assert!(!after.contains("\x1b[K"), "{after}");
    }
}

#[test]
fn a_start_shows_that_it_waits_for_the_network_of_another() {
    for verb in ["boot fbsd0", "boot fbsd0 --console", "ttyboot fbsd0"] {
        let machine = machine(quick());
        let run = machine.path().join("run/easy-bhyve");
        fs::create_dir_all(&run).unwrap();
        let directory = Directory::open(&run).unwrap();
        let (held, file) = directory.lock(&Lock::Network, "4711 web0").unwrap();
        assert_eq!(held, LockResult::Acquired);
        let mut seat = sit(&machine, verb);
        seat.see("waiting for another start, which sets up the network 0/30 s\x1b[K");
        drop(file);
        if verb == "boot fbsd0" {
            seat.see("easy-bhyve: fbsd0 is running");
        } else {
            seat.see("login: ");
            seat.type_in("\r~.root\r");
        }
        let written = screen(seat.written());
        assert!(!written.contains("waiting for another start"), "{written}");
    }
}

/// Makes dd(1) write the first of two MiB, and the rest when it may.
fn let_dd_wait(machine: &Machine) {
    let dd = machine.path().join("bin/dd");
    fs::remove_file(&dd).unwrap();
    let script = "for word; do case $word in of=*) file=${word#of=} ;; esac; done\n\
         half() { head -c 1048576 /dev/zero >>\"$file\"; }\n\
         half\nuntil [ -e \"${0%/*}/../go\" ]; do sleep 0.05; done\n\
         half\necho 'dd: no more' >&2\nexit \"$(cat \"${0%/*}/../go\")\"\n";
    write_script(&dd, script);
}

#[test]
fn a_disk_that_is_made_shows_bytes_and_rate() {
    for status in ["0", "1"] {
        let settings = "img0_id=8 img0_freebsd=YES img0_hd0=@DIR@/vm/img0";
        let machine = machine_with(quick(), settings);
        fs::create_dir_all(machine.path().join("vm")).unwrap();
        let_dd_wait(&machine);
        let mut seat = sit(&machine, "resources img0 -V 2M");
        seat.see("making the disk 1.0 of 2.0 MiB, ");
        seat.see("/s\x1b[K");
        fs::write(machine.path().join("go.new"), status).unwrap();
        fs::rename(machine.path().join("go.new"), machine.path().join("go")).unwrap();
        let left = seat.end();
        assert_eq!(left.status.code(), status.parse().ok(), "{}", left.written);
        assert_erased(&left, "making the disk");
        let shown = screen(&left.written);
        assert_eq!(shown.contains("dd: no more"), status == "1", "{shown}");
        let size = File::open(machine.path().join("vm/img0"));
        let size = size.map(|file| file.metadata().unwrap().len()).ok();
        assert_eq!(size, (status == "0").then_some(2 << 20));
    }
}
