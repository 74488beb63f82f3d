use super::vm_bhyve::{Datastore, File};
use super::{Guest, iohyve, libvirt, setting, vm_bhyve};
use proptest::prelude::*;

pub(super) fn of_vm_bhyve(text: &str) -> Guest {
    let store = Datastore {
        directory: "/vm".into(),
        dataset: Some("zroot/vm".to_owned()),
    };
    let text = format!("loader=\"uefi\"\ncpu=1\nmemory=1G\n{text}");
    vm_bhyve::guest("web", &File::read(&text), &store, &File::default(), None)
}

/// Asserts that a guest has this setting.
#[track_caller]
pub(super) fn has(guest: &Guest, key: &str, value: &str) {
    let found = guest.settings.iter().find(|setting| setting.key() == key);
    let found = found.map(|setting| String::from_utf8_lossy(setting.value()).into_owned());
    assert_eq!(found.as_deref(), Some(value), "{guest:?}");
}

#[test]
fn firmware_always_ignores_unknown_registers_and_the_other_loaders_if_they_are_told_to() {
    assert!(of_vm_bhyve("").has("strict_msrs"));
    for (text, ignores) in [
        ("", false),
        ("ignore_msr=\"yes\"\n", true),
        ("ignore_bad_msr=\"on\"\n", true),
    ] {
        let file = File::read(&format!("loader=\"grub\"\n{text}"));
        let store = Datastore {
            directory: "/vm".into(),
            dataset: None,
        };
        let guest = vm_bhyve::guest("web", &file, &store, &File::default(), None);
        assert_eq!(guest.has("strict_msrs"), ignores, "{text}{guest:?}");
    }
}

#[test]
fn firmware_and_screen_of_vm_bhyve_are_translated() {
    let guest = of_vm_bhyve(
        "uefi_vars=\"yes\"\ngraphics=\"yes\"\ngraphics_port=\"5999\"\ngraphics_listen=\"::1\"\n\
         graphics_res=\"1600x900\"\ngraphics_wait=\"yes\"\nxhci_mouse=\"yes\"\nvnc_password=\"secret\"\n",
    );
    has(&guest, "loader", "uefi");
    has(&guest, "uefi_vars", "/vm/web/uefi-vars.fd");
    has(&guest, "vnc", "[::1]:5999");
    has(&guest, "vnc_size", "1600x900");
    has(&guest, "vnc_wait", "YES");
    has(&guest, "tablet", "YES");
    assert!(!format!("{guest:?}").contains("secret"), "{guest:?}");
}

#[test]
fn a_screen_of_no_port_is_reported_as_open_before() {
    let guest = of_vm_bhyve("graphics=\"yes\"\nvnc_password=\"secret\"\n");
    has(&guest, "vnc", "YES");
    let text = format!("{guest:?}");
    assert!(
        text.contains("the screen listened on 0.0.0.0 with a port of its own choice"),
        "{text}"
    );
    // A password is not printed, whatever becomes of its screen.
    assert!(!format!("{:?}", of_vm_bhyve("vnc_password=\"secret\"\n")).contains("secret"));
}

#[test]
fn the_slot_before_follows_from_the_disks() {
    let disk = |number| format!("disk{number}_name=\"d\"\ndisk{number}_type=\"nvme\"\n");
    let nic = |number| format!("network{number}_type=\"virtio-net\"\n");
    for (loader, disks, nics, moved) in [
        ("grub", 1, 1, "in a Linux guest enp0s5 becomes enp0s2"),
        ("grub", 9, 1, "in a Linux guest enp0s6 becomes enp0s2"),
        (
            "uefi",
            3,
            2,
            "in a Linux guest enp0s7f0 becomes enp0s2f0, enp0s7f1 becomes enp0s2f1",
        ),
    ] {
        let devices: String = (0..disks).map(disk).chain((0..nics).map(nic)).collect();
        let file = File::read(&format!("loader=\"{loader}\"\n{devices}"));
        let store = Datastore {
            directory: "/vm".into(),
            dataset: None,
        };
        let guest = vm_bhyve::guest("web", &file, &store, &File::default(), None);
        let found = guest
            .remarks
            .iter()
            .find(|remark| remark.contains(" becomes "));
        assert!(
            found.is_some_and(|found| found.contains(&format!("{moved}; to Windows"))),
            "{guest:?}"
        );
    }
}

