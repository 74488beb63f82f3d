//! vm-bhyve: a file `NAME/NAME.conf` for each VM in a datastore, and `.config/system.conf` there for the
//! switches.
//!
//! Sources: `config::load` and `config::get` of vm-bhyve 1.8 (`lib/vm-config`: a key begins in the first
//! column, `#` begins a comment even in quotes, quotes are dropped, the first value counts), and
//! `lib/vm-run` (disks, slots).

mod disks;
mod file;
mod switches;

use super::keys::Becomes::{self, Same, Switch};
use super::keys::{Keys, translate, yes_or_no};
use super::{Guest, Listens, NO_EFFECT, Network, arguments};
use crate::model::device::{Slot, Slots};
use disks::{Own, disks};
pub use file::File;
use std::path::{Path, PathBuf};
pub use switches::first_network;
use switches::joined;

/// Where the VMs are.
#[derive(Clone, Debug)]
pub struct Datastore {
    /// The directory.
    pub directory: PathBuf,
    /// The dataset that is mounted there, if it is known.
    pub dataset: Option<String>,
}

/// Keys of which one setting of ours has the meaning.
static TABLE: &[(&str, Becomes)] = &[
    ("memory", Same("mem")),
    ("uuid", Same("uuid")),
    ("utctime", Switch("utc")),
    ("wired_memory", Switch("wired")),
    ("virt_random", Switch("rng")),
];

/// Translates a VM; `ours` is the network that a NIC without a setting joins here.
pub fn guest(
    name: &str,
    file: &File,
    store: &Datastore,
    system: &File,
    ours: Option<&Network>,
) -> Guest {
    let directory = store.directory.join(name);
    let path = directory.join(format!("{name}.conf"));
    let mut guest = Guest::new(name, path.display());
    let mut keys = file.keys.clone();
    cpu(&mut keys, &mut guest);
    let is_uefi = loader(&mut keys, &directory, &mut guest);
    if !keys.has("memory") {
        guest.lose_default("memory", "mem");
    }
    translate(TABLE, &mut keys, &mut guest);
    if let Some(words) = keys.take("bhyve_options") {
        arguments(&mut guest, words.split_whitespace());
    }
    policy(&mut keys, &mut guest);
    let own = Own {
        name,
        directory: &directory,
        dataset: store.dataset.as_deref(),
    };
    let disks = disks(&mut keys, &own, &mut guest);
    let nics = nics(&mut keys, system, ours, &mut guest);
    let before = slots_of_nics(&mut keys, is_uefi, disks, nics);
    if nics == 0 {
        guest.without_nics();
    } else if file.get("loader") != Some("bhyveload") {
        guest.move_nics(nics, before.as_deref());
    }
    // Firmware with a CSM is none here.
    let has_screen = is_uefi && guest.has("loader");
    graphics(&mut keys, has_screen, &mut guest);
    let ignores = ["ignore_bad_msr", "ignore_msr"].map(|key| keys.is_on(key, &mut guest));
    // With firmware it always passes `-w`.
    if is_uefi || ignores.contains(&true) {
        guest.switch("strict_msrs", false, "-w");
    }
    if let Some(seconds) = keys.take("loader_timeout") {
        // Our key of this name limits the loader.
        let why = "easy-bhyve boots without a menu";
        guest.lose(format_args!("loader_timeout={seconds}"), why);
    }
    // Those beyond the last are reported as NICs.
    let has_all = nics <= usize::from(Slots::NICS.last());
    let is_left = |key: &str, value: &str| {
        !is_nothing(key, value) && (has_all || !is_behind(key, "network", nics))
    };
    for (key, value) in keys.in_order().filter(|(key, value)| is_left(key, value)) {
        if key.starts_with("grub_") && file.get("loader") != Some("grub") {
            guest.lose(format_args!("{key}={value}"), NO_EFFECT);
        } else if is_behind(key, "disk", disks) || is_behind(key, "network", nics) {
            let why = "vm-bhyve does not attach it, because a number before it, its name or its type is missing";
            guest.lose(format_args!("{key}={value}"), why);
        } else {
            guest.lose_key(key, value);
        }
    }
    for (line, text) in &file.ignored {
        let text = text.trim();
        guest.lose(
            format_args!("{}:{line}: {text}", path.display()),
            "vm-bhyve does not read this line",
        );
    }
    guest
}

/// Whether a key with this value means the same as no such key (`sample-templates/config.sample`).
fn is_nothing(key: &str, value: &str) -> bool {
    let is_switch = key.ends_with("_span")
        || [
            "debug",
            "grub_run_no_partition",
            "nulliso_fix",
            "sound",
            "uefi_vars",
        ]
        .contains(&key);
    value.is_empty()
        || is_switch && yes_or_no(value) == Some(false)
        || [("comports", "com1"), ("hostbridge", "standard")].contains(&(key, value))
}

