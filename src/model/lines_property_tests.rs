//! A VM of any kind is read back from its lines as it was.

use super::tests::{read, written};
use crate::model::cpu::CpuTopology;
use crate::model::grub::GrubCommands;
use crate::model::name::{Dataset, IfName, TapName};
use crate::model::policy::{Delay, OnCrash, OnReboot, Policy, Seconds};
use crate::model::size::MemSize;
use crate::model::tests::vm;
use crate::model::{Cd, Disk, Grub, Loader, Nic, Shared, Vm, Volume};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest,
};
use proptest::{collection, option, sample};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// Numbers of devices besides 0, ascending.
fn numbers() -> impl Strategy<Value = Vec<u8>> {
    sample::subsequence((1..=7).collect::<Vec<u8>>(), 0..=7)
}

/// An absolute path of any bytes that a VM may have, with the number in it, so that no two are alike.
fn path(number: u8, bytes: &[u8]) -> PathBuf {
    let allowed = bytes.iter().filter(|byte| {
        !matches!(byte, b'\0' | b',' | b'/' | b'%' | 0x0b) && !byte.is_ascii_whitespace()
    });
    let mut path = format!("/vm/{number}-").into_bytes();
    path.extend(allowed);
    OsString::from_vec(path).into()
}

fn policy() -> impl Strategy<Value = Policy> {
    let reboot = prop_oneof![Just(OnReboot::Restart), Just(OnReboot::Stop)];
    let crash = prop_oneof![Just(OnCrash::Restart), Just(OnCrash::Stop)];
    let times = (1..=86_400_u32, 1..=86_400_u32, 0..=86_400_u32);
    (reboot, crash, times, any::<bool>()).prop_map(
        |(on_reboot, on_crash, (loader, stop, delay), autostart)| Policy {
            on_reboot,
            on_crash,
            loader_timeout: Seconds(loader),
            stop_timeout: Seconds(stop),
            autostart,
            autostart_delay: Delay(delay),
        },
    )
}

fn loader() -> impl Strategy<Value = Loader> {
    // Any text is one that grub reads once it is quoted.
    let read = |text: String| {
        let quoted = || format!("echo '{}'", text.replace('\'', ""));
        GrubCommands::parse(&text).unwrap_or_else(|_| GrubCommands::parse(&quoted()).unwrap())
    };
    let commands = || option::of("[ -~\n]{1,20}".prop_map(read));
    let grub =
        ("(msdos|gpt)[1-9]", commands(), commands()).prop_map(|(bootpart, install, boot)| {
            Loader::Grub(Grub {
                bootpart,
                install,
                boot,
            })
        });
    prop_oneof![Just(Loader::Bhyveload), grub]
}

fn shared() -> impl Strategy<Value = Shared> {
    let name = || option::of("[a-z]{1,5}[0-9]");
    let interface = |name: Option<String>| name.map(|name| IfName::parse(&name).unwrap());
    (name(), name()).prop_map(move |(bridge, netif)| Shared {
        bridge: interface(bridge),
        netif: interface(netif),
        netif_origin: None,
    })
}

fn any_vm() -> impl Strategy<Value = Vm> {
    let machine = (
        0..=32767_u16,
        sample::select(vec!["1", "16", "sockets=1,cores=4"]),
        sample::select(vec!["256M", "0x800", "512m", "2g"]),
    );
    let devices = (numbers(), numbers(), numbers(), any::<bool>());
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
                        number,
                        path,
                        origin: None,
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
                        tap: TapName::parse(&format!("tap{number}")).unwrap(),
                        bridge: IfName::parse("lan.4").unwrap(),
                        origin: None,
                        bridge_origin: None,
                    })
                    .collect(),
                loader,
                shared,
                policy,
                ..vm()
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(vm in any_vm()) {
        prop_assert_eq!(read(&written(&vm)), Ok(vm));
    }
}
