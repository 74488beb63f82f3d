//! Known messages of the host's programs, with cause and remedy for a VM that does not start.

use crate::command::Command;
use crate::model::name::VmName;

/// A message, the likely cause of it, and the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// A part of the message as the program prints it.
    pub message: &'static str,
    /// The likely cause.
    pub cause: &'static str,
    /// The remedy; `VM` stands for the VM's name.
    pub remedy: &'static str,
}

impl Known {
    /// The remedy for the failure of a command; in a command for a VM the last word is its name, which
    /// replaces `VM`.
    pub fn remedy_for(&self, command: &Command) -> String {
        let last = command.args.last().and_then(|word| word.to_str());
        match last.filter(|last| VmName::parse(last).is_ok()) {
            Some(vm) => self.remedy.replace("VM", vm),
            None => self.remedy.to_owned(),
        }
    }
}

const fn known(message: &'static str, cause: &'static str, remedy: &'static str) -> Known {
    Known {
        message,
        cause,
        remedy,
    }
}

/// Every known message; the first that matches counts.
pub const KNOWN: &[Known] = &[
    // `usr.sbin/bhyve/pci_emul.c`, `usr.sbin/bhyve/net_backends.c`
    known(
        "open of tap device",
        "the tap is open in another process, or no longer exists",
        "see which process has the tap open: ifconfig TAP; or set another tap",
    ),
    // `usr.sbin/bhyve/block_if.c`
    known(
        "Could not open backing file",
        "a disk or an ISO image does not exist, or root may not read it",
        "list the paths: VM-resources; check each: ls -l PATH",
    ),
    // `usr.sbin/bhyve/amd64/pci_lpc.c`
    known(
        "Unable to initialize backend",
        "the console cannot be opened: nmdm is not loaded, or another process has it open open",
        "as root: kldload nmdm; see which process has the console open: fstat /dev/nmdm*",
    ),
    // `usr.sbin/bhyve/bhyverun.c`
    known(
        "vCPUs requested but only",
        "the VM has more cpus than this host allows",
        "set VM_cpu to that number or less",
    ),
    known(
        "does not match",
        "the product of sockets, cores and threads is not the number of cpus",
        "correct VM_cpu: cpus=8,sockets=2,cores=4",
    ),
    // `lib/libvmmapi/vmmapi.c`
    known(
        "invalid memsize",
        "the memory size is invalid",
        "write VM_mem as 512M or 4G",
    ),
    known(
        "Unable to setup memory (22)",
        "the VM node was created with another memory size",
        "free the node: VM-clean; then boot again",
    ),
    known(
        "Unable to setup memory",
        "the host has not enough free memory",
        "see top -b -o res; reduce VM_mem",
    ),
    // `grub2-bhyve: grub-core/kern/emu/main.c`
    known(
        "Could not setup memory for VM",
        "the host has not enough free memory",
        "see top -b -o res; reduce VM_mem",
    ),
    known(
        "Could not create VM",
        "vmm is not loaded, or the limit of VMs of this user is reached",
        "see kldstat -m vmm and dmesg; end another guest",
    ),
    known(
        "Could not reinit VM",
        "the VM node is in use",
        "see which process uses it: easy-bhyve status",
    ),
    // `grub2-bhyve: grub-core/kern/fs.c`, `kern/file.c`, `kern/disk.c`, `loader/i386/linux.c`
    known(
        "unknown filesystem",
        "grub cannot read the file system of that partition, or the partition has none",
        "list the file systems with ls at grub's prompt: VM-boot -p; then correct VM_grub_bootpart or VM_grub_bootcmd",
    ),
    known(
        "file `",
        "the partition that grub reads has no such file; an update of the guest may have renamed it",
        "look for the file with ls /boot at grub's prompt: VM-boot -p; then correct VM_grub_bootcmd",
    ),
    known(
        "disk `",
        "the disk has no such partition, or grub could not open the disk",
        "list the disks with ls at grub's prompt: VM-boot -p; then correct VM_grub_bootpart or VM_grub_bootcmd",
    ),
    known(
        "no server is specified",
        "the disk does not exist, or grub could not open it",
        "list the disks with ls at grub's prompt: VM-boot -p; then correct VM_grub_bootcmd",
    ),
    known(
        "you need to load the kernel first",
        "no grub command has loaded a kernel",
        "begin VM_grub_bootcmd with linux, knetbsd, kopenbsd or kfreebsd",
    ),
    // `usr.sbin/bhyve/bhyverun.c`: 15, then 13 and 14
    known(
        "no bootrom was configured",
        "there is no VM node: the loader did not create it, or another process destroyed it",
        "boot again; if that fails, see the output of the loader: VM-ttyboot",
    ),
    known(
        "virtual machine cannot be booted",
        "there is no VM node: the loader did not create it, or another process destroyed it",
        "boot again; if that fails, see the output of the loader: VM-ttyboot",
    ),
    known(
        "vm_run error",
        "the VM node was destroyed while the guest ran",
        "end guests by VM-shutdown, not by bhyvectl --destroy",
    ),
    known(
        "Device emulation initialization error",
        "a device of the VM could not be initialized; the previous line names the device",
        "see the settings: VM-resources",
    ),
    // sys/netgraph and `sbin/kldload`
    known(
        "an error occurred while loading module vmm",
        "the CPU has no VT-x or AMD-V, the firmware disables it, or this host is itself a VM",
        "enable VT-x or AMD-V in the firmware; see dmesg for the reason",
    ),
    known(
        "can't load vmm: Operation not permitted",
        "only root loads modules, and not in a jail or above securelevel 0",
        "run the command as root, outside of jails; see also: sysctl kern.securelevel security.jail.jailed",
    ),
    // strerror(3), in messages of dd(1), truncate(1), zfs(8) and the loaders
    known(
        "No space left on device",
        "the file system is full",
        "find the file system with df -h, and free space",
    ),
    known(
        "Read-only file system",
        "the file system is mounted read-only",
        "find the file system with mount; make it writable as root: mount -uw MOUNTPOINT",
    ),
    known(
        "quota exceeded",
        "the quota is exceeded",
        "see quota -v, or zfs get quota,refquota; free space",
    ),
    known(
        "out of space",
        "the pool is full, or its quota is exceeded",
        "see zpool list, and zfs get quota,refquota,available; free space",
    ),
    // openzfs: cmd/zfs/zfs_main.c
    known(
        "more recent snapshots or bookmarks exist",
        "a snapshot was taken in the meantime",
        "list the snapshots: VM-snapshot; then: VM-rollback SNAPSHOT",
    ),
];

