//! Input reaches loader, installer and guest, and each of them ends.

use super::{BOTH, By, assert_as_before, machine, patient, sit, until_title_is_seen};
use crate::host::Status;

#[test]
fn install_gives_the_terminal_to_loader_and_installer() {
    for (vm, menu) in [("fbsd0", true), ("deb0", true), ("net0", false)] {
        for by in BOTH {
            let machine = machine(patient());
            let create = format!("zfs create -V 1G -o volmode=dev zroot/vm/{vm}");
            let disk = format!("zroot/vm/{vm}");
            machine.with(|host| {
                host.state.datasets.remove(&disk);
                let words = create.split(' ');
                let call = crate::host::Call::new(words).by_root();
                assert_eq!(host.run(&call).status, Status::Exit(0));
            });
            let is_blank = || {
                let state = machine.host().state;
                state.datasets[&disk].volume.as_ref().unwrap().blank
            };
            assert!(is_blank());
            let mut seat = sit(&machine, by, &format!("install {vm}"));
            if menu {
                seat.see("any other key stops. ");
                assert!(seat.is_raw());
                seat.type_in("\r");
            }
            seat.see("Enter installs on the first disk: ");
            assert!(seat.is_raw());
            until_title_is_seen(&machine);
            seat.type_in("\r");
            seat.answer("Enter reboots: ", "\r");
            let left = seat.end();
            assert_eq!(left.status.code(), Some(0), "{vm}: {}", left.written);
            let said = left.written.contains("easy-bhyve: the guest rebooted");
            assert_eq!(said, by == By::Program, "{}", left.written);
            assert_as_before(&machine, by, &left);
            assert!(!is_blank(), "{vm}");
        }
    }
}

#[test]
fn ttyboot_gives_the_terminal_to_loader_and_guest() {
    for vm in ["fbsd0", "deb0"] {
        for by in BOTH {
            let machine = machine(patient());
            let mut seat = sit(&machine, by, &format!("ttyboot {vm}"));
            seat.answer("any other key stops. ", "\r");
            seat.answer("login: ", "root\r");
            assert!(seat.is_raw());
            seat.answer("# ", "hostname\r");
            seat.see(&format!("\r\n{vm}\r\n"));
            until_title_is_seen(&machine);
            seat.answer("# ", "poweroff\r");
            let left = seat.end();
            assert_eq!(left.status.code(), Some(0), "{}", left.written);
            let said = left.written.contains("easy-bhyve: the guest powered off");
            assert_eq!(said, by == By::Program, "{}", left.written);
            assert_as_before(&machine, by, &left);
        }
    }
}

#[test]
fn input_at_the_prompt_of_a_loader_reaches_it() {
    for (vm, prompt, boot) in [
        ("fbsd0", "OK ", "boot\r"),
        ("deb0", "grub> ", "linux /vmlinuz\rboot\r"),
    ] {
        for by in BOTH {
            let machine = machine(patient());
            let mut seat = sit(&machine, by, &format!("ttyboot {vm}"));
            seat.answer("any other key stops. ", "x");
            seat.answer(prompt, boot);
            seat.answer("login: ", "root\r");
            seat.answer("# ", "halt\r");
            let left = seat.end();
            assert_eq!(left.status.code(), Some(0), "{}", left.written);
            assert_as_before(&machine, by, &left);
        }
    }
}
