//! Each remark is about a loss, says it once, and no loss is without one.

use super::lost_tests::{of_libvirt, remarks, says};
use super::tests::{has, of_vm_bhyve};
use super::vm_bhyve::{Datastore, File};
use super::{Guest, Network, libvirt, shown_once, vm_bhyve};

/// A VM of vm-bhyve with these switches, for a host whose NICs join `bridge0` by default.
fn switched(text: &str, system: &str) -> Guest {
    let store = Datastore {
        directory: "/vm".into(),
        dataset: None,
    };
    let ours = Network {
        bridge: "bridge0".to_owned(),
        uplink: Some("igb0".to_owned()),
    };
    let text = format!("loader=grub\ncpu=1\nmemory=1G\n{text}");
    let (file, system) = (File::read(&text), File::read(system));
    vm_bhyve::guest("w", &file, &store, &system, Some(&ours))
}

#[test]
fn a_nic_joins_the_bridge_that_has_the_uplink() {
    let system = "switch_list=public\nports_public=igb0\n";
    let nics = "network0_type=virtio-net\nnetwork0_switch=public\n\
                network1_type=virtio-net\nnetwork1_switch=public\n";
    let guest = switched(nics, system);
    has(&guest, "if0_bridge", "vm-public");
    has(&guest, "if1_bridge", "vm-public");
    let about = guest.remarks.iter().filter(|one| one.contains("igb0"));
    let about: Vec<&String> = about.collect();
    assert_eq!(
        about,
        [
            "igb0 is the uplink of vm-public there and of bridge0 here, and can be a member of one of them only: \
             the VM joins vm-public, which vm-bhyve makes; if vm-bhyve is no longer used, set bridge=vm-public"
        ],
        "{guest:#?}"
    );
    let system = "switch_list=public\ntype_public=manual\nbridge_public=bridge0\n";
    let guest = switched(nics, system);
    assert!(!guest.has("if0_bridge"), "{guest:#?}");
    assert!(!remarks(&guest).contains("bridge0"), "{guest:#?}");
}

#[test]
fn every_key_of_a_switch_is_reported() {
    let system = "switch_list=\"lan b_lan\"\nports_lan=igb0\naddr6_lan=fd00::1/64\nnat_lan=yes\n\
                  new_lan=1\nmtu_b_lan=9000\nmtu_lan=\"\"\nnat_b_lan=yes\n";
    let guest = switched("network0_type=virtio-net\nnetwork0_switch=lan\n", system);
    let why = "is not imported: a bridge here has one uplink and no further settings";
    for key in ["addr6_lan=fd00::1/64", "nat_lan=yes", "new_lan=1"] {
        says(&guest, &format!("{key} {why}"));
    }
    let text = remarks(&guest);
    assert!(!text.contains("b_lan") && !text.contains("mtu"), "{text}");
    let system = system.replace("nat_lan=yes", "nat_lan=no");
    let guest = switched("network0_type=virtio-net\nnetwork0_switch=lan\n", &system);
    assert!(!remarks(&guest).contains("nat_lan"), "{guest:#?}");
}

#[test]
fn the_variables_of_other_firmware_are_not_those_of_bhyve() {
    let of = |kind: &str, os: &str| {
        let text = format!("<domain type='{kind}'><os {os}</os></domain>");
        libvirt::guests("d.xml", &text, None).unwrap().remove(0)
    };
    let nvram = "<nvram>/var/lib/libvirt/qemu/nvram/u_VARS.fd</nvram>";
    let ovmf = "<loader type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.ms.fd</loader>";
    let ours = "<loader type='pflash'>/usr/local/share/uefi-firmware/BHYVE_UEFI.fd</loader>";
    for (kind, os) in [
        ("kvm", format!(">{ovmf}{nvram}")),
        ("bhyve", format!(">{ovmf}{nvram}")),
        ("kvm", format!(" firmware='efi'>{nvram}")),
    ] {
        let guest = of(kind, &os);
        has(&guest, "loader", "uefi");
        assert!(!guest.has("uefi_vars"), "{guest:#?}");
        says(
            &guest,
            "nvram /var/lib/libvirt/qemu/nvram/u_VARS.fd is not imported: its variables are those of other firmware",
        );
    }
    for os in [
        format!(">{ours}{nvram}"),
        format!(" firmware='efi'>{nvram}"),
    ] {
        let guest = of("bhyve", &os);
        has(&guest, "uefi_vars", "/var/lib/libvirt/qemu/nvram/u_VARS.fd");
    }
}