/// Whether a key belongs to a device of this kind whose number is not below `count`.
fn is_behind(key: &str, kind: &str, count: usize) -> bool {
    let rest = key.strip_prefix(kind).unwrap_or_default();
    let number = rest.split('_').next().unwrap_or_default();
    number.parse::<usize>().is_ok_and(|number| number >= count)
}

/// Makes a VM of `vm_list` start with the host; `delay` is `vm_delay`.
pub fn start_with_host(guest: &mut Guest, delay: Option<&str>) {
    guest.switch("autostart", true, "vm_list");
    if let Some(delay) = delay {
        guest.set("autostart_delay", delay, format_args!("vm_delay={delay}"));
    }
}

fn cpu(keys: &mut Keys, guest: &mut Guest) {
    let Some(mut value) = keys.take("cpu") else {
        return guest.lose_default("cpu", "cpu");
    };
    let parts = ["sockets", "cores", "threads"];
    let parts: Vec<String> = parts
        .iter()
        .filter_map(|part| Some(format!("{part}={}", keys.take(&format!("cpu_{part}"))?)))
        .collect();
    if !parts.is_empty() {
        value = format!("cpus={value},{}", parts.join(","));
    }
    let theirs = format!("cpu={value}");
    guest.set("cpu", value, theirs);
}

/// Translates the loader and its keys; whether it is UEFI firmware.
fn loader(keys: &mut Keys, directory: &Path, guest: &mut Guest) -> bool {
    let Some(loader) = keys.take("loader").or_else(|| older_firmware(keys)) else {
        let why = "the file has no such key, and the VM starts with grub: set loader";
        guest.lose("loader", why);
        return false;
    };
    let theirs = format!("loader={loader}");
    match loader.as_str() {
        "bhyveload" => guest.switch("freebsd", true, theirs),
        "grub" => grub(keys, guest),
        "uefi" | "uefi-custom" | "uefi-devel" => {
            guest.set("loader", "uefi", &theirs);
            if loader != "uefi" {
                let why = "the VM starts with the firmware of the package bhyve-firmware";
                guest.lose(format_args!("the firmware of {theirs}"), why);
            }
            if keys.is_on("uefi_vars", guest) {
                let store = directory.join("uefi-vars.fd").display().to_string();
                guest.set("uefi_vars", &store, "uefi_vars=yes");
            }
        }
        _ => guest.lose_loader(theirs),
    }
    loader.starts_with("uefi")
}

/// The loader by the key that firmware had before version 1.3.
fn older_firmware(keys: &mut Keys) -> Option<String> {
    let firmware = keys.take("uefi")?;
    match firmware.as_str() {
        "csm" => Some("uefi-csm".to_owned()),
        _ => (yes_or_no(&firmware) == Some(true)).then(|| "uefi".to_owned()),
    }
}

fn grub(keys: &mut Keys, guest: &mut Guest) {
    for (theirs, ours) in [
        ("grub_install", "grub_install"),
        ("grub_run", "grub_bootcmd"),
    ] {
        let commands = (0..).map_while(|number| keys.take(&format!("{theirs}{number}")));
        let commands: Vec<String> = commands.collect();
        if !commands.is_empty() {
            guest.set(ours, commands.join("; "), format_args!("{theirs}0"));
        }
    }
    let is_whole = keys.is_on("grub_run_no_partition", guest);
    let named = keys.take("grub_run_partition");
    let part = named.as_deref().unwrap_or("1");
    let theirs = format!("grub_run_partition={part}");
    let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole {
        guest.set("grub_bootpart", "none", "grub_run_no_partition");
    } else if !is_number {
        guest.set("grub_bootpart", part, theirs);
    } else if guest.has("grub_bootcmd") {
        // Only a partition with a menu is found by itself.
        guest.set("grub_bootpart", format!("msdos{part}"), &theirs);
        guest.remarks.push(format!(
            "{theirs} is a partition of an MBR or of a GPT: for a GPT set grub_bootpart=gpt{part}"
        ));
    } else {
        guest.set("grub_bootpart", "auto", &theirs);
        if named.is_some() {
            guest.remarks.push(format!(
                "{theirs} is grub_bootpart=auto here: the partition that has a menu of grub"
            ));
        }
    }
    if let Some(directory) = keys.take("grub_run_dir") {
        guest.set(
            "grub_dir",
            &directory,
            format_args!("grub_run_dir={directory}"),
        );
    }
}

fn policy(keys: &mut Keys, guest: &mut Guest) {
    for (theirs, ours) in [("on_restart", "on_reboot"), ("on_fault", "on_crash")] {
        if let Some(value) = keys.take(theirs) {
            let stops = value != "restart";
            let reaction = if stops { "stop" } else { "restart" };
            guest.set(ours, reaction, format_args!("{theirs}={value}"));
        }
    }
}

