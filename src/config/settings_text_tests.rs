//! Tests of a VM as names and values: written lines are read back, and no others are accepted.

use super::{lines, parse};
use crate::config::resolve::{self, Wanted};
use crate::config::settings::{self, Need};
use crate::config::{Config, Outside, Source};
use crate::model::Vm;
use crate::model::grub::GrubCommands;
use crate::model::loader::{BootPart, Grub, GrubDir, Loader};
use crate::model::tests::vm;
use crate::verb::Spelling;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

pub(super) type Pairs = Vec<(String, OsString)>;

pub(super) fn read_as(name: &str, pairs: &Pairs) -> Result<Vm, String> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_os_str()));
    parse(name, pairs, Path::new("/dev"), &Spelling::link()).map_err(|error| error.what)
}

pub(super) fn read(pairs: &Pairs) -> Result<Vm, String> {
    read_as("fbsd0", pairs)
}

fn pairs(vm: &Vm, host: &str) -> Pairs {
    let lines = lines(vm, host, Path::new("/dev")).into_iter();
    lines.map(|line| (line.name, line.value)).collect()
}

pub(super) fn written(vm: &Vm) -> Pairs {
    pairs(vm, "vmhost")
}

/// A VM that grub-bhyve loads.
fn grub_vm() -> Vm {
    Vm {
        loader: Loader::Grub(Grub {
            bootpart: BootPart::parse("gpt2").unwrap(),
            directory: GrubDir::default(),
            install: None,
            boot: GrubCommands::parse("linux (hd0,gpt2)/vmlinuz\nboot").ok(),
        }),
        ..vm()
    }
}

/// The lines of a VM, with the value of one line replaced or one line added.
fn with(vm: &Vm, name: &str, value: &OsStr) -> Pairs {
    let mut pairs = written(vm);
    pairs.retain(|(other, _)| other != name);
    pairs.push((name.into(), value.into()));
    pairs
}

/// The VM without the places of its settings, which the lines do not contain.
pub(super) fn without_origins(mut vm: Vm) -> Vm {
    vm.disks.iter_mut().for_each(|disk| disk.origin = None);
    vm.cds.iter_mut().for_each(|cd| cd.origin = None);
    if let Loader::Uefi(uefi) = &mut vm.loader {
        uefi.origin = None;
    }
    for nic in &mut vm.nics {
        (nic.origin, nic.bridge_origin) = (None, None);
    }
    let uplinks = vm.shared.uplinks.values_mut().chain(&mut vm.shared.netif);
    uplinks.for_each(|uplink| uplink.origin = None);
    vm
}

pub(super) fn config(text: &[u8]) -> Config {
    let outside = Outside {
        variable: &|_| None,
        home: &|_| None,
    };
    crate::config::parse(vec![Source::new("test.conf", text.to_vec())], &outside).unwrap()
}

#[test]
fn the_lines_stand_in_the_order_of_the_manual() {
    let lines = lines(&grub_vm(), "vmhost", Path::new("/dev"));
    let shown: Vec<String> = lines
        .iter()
        .filter(|line| !line.is_usual)
        .map(|line| format!("{}={}", line.name, line.value.display()))
        .collect();
    assert_eq!(
        shown,
        [
            "host=vmhost",
            "system=fbsd0",
            "con=/dev/nmdm1A",
            "cpu=2",
            "mem=1G",
            "zvol=zroot/vm/fbsd0",
            "cd0=/iso/a.iso",
            "cd1=/iso/b.iso",
            "host_netif=igb0",
            "host_bridge=bridge0",
            "if0=tap1",
            "if0_bridge=bridge0",
            "if3=tap7",
            "if3_bridge=bridge1",
            "hd0=/dev/zvol/zroot/vm/fbsd0",
            "hd2=/vm/data",
            "grub_bootpart=gpt2",
            "grub_bootcmd=linux (hd0,gpt2)/vmlinuz\nboot",
        ]
    );
}