#[test]
fn the_firmware_of_arm64_is_not_that_of_amd64() {
    let os = "<os><type arch='aarch64'>hvm</type><loader>/x/QEMU_EFI.fd</loader></os>";
    let guest = of_libvirt(os);
    says(&guest, "loader /x/QEMU_EFI.fd is not imported");
    says(&guest, "<type arch='aarch64'> of <os> is not imported");
    assert!(!remarks(&guest).contains("bhyve-firmware"), "{guest:#?}");
}

#[test]
fn a_wrong_value_is_shown_once() {
    let vm = of_vm_bhyve(
        "uuid=x\ndisk0_name=b.iso\ndisk0_type=nvme\ndisk0_dev=custom\nnetwork0_type=virtio-net\n\
         network0_mac=Z\ngraphics=yes\ngraphics_res=big\n",
    );
    let domain = of_libvirt(
        "<uuid>x</uuid><vcpu>0</vcpu><devices><interface type='bridge'><mac address='Z'/>\
         <source bridge='br-lan-very-long-name'/></interface><disk><source file='/i'/>\
         <target dev='hda' bus='ide'/></disk></devices>",
    );
    for (guest, text) in [
        (&vm, "uuid=x is not imported: the value is not a UUID"),
        (&vm, "mac Z is not imported: the value is not"),
        (
            &vm,
            "disk0_name=b.iso is not imported: the value is not an absolute path",
        ),
        (&vm, "graphics_res=big is not imported: the value is not"),
        (&domain, "uuid x is not imported: the value is not a UUID"),
        (
            &domain,
            "vcpu 0 is not imported: the value is not a number of cpus",
        ),
        (&domain, "its kind is ide: the value is not one of"),
        (
            &domain,
            "the bridge br-lan-very-long-name is not imported: interface name is longer than 15",
        ),
    ] {
        says(guest, text);
    }
}

#[test]
fn only_a_whole_value_is_left_out() {
    for (value, why, shown) in [
        ("-s", "-so: no option", "-so: no option"),
        ("x", "\"x\": no unit", "no unit"),
        ("x", "the name \"x\" is long", "the name is long"),
        ("", "\"\" is no number", "\"\" is no number"),
        ("y", "\"y\" is no number", "\"y\" is no number"),
    ] {
        assert_eq!(shown_once("-s=x", value, why.to_owned()), shown);
    }
}

#[test]
fn the_keys_of_a_screen_need_a_screen() {
    let keys = "graphics_res=800x600\ngraphics_wait=auto\ngraphics_port=5901\ngraphics_listen=0.0.0.0\n\
                vnc_password=secret\ngraphics_vga=io\n";
    let off = of_vm_bhyve(&format!("graphics=no\n{keys}"));
    let grub = switched(&format!("graphics=yes\n{keys}"), "");
    for guest in [&off, &grub] {
        let set = guest.settings.iter().map(|one| one.key().to_owned());
        let set: Vec<String> = set.filter(|key| key.starts_with("vnc")).collect();
        assert!(set.is_empty(), "{guest:#?}");
        for key in [
            "graphics_res=800x600",
            "graphics_wait=auto",
            "graphics_port=5901",
            "graphics_listen=0.0.0.0",
            "vnc_password",
            "graphics_vga=io",
        ] {
            says(
                guest,
                &format!("{key} is not imported: the VM has no screen"),
            );
        }
        assert!(!remarks(guest).contains("secret"), "{guest:#?}");
    }
    says(
        &grub,
        "graphics=yes is not imported: only a VM with loader=uefi has a screen",
    );
}

