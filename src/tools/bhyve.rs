//! The VM's process: bhyve(8).

use super::firmware::{Firmware, U_BOOT};
use super::line::Console;
use crate::command::{Command, args};
use crate::model::arguments::BhyveArgs;
use crate::model::loader::Loader;
use crate::model::{Vm, name::VmName};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The meanings of bhyve's exit status (`usr.sbin/bhyve/bhyverun.c`), in words that follow "the guest".
const MEANINGS: &[(i32, &str)] = &[
    (0, "rebooted"),
    (1, "powered off"),
    (2, "halted"),
    (3, "had a triple fault"),
    (4, "was terminated by an error of bhyve"),
    (100, "was suspended for an unknown reason"),
];

/// What the line of a VM has in addition to the VM's settings.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The console.
    pub console: &'a Console,
    /// Whether the CDs of an installation are attached.
    pub with_cds: bool,
    /// The UUID, if bhyve(8) gets one.
    pub uuid: Option<Uuid>,
    /// The firmware of the host, for a VM with [`Loader::Uefi`].
    pub firmware: &'a Firmware,
    /// A file with variables of the devices, behind which it must stand.
    pub secret: Option<&'a Path>,
}

/// Runs the VM:
/// `bhyve [-u] -A -H -P [-w] [-S] -c CPU -m MEM [-U UUID] -s 0:0,hostbridge -s 1:0,lpc -s 2:N,KIND,TAP[,mac=MAC]
/// -s 3:N,KIND,DISK[,OPTION…] [-s 4:N,ahci-cd,ISO[,ro[,bootindex=1]]] [-s 5:0,virtio-rnd]
/// [-s 29:0,fbuf,tcp=PLACE[,OPTION…]] [-s 30:0,xhci,tablet] [-k SECRET] -l com1,CONSOLE
/// [-l bootrom,CODE,VARS[,fwcfg=qemu]] [WORD…] NAME`; on arm64
/// `bhyve [-S] -c CPU -m MEM -s 0:0,hostbridge -s 2:N,… -s 3:N,… [-s 4:N,virtio-blk,ISO,ro]
/// -o bootrom=U-BOOT -o console=CONSOLE NAME`.
///
/// bhyve runs as root on all releases. Its monitor mode (`-M`, from 16 on) is not used: it is for users
/// other than root, who cannot open the disks, and with it the node vanishes together with bhyve.
///
/// A power-off, a halt and a reboot are regular ends.
pub fn run(vm: &Vm, how: Run<'_>) -> Command {
    let mut words = match vm.loader {
        Loader::UBoot => Vec::new(),
        Loader::Bhyveload | Loader::Grub(_) | Loader::Uefi(_) => flags(vm),
    };
    words.extend(super::wired(vm));
    words.extend(args!["-c", vm.cpu, "-m", vm.mem]);
    if let Some(uuid) = how.uuid {
        words.extend(args!["-U", uuid.to_string()]);
    }
    for device in vm.devices(how.with_cds) {
        words.extend(["-s".into(), device.argument()]);
    }
    if let Some(secret) = how.secret {
        words.extend(args!["-k", secret]);
    }
    words.extend(console_and_firmware(vm, &how));
    let further = vm.bhyve_args.iter().flat_map(BhyveArgs::words);
    words.extend(further.map(OsString::from));
    words.push(vm.name.as_str().into());
    Command {
        title: Some(vm.name.title()),
        meanings: MEANINGS,
        ..Command::root("bhyve", words)
    }
    .streams(how.console.streams())
    .accept(&[0, 1, 2])
    .works_for(vm)
}

/// The flags of amd64; bhyve of arm64 refuses each (`usr.sbin/bhyve/aarch64/bhyverun_machdep.c`).
fn flags(vm: &Vm) -> Vec<OsString> {
    let mut words: Vec<OsString> = vm.keeps_utc.then(|| "-u".into()).into_iter().collect();
    words.extend(args!["-A", "-H", "-P"]);
    words.extend((!vm.has_strict_msrs).then(|| "-w".into()));
    words
}

