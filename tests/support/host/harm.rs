//! Harmful commands that FreeBSD permits: the host runs them and records the harm, so that a test
//! fails on the record.

use super::Host;

impl Host {
    /// Records harm that was done.
    pub(super) fn harmed(&mut self, how: impl Into<String>) {
        self.state.harm.push(how.into());
    }
}

#[cfg(test)]
mod tests {
    use super::Host;
    use crate::host::Call;

    /// The harm of a command of root on a host on which `web` runs with tap0 and a disk.
    fn harm(command: &str) -> Vec<String> {
        let mut host = Host::freebsd(14)
            .with_volume("zroot/vm/web", 1 << 30)
            .with_image("/vm/data", 1 << 30)
            .with_running_vm("web", "/dev/zvol/zroot/vm/web", "tap0")
            .with_commands(&[
                "bhyveload -m 256M -d /dev/zvol/zroot/vm/web db",
                "zfs snapshot zroot/vm/web@one",
            ]);
        assert!(host.state.harm.is_empty());
        host.run(&Call::new(command.split(' ')).by_root());
        host.state.harm
    }

    #[test]
    fn permitted_and_harmful_commands_are_run_and_recorded() {
        for (command, noted) in [
            (
                "bhyvectl --vm=web --destroy",
                "VM web was destroyed while it ran",
            ),
            (
                "ifconfig tap0 destroy",
                "a process waits until tap0 is closed",
            ),
            (
                "truncate -s 1m /vm/data",
                "/vm/data was cut from 1073741824 to 1048576 bytes",
            ),
            (
                "zfs rollback zroot/vm/web@one",
                "zroot/vm/web was rolled back under a VM",
            ),
            (
                "bhyve -m 256M -s 2:0,virtio-net,tap7 db",
                "tap7 was made by opening it and is in no bridge",
            ),
            (
                "bhyve -m 256M -s 3:0,virtio-blk,/dev/zvol/zroot/vm/web db",
                "/dev/zvol/zroot/vm/web is a disk of two VMs",
            ),
            (
                "bhyve -m 256M -s 3:0,virtio-blk,/vm/data,1 db",
                "the path of a disk ended at a comma: /vm/data,1",
            ),
        ] {
            assert_eq!(harm(command), [noted], "{command}");
        }
    }

    #[test]
    fn the_same_commands_without_harm_are_not_recorded() {
        for command in [
            "bhyvectl --vm=db --destroy",
            "ifconfig tap1 create",
            "truncate -s 2g /vm/data",
            "bhyve -m 256M -s 3:0,virtio-blk,/vm/data,ro,sectorsize=512 db",
        ] {
            assert_eq!(harm(command), [""; 0], "{command}");
        }
    }
}