#[test]
fn a_key_that_sets_nothing_has_no_remark() {
    // The keys of the sample of vm-bhyve 1.8 that are empty or off in it.
    let guest = of_vm_bhyve(
        "uuid=\nhostbridge=\ncomports=com1\ndebug=no\npassthru0=\ntags=\nnetwork0_type=\ndisk0_name=\n\
         disk0_type=\nnetwork0_span=no\ndisk1_name=\nuefi_vars=no\nsound=no\nprestart=\ncolour=\n\
         grub_install0=\ngraphics=no\ngraphics_port=\nvnc_password=\nloader_timeout=\nutctime=yes\n",
    );
    let lost = guest.remarks.iter().filter(|one| one.contains(" is not "));
    assert_eq!(lost.count(), 0, "{guest:#?}");
    let guest = switched(
        "uefi_vars=no\nnetwork0_type=virtio-net\nnetwork0_span=off\n",
        "",
    );
    let text = remarks(&guest);
    assert!(
        !text.contains("uefi_vars") && !text.contains("span"),
        "{text}"
    );
    // These values have a meaning.
    let guest = of_vm_bhyve(
        "hostbridge=none\ncomports=\"com1 com2\"\ncolour=no\nnetwork0_type=e1000\nnetwork0_span=yes\n",
    );
    for key in [
        "hostbridge=none",
        "comports=com1 com2",
        "colour=no",
        "network0_span=yes",
    ] {
        says(&guest, &format!("{key} is not imported"));
    }
}

#[test]
fn a_vm_without_cpus_or_memory_has_a_remark() {
    let store = Datastore {
        directory: "/vm".into(),
        dataset: None,
    };
    let file = File::read("loader=grub\ncpu=\"\"\n");
    let guest = vm_bhyve::guest("w", &file, &store, &File::default(), None);
    says(
        &guest,
        "the file sets no cpu: the VM has the default of cpu",
    );
    says(
        &guest,
        "the file sets no memory: the VM has the default of mem",
    );
}

#[test]
fn what_to_do_about_a_volume_of_a_pool_is_said_once() {
    let disk = "<disk type='volume'><source pool='vms' volume='data'/><target dev='vda'/></disk>";
    let guest = of_libvirt(&format!("<devices>{disk}{disk}</devices>"));
    let text = remarks(&guest);
    assert_eq!(text.matches("as hd0").count(), 1, "{text}");
    says(
        &guest,
        "it is the volume data of the pool vms; write the path of a disk as hd0",
    );
}

#[test]
fn the_network_of_a_user_is_slirp() {
    let user = |inner: &str| {
        of_libvirt(&format!(
            "<devices><interface type='user'>{inner}</interface></devices>"
        ))
    };
    let guest = user(
        "<portForward proto='tcp'><range start='2222' to='22'/></portForward>\
         <portForward proto='udp' address='192.0.2.1'><range start='53'/></portForward>",
    );
    has(&guest, "if0", "slirp:0.0.0.0:2222-22,udp:192.0.2.1:53-53");
    assert!(!guest.has("if0_bridge"), "{guest:#?}");
    has(&user(""), "if0", "slirp");
    // What has no counterpart is reported, and the others stay.
    let guest = user(
        "<portForward proto='tcp' address='2001:db8::1'><range start='22' to='22'/></portForward>\
         <portForward proto='tcp' dev='em0'><range start='80'/><range start='81' end='90'/></portForward>",
    );
    has(&guest, "if0", "slirp:0.0.0.0:80-80");
    for lost in [
        "<portForward proto='tcp' address='2001:db8::1'> of <interface> is not imported",
        "<portForward dev='em0'> of <interface> is not imported",
        "<range start='81' end='90'> of <portForward> is not imported",
    ] {
        says(&guest, lost);
    }
    // Without a port that a setting can have, it joins nothing.
    let guest = user("<portForward proto='tcp'><range start='0'/></portForward>");
    has(&guest, "if0_bridge", "none");
    assert!(!guest.has("if0"), "{guest:#?}");
}

#[test]
fn one_refused_word_for_bhyve_leaves_the_others() {
    let guest =
        of_vm_bhyve("bhyve_options=\"-s 30,hda,play=/dev/dsp -l com2,stdio -p 0:1 -p 1:2\"\n");
    has(
        &guest,
        "bhyve_args",
        "-s 30,hda,play=/dev/dsp -p 0:1 -p 1:2",
    );
    says(&guest, "-l com2,stdio of bhyve is not imported: ");
    assert!(!remarks(&guest).contains("-s 30"), "{guest:#?}");
}
