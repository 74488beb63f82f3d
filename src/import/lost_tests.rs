//! What has no counterpart is reported, and takes nothing else with it.

use super::tests::{has, of_vm_bhyve};
use super::vm_bhyve::{Datastore, File};
use super::{Guest, iohyve, libvirt, vm_bhyve};

/// The remarks of a guest, one a line.
pub(super) fn remarks(guest: &Guest) -> String {
    guest.remarks.join("\n")
}

/// Asserts that the remarks of a guest have this text.
#[track_caller]
pub(super) fn says(guest: &Guest, text: &str) {
    assert!(remarks(guest).contains(text), "{text}:\n{guest:#?}");
}

pub(super) fn of_libvirt(inner: &str) -> Guest {
    let text = format!("<domain type='bhyve'>{inner}</domain>");
    libvirt::guests("d.xml", &text, None).unwrap().remove(0)
}

pub(super) fn of_iohyve(properties: &[(&str, &str)]) -> Guest {
    let line = |(key, value): &(&str, &str)| format!("p/iohyve/w\tiohyve:{key}\t{value}\n");
    let text: String = properties.iter().map(line).collect();
    iohyve::guests(&text).unwrap().remove(0)
}

#[test]
fn a_disk_that_is_not_attached_keeps_its_number() {
    let disk = |number, name, device| {
        format!(
            "disk{number}_name=\"{name}\"\ndisk{number}_type=\"virtio-blk\"\ndisk{number}_dev=\"{device}\"\n"
        )
    };
    let text = disk(0, "a", "iscsi") + &disk(1, "b.iso", "custom") + &disk(2, "/c", "custom");
    let guest = of_vm_bhyve(&text);
    has(&guest, "hd2", "/c");
    assert!(!guest.has("hd0") && !guest.has("hd1"), "{guest:?}");
    says(
        &guest,
        "disk1_name=b.iso is not imported: the value is not an absolute path; the number of hd1 stays free for it",
    );

    let disk = |what: &str, source: &str, more: &str| {
        format!("<disk {what}><source {source}/><target dev='vda'/>{more}</disk>")
    };
    for (what, source, more, why) in [
        (
            "type='volume'",
            "pool='vms' volume='data'",
            "",
            "it is the volume data of the pool vms",
        ),
        (
            "",
            "file='/a'",
            "<driver type='qcow2'/>",
            "its format is qcow2",
        ),
        ("device='lun'", "dev='/a'", "", "no disks of the kind lun"),
        ("", "file='a.img'", "", "a.img is not an absolute path"),
    ] {
        let first = disk(what, source, more);
        let guest = of_libvirt(&format!(
            "<devices>{first}{}</devices>",
            disk("", "file='/b'", "")
        ));
        assert!(!guest.has("hd0"), "{guest:?}");
        has(&guest, "hd1", "/b");
        says(&guest, why);
    }
    let floppy = disk("device='floppy'", "file='/f'", "");
    let ide = "<disk><source file='/i'/><target dev='hda' bus='ide'/></disk>";
    let guest = of_libvirt(&format!("<devices>{floppy}{ide}</devices>"));
    assert!(
        guest
            .settings
            .iter()
            .all(|one| !one.key().starts_with("hd")),
        "{guest:?}"
    );
    says(&guest, "bhyve has no floppy disks");
    says(&guest, "its kind is ide");
}

