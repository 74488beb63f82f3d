//! What the documents of other managers say in more than one key, element or file.

use super::lost_tests::{of_iohyve, of_libvirt, remarks, says};
use super::tests::{has, of_vm_bhyve};
use super::vm_bhyve::{Datastore, File};
use super::{Guest, libvirt, vm_bhyve};

fn by_loader(loader: &str, text: &str, system: &File) -> Guest {
    let store = Datastore {
        directory: "/vm".into(),
        dataset: None,
    };
    let text = format!("loader=\"{loader}\"\ncpu=1\nmemory=1G\n{text}");
    vm_bhyve::guest("web", &File::read(&text), &store, system, None)
}

#[test]
fn the_number_of_a_vxlan_is_not_that_of_a_vlan() {
    let system = |kind: &str| {
        let text =
            format!("switch_list=\"x\"\ntype_x=\"{kind}\"\nvlan_x=\"42\"\nports_x=\"igb0\"\n");
        File::read(&text)
    };
    let nic = "network0_type=\"virtio-net\"\nnetwork0_switch=\"x\"\n";
    let guest = by_loader("grub", nic, &system("vxlan"));
    has(&guest, "if0_bridge", "vm-x");
    says(
        &guest,
        "the vxlan 42 over igb0 of the switch x is not imported",
    );
    assert!(!remarks(&guest).contains("igb0.42"), "{guest:?}");
    let first = |kind| vm_bhyve::first_network(&system(kind)).unwrap().uplink;
    assert_eq!(first("vxlan"), None);
    assert_eq!(first("standard").as_deref(), Some("igb0.42"));
}

#[test]
fn words_for_another_hypervisor_are_none_for_bhyve() {
    let of = |namespace: &str| {
        let text = format!(
            "<domain type='kvm' xmlns:x='{namespace}'><x:commandline><x:arg value='-S'/>\
             <x:arg value='-w'/><x:arg value='-p'/><x:arg value='1234'/></x:commandline></domain>"
        );
        libvirt::guests("d.xml", &text, None).unwrap().remove(0)
    };
    let guest = of("http://libvirt.org/schemas/domain/qemu/1.0");
    let keys = ["wired", "strict_msrs", "bhyve_args"];
    assert!(!keys.iter().any(|key| guest.has(key)), "{guest:?}");
    says(
        &guest,
        "<commandline> is not imported: its words are those of another hypervisor",
    );
    let guest = of("http://libvirt.org/schemas/domain/bhyve/1.0");
    has(&guest, "wired", "YES");
    assert!(!remarks(&guest).contains("commandline"), "{guest:?}");
}

#[test]
fn a_disk_that_is_not_attached_says_how_it_was() {
    let disk = |number| {
        format!(
            "disk{number}_name=\"d\"\ndisk{number}_type=\"ahci-hd\"\ndisk{number}_dev=\"iscsi\"\n\
             disk{number}_opts=\"nocache,ro\"\n"
        )
    };
    let guest = of_vm_bhyve(&(disk(0) + &disk(1)));
    for text in [
        "write the path of a disk as hd0, with hd0_type=ahci-hd and hd0_opts='nocache ro'",
        "the number of hd1 stays free for it, with hd1_type=ahci-hd and hd1_opts='nocache ro'",
    ] {
        says(&guest, text);
    }
    let guest = of_libvirt(
        "<devices><disk><driver type='qcow2' cache='none'/><source file='/a'/><target dev='sda' bus='sata'/>\
         </disk></devices>",
    );
    says(
        &guest,
        "its format is qcow2; write the path of a disk as hd0, with hd0_type=ahci-hd and hd0_opts=nocache",
    );
}

#[test]
fn the_vga_of_a_screen_is_found_at_both_of_its_places() {
    for video in [
        "<driver vgaconf='io'/><model type='gop'/>",
        "<model type='gop'><driver vgaconf='io'/></model>",
    ] {
        let guest = of_libvirt(&format!(
            "<devices><graphics type='vnc'/><video>{video}</video></devices>"
        ));
        has(&guest, "vnc_vga", "io");
        assert!(!remarks(&guest).contains("vgaconf"), "{guest:?}");
    }
}

#[test]
fn the_root_of_grub_is_its_partition() {
    let of = |args: &str| {
        of_libvirt(&format!(
            "<bootloader>/usr/local/sbin/grub-bhyve</bootloader><bootloader_args>{args}</bootloader_args>"
        ))
    };
    for (args, part) in [
        ("-r hd0,gpt2", "gpt2"),
        ("-rhd0,msdos2", "msdos2"),
        ("-r hd0", "none"),
    ] {
        let guest = of(args);
        has(&guest, "grub_bootpart", part);
        assert!(!remarks(&guest).contains("bootloader_args"), "{guest:?}");
    }
    for args in [
        "-r hd1,gpt2",
        "-r hd0,gpt2 -c com1",
        "-c com1",
        "-r hd0,nine",
    ] {
        let guest = of(args);
        assert!(!guest.has("grub_bootpart"), "{guest:?}");
        says(&guest, "bootloader_args");
    }
}

