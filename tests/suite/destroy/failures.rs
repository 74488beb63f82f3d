//! Faults and signals during `destroy`: the same command finishes what they leave.

use super::{LEFT, VMS, home};
use crate::fake::Lost;
use crate::home::Home;
use crate::host::{Edit, Fault, Host};
use easy_bhyve::host::Interruption;

#[test]
fn a_snapshot_that_is_taken_meanwhile_stays_and_the_command_can_be_repeated() {
    let mut home = home();
    let edit = Edit::Command(
        ["zfs", "snapshot", "zroot/vm/web@new"]
            .map(str::to_owned)
            .to_vec(),
    );
    let calls = calls();
    let mut zfs = calls.iter().filter(|call| call[0] == "zfs");
    let nth = zfs.position(|call| call[1] == "destroy").unwrap() + 1;
    let nth = u32::try_from(nth).unwrap();
    home.fake.host().forget_calls();
    home.fake.host().before("zfs", nth, edit);
    let said = home.call("destroy web --disks -f");
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("has children"), "{said:?}");
    assert_eq!(home.vms(), VMS);
    home.does("destroy web --disks -f");
    assert_eq!(home.vms(), LEFT);
}

/// The calls of a run without a fault.
fn calls() -> Vec<Vec<String>> {
    let mut home = home();
    home.fake.host().forget_calls();
    home.does("destroy web --disks -f");
    let host = home.fake.host();
    host.calls().iter().map(|call| call.argv.clone()).collect()
}

#[test]
fn whatever_fails_the_same_command_finishes() {
    let all: Vec<String> = calls().into_iter().map(|call| call[0].clone()).collect();
    for (at, program) in all.iter().enumerate() {
        let before = all.iter().take(at + 1);
        let nth = before.filter(|other| *other == program).count();
        let mut home = home();
        home.fake.host().forget_calls();
        let fault = Fault::Fail(1, format!("{program}: no\n"));
        home.fake
            .host()
            .order(program, u32::try_from(nth).unwrap(), fault);
        let said = home.call("destroy web --disks -f");
        if said.status != 0 {
            assert_eq!(home.vms(), VMS, "{program} {nth}: {said:?}");
            assert_eq!(home.links().len(), 5, "{program} {nth}: {said:?}");
            home.does("destroy web --disks -f");
        }
        assert_eq!(home.vms(), LEFT, "{program} {nth}");
        assert!(!home.fake.host().state.datasets.contains_key("zroot/vm/web"));
        assert!(!home.fake.logs().contains_key("web"), "{program} {nth}");
    }
}

#[test]
fn a_signal_at_any_moment_leaves_what_the_same_command_finishes() {
    let mut at = 1;
    loop {
        let mut home = home();
        home.fake.interrupted = Some((at, Interruption::Signal(15)));
        let said = home.call("destroy web --disks -f");
        home.fake.interrupted = None;
        if said.status == 0 {
            break;
        }
        assert_eq!(home.vms(), VMS, "{at}: {said:?}");
        assert_eq!(home.links().len(), 5, "{at}: {said:?}");
        home.does("destroy web --disks -f");
        assert_eq!(home.vms(), LEFT, "{at}");
        at += 1;
        assert!(at < 200);
    }
    assert!(at > 5, "only {at} moments");
}

#[test]
fn a_configuration_that_cannot_be_written_keeps_its_links_and_the_command_can_be_repeated() {
    let mut home = home();
    home.fake.lose(Lost::Writes(28));
    let said = home.call("destroy web -f");
    assert_eq!(said.status, 1, "{said:?}");
    assert_eq!(
        (home.vms().as_str(), home.links().len()),
        (VMS, 5),
        "{said:?}"
    );
}

#[test]
fn a_volume_that_a_process_has_open_is_named_and_the_command_can_be_repeated() {
    let mut home = home();
    let pid = {
        let mut host = home.fake.host();
        let pid = host.add_process(0, 1, "dd", &["dd"]);
        let holder = host.state.processes.get_mut(&pid).unwrap();
        holder.open.insert("/dev/zvol/zroot/vm/web-1".into());
        pid
    };
    let said = home.call("destroy web --disks -f");
    assert_eq!(said.status, 1, "{said:?}");
    let what = "zroot/vm/web-1 cannot be destroyed, because a process has its device open\n";
    assert!(said.err.contains(what), "{said:?}");
    // Its snapshots and the first disk are gone, which is said; the lines are there.
    assert!(said.err.contains("destroyed"), "{said:?}");
    assert_eq!(home.vms(), VMS);
    home.fake.host().state.processes.remove(&pid);
    home.does("destroy web --disks -f");
    assert_eq!(home.vms(), LEFT);
}

#[test]
fn a_thousand_snapshots_go_in_groups() {
    let snapshots: Vec<String> = (0..1000)
        .map(|number| format!("zfs snapshot zroot/vm/a@{number}"))
        .collect();
    let snapshots: Vec<&str> = snapshots.iter().map(String::as_str).collect();
    let host = Host::freebsd(14)
        .with_volume("zroot/vm/a", 1 << 30)
        .with_commands(&snapshots);
    let mut home = Home::new(host, "a_id=1\n");
    home.fake.host().forget_calls();
    home.does("destroy a --disks -f");
    let host = home.fake.host();
    assert!(!host.state.datasets.contains_key("zroot/vm/a"));
    assert!(host.calls().len() < 40, "{} calls", host.calls().len());
}
