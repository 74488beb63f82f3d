//! A disk for a VM that runs.

use super::{host, state};
use crate::call::owner;
use crate::home::Home;
use easy_bhyve::host::Lock;
use easy_bhyve::model::name::VmName;

#[test]
fn a_vm_that_runs_gets_a_disk_for_its_next_start() {
    for uid in [owner(), 0] {
        let host = host().with_running_vm("web0", "/dev/zvol/zroot/vm/web0", "tap1");
        let mut home = Home::new(host, "web0_id=1\n");
        home.fake.uid = uid;
        // As the supervisor of the VM holds it.
        let vm = VmName::parse("web0").unwrap();
        home.fake.let_be_held(&Lock::Vm(vm), "901 runs");
        let before = state(&home);
        home.does("disk web0 1G -d");
        assert_eq!(state(&home), before);
        let said = home.does("disk web0 1G");
        let line = "web0_hd1=/dev/zvol/zroot/vm/web0-1\n";
        assert_eq!(home.vms(), format!("web0_id=1\n{line}"));
        assert!(
            said.err
                .ends_with("or if it runs: easy-bhyve restart web0\n"),
            "{said:?}"
        );
        // Another process that makes the same disk is not disturbed.
        let next = "/dev/zvol/zroot/vm/web0-2";
        home.fake.let_be_held(&Lock::Disk(next.into()), "902 web0");
        let err = home.refuses("disk web0 1G", 2);
        assert!(err.contains(next), "{err}");
    }
}
