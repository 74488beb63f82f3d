//! Loaders: a menu, a prompt, and the ends of a loader.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::rig::{DISK, Rig, quick, send};
use crate::host::{GuestPlan, Loader};
use crate::seat::Seat;
use crate::wait::until;

/// A menu that waits longer than any test.
fn patient() -> GuestPlan {
    GuestPlan {
        loader_ms: 600_000,
        ..quick()
    }
}

/// The command line of both loaders, and their prompts.
const LOADERS: [(&str, &str); 2] = [("bhyveload", "OK "), ("grub-bhyve", "grub> ")];

/// Starts a loader for `web` on a terminal.
fn sit(rig: &Rig, loader: &str) -> Seat {
    if loader == "bhyveload" {
        return rig.sit(&format!("bhyveload -m 256M -d {DISK} web"));
    }
    let map = rig.machine.path().join("map");
    std::fs::write(&map, format!("(hd0) {DISK}\n")).unwrap();
    rig.sit(&format!(
        "grub-bhyve -m {} -r hd0,msdos1 -M 256M web",
        map.display()
    ))
}

fn is_loaded(rig: &Rig) -> bool {
    rig.state().vms["web"].loaded
}

#[test]
fn a_menu_boots_by_itself_when_its_time_is_over() {
    for (loader, _) in LOADERS {
        let rig = Rig::new(GuestPlan {
            loader_ms: 300,
            ..quick()
        });
        let start = Instant::now();
        let left = sit(&rig, loader).end();
        assert_eq!(left.status.code(), Some(0), "{loader}: {}", left.written);
        assert!(start.elapsed() >= Duration::from_millis(300), "{loader}");
        assert!(is_loaded(&rig) && left.same_modes && left.same_flags);
    }
}

#[test]
fn enter_boots_at_once() {
    for (loader, _) in LOADERS {
        let rig = Rig::new(patient());
        let mut seat = sit(&rig, loader);
        seat.see("any other key stops. ");
        assert!(seat.is_raw() && !is_loaded(&rig));
        seat.type_in("\r");
        let left = seat.end();
        assert_eq!(left.status.code(), Some(0), "{loader}: {}", left.written);
        assert!(is_loaded(&rig) && left.same_modes && left.same_flags);
    }
}

#[test]
fn another_key_leads_to_the_prompt_where_boot_boots_and_quit_gives_up() {
    for (loader, prompt) in LOADERS {
        let (boot, quit) = match loader {
            "bhyveload" => ("boot\r", "quit\r"),
            _ => ("linux /vmlinuz\rboot\r", "exit\r"),
        };
        for (commands, status) in [(boot, 0), (quit, 1)] {
            let rig = Rig::new(patient());
            let mut seat = sit(&rig, loader);
            seat.answer("any other key stops. ", " ");
            seat.answer(prompt, "nonsense\r");
            seat.answer(prompt, commands);
            let left = seat.end();
            assert_eq!(left.status.code(), Some(status), "{}", left.written);
            assert_eq!(is_loaded(&rig), status == 0, "{loader}");
            assert!(left.same_modes && left.same_flags, "{loader}");
        }
    }
}

#[test]
fn a_blank_disk_has_no_menu_and_nothing_boots_from_it() {
    for (loader, prompt) in LOADERS {
        let rig = Rig::new(quick());
        rig.done("zfs destroy zroot/vm/web");
        rig.done("zfs create -V 1G -o volmode=dev zroot/vm/web");
        let mut seat = sit(&rig, loader);
        seat.answer(prompt, "boot\r");
        seat.answer(prompt, "\x7fexit\r");
        let left = seat.end();
        assert_eq!(left.status.code(), Some(1), "{loader}: {}", left.written);
        assert!(!is_loaded(&rig) && !left.written.contains("Booting"));
    }
}

#[test]
fn a_kernel_that_cannot_be_read_ends_bhyveload_with_1() {
    let rig = Rig::new(GuestPlan {
        loader: Loader::Broken,
        ..quick()
    });
    let left = sit(&rig, "bhyveload").end();
    assert_eq!(left.status.code(), Some(1), "{}", left.written);
    assert!(!is_loaded(&rig) && left.same_modes);
}

#[test]
fn a_loader_that_hangs_runs_until_it_is_killed() {
    for (loader, _) in LOADERS {
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            let rig = Rig::new(GuestPlan {
                loader: Loader::Stuck,
                ..quick()
            });
            let seat = sit(&rig, loader);
            until("the loader", || seat.is_raw());
            let loads = || {
                let state = rig.state();
                let mut all = state.processes.values();
                all.find(|process| process.loads.as_deref() == Some("web"))
                    .map(|process| process.pid)
            };
            let pid = loads().expect("it still loads");
            send(pid, signal);
            let left = seat.end();
            assert_eq!(left.status.signal(), Some(signal as i32), "{loader}");
            assert!(!left.same_modes && !is_loaded(&rig) && loads().is_none());
        }
    }
}

#[test]
fn with_c_a_loader_uses_a_null_modem_as_its_console() {
    for (loader, prompt) in LOADERS {
        let rig = Rig::new(patient());
        let mut console = rig.sit("cu -l /dev/nmdm0B");
        console.see("Connected");
        let map = rig.machine.path().join("map");
        std::fs::write(&map, format!("(hd0) {DISK}\n")).unwrap();
        let line = match loader {
            "bhyveload" => format!("bhyveload -c /dev/nmdm0A -m 256M -d {DISK} web"),
            _ => format!(
                "grub-bhyve -c /dev/nmdm0A -m {} -r hd0,msdos1 -M 256M web",
                map.display()
            ),
        };
        let mut loader = rig.spawn(&line);
        console.answer("any other key stops. ", "x");
        console.answer(prompt, "exit\r");
        assert_eq!(loader.end().code(), Some(1), "{line}");
        console.type_in("\r~.");
        assert_eq!(console.end().status.code(), Some(0));
    }
}
