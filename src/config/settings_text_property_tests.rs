//! A VM is read back unchanged from its lines, even if some of its settings are invalid.

use super::tests::{config, read, read_as, without_origins, written};
use crate::config::resolve::{self, Wanted};
use crate::config::settings::Need;
use crate::model::arguments::BhyveArgs;
use crate::model::backend::NicBackend;
use crate::model::cpu::CpuTopology;
use crate::model::device::{Cd, Disk, Nic, Slots};
use crate::model::grub::GrubCommands;
use crate::model::kind::{DiskKind, DiskOptions, Mac, NicKind};
use crate::model::loader::{BootPart, Grub, GrubDir, Loader, Uefi};
use crate::model::name::{Dataset, IfName};
use crate::model::os::OsName;
use crate::model::policy::{Policy, Reaction, Seconds};
use crate::model::screen::{Place, Screen, ScreenSize};
use crate::model::size::MemSize;
use crate::model::tests::{uplink, vm};
use crate::model::{Protection, Shared, Vm, Volume};
use crate::verb::Spelling;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest,
};
use proptest::{collection, option, sample};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Numbers of devices besides 0, in ascending order; 8 leads those above it.
fn numbers(slots: Slots) -> impl Strategy<Value = Vec<u8>> {
    let all: Vec<u8> = (1..=slots.last()).collect();
    let some = sample::subsequence(all, 0..=usize::from(slots.last()));
    some.prop_map(|mut some| {
        if !some.contains(&8) {
            some.retain(|number| *number < 8);
        }
        some
    })
}

/// An absolute path of any valid bytes, with the number in it so that no two paths are equal.
fn path(number: u8, bytes: &[u8]) -> PathBuf {
    let allowed = bytes.iter().filter(|byte| {
        !matches!(byte, b'\0' | b',' | b'/' | b'%' | 0x0b) && !byte.is_ascii_whitespace()
    });
    let mut path = format!("/vm/{number}-").into_bytes();
    path.extend(allowed);
    OsString::from_vec(path).into()
}

fn policy() -> impl Strategy<Value = Policy> {
    let reboot = prop_oneof![Just(Reaction::Restart), Just(Reaction::Stop)];
    let crash = prop_oneof![Just(Reaction::Restart), Just(Reaction::Stop)];
    let times = (1..=86_400_u32, 1..=86_400_u32, 0..=86_400_u32);
    (reboot, crash, times, any::<bool>()).prop_map(
        |(on_reboot, on_crash, (loader, stop, delay), autostart)| Policy {
            on_reboot,
            on_crash,
            loader_timeout: Seconds(loader),
            stop_timeout: Seconds(stop),
            autostart,
            autostart_delay: Seconds(delay),
        },
    )
}

fn loader() -> impl Strategy<Value = Loader> {
    // grub reads any text that is quoted.
    let read = |text: String| {
        let quoted = || format!("echo '{}'", text.replace('\'', ""));
        GrubCommands::parse(&text).unwrap_or_else(|_| GrubCommands::parse(&quoted()).unwrap())
    };
    let commands = || option::of("[ -~\n]{1,20}".prop_map(read));
    let grub = (
        "(msdos|gpt)[1-9]|none|auto",
        "/boot/grub2?|auto",
        commands(),
        commands(),
    )
        .prop_map(|(bootpart, directory, install, boot)| {
            Loader::Grub(Grub {
                bootpart: BootPart::parse(&bootpart).unwrap(),
                directory: GrubDir::parse(&directory).unwrap(),
                install,
                boot,
            })
        });
    let uefi = "/[a-z]{1,5}( [a-z])?/[a-z.]{1,5}x".prop_map(|vars| {
        Loader::Uefi(Uefi {
            vars: vars.into(),
            origin: None,
        })
    });
    prop_oneof![Just(Loader::Bhyveload), grub, uefi]
}

/// A screen of some VMs whose loader can have one.
fn screen(id: u16, loader: &Loader) -> Option<Screen> {
    let has_screen = loader.has_screen() && !id.is_multiple_of(3);
    has_screen.then(|| Screen {
        place: match id % 4 {
            0 => Place::Tcp(([0, 0, 0, 0, 0, 0, 0, 1], 1 + id).into()),
            1 => Place::Unix("/home/me/vnc é".into()),
            _ => Place::Tcp(([192, 0, 2, 1], 65535).into()),
        },
        size: id
            .is_multiple_of(5)
            .then(|| ScreenSize::parse("1280x720").unwrap()),
        has_vga: !id.is_multiple_of(4),
        waits: id % 4 != 1 && id.is_multiple_of(7),
        password_file: id.is_multiple_of(2).then(|| path(0, &id.to_le_bytes())),
    })
}

