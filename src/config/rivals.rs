//! Keys of other managers of bhyve VMs, for a configuration that was carried over by hand.
//!
//! Sources: the guest configuration of vm-bhyve 1.8 (`sample-templates/config.sample`), the dataset
//! properties of iohyve 0.7.9, and the elements of libvirt's domain format for bhyve.

use super::settings::numbered;

/// A key of another manager.
struct Rival {
    /// The name, with `N` for a number that may also be missing.
    name: &'static str,
    /// What the key sets.
    sets: Sets,
}

enum Sets {
    /// What one of our keys sets.
    Key(&'static str),
    /// What one of our keys sets, if written in this way.
    Otherwise(&'static str, &'static str),
    /// What easy-bhyve does or does not do by itself; a clause.
    Fixed(&'static str),
    /// What easy-bhyve has no setting for.
    Nothing,
}

use Sets::{Fixed, Key, Nothing, Otherwise};

/// Advice for a key of another manager; none if the key is simply unknown.
pub(crate) fn answer(key: &str) -> Option<String> {
    let key = key.get(..LONGEST).unwrap_or(key).to_ascii_lowercase();
    let start = key.find(|letter: char| letter.is_ascii_digit());
    let rest = start.and_then(|start| key.get(start..)).unwrap_or_default();
    let end = rest.find(|letter: char| !letter.is_ascii_digit());
    let number = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let rival = RIVALS
        .iter()
        .find(|rival| rival.name == key || numbered(rival.name, number) == key)?;
    let number = if number.is_empty() { "0" } else { number };
    Some(match rival.sets {
        Key(ours) => format!("the key for this is {}", numbered(ours, number)),
        Otherwise(ours, how) => format!("the key for this is {}: {how}", numbered(ours, number)),
        Fixed(what) => format!("easy-bhyve has no such key: {what}"),
        Nothing => "other managers have this key, easy-bhyve has none for it".to_owned(),
    })
}

/// No name of the table is longer.
const LONGEST: usize = 40;

macro_rules! rivals {
    ($($name:literal => $sets:expr,)*) => {
        &[$(Rival { name: $name, sets: $sets },)*]
    };
}

static RIVALS: &[Rival] = rivals! {
    // vm-bhyve
    "bhyveload_loader" => Nothing,
    "bhyveload_args" => Nothing,
    "cpu_sockets" => Otherwise("cpu", "the topology in the syntax of bhyve -c"),
    "cpu_cores" => Otherwise("cpu", "the topology in the syntax of bhyve -c"),
    "cpu_threads" => Otherwise("cpu", "the topology in the syntax of bhyve -c"),
    "memory" => Key("mem"),
    "wired_memory" => Key("wired"),
    "hostbridge" => Nothing,
    "ignore_bad_msr" => Otherwise("strict_msrs", "NO where this key is yes"),
    "ignore_msr" => Otherwise("strict_msrs", "NO where this key is yes"),
    "bhyve_options" => Key("bhyve_args"),
    "comports" => Fixed("com1 is the console"),
    "utctime" => Key("utc"),
    "debug" => Fixed("the output of bhyve is always in the log"),
    "ahci_device_limit" => Fixed("PCI slots are fixed"),
    "nulliso_fix" => Fixed("PCI slots are fixed"),
    "start_slot" => Fixed("PCI slots are fixed"),
    "install_slot" => Fixed("PCI slots are fixed"),
    "hostbridge_slot" => Fixed("PCI slots are fixed"),
    "lpc_slot" => Fixed("PCI slots are fixed"),
    "disk_slot_start" => Fixed("PCI slots are fixed"),
    "diskN_slot" => Fixed("PCI slots are fixed"),
    "network_slot_start" => Fixed("PCI slots are fixed"),
    "networkN_slot" => Fixed("PCI slots are fixed"),
    "passthru_slot_start" => Fixed("PCI slots are fixed"),
    "virt_random_slot" => Fixed("PCI slots are fixed"),
    "virt_console_slot" => Fixed("PCI slots are fixed"),
    "sound_slot" => Fixed("PCI slots are fixed"),
    "xhci_slot" => Fixed("PCI slots are fixed"),
    "fbuf_slot" => Fixed("PCI slots are fixed"),
    "uefi" => Otherwise("loader", "uefi"),
    "guest" => Otherwise("os", "the name of a profile"),
    "nice" => Nothing,
    "on_restart" => Otherwise("on_reboot", "stop or restart"),
    "on_fault" => Otherwise("on_crash", "stop or restart"),
    "diskN_type" => Otherwise("hdN_type", "virtio-blk, nvme or ahci-hd; an ISO image is cdN"),
    "diskN_dev" => Otherwise("hdN", "the whole path of the disk"),
    "diskN_name" => Otherwise("hdN", "the whole path of the disk"),
    "diskN_size" => Fixed("VM-resources -V SIZE makes the disk"),
    "diskN_opts" => Otherwise("hdN_opts", "the words separated by blanks"),
    "networkN_type" => Otherwise("ifN_type", "virtio-net or e1000"),
    "networkN_switch" => Otherwise("ifN_bridge", "the name of the bridge"),
    "networkN_device" => Otherwise("ifN", "the name of the tap"),
    "networkN_name" => Nothing,
    "networkN_mac" => Key("ifN_mac"),
    "networkN_span" => Nothing,
    "passthruN" => Nothing,
    "virt_random" => Key("rng"),
    "virt_consoleN" => Nothing,
    "virt_consoles" => Nothing,
    "graphics" => Otherwise("vnc", "YES or NO"),
    "graphics_port" => Otherwise("vnc", "ADDRESS:PORT"),
    "graphics_listen" => Otherwise("vnc", "ADDRESS:PORT"),
    "graphics_res" => Key("vnc_size"),
    "graphics_wait" => Key("vnc_wait"),
    "graphics_vga" => Otherwise("vnc_vga", "io or off"),
    "vnc_password" => Otherwise("vnc_password_file", "the path of a file with the password"),
    "xhci_mouse" => Key("tablet"),
    "sound" => Nothing,
    "sound_play" => Nothing,
    "sound_rec" => Nothing,
    "sound_req" => Nothing,
    "fwcfg" => Nothing,
    "grub_installN" => Otherwise("grub_install", "all commands in one value, separated by ;"),
    "grub_runN" => Otherwise("grub_bootcmd", "all commands in one value, separated by ;"),
    "grub_run_partition" => Otherwise("grub_bootpart", "for example gpt2 or msdos2"),
    "grub_run_no_partition" => Otherwise("grub_bootpart", "none"),
    "grub_run_dir" => Key("grub_dir"),
    "grub_run_file" => Otherwise("grub_bootcmd", "configfile /boot/grub/FILE"),
    "zfs_dataset_opts" => Nothing,
    "zfs_zvol_opts" => Nothing,
    "prestart" => Nothing,
    "priority" => Nothing,
    "limit_pcpu" => Nothing,
    "limit_rbps" => Nothing,
    "limit_wbps" => Nothing,
    "limit_riops" => Nothing,
    "limit_wiops" => Nothing,
    "tags" => Nothing,
    "netif" => Otherwise("ifN_bridge", "the uplink is that of the bridge: BRIDGE_netif"),
    // iohyve
    "name" => Fixed("the name of a VM is the beginning of its keys"),
    "description" => Nothing,
    "template" => Nothing,
    "persist" => Nothing,
    "size" => Fixed("VM-resources -V SIZE makes the disk"),
    "ram" => Key("mem"),
    "con" => Fixed("the console is nmdm with the number of id"),
    "tap" => Otherwise("ifN", "the name of the tap"),
    "mac" => Key("ifN_mac"),
    "mac_tapN" => Otherwise("ifN_mac", "the number is that of the NIC"),
    "bargs" => Key("bhyve_args"),
    "boot" => Otherwise("autostart", "YES or NO"),
    "fw" => Otherwise("loader", "uefi"),
    "net" => Otherwise("ifN_bridge", "the name of the bridge"),
    "vnc_ip" => Otherwise("vnc", "ADDRESS:PORT"),
    "vnc_port" => Otherwise("vnc", "ADDRESS:PORT"),
    "autogrub" => Nothing,
    "vnc_tablet" => Key("tablet"),
    "vnc_w" => Otherwise("vnc_size", "WIDTHxHEIGHT"),
    "vnc_h" => Otherwise("vnc_size", "WIDTHxHEIGHT"),
    "install" => Fixed("VM-install installs the VM"),
    "runmode" => Nothing,
    // libvirt
    "vcpu" => Key("cpu"),
    "currentmemory" => Key("mem"),
    "bootloader" => Otherwise("loader", "bhyveload, grub or uefi"),
    "bootloader_args" => Nothing,
    "nvram" => Key("uefi_vars"),
    "disk" => Otherwise("hdN", "the whole path of the disk"),
    "cdrom" => Otherwise("cdN", "the whole path of the ISO image"),
    "bridge" => Otherwise("ifN_bridge", "the name of the bridge"),
};

#[cfg(test)]
mod tests {
    use super::{Key, Otherwise, RIVALS, answer};
    use crate::config::settings::{self, numbered};

    #[test]
    fn every_key_of_ours_exists_and_no_rival_is_one() {
        for rival in RIVALS {
            if let Key(ours) | Otherwise(ours, _) = rival.sets {
                let ours = numbered(ours, 0);
                assert!(settings::find(&ours).is_some(), "{}: {ours}", rival.name);
            }
            let name = numbered(rival.name, 0);
            assert!(settings::find(&name).is_none(), "{name} is ours");
        }
    }

    #[test]
    fn a_key_of_another_manager_is_answered_with_ours() {
        for (rival, advice) in [
            ("memory", Some("the key for this is mem")),
            ("Memory", Some("the key for this is mem")),
            (
                "network1_device",
                Some("the key for this is if1: the name of the tap"),
            ),
            (
                "disk",
                Some("the key for this is hd0: the whole path of the disk"),
            ),
            (
                "sound",
                Some("other managers have this key, easy-bhyve has none for it"),
            ),
            ("color", None),
            ("", None),
        ] {
            assert_eq!(answer(rival).as_deref(), advice, "{rival}");
        }
    }
}