#[test]
fn a_nic_whose_bridge_is_refused_joins_nothing() {
    for bridge in ["br-lan-very-long-name", "a;b"] {
        let text = format!(
            "<devices><interface type='bridge'><source bridge='{bridge}'/></interface></devices>"
        );
        let guest = of_libvirt(&text);
        has(&guest, "if0_bridge", "none");
        says(&guest, bridge);
    }
    let system =
        "switch_list=\"$(x) lan\"\nports_lan=\"em0 em1\"\naddr_lan=\"10.0.0.1/24\"\nmtu_lan=9000\n";
    let store = Datastore {
        directory: "/vm".into(),
        dataset: None,
    };
    let nic = |switch: &str| {
        let text =
            format!("loader=grub\ncpu=1\nnetwork0_type=virtio-net\nnetwork0_switch={switch}\n");
        vm_bhyve::guest("w", &File::read(&text), &store, &File::read(system), None)
    };
    has(&nic("$(x)"), "if0_bridge", "none");
    let guest = nic("no");
    has(&guest, "if0_bridge", "none");
    says(
        &guest,
        "the switch no is not imported: system.conf has no such switch",
    );
    let guest = nic("lan");
    has(&guest, "if0_bridge", "vm-lan");
    says(
        &guest,
        "the uplink of vm-lan was em0; no setting can name the uplink of such a bridge",
    );
    says(&guest, "the port em1 of the switch lan is not imported");
    says(&guest, "addr_lan=10.0.0.1/24 is not imported");
    says(&guest, "mtu_lan=9000 is not imported");
}

#[test]
fn a_vm_without_a_nic_joins_nothing() {
    let guests = [
        of_vm_bhyve(""),
        of_iohyve(&[("loader", "uefi"), ("tap", "-")]),
        of_libvirt("<devices/>"),
        of_libvirt(""),
    ];
    for guest in guests {
        has(&guest, "if0_bridge", "none");
        says(&guest, "it has no NIC there");
    }
}

#[test]
fn a_value_of_a_switch_that_is_not_known_is_reported() {
    let guest = of_vm_bhyve(
        "graphics=yes\ngraphics_wait=\"auto\"\nvirt_random=\"maybe\"\nwired_memory=no\n",
    );
    says(&guest, "graphics_wait=auto is not imported");
    says(
        &guest,
        "virt_random=maybe is not imported: the value is neither yes nor no",
    );
    assert!(!remarks(&guest).contains("wired_memory"), "{guest:?}");
    says(&of_iohyve(&[("boot", "3")]), "boot=3 is not imported");
}

#[test]
fn the_keys_of_vm_bhyve_are_set_once_and_those_behind_a_gap_are_not_attached() {
    let guest = of_vm_bhyve(
        "graphics=yes\ngraphics_vga=\"off\"\nbhyve_options=\"-w -l tpm,passthru,/dev/a'b\"\ndisk2_name=\"x\"\n\
         disk2_type=\"nvme\"\nnetwork1_type=\"e1000\"\n",
    );
    let msrs = guest
        .settings
        .iter()
        .filter(|one| one.key() == "strict_msrs");
    assert_eq!(msrs.count(), 1, "{guest:?}");
    has(&guest, "vnc_vga", "off");
    has(&guest, "bhyve_args", r"-l 'tpm,passthru,/dev/a'\''b'");
    says(
        &guest,
        "disk2_name=x is not imported: vm-bhyve does not attach it",
    );
    says(
        &guest,
        "network1_type=e1000 is not imported: vm-bhyve does not attach it",
    );
    let guest = of_vm_bhyve("graphics=yes\ngraphics_vga=\"on\"\n");
    says(&guest, "graphics_vga=on is not imported: ");
    for text in [
        "loader=uefi-csm\ncpu=1\n",
        "loader=none\ncpu=1\n",
        "cpu=1\n",
    ] {
        let store = Datastore {
            directory: "/vm".into(),
            dataset: None,
        };
        let guest = vm_bhyve::guest("w", &File::read(text), &store, &File::default(), None);
        says(&guest, "the VM starts with grub: set loader");
    }
    let guest = of_vm_bhyve("cpu=1\n");
    assert!(!remarks(&guest).contains("grub"), "{guest:?}");
}