fn interface(name: &str) -> IfName {
    IfName::parse(name).unwrap()
}

fn shared() -> impl Strategy<Value = Shared> {
    let name = || option::of("[a-z]{1,5}[0-9]");
    let own = option::of("ix_[0-9]");
    (name(), name(), own).prop_map(|(bridge, netif, own)| Shared {
        bridge: bridge.map(|bridge| interface(&bridge)),
        netif: netif.map(|netif| uplink(&netif)),
        uplinks: own
            .map(|own| (interface("lan_4"), uplink(&own)))
            .into_iter()
            .collect(),
    })
}

fn any_vm() -> impl Strategy<Value = Vm> {
    let machine = (
        0..=32767_u16,
        sample::select(vec!["1", "16", "sockets=1,cores=4"]),
        sample::select(vec!["256M", "0x800", "512m", "2g"]),
    );
    let devices = (
        numbers(Slots::DISKS),
        numbers(Slots::CDS),
        numbers(Slots::NICS),
        any::<bool>(),
    );
    let bytes = collection::vec(any::<u8>(), 0..6);
    let volume = option::of("[a-z]{1,4}/[a-z0-9._-]{1,5}x");
    let rest = (loader(), policy(), shared());
    (machine, devices, bytes, volume, rest).prop_map(
        |((id, cpu, mem), (hds, others, ifs, has_cd0), bytes, volume, rest)| {
            let (loader, policy, shared) = rest;
            let first = match &volume {
                Some(dataset) => Path::new("/dev/zvol").join(dataset),
                None => path(0, &bytes),
            };
            let zero = has_cd0.then_some(0);
            Vm {
                id,
                cpu: CpuTopology::parse(cpu).unwrap(),
                mem: MemSize::parse(mem).unwrap(),
                volume: volume.map_or_else(
                    || Volume::File(first.clone()),
                    |dataset| Volume::Zfs(Dataset::parse(&dataset).unwrap()),
                ),
                disks: std::iter::once((0, first))
                    .chain(hds.into_iter().map(|number| (number, path(number, &bytes))))
                    .map(|(number, path)| Disk {
                        kind: [DiskKind::VirtioBlk, DiskKind::Nvme, DiskKind::AhciHd]
                            [usize::from(number % 3)],
                        options: match number % 4 {
                            1 => DiskOptions::parse("nodelete sectorsize=512/4096 ro").unwrap(),
                            _ => DiskOptions::default(),
                        },
                        ..Disk::new(number, path, None)
                    })
                    .collect(),
                cds: zero
                    .into_iter()
                    .chain(others)
                    .map(|number| Cd {
                        number,
                        path: path(number, &bytes),
                        origin: None,
                    })
                    .collect(),
                nics: std::iter::once(0)
                    .chain(ifs)
                    .map(|number| Nic {
                        number,
                        backend: NicBackend::parse(&match number % 5 {
                            4 => format!("slirp:{number}-22,udp:0.0.0.0:{number}-10.0.2.15:53"),
                            _ => format!("tap{number}"),
                        })
                        .unwrap(),
                        // Some join nothing.
                        bridge: match (number % 5, number % 3) {
                            (4, _) => None,
                            (_, 0) => Some(interface("lan_4")),
                            (_, 1) => Some(interface("lan.4")),
                            _ => None,
                        },
                        is_private: number % 4 == 1 && number % 5 != 4,
                        kind: if number % 2 == 0 {
                            NicKind::E1000
                        } else {
                            NicKind::VirtioNet
                        },
                        mac: (number % 3 == 1)
                            .then(|| Mac::parse(&format!("2:0:0:0:0:{number:x}")).unwrap()),
                        origin: None,
                        bridge_origin: None,
                    })
                    .collect(),
                os: (id % 11 == 0).then(|| OsName::parse("debian").unwrap()),
                has_rng: id % 2 == 0,
                keeps_utc: id % 3 == 0,
                is_wired: id % 5 == 0,
                has_strict_msrs: id % 7 == 0,
                uuid: (id % 2 == 0).then(|| uuid::Uuid::from_u128(id.into())),
                screen: screen(id, &loader),
                has_tablet: id.is_multiple_of(7),
                bhyve_args: id
                    .is_multiple_of(4)
                    .then(|| BhyveArgs::parse("-x -s '16:0,virtio-9p,a=/x y'").unwrap()),
                protection: (id % 7 == 0).then_some(Protection { origin: None }),
                loader,
                shared,
                policy,
                ..vm()
            }
        },
    )
}

