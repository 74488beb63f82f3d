//! vm-bhyve: a file `NAME/NAME.conf` for each VM in a datastore, and `.config/system.conf` there for the
//! switches.
//!
//! Sources: `config::load` and `config::get` of vm-bhyve 1.8 (`lib/vm-config`: a key begins in the first
//! column, `#` begins a comment even in quotes, quotes are dropped, the first value counts), and
//! `lib/vm-run` (disks, slots).

mod file;
mod switches;

use super::Becomes::{Same, Switch};
use super::{Becomes, Guest, Keys, Listens, Network, arguments, is_yes, translate};
use crate::model::device::Slot;
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
    ("graphics_res", Same("vnc_size")),
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
    let left = file.values.clone();
    let mut keys = Keys { left };
    cpu(&mut keys, &mut guest);
    let is_uefi = loader(&mut keys, &directory, &mut guest);
    translate(TABLE, &mut keys, &mut guest);
    if let Some(words) = keys.take("bhyve_options") {
        arguments(&mut guest, &words);
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
    if nics > 0 && file.get("loader") != Some("bhyveload") {
        guest.move_nics(nics, before.as_deref());
    }
    graphics(&mut keys, is_uefi, &mut guest);
    let ignores = ["ignore_bad_msr", "ignore_msr"].map(|key| keys.take(key));
    // With firmware it always passes `-w`.
    if is_uefi || ignores.iter().flatten().any(|value| is_yes(value)) {
        guest.switch("strict_msrs", false, "-w");
    }
    if let Some(seconds) = keys.take("loader_timeout") {
        // Our key of this name limits the loader.
        let why = "easy-bhyve boots without a menu";
        guest.lose(format_args!("loader_timeout={seconds}"), why);
    }
    for (key, value) in keys.left {
        guest.lose_key(&key, &value);
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

/// Makes a VM of `vm_list` start with the host; `delay` is `vm_delay`.
pub fn start_with_host(guest: &mut Guest, delay: Option<&str>) {
    guest.switch("autostart", true, "vm_list");
    if let Some(delay) = delay {
        guest.set("autostart_delay", delay, format_args!("vm_delay={delay}"));
    }
}

fn cpu(keys: &mut Keys, guest: &mut Guest) {
    let Some(mut value) = keys.take("cpu") else {
        return guest.lose("cpu", "the file has no such key");
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
        guest.lose("loader", "the file has no such key");
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
            if keys.take("uefi_vars").is_some_and(|value| is_yes(&value)) {
                let store = directory.join("uefi-vars.fd").display().to_string();
                guest.set("uefi_vars", &store, "uefi_vars=yes");
            }
        }
        _ => guest.lose(theirs, "easy-bhyve has no such loader"),
    }
    loader.starts_with("uefi")
}

/// The loader by the key that firmware had before version 1.3.
fn older_firmware(keys: &mut Keys) -> Option<String> {
    let firmware = keys.take("uefi")?;
    match firmware.as_str() {
        "csm" => Some("uefi-csm".to_owned()),
        _ => is_yes(&firmware).then(|| "uefi".to_owned()),
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
    let is_whole = keys
        .take("grub_run_no_partition")
        .is_some_and(|value| is_yes(&value));
    let part = keys.take("grub_run_partition");
    let theirs = format!("grub_run_partition={}", part.as_deref().unwrap_or("1"));
    let part = part.as_deref().unwrap_or("1");
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
        guest.set("grub_bootpart", "auto", theirs);
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

/// What a VM of vm-bhyve has of its own.
struct Own<'store> {
    name: &'store str,
    directory: &'store Path,
    dataset: Option<&'store str>,
}

/// Translates the disks; how many there are.
fn disks(keys: &mut Keys, own: &Own<'_>, guest: &mut Guest) -> usize {
    let (mut hd, mut cd) = (0, 0);
    for number in 0_usize.. {
        let key = |end: &str| format!("disk{number}_{end}");
        // As there, the first number without a name or a kind is the end.
        let has = |end: &str| keys.left.iter().any(|(name, _)| *name == key(end));
        if !has("name") || !has("type") {
            return number;
        }
        let name = keys.take(&key("name")).unwrap_or_default();
        let kind = keys.take(&key("type")).unwrap_or_default();
        let device = keys.take(&key("dev")).unwrap_or_else(|| "file".to_owned());
        let options = keys.take(&key("opts"));
        keys.take(&key("size"));
        let theirs = format!("disk{number}_name={name}");
        let path = match (device.as_str(), own.dataset) {
            ("zvol" | "sparse-zvol", Some(dataset)) => {
                format!("/dev/zvol/{dataset}/{}/{name}", own.name)
            }
            ("zvol" | "sparse-zvol", None) => {
                guest.lose(
                    &theirs,
                    "the dataset of the datastore is unknown: name the datastore as zfs:DATASET",
                );
                continue;
            }
            ("custom", _) => name,
            ("iscsi", _) => {
                guest.lose(&theirs, "easy-bhyve has no iSCSI disks");
                continue;
            }
            _ => own.directory.join(&name).display().to_string(),
        };
        if kind == "ahci-cd" {
            guest.set(&format!("cd{cd}"), path, theirs);
            if cd == 0 {
                let text = "an ISO image is attached when the VM is installed, not at each boot";
                guest.remarks.push(text.to_owned());
            }
            cd += 1;
            continue;
        }
        if !matches!(kind.as_str(), "virtio-blk" | "nvme" | "ahci-hd") {
            guest.lose(
                format_args!("disk{number}_type={kind}"),
                "easy-bhyve has no such disks",
            );
            continue;
        }
        let ours = format!("hd{hd}");
        guest.set(&ours, path, theirs);
        guest.set(&format!("{ours}_type"), kind, key("type"));
        if let Some(options) = options {
            let theirs = format!("{}={options}", key("opts"));
            guest.set(&format!("{ours}_opts"), options.replace(',', " "), theirs);
        }
        hd += 1;
    }
    0
}

/// Translates the NICs; how many there are.
fn nics(keys: &mut Keys, system: &File, ours: Option<&Network>, guest: &mut Guest) -> usize {
    let mut number = 0;
    while let Some(kind) = keys.take(&format!("network{number}_type")) {
        let key = |end: &str| format!("network{number}_{end}");
        let own = format!("if{number}");
        let device = keys.take(&key("device"));
        let switch_name = keys.take(&key("switch"));
        guest.set_tap(number, device.as_deref(), key("device"));
        guest.set(
            &format!("{own}_type"),
            &kind,
            format_args!("{}={kind}", key("type")),
        );
        guest.set_mac(number, keys.take(&key("mac")).as_deref());
        match switch_name {
            Some(name) => joined(number, &name, system, ours, guest),
            None => guest.set(&format!("{own}_bridge"), "none", key("switch")),
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
    let is_moved = keys.left.iter().any(|(key, _)| {
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

fn graphics(keys: &mut Keys, is_uefi: bool, guest: &mut Guest) {
    let is_on = keys.take("graphics").is_some_and(|value| is_yes(&value));
    let mouse = keys.take("xhci_mouse");
    let has_tablet = mouse.is_some_and(|value| is_yes(&value));
    // Here a screen has a tablet unless the setting says no.
    if has_tablet || is_on && is_uefi {
        guest.switch("tablet", has_tablet, "xhci_mouse");
    }
    let port = keys.take("graphics_port");
    let listen = keys.take("graphics_listen");
    let wait = keys.take("graphics_wait");
    let password = keys.take("vnc_password");
    if !is_on || !is_uefi {
        return;
    }
    // Without an address it listens on all of them (`vm::bhyve_device_fbuf`).
    let listens = Listens {
        address: listen.as_deref().unwrap_or_default(),
        port: port.as_deref(),
        has_password: password.is_some(),
    };
    listens.translate(guest, "graphics=yes");
    if wait.is_some_and(|wait| is_yes(&wait)) {
        guest.switch("vnc_wait", true, "graphics_wait=yes");
    }
}
