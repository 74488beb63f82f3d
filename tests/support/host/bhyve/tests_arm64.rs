//! bhyve on arm64.

use super::super::Host;
use super::super::call::{Answer, Call, Status};

const DISK: &str = "/dev/zvol/zroot/vm/web";

const U_BOOT: &str = "-o bootrom=/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin";

/// A guest of arm64 with its first disk and this.
fn of_arm64(extra: &str) -> Call {
    let line = format!("bhyve -m 512M -s 0:0,hostbridge -s 3:0,virtio-blk,{DISK} {extra}");
    Call::new(line.split_whitespace()).by_root()
}

/// An arm64 machine with this disk.
fn arm64(volume: &str) -> Host {
    Host::freebsd(15)
        .on_arm64()
        .with_file("/iso/os.iso", "an image")
        .with_commands(&[
            "kldload nmdm",
            "zfs create -V 1G -o volmode=dev zroot/vm/web",
        ])
        .with_volume(volume, 1 << 30)
}

#[test]
fn on_arm64_half_of_the_options_are_unknown() {
    let mut host = Host::freebsd(15).on_arm64();
    for option in [
        "-A",
        "-H",
        "-P",
        "-u",
        "-w",
        "-a",
        "-x",
        "-e",
        "-Y",
        "-I",
        "-l com1,stdio",
    ] {
        let answer = host.run(&of_arm64(&format!("{option} {U_BOOT} web")));
        assert_eq!(answer.status, Status::Exit(1), "{option}");
        assert!(answer.stderr().contains("illegal option"), "{option}");
    }
    assert!(host.state.vms.is_empty());
    // It is in the option string, and has no case.
    assert_eq!(
        host.run(&of_arm64("-f a,string=b web")).status,
        Status::Exit(1)
    );
    let call = Call::new(["bhyve", "-m", "512M", "web"]).by_root();
    assert_eq!(host.run(&call), Answer::fail(4, "no bootrom specified"));
    let gone = host.run(&of_arm64("-o bootrom=/gone web"));
    let text = "bhyve: open(/gone): No such file or directory";
    assert_eq!(gone, Answer::fail(1, text));
    assert_eq!(
        host.run(&Call::new(["bhyveload", "web"])).status,
        Status::NotFound
    );
}

#[test]
fn on_arm64_the_pc_has_no_devices() {
    for device in ["lpc", "fbuf", "passthru,1/0/0", "amd_hostbridge"] {
        let mut host = arm64("zroot/vm/web");
        let answer = host.run(&of_arm64(&format!("-s 5:0,{device} {U_BOOT} web")));
        let name = device.split(',').next().unwrap_or_default();
        let text = format!("pci slot 0:5:0: unknown device \"{name}\"");
        assert_eq!(answer, Answer::fail(4, text));
    }
    let mut host = arm64("zroot/vm/web");
    let answer = host.run(&of_arm64(&format!("{U_BOOT} -o console=/dev/null web")));
    let text = "Unable to initialize backend '/dev/null' for mmio uart";
    assert_eq!(answer, Answer::fail(4, text));
}

#[test]
fn u_boot_boots_the_first_disk_with_a_system() {
    // An installed system ends by PSCI: the status is that of a power-off.
    let mut host = arm64("zroot/vm/web");
    let answer = host.run(&of_arm64(&format!("{U_BOOT} -o console=stdio web")));
    assert_eq!(answer.status, Status::Exit(1));
    // A new disk is passed over for the medium of an installer.
    let install = of_arm64(&format!("-s 4:0,virtio-blk,/iso/os.iso,ro {U_BOOT} web"));
    let mut host = arm64("zroot/vm/other");
    assert!(host.is_blank(DISK));
    assert_eq!(host.run(&install).status, Status::Exit(1));
    assert!(!host.is_blank(DISK));
    // U-Boot has no driver for another kind of disk: it waits at its prompt.
    let mut host = arm64("zroot/vm/other");
    let mut call = of_arm64(&format!("-s 4:0,ahci-cd,/iso/os.iso {U_BOOT} web"));
    call.background = true;
    host.run(&call);
    host.advance(3600.0);
    assert!(host.is_blank(DISK) && host.state.bhyve_of("web").is_some());
}

#[test]
fn sigterm_ends_a_guest_of_arm64_at_once() {
    let mut host = arm64("zroot/vm/web");
    let mut call = of_arm64(&format!("{U_BOOT} -o console=/dev/nmdm0A web"));
    call.background = true;
    assert_eq!(host.run(&call).status, Status::Exit(0));
    host.advance(60.0);
    let pid = host.state.bhyve_of("web").expect("web runs");
    assert_eq!(host.state.processes[&pid].sigignore, 0);
    let kill = Call::new(["kill", "-TERM", &pid.to_string()]).by_root();
    assert_eq!(host.run(&kill).status, Status::Exit(0));
    assert_eq!(host.state.bhyve_of("web"), None);
}
