//! `ifconfig destroy` of a tap that a process has open.

use nix::sys::signal::Signal;

use super::rig::{Rig, quick, send};
use crate::host::{Answer, Call};
use crate::wait::until;

#[test]
fn destroying_an_open_tap_blocks_until_the_vm_ends() {
    for end in [Some(Signal::SIGKILL), Some(Signal::SIGTERM), None] {
        let rig = Rig::new(quick());
        let pid = rig.boot();
        rig.until_acpi();
        let mut destroy = rig.spawn("ifconfig tap0 destroy");
        let shown = format!("ps -p {} -o args=", destroy.pid());
        until("the wait", || rig.state().interfaces["tap0"].dying);
        assert_eq!(rig.done(&shown), "ifconfig tap0 destroy\n");
        assert_eq!(destroy.ended(), None);
        assert!(rig.done("ifconfig tap0").contains("Opened by PID"));
        match end {
            Some(signal) => send(pid, signal),
            None => drop(rig.done("bhyvectl --vm=web --destroy")),
        }
        assert_eq!(destroy.end().code(), Some(0));
        let state = rig.state();
        assert!(!state.interfaces.contains_key("tap0"));
        assert!(state.interfaces["bridge0"].members.is_empty());
        assert!(!state.processes.contains_key(&destroy.pid()));
    }
}

#[test]
fn a_tap_that_is_created_again_at_once_is_another_tap() {
    let rig = Rig::new(quick());
    let pid = rig.boot();
    let mut destroy = rig.spawn("ifconfig tap0 destroy");
    until("the wait", || rig.state().interfaces["tap0"].dying);
    let made = rig.machine.with(|host| {
        host.signal(pid, 9, 0).unwrap();
        host.run(&Call::new(["ifconfig", "tap0", "create"]).by_root())
    });
    assert_eq!(made, Answer::ok());
    assert_eq!(destroy.end().code(), Some(0));
    assert!(rig.state().interfaces.contains_key("tap0"));
}