#[test]
fn every_key_of_the_other_managers_is_known() {
    // The sample of vm-bhyve 1.8, and what its code reads besides.
    let keys = "loader bhyveload_loader bhyveload_args loader_timeout uefi_vars cpu cpu_sockets cpu_cores \
         cpu_threads memory wired_memory hostbridge ignore_bad_msr ignore_msr bhyve_options comports utctime \
         debug uuid ahci_device_limit nulliso_fix start_slot install_slot disk0_type disk0_dev disk0_name \
         disk0_size disk0_opts network0_type network0_switch network0_device network0_name network0_mac \
         network0_span passthru0 virt_random graphics graphics_port graphics_listen graphics_res \
         graphics_wait graphics_vga vnc_password xhci_mouse sound sound_play sound_rec virt_console0 fwcfg \
         grub_install0 grub_run0 grub_run_partition grub_run_no_partition grub_run_dir grub_run_file \
         zfs_dataset_opts zfs_zvol_opts prestart priority limit_pcpu limit_rbps limit_wbps limit_riops \
         limit_wiops tags on_restart on_fault hostbridge_slot lpc_slot disk_slot_start disk0_slot \
         network_slot_start network0_slot passthru_slot_start virt_random_slot virt_console_slot sound_slot \
         sound_req xhci_slot fbuf_slot uefi guest nice virt_consoles";
    let keys = keys.split_whitespace();
    let lines: Vec<String> = keys.map(|key| format!("{key}=\"1\"\n")).collect();
    let text = lines.concat();
    for loader in ["grub", "uefi", "bhyveload"] {
        let text = text.replace("loader=\"1\"", &format!("loader=\"{loader}\""));
        let store = Datastore {
            directory: "/vm".into(),
            dataset: None,
        };
        let guest = vm_bhyve::guest("web", &File::read(&text), &store, &File::default(), None);
        assert!(
            !format!("{guest:?}").contains("does not know it"),
            "{guest:?}"
        );
    }
    let keys = "name description template persist size loader os cpu ram con tap mac bargs boot fw net vnc \
         vnc_ip vnc_port vnc_wait vnc_tablet vnc_w vnc_h pci:0 install runmode mac_tap1 autogrub";
    let line = |key| format!("p/iohyve/web\tiohyve:{key}\t1\tlocal\n");
    let text: String = keys.split_whitespace().map(line).collect();
    let guests = iohyve::guests(&text).unwrap();
    assert!(
        !format!("{guests:?}").contains("does not know it"),
        "{guests:?}"
    );
}

#[test]
fn the_screen_of_iohyve_and_of_libvirt_is_translated() {
    let text = "p/iohyve/w\tiohyve:loader\tuefi\nx/iohyve/w\tiohyve:os\topenbsd58\nx/iohyve/w\tiohyve:loader\tgrub-bhyve\n\
                p/iohyve/w\tiohyve:vnc\t5901\np/iohyve/w\tiohyve:vnc_ip\t0.0.0.0\np/iohyve/w\tiohyve:vnc_tablet\tYES\n\
                p/iohyve/w\tiohyve:vnc_w\t800\np/iohyve/w\tiohyve:vnc_h\t600\n";
    let guests = iohyve::guests(text).unwrap();
    has(&guests[0], "vnc", "0.0.0.0:5901");
    has(&guests[0], "vnc_size", "800x600");
    has(&guests[0], "tablet", "YES");
    has(
        &guests[1],
        "grub_install",
        "kopenbsd -h com0 (cd0)/5.8/amd64/bsd.rd",
    );
    let text = "<domain xmlns:b='http://libvirt.org/schemas/domain/bhyve/1.0'><os firmware='efi'><loader type='pflash'>/BHYVE_UEFI.fd</loader><nvram>/n.fd</nvram></os>\
                <features><msrs unknown='ignore'/></features>\
                <devices><graphics type='vnc' port='5904' passwd='secret'><listen type='address' address='10.0.0.1'/></graphics>\
                <input type='tablet'/></devices><b:commandline><b:arg value='-w'/><b:arg value='-x'/></b:commandline></domain>";
    let guests = libvirt::guests("d.xml", text, None).unwrap();
    has(&guests[0], "loader", "uefi");
    has(&guests[0], "uefi_vars", "/n.fd");
    // Without its password it is not open to others.
    has(&guests[0], "vnc", "127.0.0.1:5904");
    let remark = "the screen listened on 10.0.0.1 with a password; without it the screen listens on 127.0.0.1";
    assert!(
        guests[0].remarks.iter().any(|one| one == remark),
        "{guests:?}"
    );
    has(&guests[0], "bhyve_args", "-x");
    assert!(!format!("{guests:?}").contains("secret"));
}

proptest! {
    /// A file may hold anything.
    #[test]
    fn any_text_is_read(text in "([a-z0-9_]{0,12}=?[\"\\PC]{0,12}#?\\n|disk[0-9]_(name|type|dev)=[a-z-]{0,9}\\n|network[0-9]_(type|mac)=.{0,9}\\n){0,12}") {
        let guest = of_vm_bhyve(&text);
        for one in &guest.settings {
            let value = String::from_utf8_lossy(one.value()).into_owned();
            prop_assert!(setting(one.key(), &value).is_ok(), "{}={value}", one.key());
        }
        let _ = iohyve::guests(&text.replace('=', "\t"));
        let _ = iohyve::guests(&text.replace('=', " "));
        let _ = libvirt::guests("x", &text, None);
        let _ = libvirt::guests("x", &format!("<domain>{text}</domain>"), None);
    }
}
