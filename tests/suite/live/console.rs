//! The console of a guest in the background: cu(1) and real programs on a null modem.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;

use super::rig::{Rig, quick};
use crate::host::GuestPlan;
use crate::wait::{until, wait_for};

const CU: &str = "cu -l /dev/nmdm0B";

/// A guest that boots so slowly that a console can be opened before its first line.
fn slow() -> GuestPlan {
    GuestPlan {
        acpi_ms: Some(500),
        ..quick()
    }
}

/// Makes the pair; the paths of its ends.
fn pair(rig: &Rig) -> [PathBuf; 2] {
    let path = Path::new("/dev/nmdm7A");
    assert!(rig.machine.with(|host| host.look_up(path, 0)));
    ["nmdm7A", "nmdm7B"].map(|node| rig.machine.path().join("dev").join(node))
}

fn open(node: &PathBuf) -> File {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let mut options = File::options();
    options.read(true).write(true).custom_flags(flags.bits());
    options.open(node).unwrap()
}

/// The text that can be read there by now.
fn read(line: &mut File) -> String {
    let mut text = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(length) = line.read(&mut bytes) {
        text.extend_from_slice(&bytes[..length]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn a_console_that_is_open_before_the_guest_shows_its_whole_boot_and_accepts_input() {
    let rig = Rig::new(slow());
    let mut cu = rig.sit(CU);
    cu.see("Connected\r\n");
    rig.boot();
    cu.see("CPU: ");
    cu.see("Starting cron.");
    cu.answer("login: ", "root\r");
    cu.answer("root@web:~ # ", "hostname\r");
    cu.answer("\r\nweb\r\nroot@web:~ # ", "exit\r");
    cu.answer("login: ", "\r~.");
    let left = cu.end();
    assert_eq!(left.status.code(), Some(0), "{}", left.written);
    assert!(left.written.ends_with("[EOT]\r\n"), "{}", left.written);
    assert!(left.same_modes && left.same_flags);
    assert!(rig.web().is_some());
}

#[test]
fn output_is_lost_while_the_other_end_is_closed() {
    let rig = Rig::new(quick());
    let [a, b] = pair(&rig);
    let mut a = File::options().write(true).open(a).unwrap();
    // More than any terminal holds, so that the driver has taken all of it except the end.
    a.write_all(b"lost").unwrap();
    a.write_all(".".repeat(200_000).as_bytes()).unwrap();
    let mut b = open(&b);
    let mut seen = String::new();
    until("the text that is written later", || {
        a.write_all(b"kept").unwrap();
        seen += &read(&mut b);
        seen.contains("kept")
    });
    assert!(!seen.contains("lost"));
}

#[test]
fn a_boot_without_a_console_is_not_shown_later() {
    let rig = Rig::of(
        crate::host::Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_commands(&[
                "kldload nmdm",
                "bhyveload -m 256M -d /dev/zvol/zroot/vm/web web",
                "daemon -f bhyve -m 256M -s 1:0,lpc -l com1,/dev/nmdm0A web",
            ]),
    );
    let mut cu = rig.sit(CU);
    cu.answer("Connected\r\n", "root\r");
    cu.see("root@web:~ # ");
    cu.type_in("\r~.");
    assert!(!cu.end().written.contains("CPU"));
}

#[test]
fn cu_outlives_a_guest_and_shows_the_next_one() {
    let rig = Rig::new(slow());
    let mut cu = rig.sit(CU);
    cu.see("Connected");
    for _ in 0..2 {
        let pid = rig.boot();
        cu.see("CPU: ");
        cu.answer("login: ", "root\r");
        cu.answer("# ", "reboot\r");
        cu.see("Rebooting...");
        rig.until_off();
        assert_eq!(rig.state().ended[&pid], crate::host::Status::Exit(0));
    }
    cu.type_in("\r~.");
    assert_eq!(cu.end().status.code(), Some(0));
}

#[test]
fn a_second_cu_finds_all_ports_busy() {
    let rig = Rig::new(quick());
    let mut first = rig.sit(CU);
    first.see("Connected");
    let second = rig.run(CU);
    assert_eq!(
        (second.status.code(), second.stdout),
        (Some(3), b"all ports busy\n".to_vec())
    );
    first.type_in("~.");
    assert_eq!(first.end().status.code(), Some(0));
    let mut third = rig.sit(CU);
    third.see("Connected");
}

#[test]
fn a_tilde_and_a_dot_at_the_beginning_of_a_line_end_cu_and_two_tildes_are_one() {
    let rig = Rig::new(quick());
    let [_, b] = pair(&rig);
    let mut guest = open(&b);
    let mut cu = rig.sit("cu -l /dev/nmdm7A");
    cu.see("Connected");
    let mut typed = String::new();
    let mut until_typed = |keys: &str, all: &str, cu: &mut crate::seat::Seat| {
        cu.type_in(keys);
        until("the typed text", || {
            typed += &read(&mut guest);
            typed == all
        });
    };
    until_typed("~~.\r", "~.\r", &mut cu);
    until_typed("a~.\r", "~.\ra~.\r", &mut cu);
    assert!(cu.is_raw());
    cu.type_in("~.");
    let left = cu.end();
    assert_eq!(left.status.code(), Some(0), "{}", left.written);
    assert!(left.same_modes && left.same_flags);
}

#[test]
fn a_signal_ends_cu_with_0_and_restores_the_modes() {
    for signal in [
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
    ] {
        let rig = Rig::new(quick());
        let mut cu = rig.sit(CU);
        cu.see("Connected");
        cu.signal(signal);
        let left = cu.end();
        assert_eq!(left.status.code(), Some(0), "{signal}");
        assert!(left.same_modes, "{signal}");
        assert_eq!(left.written, "Connected\r\n[EOT]\r\n", "{signal}");
    }
}

#[test]
fn a_pair_is_destroyed_when_both_ends_are_closed() {
    let rig = Rig::new(quick());
    let nodes = ["nmdm0A", "nmdm0B"].map(|node| rig.machine.path().join("dev").join(node));
    let are_there = || nodes.iter().map(|node| node.exists()).collect::<Vec<_>>();
    assert_eq!(are_there(), [false, false]);
    let pid = rig.boot();
    let mut cu = rig.sit(CU);
    cu.see("Connected");
    super::rig::send(pid, Signal::SIGKILL);
    rig.until_off();
    assert_eq!(are_there(), [true, true]);
    cu.type_in("\r~.");
    cu.end();
    until("the end of the pair", || are_there() == [false, false]);
    assert!(rig.state().nmdm.is_empty());
}

#[test]
fn a_pair_is_destroyed_even_if_it_was_open_for_a_moment_only() {
    let rig = Rig::new(GuestPlan {
        runs_ms: Some(0),
        ..quick()
    });
    for _ in 0..10 {
        rig.load();
        rig.run(&super::rig::bhyve("/dev/nmdm0A"));
        until("the end of the pair", || rig.state().nmdm.is_empty());
    }
}

#[test]
fn real_programs_use_the_nodes_as_any_terminal() {
    let rig = Rig::new(quick());
    let [a, b] = pair(&rig);
    let mut cat = std::process::Command::new("cat")
        .arg(&b)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut a = open(&a);
    // From some moment on, cat has its end open.
    let mut out = cat.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 5];
        out.read_exact(&mut bytes).map(|()| bytes)
    });
    until("the output of cat", || {
        a.write_all(b"hello").unwrap();
        reader.is_finished()
    });
    assert_eq!(&reader.join().unwrap().unwrap(), b"hello");
    cat.kill().unwrap();
    cat.wait().unwrap();
    drop(a);
    wait_for("the end of the pair", || {
        rig.state().nmdm.is_empty().then_some(())
    });
}