#[test]
fn every_vm_of_a_configuration_is_read_back_from_its_lines() {
    let config = config(
        b"bridge=bridge0 netif=igb0 volroot=zroot/vm\n\
          a_id=0 a_freebsd=YES a_cd3=/iso/x.iso a_hd1=/dev/da0 a_autostart=yes a_autostart_delay=9\n\
          b_id=32767 b_cd0='/iso/with blank.iso' b_grub_boot='boot;boot' b_gpt=gpt3 b_mem=2G\n\
          c_id=2 c_hd0=/vm/c.img c_if4=vmnet3 c_if4_bridge=lan c_cpu=sockets=1,cores=2\n\
          d_id=3 d_freebsd=yes d_hd0=$'/vm/\\xff b' d_on_reboot=stop d_on_crash=restart\n\
          e_id=4 e_zvol=tank/e e_loader_timeout=1 e_stop_timeout=86400\n\
          f_id=5 f_if1=tap9 f_if1_bridge=none f_if2=tap10 f_if2_bridge=br_2 br_2_netif=em2\n",
    );
    let all = resolve::all(
        &config,
        Wanted::new(Need::Settings, Spelling::link(), Path::new("/dev")),
    )
    .unwrap();
    let all: Vec<Vm> = all.map(|vm| without_origins(vm.unwrap())).collect();
    assert_eq!(all.len(), 6);
    for vm in all {
        // A host may have no name.
        let pairs = pairs(&vm, "");
        assert_eq!(read_as(vm.name.as_str(), &pairs), Ok(vm));
    }
}

#[test]
fn only_what_is_not_always_there_may_be_left_out() {
    let optional = ["cd1", "hd2", "grub_bootcmd", "if3"];
    let vm = grub_vm();
    for (name, _) in written(&vm) {
        let mut pairs = written(&vm);
        // A setting is removed together with the parts of it.
        let is_part = |other: &str| {
            let (whole, part) = (settings::find(&name), settings::find(other));
            whole
                .zip(part)
                .is_some_and(|((whole, number), (part, of))| {
                    part.part_of == Some(whole.name) && of == number
                })
        };
        pairs.retain(|(other, _)| *other != name && !is_part(other));
        let wanted = match name.as_str() {
            _ if optional.contains(&name.as_str()) => {
                let mut less = vm.clone();
                match (name.as_str(), &mut less.loader) {
                    ("cd1", _) => less.cds.truncate(1),
                    ("hd2", _) => less.disks.truncate(1),
                    ("if3", _) => less.nics.truncate(1),
                    (_, Loader::Grub(grub)) => grub.boot = None,
                    _ => {}
                }
                Ok(less)
            }
            _ => Err(format!("{name}= is missing")),
        };
        assert_eq!(read(&pairs), wanted, "{name}");
    }
}

#[test]
fn nothing_may_be_there_twice() {
    for (name, value) in written(&grub_vm()) {
        let mut pairs = written(&grub_vm());
        pairs.push((name.clone(), value));
        assert_eq!(read(&pairs), Err(format!("{name}= is given twice")));
    }
}

/// Fails unless this line is refused in place of the VM's own.
#[track_caller]
fn refused(name: &str, value: &str, what: &str) {
    let pairs = with(&grub_vm(), name, OsStr::new(value));
    assert_eq!(read(&pairs), Err(what.to_owned()), "{name}={value}");
}