/// Translates the NICs; how many there are.
fn nics(keys: &mut Keys, system: &File, ours: Option<&Network>, guest: &mut Guest) -> usize {
    let mut number = 0;
    while let Some(kind) = keys.take(&format!("network{number}_type")) {
        if !guest.has_nic(number) {
            break;
        }
        let key = |end: &str| format!("network{number}_{end}");
        let own = format!("if{number}");
        let device = keys.take(&key("device"));
        let switch_name = keys.take(&key("switch"));
        let device_key = key("device");
        let theirs = format!("{device_key}={}", device.as_deref().unwrap_or_default());
        guest.set_tap(number, device.as_deref(), theirs);
        guest.set(
            &format!("{own}_type"),
            &kind,
            format_args!("{}={kind}", key("type")),
        );
        guest.set_mac(number, keys.take(&key("mac")).as_deref());
        match switch_name {
            Some(name) => joined(number, &name, system, ours, guest),
            None => {
                guest.set(&format!("{own}_bridge"), "none", key("switch"));
            }
        }
        number += 1;
    }
    number
}

/// The slots of the NICs: each disk has a slot if there is firmware, else eight share one; the NICs follow,
/// unless they have a slot of their own. None if the layout is another one.
fn slots_of_nics(keys: &mut Keys, is_uefi: bool, disks: usize, nics: usize) -> Option<Vec<Slot>> {
    let own = ["network_slot_start", "disk_slot_start", "start_slot"].map(|key| keys.take(key));
    let [network, disk, start] = own.map(|value| value.and_then(|value| value.parse::<u8>().ok()));
    let is_grouped = keys.take("ahci_device_limit").is_some();
    let is_moved = keys.names().any(|key| {
        let device = key.strip_suffix("_slot").unwrap_or_default();
        device.starts_with("network") || network.is_none() && device.starts_with("disk")
    });
    let used = if is_uefi { disks } else { disks.div_ceil(8) };
    let after = disk
        .or(start)
        .unwrap_or(4)
        .checked_add(u8::try_from(used).ok()?)?;
    let first = network
        .or((!is_grouped).then_some(after))
        .filter(|_| !is_moved)?;
    let slot = |number: usize| {
        let device = first.checked_add(u8::try_from(number / 8).ok()?)?;
        let function = u8::try_from(number % 8).ok()?;
        Some(Slot { device, function })
    };
    (0..nics).map(slot).collect()
}

fn graphics(keys: &mut Keys, has_screen: bool, guest: &mut Guest) {
    let is_on = keys.is_on("graphics", guest);
    let has_tablet = keys.is_on("xhci_mouse", guest);
    // Here a screen has a tablet unless the setting says no.
    if has_tablet || is_on && has_screen {
        guest.switch("tablet", has_tablet, "xhci_mouse");
    }
    let password = keys.take("vnc_password");
    let of_screen = ["port", "listen", "wait", "vga", "res"].map(|end| {
        let key = format!("graphics_{end}");
        let value = keys.take(&key);
        (key, value)
    });
    if is_on && !has_screen {
        guest.lose("graphics=yes", "only a VM with loader=uefi has a screen");
    }
    if !is_on || !has_screen {
        let why = "the VM has no screen";
        for (key, value) in of_screen {
            if let Some(value) = value.filter(|value| yes_or_no(value) != Some(false)) {
                guest.lose(format_args!("{key}={value}"), why);
            }
        }
        if password.is_some() {
            guest.lose("vnc_password", why);
        }
        return;
    }
    let [port, listen, wait, vga, size] = of_screen.map(|(_, value)| value);
    // Without an address it listens on all of them (`vm::bhyve_device_fbuf`).
    let listens = Listens {
        address: listen.as_deref().unwrap_or_default(),
        port: port.as_deref(),
        has_password: password.is_some(),
    };
    listens.translate(guest, "graphics=yes");
    let wait = wait.unwrap_or_default();
    match yes_or_no(&wait) {
        Some(true) => guest.switch("vnc_wait", true, "graphics_wait=yes"),
        Some(false) => {}
        None => {
            // `auto` is for an installation alone.
            let why = "the guest does not wait for a viewer unless vnc_wait is YES";
            guest.lose(format_args!("graphics_wait={wait}"), why);
        }
    }
    if let Some(size) = size {
        let theirs = format!("graphics_res={size}");
        guest.set("vnc_size", size, theirs);
    }
    if let Some(vga) = vga {
        let theirs = format!("graphics_vga={vga}");
        guest.set("vnc_vga", vga, theirs);
    }
}