/// The remedy for a guest that ends without output.
pub const SILENT: Known = known(
    "",
    "",
    "start on the terminal to see the output: VM-ttyboot",
);

/// The known message in a program's output, if any.
pub fn of(said: &str) -> Option<Known> {
    KNOWN
        .iter()
        .copied()
        .find(|known| said.contains(known.message))
}

/// The known cause of a status that is not the guest's (`usr.sbin/bhyve/bhyverun.c`, timeout(1)).
pub fn of_status(command: &Command, status: i32) -> Option<Known> {
    match (command.program, status) {
        ("timeout", 124) => Some(known(
            "the time limit was reached",
            "the loader waits for input, or the disk is slow",
            "see its output: VM-boot --console; or raise VM_loader_timeout",
        )),
        ("timeout", 1) => Some(known(
            "the loader gave up",
            "the loader found nothing to boot",
            "see its output: VM-boot --console, or VM-ttyboot",
        )),
        ("bhyve", 64) => Some(known(
            "an unknown option",
            "a setting has a value that this release of bhyve does not support",
            "see the settings: VM-resources",
        )),
        ("bhyve", 71) => Some(known(
            "the system refused",
            "another bhyve uses this VM",
            "see which process uses it: easy-bhyve status",
        )),
        _ => None,
    }
}

/// The signal that a status of timeout(1) represents.
pub fn signal_in(command: &Command, status: i32) -> Option<i32> {
    let signal = status.checked_sub(128).filter(|signal| *signal > 0)?;
    (command.program == "timeout").then_some(signal)
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, SILENT, of, of_status};
    use crate::command::Command;

    #[test]
    fn no_message_hides_another_that_stands_behind_it() {
        for (at, known) in KNOWN.iter().enumerate() {
            let first = KNOWN
                .iter()
                .position(|other| known.message.contains(other.message));
            assert_eq!(first, Some(at), "{}", known.message);
            assert_eq!(of(&format!("bhyve: {}: x", known.message)), Some(*known));
        }
    }

    #[test]
    fn in_a_remedy_vm_is_only_a_part_of_a_command_or_a_setting() {
        let statuses = [
            ("timeout", 124),
            ("timeout", 1),
            ("bhyve", 64),
            ("bhyve", 71),
        ];
        let statuses = statuses.map(|(program, status)| {
            let known = of_status(&Command::root(program, Vec::new()), status);
            known.unwrap_or_else(|| panic!("{program} {status}"))
        });
        for known in KNOWN.iter().chain(&[SILENT]).chain(&statuses) {
            let mut rest = known.remedy.split("VM").skip(1);
            assert!(
                rest.all(|rest| rest.starts_with(['-', '_'])),
                "{}",
                known.remedy
            );
        }
    }
}