fn console_and_firmware(vm: &Vm, how: &Run<'_>) -> Vec<OsString> {
    let joined = |first: &str| {
        let mut word = OsString::from(first);
        word.push(how.console.backend());
        word
    };
    let mut words = Vec::new();
    match &vm.loader {
        Loader::UBoot => {
            words.extend(args!["-o", format!("bootrom={U_BOOT}")]);
            words.extend(["-o".into(), joined("console=")]);
        }
        Loader::Uefi(uefi) => {
            words.extend(["-l".into(), joined("com1,")]);
            words.extend(["-l".into(), how.firmware.argument(uefi, how.with_cds)]);
        }
        Loader::Bhyveload | Loader::Grub(_) => words.extend(["-l".into(), joined("com1,")]),
    }
    words
}

/// The VM's node: it exists from the loader's start until it is destroyed (`sys/dev/vmm/vmm_dev.c`).
pub fn node(devices: &Path, vm: &VmName) -> PathBuf {
    devices.join("vmm").join(vm.as_str())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Firmware, Run, node};
    use crate::command::{Command, Streams};
    use crate::model::Vm;
    use crate::model::arguments::BhyveArgs;
    use crate::model::kind::{DiskKind, DiskOptions, Mac, NicKind};
    use crate::model::loader::{Loader, Uefi};
    use crate::model::release::Machine;
    use crate::model::screen::{Place, Screen, ScreenSize};
    use crate::model::tests::vm;
    use crate::tools::line::Console;
    use std::path::Path;

    const BEGIN: &str = "bhyve -u -A -H -P -c 2 -m 1G -s 0:0,hostbridge -s 1:0,lpc \
        -s 2:0,virtio-net,tap1 -s 2:3,virtio-net,tap7 \
        -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -s 3:2,virtio-blk,/vm/data";

    pub(crate) fn run(vm: &Vm, console: &Console, with_cds: bool) -> Command {
        let how = Run {
            console,
            with_cds,
            uuid: vm.uuid_on(None),
            firmware: &Firmware::default(),
            secret: None,
        };
        super::run(vm, how)
    }

    #[test]
    fn the_background_has_its_console_on_nmdm_and_no_cd() {
        let command = run(&vm(), &Console::Nmdm("/dev/nmdm1A".into()), false);
        assert_eq!(
            command.to_string(),
            format!("{BEGIN} -l com1,/dev/nmdm1A fbsd0")
        );
        assert_eq!(
            (command.streams, command.accept),
            (Streams::Relayed, &[0, 1, 2][..])
        );
    }

    #[test]
    fn an_installation_has_the_terminal_and_every_cd() {
        let command = run(&vm(), &Console::Stdio, true);
        let end = "-s 4:0,ahci-cd,/iso/a.iso -s 4:1,ahci-cd,/iso/b.iso -l com1,stdio fbsd0";
        assert_eq!(command.to_string(), format!("{BEGIN} {end}"));
        assert_eq!(
            (command.streams, command.accept),
            (Streams::Terminal, &[0, 1, 2][..])
        );
        assert_eq!(command.title.as_deref(), Some("bhyve: fbsd0"));
    }

    #[test]
    fn what_devices_are_stands_in_the_order_of_their_slots() {
        let mut vm = vm();
        (vm.is_wired, vm.has_rng, vm.keeps_utc) = (true, true, false);
        vm.disks[0].kind = DiskKind::Nvme;
        vm.disks[1].kind = DiskKind::AhciHd;
        vm.disks[1].options = DiskOptions::parse("ro sectorsize=512/4096").unwrap();
        vm.nics[0].mac = Mac::parse("58:9c:fc:0:0:1").ok();
        vm.nics[1].kind = NicKind::E1000;
        let command = run(&vm, &Console::Stdio, true);
        assert_eq!(
            command.to_string(),
            "bhyve -A -H -P -S -c 2 -m 1G -s 0:0,hostbridge -s 1:0,lpc \
             -s 2:0,virtio-net,tap1,mac=58:9c:fc:00:00:01 -s 2:3,e1000,tap7 \
             -s 3:0,nvme,/dev/zvol/zroot/vm/fbsd0 \
             -s 3:2,ahci-hd,/vm/data,ro,sectorsize=512/4096 -s 4:0,ahci-cd,/iso/a.iso \
             -s 4:1,ahci-cd,/iso/b.iso -s 5:0,virtio-rnd -l com1,stdio fbsd0"
        );
    }

    #[test]
    fn firmware_boots_the_first_cd_of_an_installation_and_else_has_none() {
        let mut vm = vm();
        vm.loader = Loader::Uefi(Uefi {
            vars: "/vm/fbsd0.uefi-vars".into(),
            origin: None,
        });
        (vm.has_strict_msrs, vm.is_wired) = (false, true);
        let begin = BEGIN
            .replace("-P", "-P -w -S")
            .replace("-m 1G", "-m 1G -U ba3f6dab-87c7-503c-a17c-e13f66bcad4e");
        let rom = "-l bootrom,/usr/local/share/edk2-bhyve/BHYVE_UEFI_CODE.fd,/vm/fbsd0.uefi-vars";
        assert_eq!(
            run(&vm, &Console::Stdio, false).to_string(),
            format!("{begin} -l com1,stdio {rom} fbsd0")
        );
        let cds = "-s 4:0,ahci-cd,/iso/a.iso,ro,bootindex=1 -s 4:1,ahci-cd,/iso/b.iso,ro";
        assert_eq!(
            run(&vm, &Console::Stdio, true).to_string(),
            format!("{begin} {cds} -l com1,stdio {rom},fwcfg=qemu fbsd0")
        );
    }

    #[test]
    fn on_arm64_u_boot_reads_disks_alone() {
        let mut vm = vm();
        vm.loader = Loader::Uefi(Uefi {
            vars: "/vm/fbsd0.uefi-vars".into(),
            origin: None,
        });
        vm.is_wired = true;
        let vm = vm.on(Some(Machine::Arm64));
        assert_eq!(
            run(&vm, &Console::Stdio, true).to_string(),
            "bhyve -S -c 2 -m 1G -s 0:0,hostbridge -s 2:0,virtio-net,tap1 -s 2:3,virtio-net,tap7 \
             -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -s 3:2,virtio-blk,/vm/data \
             -s 4:0,virtio-blk,/iso/a.iso,ro -s 4:1,virtio-blk,/iso/b.iso,ro \
             -o bootrom=/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin -o console=stdio fbsd0"
        );
    }

    #[test]
    fn a_screen_has_its_password_behind_the_devices_and_other_words_come_last() {
        let mut vm = vm();
        (vm.disks, vm.nics, vm.cds) = (vm.disks[..1].to_vec(), Vec::new(), Vec::new());
        vm.has_rng = true;
        vm.has_tablet = true;
        vm.screen = Some(Screen {
            place: Place::Tcp(([127, 0, 0, 1], 5901).into()),
            size: ScreenSize::parse("1280x720").ok(),
            has_vga: true,
            waits: true,
            password_file: None,
        });
        vm.bhyve_args = BhyveArgs::parse("-x -s '16:0,virtio-9p,a=/x y'").ok();
        let how = Run {
            console: &Console::Stdio,
            with_cds: false,
            uuid: None,
            firmware: &Firmware::default(),
            secret: Some(Path::new("/run/screen.conf")),
        };
        let command = super::run(&vm, how);
        assert_eq!(
            command.to_string(),
            "bhyve -u -A -H -P -c 2 -m 1G -s 0:0,hostbridge -s 1:0,lpc \
             -s 3:0,virtio-blk,/dev/zvol/zroot/vm/fbsd0 -s 5:0,virtio-rnd \
             -s 29:0,fbuf,tcp=127.0.0.1:5901,w=1280,h=720,wait -s 30:0,xhci,tablet \
             -k /run/screen.conf -l com1,stdio -x -s '16:0,virtio-9p,a=/x y' fbsd0"
        );
    }

    #[test]
    fn a_node_is_named_like_its_vm() {
        assert_eq!(
            node(Path::new("/dev"), &vm().name),
            Path::new("/dev/vmm/fbsd0")
        );
    }
}