#[test]
fn devices_that_no_vm_has_are_refused() {
    for (name, value, what) in [
        (
            "hd0",
            "",
            "hd0= contradicts the other settings, which give hd0=/dev/zvol/zroot/vm/fbsd0",
        ),
        ("hd2", "", "fbsd0_hd2:  is not an absolute path"),
        ("cd1", "", "fbsd0_cd1:  is not an absolute path"),
        ("hd0", "vm/x", "fbsd0_hd0: vm/x is not an absolute path"),
        ("cd0", "a.iso", "fbsd0_cd0: a.iso is not an absolute path"),
        (
            "hd2",
            "/vm/a,b",
            "/vm/a,b: bhyve does not accept a comma in a path",
        ),
        (
            "cd5",
            "/a,b",
            "/a,b: bhyve does not accept a comma in a path",
        ),
        (
            "hd2",
            "/dev/zvol/zroot/vm/fbsd0",
            "hd0 and hd2 of fbsd0 are both /dev/zvol/zroot/vm/fbsd0",
        ),
        ("hd16", "/vm/x", "hd16= is unknown"),
        ("hd02", "/vm/x", "hd02= is unknown"),
        ("cd8", "/vm/x", "cd8= is unknown"),
        ("if16", "tap8", "if16= is unknown"),
        (
            "zvol",
            "zroot/vm/x",
            "fbsd0_zvol is zroot/vm/x, but fbsd0_hd0 is /dev/zvol/zroot/vm/fbsd0",
        ),
        (
            "hd0",
            "/vm/fbsd0",
            "fbsd0_zvol is zroot/vm/fbsd0, but fbsd0_hd0 is /vm/fbsd0",
        ),
        ("if3", "tap1", "if0 and if3 of fbsd0 are both tap1"),
        (
            "if0",
            "igb0",
            "if0: \"igb0\" is not a tap: bhyve accepts interfaces named tap… or vmnet…",
        ),
        ("if5", "tap5", "if5_bridge= is missing"),
        (
            "host_bridge7_netif",
            "em1",
            "host_bridge7_netif= is unknown",
        ),
        ("host_bridge1_netif", "", "host_bridge1_netif= is unknown"),
        (
            "host_bridge1_netif",
            "a,b",
            "host_bridge1_netif: \"a,b\" is not an interface name: \",\" is not allowed",
        ),
        (
            "host_bridge1_netif",
            "igb0",
            "igb0 is the uplink of bridge0 and of bridge1",
        ),
        (
            "host_bridge0_netif",
            "em1",
            "bridge0 has two uplinks: netif is igb0, and bridge0_netif is em1",
        ),
        (
            "hd2",
            "/vm/a b",
            "/vm/a b: grub-bhyve does not accept a blank in a path",
        ),
    ] {
        refused(name, value, what);
    }
    for con in [
        "",
        "/dev/nmdm1B",
        "/dev/nmdm01A",
        "/dev//nmdm1A",
        "/dev/nmdm32768A",
        "/etc/nmdm1A",
        "/dev/x/nmdm1A",
    ] {
        refused(
            "con",
            con,
            &format!("con={con} is not /dev/nmdmNA, where N is the id of a VM"),
        );
    }
}

#[test]
fn what_is_never_written_is_refused() {
    for (name, value, what) in [
        (
            "system",
            "other",
            "system=other contradicts the other settings, which give system=fbsd0",
        ),
        ("run", "/bin/sh", "run= is unknown"),
        ("grub_install", "", "grub_install= is unknown"),
        (
            "grub_bootpart",
            "",
            "grub_bootpart= contradicts the other settings, which give grub_bootpart=msdos1",
        ),
        (
            "on_crash",
            "maybe",
            "on_crash: \"maybe\" is neither restart nor stop",
        ),
        (
            "loader_timeout",
            "0",
            "loader_timeout: \"0\" is not a number of seconds from 1 to 86400",
        ),
        (
            "autostart_delay",
            "86401",
            "autostart_delay: \"86401\" is not a number of seconds from 0 to 86400",
        ),
        (
            "autostart",
            "",
            "autostart= contradicts the other settings, which give autostart=NO",
        ),
    ] {
        refused(name, value, what);
    }
    let no_utf8 = OsString::from_vec(vec![0xff]);
    assert_eq!(
        read(&with(&vm(), "mem", &no_utf8)),
        Err("mem: the value is not UTF-8 text".to_owned())
    );
    assert_eq!(
        read_as("../x", &written(&vm())),
        Err("\"../x\" is not a VM name: the first character must be a letter".to_owned())
    );
}

#[test]
fn a_blank_is_for_disks_that_grub_does_not_read() {
    let value = OsStr::new("/vm/a b");
    assert!(read(&with(&vm(), "hd2", value)).is_ok());
    // Only an installation attaches a CD, and it refuses the path itself.
    assert!(read(&with(&grub_vm(), "cd0", value)).is_ok());
}