#[test]
fn an_image_is_attached_when_the_vm_is_installed_for_every_manager() {
    let text = "an ISO image is attached when the VM is installed, not at each boot";
    says(
        &of_libvirt("<devices><disk device='cdrom'><source file='/seed.iso'/></disk></devices>"),
        text,
    );
    says(&of_iohyve(&[("pci:0", "ahci-cd,/seed.iso")]), text);
}

#[test]
fn every_tap_of_iohyve_is_a_nic_and_a_missing_size_is_told() {
    let guest = of_iohyve(&[("tap", "tap10,vmnet3,em0")]);
    has(&guest, "if0", "tap10");
    has(&guest, "if1", "vmnet3");
    says(&guest, "the tap em0 is not imported: ");
    assert_eq!(guest.without_tap, [2]);
    for (key, ours) in [("cpu", "cpu"), ("ram", "mem")] {
        let text = format!("the file sets no {key}: the VM has the default of {ours}");
        says(&guest, &text);
        assert!(!remarks(&of_iohyve(&[(key, "1")])).contains(&text));
    }
    let guest = of_libvirt("");
    has(&guest, "cpu", "1");
    says(
        &guest,
        "the file sets no memory: the VM has the default of mem",
    );
    says(
        &of_libvirt("<vcpu>many</vcpu>"),
        "; the VM has the default of cpu",
    );
}

#[test]
fn keys_of_grub_mean_what_the_loader_makes_of_them() {
    let text = "grub_run_partition=\"3\"\n";
    let guest = by_loader("grub", text, &File::default());
    has(&guest, "grub_bootpart", "auto");
    says(&guest, "grub_run_partition=3 is grub_bootpart=auto here");
    let guest = by_loader("bhyveload", text, &File::default());
    says(
        &guest,
        "grub_run_partition=3 is not imported: it has no effect with this loader",
    );
}

#[test]
fn no_password_is_shown() {
    for options in [
        "-s 29,fbuf,tcp=0.0.0.0:5900,password=hush -s 30,xhci,tablet",
        "-s 29,fbuf,password=hush,wait",
    ] {
        let guest = of_vm_bhyve(&format!("bhyve_options=\"{options}\"\n"));
        says(&guest, "fbuf");
        assert!(!format!("{guest:?}").contains("hush"), "{guest:?}");
    }
    let guest = of_libvirt(
        "<commandline xmlns='http://libvirt.org/schemas/domain/bhyve/1.0'><arg value='-s'/>\
         <arg value='29,fbuf,password=two hush,wait'/></commandline>",
    );
    says(&guest, "-s 29,fbuf,password,wait of bhyve");
    assert!(!format!("{guest:?}").contains("hush"), "{guest:?}");
}

#[test]
fn firmware_with_a_csm_has_no_screen() {
    let text = "graphics=\"yes\"\n";
    let guest = by_loader("uefi-csm", text, &File::default());
    assert!(!guest.has("vnc"), "{guest:?}");
    says(&guest, "set loader=uefi if the guest boots by UEFI");
    says(&guest, "only a VM with loader=uefi has a screen");
    assert!(!remarks(&guest).contains("vnc="), "{guest:?}");
}

#[test]
fn nics_beyond_the_last_are_reported_once() {
    let nic = |number| {
        format!("network{number}_type=\"e1000\"\nnetwork{number}_mac=\"58:9c:fc:0:0:1\"\n")
    };
    let nics: String = (0..18).map(nic).collect();
    let guest = of_vm_bhyve(&nics);
    says(&guest, "NIC 16 and those after it is not imported");
    assert!(!remarks(&guest).contains("network1"), "{guest:?}");
}

#[test]
fn a_domain_that_runs_is_read_like_one_that_does_not() {
    let guest = of_libvirt(
        "<memory><!-- 4 GiB -->4194304</memory><devices><interface type='network'>\
         <source network='default' portid='2f4c' bridge='virbr0'/></interface></devices>",
    );
    has(&guest, "mem", "4096M");
    has(&guest, "if0_bridge", "virbr0");
    for word in ["network", "portid", "memory"] {
        assert!(!remarks(&guest).contains(word), "{guest:?}");
    }
}

#[test]
fn a_value_that_is_not_utf_8_is_not_taken() {
    let text =
        "disk0_name=\"/caf\u{FFFD}\"\ndisk0_type=\"nvme\"\ndisk0_dev=\"custom\"\n# \u{FFFD}\n";
    let guest = of_vm_bhyve(text);
    assert!(!guest.has("hd0"), "{guest:?}");
    says(&guest, "the value is not UTF-8 text; write the path");
}

#[test]
fn the_firmware_of_arm64_is_ours() {
    let guest = of_libvirt(
        "<os><type arch='aarch64'>hvm</type>\
         <loader>/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin</loader></os>",
    );
    assert!(!remarks(&guest).contains("u-boot"), "{guest:?}");
}