/// Optional settings of a VM, each with valid and invalid values.
const SETTINGS: &[(&str, &[&str])] = &[
    ("bridge", &["bridge0", "bad name"]),
    ("netif", &["igb0", "a,b"]),
    ("bridge0_netif", &["igb0", "em1", "a,b"]),
    ("volroot", &["zroot/vm", "/vm", "/my vms", "/v%m", "bad@"]),
    ("mem", &["1G", "none"]),
    ("a_mem", &["2G", "1.5G"]),
    (
        "a_os",
        &[
            "debian",
            "windows",
            "openbsd",
            "freebsd",
            "none_such",
            "a/b",
        ],
    ),
    ("a_freebsd", &["YES", "NO", "maybe"]),
    ("a_loader", &["bhyveload", "grub", "uefi", "x"]),
    ("a_uefi_vars", &["/vm/vars", "/vm/v,", "/vm/v=", "vars"]),
    ("a_strict_msrs", &["YES", "NO", "x"]),
    ("a_uuid", &["8a9b0c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d", "x"]),
    ("a_zvol", &["zroot/vm/a", "zroot/vm/a b", "bad@"]),
    (
        "a_hd0",
        &["/vm/a", "/dev/zvol/zroot/vm/a", "a", "/vm/a b", "/vm/%"],
    ),
    ("a_hd1", &["/vm/b", "/vm/a", "/vm/b b", "/vm/a,b", "b"]),
    ("a_hd8", &["/vm/e", "/vm/b", "/vm/b b", "b"]),
    ("a_hd9", &["/vm/b", "/vm/f"]),
    ("a_hd16", &["/vm/g"]),
    ("a_cd0", &["/iso/a.iso", "/iso/a b.iso", "a.iso", "/iso/%"]),
    ("a_if0", &["tap7", "igb0"]),
    ("a_if3", &["tap7", "tap3", "x"]),
    ("a_if8", &["tap8", "tap7", "x"]),
    ("a_if9", &["tap9", "x"]),
    ("a_if3_bridge", &["lan", "l n"]),
    ("a_grub_install", &["linux /v", "if"]),
    ("a_grub_bootcmd", &["linux /v", "if"]),
    ("a_gpt", &["gpt2", "4"]),
    ("a_hd0_opts", &["ro", "rw"]),
    ("a_hd8_type", &["nvme", "sata"]),
    ("a_if3_mac", &["2:0:0:0:0:3", "x"]),
    ("a_rng", &["YES", "x"]),
    ("a_if2", &["slirp:2222-22", "slirp:x"]),
    ("a_if2_bridge", &["lan"]),
    ("a_vnc", &["YES", "NO", "0.0.0.0:5901", "unix:/v", "x"]),
    ("a_vnc_wait", &["YES", "x"]),
    ("a_vnc_vga", &["off", "on"]),
    ("a_vnc_size", &["800x600", "x"]),
    ("a_vnc_password_file", &["/etc/vnc", "vnc"]),
    ("a_tablet", &["YES", "NO", "x"]),
    ("a_bhyve_args", &["-x", "-s 3:0,virtio-rnd", "-c 2"]),
    ("a_grub_bootpart", &["gpt2", "gpt3"]),
    ("a_grub_dir", &["/boot/grub2", "auto", "grub"]),
    ("a_stop_timeout", &["5", "x"]),
    ("a_on_crash", &["restart", "x"]),
    ("a_autostart", &["YES", "x"]),
];

fn any_settings() -> impl Strategy<Value = String> {
    let lines = SETTINGS.iter().map(|(name, values)| {
        let value = option::of(sample::select(*values));
        value.prop_map(move |value| value.map(|value| format!("{name}='{value}'\n")))
    });
    lines
        .collect::<Vec<_>>()
        .prop_map(|lines| lines.into_iter().flatten().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(vm in any_vm()) {
        prop_assert_eq!(read(&written(&vm)), Ok(vm));
    }

    #[test]
    fn the_root_side_takes_each_vm_for_what_it_was_wanted(
        settings in any_settings(),
        need in prop_oneof![
            Just(Need::Install),
            Just(Need::Boot),
            Just(Need::Disks),
            Just(Need::Console),
            Just(Need::End),
        ],
    ) {
        let config = config(format!("{settings}a_id=1\n").as_bytes());
        let wanted = Wanted::new(need, Spelling::link(), Path::new("/dev"));
        if let Ok(vm) = resolve::vm(&config, "a", &wanted) {
            let vm = without_origins(vm);
            prop_assert_eq!(read_as("a", &written(&vm)), Ok(vm));
        }
    }
}
