//! A temporary run (boot -T): when the disks are rolled back, and when they are not.

use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::faults::{host, stderr};
use super::rig::{quick, send};
use super::root::{done, log_of, machine, supervisor, until_acpi, until_gone, with_guests};
use crate::host::{Edit, Host};
use crate::machine::Machine;
use crate::wait::{output_of, until};

/// How often zfs(8) was called with this subcommand.
fn zfs(machine: &Machine, command: &str) -> usize {
    let host = machine.host();
    let is_it = |argv: &Vec<String>| argv[0] == "zfs" && argv[1] == command;
    host.calls().iter().filter(|call| is_it(&call.argv)).count()
}

/// The snapshots of the VM's disk.
fn snapshots(machine: &Machine) -> Vec<String> {
    let state = machine.host().state;
    state.datasets["zroot/vm/fbsd0"]
        .snapshots
        .keys()
        .cloned()
        .collect()
}

fn status(machine: &Machine) -> String {
    let output = output_of(machine.program(&["easy-bhyve", "status"]));
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Checks that a status shows nothing but the end of the VM.
#[track_caller]
fn assert_only_its_end(status: &str) {
    let end = status.strip_prefix("no VM is running\nended: fbsd0; ");
    assert!(end.is_some_and(|end| end.lines().count() == 1), "{status}");
}

/// A host on which another process creates the VM's node at the right moment.
fn met(program: &str) -> Host {
    let mut host = host();
    let create = ["bhyvectl", "--vm=fbsd0", "--create"].map(String::from);
    host.before(program, 1, Edit::Command(create.to_vec()));
    host
}

#[test]
fn a_disk_is_not_rolled_back_unless_its_guest_has_run() {
    for (host, first) in [
        (met("kldload"), "fbsd0 was started by another process"),
        (
            {
                let mut host = host();
                host.fail("bhyveload", 1, 1, "no kernel");
                host
            },
            "bhyveload failed with status 1",
        ),
        (
            {
                let mut host = host();
                host.fail("bhyve", 1, 71, "could not activate CPU 0: Device busy");
                host
            },
            "bhyve did not start",
        ),
    ] {
        let machine = machine(host, "");
        let output = output_of(machine.program(&["fbsd0-boot", "-T"]));
        let said = stderr(&output);
        assert!(said.starts_with(&format!("fbsd0-boot: {first}")), "{said}");
        assert_eq!(zfs(&machine, "rollback"), 0, "{said}");
        assert_eq!(snapshots(&machine), Vec::<String>::new(), "{said}");
    }
}

#[test]
fn the_changes_of_the_guest_are_rolled_back_at_its_end() {
    let machine = with_guests(quick());
    done(&machine, &["fbsd0-boot", "-T"]);
    assert_eq!(snapshots(&machine).len(), 1);
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until_gone(&machine);
    assert_eq!(
        (zfs(&machine, "rollback"), snapshots(&machine).len()),
        (1, 0)
    );
    assert_only_its_end(&status(&machine));
}

#[test]
fn a_disk_that_another_process_has_open_is_not_rolled_back() {
    let machine = with_guests(quick());
    done(&machine, &["fbsd0-boot", "-T"]);
    let disk = machine.host().state.dev.join("zvol/zroot/vm/fbsd0");
    machine.with(|host| {
        let pid = host.add_process(0, 1, "bhyve", &["bhyve", "-m", "1G", "other"]);
        let other = host.state.processes.get_mut(&pid).unwrap();
        other.open.insert(PathBuf::from("/dev/zvol/zroot/vm/fbsd0"));
    });
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until("the end of its supervisor", || {
        supervisor(&machine).is_none()
    });
    let [name] = snapshots(&machine).try_into().expect("one snapshot");
    let snapshot = format!("zroot/vm/fbsd0@{name}");
    assert_eq!(zfs(&machine, "rollback"), 0);
    let why = format!(
        "another process has {} open; {snapshot} still exists",
        disk.display()
    );
    let log = log_of(&machine, "fbsd0");
    assert!(log.iter().any(|line| line.contains(&why)), "{log:#?}");
    assert!(status(&machine).contains(&format!("left over: {snapshot} still exists")));
}

#[test]
fn leftovers_of_a_killed_supervisor_are_reported_until_they_are_removed() {
    let machine = with_guests(quick());
    done(&machine, &["fbsd0-boot", "-T"]);
    until_acpi(&machine);
    send(
        supervisor(&machine).expect("a supervisor").pid,
        Signal::SIGKILL,
    );
    until("its end", || supervisor(&machine).is_none());
    let [name] = snapshots(&machine).try_into().expect("one snapshot");
    let snapshot = format!("zroot/vm/fbsd0@{name}");
    let told = |back: &str, gone: &str| {
        format!(
            "{snapshot} still exists: roll back to it ({back} {name}; {gone} --delete {name}), or \
             keep what the guest has written ({gone} --delete {name})\n"
        )
    };
    let by_word = told("easy-bhyve rollback fbsd0", "easy-bhyve snapshot fbsd0");
    let told = told("fbsd0-rollback", "fbsd0-snapshot");
    assert!(status(&machine).contains(&by_word), "{}", status(&machine));
    let said = done(&machine, &["fbsd0-shutdown"]);
    assert!(said.contains(&told), "{said}");
    assert!(status(&machine).contains(&by_word), "{}", status(&machine));
    let said = done(&machine, &["fbsd0-clean"]);
    assert!(said.contains(&told), "{said}");
    let said = done(&machine, &["fbsd0-boot"]);
    assert!(said.contains(&told), "{said}");
    done(&machine, &["fbsd0-shutdown", "-f"]);
    until("the end of its supervisor", || {
        supervisor(&machine).is_none()
    });
    assert!(status(&machine).contains(&by_word), "{}", status(&machine));
    assert_eq!(zfs(&machine, "rollback"), 0);
    let destroyed = output_of(machine.tool(&["zfs", "destroy", &snapshot]));
    assert!(destroyed.status.success(), "{}", stderr(&destroyed));
    assert_only_its_end(&status(&machine));
    done(&machine, &["fbsd0-clean"]);
    until_gone(&machine);
}
