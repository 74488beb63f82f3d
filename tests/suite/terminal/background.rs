//! A VM that is started on the terminal and runs on in the background.

use super::{BOTH, By, command, machine, process, quick, sit, titles_seen};
use crate::host::GuestPlan;
use crate::wait::{output_of, until, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Read;
use std::process::Stdio;
use std::thread;

#[test]
fn with_p_a_boot_stops_at_grubs_prompt_where_boot_boots() {
    for by in BOTH {
        let machine = machine(quick());
        let mut seat = sit(&machine, by, "boot deb0 -p");
        seat.see("grub> ");
        assert!(seat.is_raw());
        seat.type_in("linux /vmlinuz\rboot\r");
        // The loader uses the VM's console, which stays open until the user leaves it.
        seat.answer("login: ", "\r~.");
        let left = seat.end();
        assert_eq!(left.status.code(), Some(0), "{}", left.written);
        assert!(left.same_modes && left.same_flags, "{}", left.written);
        let said = left.written.contains("easy-bhyve: deb0 is running");
        assert_eq!(said, by == By::Program, "{}", left.written);
        assert!(machine.host().state.bhyve_of("deb0").is_some());
    }
}

#[test]
fn the_end_of_the_vm_is_reported_when_the_console_is_left() {
    let machine = machine(quick());
    let mut seat = sit(&machine, By::Program, "boot fbsd0 --console");
    seat.answer("login: ", "root\r");
    until("a look at the title", || titles_seen(&machine) > 0);
    seat.answer("# ", "poweroff\r");
    seat.see("The operating system is powering off.\r\n");
    let state = machine.path().join("run/easy-bhyve/fbsd0.json");
    until("the end of all", || {
        let state = std::fs::read_to_string(&state);
        state.is_ok_and(|state| state.contains(r#""phase":"ended""#))
    });
    seat.type_in("\r~.");
    let left = seat.end();
    assert_eq!(left.status.code(), Some(0), "{}", left.written);
    let note = "easy-bhyve: fbsd0 has ended; to see its log: easy-bhyve log fbsd0\r\n";
    assert!(left.written.ends_with(note), "{}", left.written);
}

#[test]
fn the_output_of_boot_ends_while_the_vm_runs() {
    for by in BOTH {
        let machine = machine(quick());
        let output = output_of(command(&machine, by, "boot fbsd0"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(process(&machine, "bhyve").is_some(), "{by:?}: {output:?}");
    }
}

#[test]
fn the_wait_for_the_title_does_not_keep_the_output_of_a_script_open() {
    let machine = machine(GuestPlan {
        title_ms: 600_000,
        ..quick()
    });
    let mut script = command(&machine, By::Script, "ttyboot fbsd0");
    script.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut script = script.spawn().unwrap();
    let mut said = script.stdout.take().unwrap();
    let reader = thread::spawn(move || said.read_to_end(&mut Vec::new()).unwrap());
    let bhyve = wait_for("a bhyve", || process(&machine, "bhyve"));
    until("a look for the title", || {
        let host = machine.host();
        let mut calls = host.calls().iter();
        calls.any(|call| call.argv[0] == "ps")
    });
    let script_pid = i32::try_from(script.id()).unwrap();
    for pid in [script_pid, bhyve] {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    // As for a shell that reads `$(...)`: the output must end with the script.
    until("the end of the output", || reader.is_finished());
    script.wait().unwrap();
}
