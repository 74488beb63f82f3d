//! Known messages of the host's programs, with cause and remedy for a VM that does not start.

use crate::command::Command;
use crate::tools::grub;
use nix::libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV};

/// A message, the likely cause of it, and the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// A part of the message as the program prints it.
    pub message: &'static str,
    /// The likely cause, with settings `VM_SETTING`, and `(ROOT)` for the partition of grub.
    pub cause: &'static str,
    /// The remedy, with commands `VM-VERB` and settings `VM_SETTING`: see [`Command::spelled`].
    pub remedy: &'static str,
}

impl Known {
    /// The cause of the failure of a command.
    pub fn cause_for(&self, command: &Command) -> String {
        let cause = command.spelled(self.cause);
        match grub::root_of(command) {
            Some(root) => cause.replace("(ROOT)", &format!("({root})")),
            None => cause,
        }
    }

    /// The remedy for the failure of a command, with the VM that the command works for.
    pub fn remedy_for(&self, command: &Command) -> String {
        command.spelled(self.remedy)
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
    // `usr.sbin/bhyve/bootrom.c`
    known(
        "Error opening bootrom variable file",
        "the file of UEFI variables does not exist, or is no file",
        "see its path: VM-resources; make it anew: VM-clean --uefi-vars; then boot again",
    ),
    known(
        "Error opening bootrom",
        "the UEFI firmware is not installed",
        "as root: pkg install bhyve-firmware",
    ),
    known(
        "Invalid bootrom",
        "the file of UEFI variables is damaged, or does not belong to this firmware",
        "make it anew: VM-clean --uefi-vars; then boot again",
    ),
    // `usr.sbin/bhyve/amd64/pci_lpc.c`
    known(
        "Unable to initialize backend",
        "the console cannot be opened: nmdm is not loaded, or another process has it open",
        "as root: kldload nmdm; see which process has the console open: fstat /dev/nmdm*",
    ),
    // `usr.sbin/bhyve/rfb.c`
    known(
        "bind: Address already in use",
        "another program, perhaps another VM, uses the port of the screen",
        "see which program it is: sockstat -l; or set VM_vnc to another port",
    ),
    known(
        "bind: Can't assign requested address",
        "this host does not have the address of the screen",
        "list the addresses: ifconfig; then correct VM_vnc",
    ),
    // `usr.sbin/bhyve/pci_fbuf.c`
    known(
        "fbuf: max resolution is",
        "this release shows no screen of that size",
        "set VM_vnc_size to that size or less",
    ),
    // `usr.sbin/bhyve/net_backend_slirp.c`
    known(
        "Unable to open libslirp.so.0",
        "slirp is in a package that is not installed",
        "as root: pkg install libslirp",
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
        "File too large",
        "the file system cannot have a file of this size, or a limit of the process forbids it",
        "give a smaller size; see the size of the file system with df -h, and the limit with limits -f",
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

const LIMIT: &str = "the time limit was reached";

/// The known cause of a status that is not the guest's (`usr.sbin/bhyve/bhyverun.c`, timeout(1)).
pub fn of_status(command: &Command, status: i32) -> Option<Known> {
    match (command.program, status) {
        ("timeout", 124) => Some(match grub::root_of(command).as_deref() {
            Some("host") => known(
                LIMIT,
                "the commands for grub wait for a key, or boot nothing",
                "see for what grub waits: VM-ttyboot; then correct VM_grub_bootcmd",
            ),
            Some(_) => known(
                LIMIT,
                "grub found no menu on (ROOT) and waits at its prompt: VM_grub_bootpart is not the partition of the guest, or the menu is not in VM_grub_dir",
                "list the partitions with ls at the prompt: VM-ttyboot -p; then correct VM_grub_bootpart, for example gpt2, or VM_grub_dir, for example /boot/grub2; auto finds them",
            ),
            None => known(
                LIMIT,
                "the loader waits for input: the first disk has no kernel of FreeBSD, or loader.conf of the guest has autoboot_delay=NO",
                "see for what it waits: VM-ttyboot; a guest of another system needs VM_freebsd=NO",
            ),
        }),
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

const CRASHED: &str =
    "the loader crashed, most often on a damaged disk or on a file system that it does not support";

/// The known cause of the end of a loader by a signal.
pub fn of_signal(command: &Command, signal: i32) -> Option<Known> {
    if !["bhyveload", "grub-bhyve"].contains(&command.last_program()) {
        return None;
    }
    Some(match signal {
        SIGKILL => known(
            "",
            "another process killed the loader, or the kernel did because memory was short",
            "see dmesg; if memory is short, reduce VM_mem; then boot again",
        ),
        SIGSEGV | SIGBUS | SIGABRT | SIGILL | SIGFPE if grub::root_of(command).is_some() => known(
            "",
            CRASHED,
            "see how far it gets: VM-ttyboot -p; update the loader: pkg upgrade grub2-bhyve",
        ),
        SIGSEGV | SIGBUS | SIGABRT | SIGILL | SIGFPE => known(
            "",
            CRASHED,
            "see how far it gets: VM-ttyboot; update the loader: freebsd-update",
        ),
        _ => known(
            "",
            "another process ended the loader",
            "boot again; if that fails, see the output of the loader: VM-ttyboot",
        ),
    })
}

/// The signal that a status of timeout(1) represents.
pub fn signal_in(command: &Command, status: i32) -> Option<i32> {
    let signal = status.checked_sub(128).filter(|signal| *signal > 0)?;
    (command.program == "timeout").then_some(signal)
}

#[cfg(test)]
#[path = "causes_tests.rs"]
mod tests;