#[test]
fn the_devices_of_iohyve_have_settings() {
    let guest = of_iohyve(&[
        ("loader", "uefi"),
        ("fw", "BHYVE_UEFI_20151002.fd"),
        ("con", "nmdm3"),
        ("tap", "tap2"),
        ("mac_tap2", "58:9c:fc:00:00:01"),
        ("mac", "58:9c:fc:00:00:01"),
        ("net", "em2"),
        ("vnc", "yes"),
        ("vnc_w", "800"),
        ("pci:0", "virtio-blk,/dev/zvol/p/iohyve/w/disk1,nocache,ro"),
        ("pci:1", "e1000,tap12,mac=58:9c:fc:00:00:02"),
        ("pci:2", "ahci-cd,/iso/a.iso"),
        ("pci:3", "virtio-net,tap9"),
        ("pci:4", "virtio-net,netgraph,path=x"),
    ]);
    for (key, value) in [
        ("hd1", "/dev/zvol/p/iohyve/w/disk1"),
        ("hd1_opts", "nocache ro"),
        ("cd0", "/iso/a.iso"),
        ("if0", "tap2"),
        ("if0_mac", "58:9c:fc:00:00:01"),
        ("if1", "tap12"),
        ("if1_type", "e1000"),
        ("if1_mac", "58:9c:fc:00:00:02"),
        ("if2", "tap9"),
    ] {
        has(&guest, key, value);
    }
    let text = remarks(&guest);
    for lost in [
        "fw=BHYVE_UEFI_20151002.fd",
        "net=em2",
        "vnc_w=800",
        "pci:4=virtio-net,netgraph",
    ] {
        assert!(text.contains(lost), "{lost}: {text}");
    }
    assert!(!text.contains("mac=") && !text.contains("pci:0"), "{text}");
    let guest = of_iohyve(&[("loader", "uefi"), ("fw", "BHYVE_UEFI_CSM.fd")]);
    assert!(!guest.has("loader"), "{guest:?}");
    says(
        &guest,
        "fw=BHYVE_UEFI_CSM.fd is not imported: easy-bhyve has no such loader",
    );
}

#[test]
fn nothing_of_a_domain_is_lost_without_a_remark() {
    for (inner, remark) in [
        (
            "<vcpu cpuset='0-1'>2</vcpu>",
            "line 1: <vcpu cpuset='0-1'> is not imported",
        ),
        ("<vcpu current='1'>2</vcpu>", "vcpu current=1"),
        (
            "<memory>4096</memory><currentMemory>1024</currentMemory>",
            "currentMemory 1024",
        ),
        (
            "<vcpu>2</vcpu><cpu><topology sockets='1' cores='2' threads='1' dies='2'/></cpu>",
            "<topology dies='2'> of <cpu>",
        ),
        ("<os><boot dev='cdrom'/></os>", "<boot dev='cdrom'> of <os>"),
        (
            "<on_poweroff>restart</on_poweroff>",
            "<on_poweroff>restart</on_poweroff>",
        ),
        (
            "<os><loader>/x/OVMF.fd</loader></os>",
            "loader /x/OVMF.fd is not imported: the VM starts with the firmware",
        ),
        (
            "<os><loader>/x/BHYVE_UEFI_CSM.fd</loader></os>",
            "no such loader",
        ),
        ("<clock offset='variable'/>", "clock variable"),
        (
            "\n<cputune><shares>9</shares></cputune>",
            "line 2: <cputune> is not imported: easy-bhyve has no setting for it",
        ),
        ("<seclabel type='none'/>", "<seclabel type='none'>"),
        ("<iothreads>2</iothreads>", "<iothreads>2</iothreads>"),
        (
            "<memoryBacking><hugepages/></memoryBacking>",
            "<hugepages> of <memoryBacking>",
        ),
        ("<features><hyperv/></features>", "<hyperv> of <features>"),
    ] {
        says(&of_libvirt(inner), remark);
    }
}

