//! A VM that is started on the terminal and runs on in the background.

use super::{BOTH, By, command, machine, process, quick, sit};
use crate::wait::output_of;

#[test]
fn with_p_a_boot_stops_at_grubs_prompt_where_boot_boots() {
    for by in BOTH {
        let machine = machine(quick());
        let mut seat = sit(&machine, by, "boot deb0 -p");
        seat.see("grub> ");
        assert!(seat.is_raw());
        seat.type_in("linux /vmlinuz\rboot\r");
        // It is the VM's console, which stays until it is left.
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
fn who_reads_what_boot_says_sees_its_end_while_the_vm_runs() {
    for by in BOTH {
        let machine = machine(quick());
        let output = output_of(command(&machine, by, "boot fbsd0"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(process(&machine, "bhyve").is_some(), "{by:?}: {output:?}");
    }
}