#[test]
fn nothing_of_a_device_is_lost_without_a_remark() {
    for (device, remark) in [
        (
            "<interface type='bridge'><source bridge='b'/><mtu size='9000'/></interface>",
            "<mtu size='9000'> of <interface>",
        ),
        (
            "<interface type='bridge'><source bridge='b'/><link state='down'/></interface>",
            "<link state='down'> of <interface>",
        ),
        (
            "<disk><source file='/a'/><serial>WD1</serial></disk>",
            "<serial>WD1</serial> of <disk>",
        ),
        (
            "<disk><source file='/a'/><driver cache='unsafe'/></disk>",
            "cache=unsafe",
        ),
        ("<serial type='tcp'/>", "<serial type='tcp'>"),
        (
            "<serial type='nmdm'><target port='1'/></serial>",
            "<target port='1'> of <serial>",
        ),
        (
            "<graphics type='spice' passwd='secret'/>",
            "<graphics type='spice' passwd>",
        ),
        (
            "<video><model type='gop'><resolution x='8' y='6'/></model></video>",
            "<resolution x='8' y='6'> of <model>",
        ),
        (
            "<input type='tablet'/><input type='evdev'/>",
            "<input type='evdev'>",
        ),
    ] {
        let guest = of_libvirt(&format!("<devices>{device}</devices>"));
        says(&guest, remark);
        assert!(!remarks(&guest).contains("secret"));
    }
    let guest = of_libvirt(
        "<devices><graphics type='vnc' port='5901'/><video><model type='gop'><driver vgaconf='off'/>\
         <resolution x='800' y='600'/></model></video></devices>",
    );
    has(&guest, "vnc_size", "800x600");
    has(&guest, "vnc_vga", "off");
    let guest = of_libvirt(
        "<commandline xmlns='http://libvirt.org/schemas/domain/bhyve/1.0'><arg value='-l'/>\
         <arg value='tpm,passthru,/dev/a b'/><env name='X' value='-w'/></commandline>",
    );
    has(&guest, "bhyve_args", "-l 'tpm,passthru,/dev/a b'");
    assert!(!guest.has("strict_msrs"), "{guest:?}");
    says(&guest, "<env name='X' value='-w'> of <commandline>");
    // Nothing of what libvirt writes for each disk and NIC has a remark.
    let guest = of_libvirt(
        "<memory>1048576</memory><devices>\
         <disk type='file' device='cdrom'><driver name='file' type='raw'/><source file='/a'/>\
         <target dev='sda' bus='sata'/><readonly/><address type='drive' controller='0'/></disk>\
         <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='b'/><model type='virtio'/>\
         <alias name='net0'/><address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>\
         </interface><graphics type='vnc' port='5901' listen='127.0.0.1'><listen type='address'/></graphics></devices>",
    );
    let of_cd = "an ISO image is attached when the VM is installed, not at each boot";
    assert_eq!(guest.remarks, [of_cd], "{guest:?}");
    let text = "<domain type='kvm'><os><type>hvm</type></os></domain>";
    let guest = &libvirt::guests("d", text, None).unwrap()[0];
    assert!(!guest.has("freebsd"), "{guest:?}");
    says(guest, "the VM starts with grub");
}

/// What takes quadratic time takes minutes here.
#[test]
fn a_large_text_is_read_to_its_end() {
    let nested = "<domain>".repeat(60_000) + &"</domain>".repeat(60_000);
    let _ = libvirt::guests("d", &nested, None);
    let numbered = |what: &str| {
        (0..30_000)
            .map(|at| what.replace('N', &at.to_string()))
            .collect::<String>()
    };
    let keys = numbered("diskN_name=/a\ndiskN_type=nvme\n");
    of_vm_bhyve(&keys);
    of_vm_bhyve(&numbered("networkN_type=e1000\n"));
    let taps = numbered("tapN,");
    of_iohyve(&[("tap", &taps)]);
    let properties =
        numbered("p/iohyve/w\tiohyve:pci:N\tahci-hd,/N\nq/iohyve/w/diskN\tvolsize\t1\n");
    let _ = iohyve::guests(&properties);
}
