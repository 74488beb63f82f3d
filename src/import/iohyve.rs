//! iohyve: user properties of a dataset `POOL/iohyve/NAME`, as `zfs get all` shows them, and volumes below
//! it.
//!
//! Source: iohyve 0.7.9.

use super::keys::Becomes::{self, Same, Switch};
use super::keys::{Keys, translate, yes_or_no};
use super::{Disk, Guest, Listens, arguments, is_our_firmware};
use crate::model::device::Slot;
use std::collections::{BTreeMap, BTreeSet};

/// The beginning of the names of its properties, and as its `create` misspells one.
const OURS: [&str; 2] = ["iohyve:", "iohvye:"];

/// Keys of which one setting of ours has the meaning.
static TABLE: &[(&str, Becomes)] = &[
    ("cpu", Same("cpu")),
    ("ram", Same("mem")),
    ("boot", Switch("autostart")),
];

/// Keys that say nothing about the guest: its name, how it was made and how it is started.
const WITHOUT_MEANING: [&str; 5] = ["name", "size", "install", "runmode", "template"];

/// A VM as the text has it.
#[derive(Default)]
struct Found {
    keys: Keys,
    has_keys: bool,
    volumes: BTreeSet<String>,
}

/// Translates every VM that a text shows, which is the output of `zfs get`, with or without `-H`.
///
/// # Errors
/// The number of the first line that is no line of such an output.
pub fn guests(text: &str) -> Result<Vec<Guest>, usize> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.split_whitespace().take(2).eq(["NAME", "PROPERTY"]) {
            continue;
        }
        let (dataset, property, value) = split(line).ok_or(at + 1)?;
        let Some((vm, volume)) = vm_of(dataset) else {
            continue;
        };
        let vm = found.entry(vm.to_owned()).or_default();
        let key = OURS.iter().find_map(|prefix| property.strip_prefix(prefix));
        match (volume, key) {
            (None, Some(key)) => {
                vm.keys.add(key, value.to_owned());
                vm.has_keys = true;
            }
            (Some(volume), _) => {
                vm.volumes.insert(volume.to_owned());
            }
            (None, None) => {}
        }
    }
    // The dataset of the ISO images has no property of a VM.
    let vms = found.into_iter().filter(|(_, vm)| vm.has_keys);
    Ok(vms.map(|(dataset, vm)| guest(&dataset, vm)).collect())
}

/// The dataset of a VM, and the name of the volume below it, if this is one.
fn vm_of(dataset: &str) -> Option<(&str, Option<&str>)> {
    let start = dataset.find("/iohyve/")? + "/iohyve/".len();
    // A property of a snapshot is that of its dataset.
    let below = dataset.get(start..).filter(|below| !below.contains('@'))?;
    match below.split_once('/') {
        None => Some((dataset, None)),
        Some((vm, volume)) => Some((dataset.get(..start + vm.len())?, Some(volume))),
    }
}

/// The dataset, property and value of a line; the value may have blanks, and is followed by its source.
fn split(line: &str) -> Option<(&str, &str, &str)> {
    if line.contains('\t') {
        let mut fields = line.split('\t');
        return Some((fields.next()?, fields.next()?, fields.next()?));
    }
    let (dataset, rest) = line.split_once(char::is_whitespace)?;
    let (property, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let rest = rest.trim();
    let sources = ["local", "default", "received", "temporary", "-"];
    let plain = sources.iter().find_map(|source| rest.strip_suffix(source));
    let plain = plain.filter(|value| value.is_empty() || value.ends_with(' '));
    let inherited = || rest.rsplit_once("inherited from ").map(|(value, _)| value);
    Some((
        dataset,
        property,
        plain.or_else(inherited).unwrap_or(rest).trim(),
    ))
}

fn guest(dataset: &str, found: Found) -> Guest {
    let name = dataset.rsplit('/').next().unwrap_or_default();
    let mut guest = Guest::new(name, dataset);
    let mut keys = found.keys;
    for (key, ours) in [("cpu", "cpu"), ("ram", "mem")] {
        if !keys.has(key) {
            guest.lose_default(key, ours);
        }
    }
    translate(TABLE, &mut keys, &mut guest);
    let loader = loader(&mut keys, &mut guest);
    console(&mut keys, &mut guest);
    let mut further = devices(&mut keys);
    disks(dataset, &found.volumes, &further.disks, &mut guest);
    for (number, path) in further.cds.iter().enumerate() {
        guest.set_cd(number, path, path);
    }
    let before = nics(&mut keys, &mut further, &mut guest);
    for (key, value) in further.others {
        let why = "easy-bhyve has no setting for such a device";
        guest.lose(format_args!("{key}={value}"), why);
    }
    match before.len() {
        0 => guest.without_nics(),
        _ if loader == "bhyveload" => {}
        // The slots with firmware are others.
        nics => guest.move_nics(nics, (loader != "uefi").then_some(&before)),
    }
    if keys.take("persist").is_some_and(|value| value != "1") {
        guest.set("on_reboot", "stop", "persist");
    }
    // Blanks are written as `_`.
    let words = keys.take("bargs").unwrap_or_default().replace('_', " ");
    let is_utc = arguments(&mut guest, words.split_whitespace());
    guest.switch("utc", is_utc, "bargs without -u");
    graphics(&mut keys, &mut guest);
    for key in WITHOUT_MEANING {
        keys.take(key);
    }
    if let Some(uplink) = keys.take("net").filter(|value| value != "-") {
        let why = "the uplink of a bridge is netif, or BRIDGE_netif";
        guest.lose(format_args!("net={uplink}"), why);
    }
    for (key, value) in keys.in_order() {
        // Every VM has every property.
        if yes_or_no(value) != Some(false) {
            guest.lose_key(key, value);
        }
    }
    guest
}

/// Translates the loader; its name.
fn loader(keys: &mut Keys, guest: &mut Guest) -> String {
    let loader = keys.take("loader").unwrap_or_default();
    let theirs = format!("loader={loader}");
    let os = keys.take("os").unwrap_or_default();
    match loader.as_str() {
        "bhyveload" => guest.switch("freebsd", true, theirs),
        "grub-bhyve" => grub(&os, guest),
        "uefi" => firmware(keys, guest, &theirs),
        _ => guest.lose_loader(theirs),
    }
    loader
}

/// Translates the firmware, of which there is one here.
fn firmware(keys: &mut Keys, guest: &mut Guest, theirs: &str) {
    let file = keys.take("fw").unwrap_or_default();
    if file.contains("CSM") {
        return guest.lose_loader(format_args!("{theirs} with fw={file}"));
    }
    guest.set("loader", "uefi", theirs);
    if !is_our_firmware(&file) {
        guest.lose_firmware(format_args!("fw={file}"));
    }
}

/// Translates the name of a system into the commands and the directory that grub has for it there.
fn grub(os: &str, guest: &mut Guest) {
    let theirs = format!("os={os}");
    let mut set = |settings: &[(&str, &str)]| {
        for (key, value) in settings {
            guest.set(key, value, &theirs);
        }
    };
    match os {
        "custom" => guest.lose(theirs, "write the commands of its grub.cfg as grub_bootcmd"),
        "netbsd" => set(&[
            ("grub_install", "knetbsd -h -r cd0a (cd0)/netbsd"),
            ("grub_bootcmd", "knetbsd -h -r wd0a (hd0,msdos1)/netbsd"),
        ]),
        "centos6" | "d8lvm" => set(&[("grub_dir", "/grub")]),
        "centos7" => set(&[("grub_dir", "/grub2")]),
        _ => {
            // The version is written without its dot.
            let version = os.strip_prefix("openbsd").unwrap_or_default();
            if let Some((major, minor)) = version.split_at_checked(1)
                && !minor.is_empty()
                && version.bytes().all(|byte| byte.is_ascii_digit())
            {
                let kernel = format!("kopenbsd -h com0 (cd0)/{major}.{minor}/amd64/bsd.rd");
                let boot = "kopenbsd -h com0 -r sd0a (hd0,openbsd1)/bsd";
                set(&[("grub_install", &kernel), ("grub_bootcmd", boot)]);
            }
        }
    }
}

/// The number of the console is that of the VM here.
fn console(keys: &mut Keys, guest: &mut Guest) {
    let console = keys.take("con").unwrap_or_default();
    let number = console
        .strip_prefix("nmdm")
        .and_then(|number| number.parse().ok());
    guest.number = number;
}

/// The devices of the keys `pci:N`, whose values are those of `bhyve -s`, without the slot.
#[derive(Default)]
struct Further {
    /// How many there are.
    count: usize,
    /// The disks: the kind, the path, and the options.
    disks: Vec<(String, String, String)>,
    /// The paths of the CDs.
    cds: Vec<String>,
    /// The NICs, each with its place among the devices.
    nics: Vec<(usize, Nic)>,
    /// The keys and values of the others.
    others: Vec<(String, String)>,
}

struct Nic {
    kind: String,
    tap: String,
    mac: Option<String>,
}

fn devices(keys: &mut Keys) -> Further {
    let number = |key: &str| key.strip_prefix("pci:")?.parse::<u32>().ok();
    let names = keys.names().filter(|key| key.starts_with("pci:"));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort_by_key(|key| (number(key).unwrap_or(u32::MAX), key.clone()));
    let mut further = Further::default();
    for key in names {
        let Some(value) = keys.take(&key).filter(|value| value != "-") else {
            continue;
        };
        let at = further.count;
        further.count += 1;
        let (kind, rest) = value.split_once(',').unwrap_or((&value, ""));
        let (backend, options) = rest.split_once(',').unwrap_or((rest, ""));
        match kind {
            "ahci-hd" | "virtio-blk" | "nvme" if !backend.is_empty() => {
                let options = options.replace(',', " ");
                let disk = (kind.to_owned(), backend.to_owned(), options);
                further.disks.push(disk);
            }
            // A CD of an installation is read only in any case.
            "ahci-cd" if !backend.is_empty() && matches!(options, "" | "ro") => {
                further.cds.push(backend.to_owned());
            }
            "virtio-net" | "e1000" if backend.starts_with("tap") => {
                let mac = options.strip_prefix("mac=");
                if options.is_empty() || mac.is_some_and(|mac| !mac.contains(',')) {
                    let nic = Nic {
                        kind: kind.to_owned(),
                        tap: backend.to_owned(),
                        mac: mac.map(str::to_owned),
                    };
                    further.nics.push((at, nic));
                } else {
                    further.others.push((key, value));
                }
            }
            _ => further.others.push((key, value)),
        }
    }
    further
}

/// Translates disk0, then the further devices, then volumes that no device names.
fn disks(
    dataset: &str,
    volumes: &BTreeSet<String>,
    further: &[(String, String, String)],
    guest: &mut Guest,
) {
    let in_dataset = |volume: &str| format!("/dev/zvol/{dataset}/{volume}");
    let first = ("ahci-hd".to_owned(), in_dataset("disk0"), String::new());
    let all = std::iter::once(&first).chain(further);
    if !volumes.contains("disk0") {
        let text = "the text has no volume disk0 below its dataset: the volume is assumed";
        guest.remarks.push(text.to_owned());
    }
    let named: BTreeSet<&str> = all.clone().map(|(_, path, _)| path.as_str()).collect();
    for volume in volumes {
        if !named.contains(in_dataset(volume).as_str()) {
            guest.remarks.push(format!(
                "{volume} is a volume below its dataset that no key names: iohyve does not attach it"
            ));
        }
    }
    for (number, (kind, path, options)) in all.enumerate() {
        let disk = Disk {
            path: Ok(path),
            kind,
            options,
        };
        guest.set_disk(number, &disk, path);
    }
}

/// Translates the NICs of `tap`, and then those among the further devices; their slots: the host bridge,
/// lpc, disk0 and the further devices come first, each in a slot of its own.
fn nics(keys: &mut Keys, further: &mut Further, guest: &mut Guest) -> Vec<Slot> {
    let taps = keys.take("tap").unwrap_or_default();
    let taps = taps.split(',').filter(|tap| !matches!(*tap, "" | "-"));
    let of_keys = taps.enumerate().map(|(at, tap)| {
        let mac = keys.take(&format!("mac_{tap}"));
        let nic = Nic {
            kind: "virtio-net".to_owned(),
            tap: tap.to_owned(),
            mac: mac.filter(|mac| mac != "-"),
        };
        (further.count.saturating_add(at), nic)
    });
    let mut all: Vec<(usize, Nic)> = of_keys.collect();
    all.append(&mut further.nics);
    let mut slots = Vec::new();
    for (number, (at, Nic { kind, tap, mac })) in all.iter().enumerate() {
        if !guest.has_nic(number) {
            break;
        }
        guest.set_tap(number, Some(tap), format_args!("the tap {tap}"));
        guest.set(&format!("if{number}_type"), kind, kind);
        guest.set_mac(number, mac.as_deref());
        slots.push(Slot {
            device: u8::try_from(at.saturating_add(3)).unwrap_or(u8::MAX),
            function: 0,
        });
    }
    // The same address again.
    let is_same = |mac: &str| all.iter().any(|(_, nic)| nic.mac.as_deref() == Some(mac));
    if keys.get("mac").is_some_and(is_same) {
        keys.take("mac");
    }
    slots
}

fn graphics(keys: &mut Keys, guest: &mut Guest) {
    let names = ["vnc_port", "vnc_ip", "vnc_w", "vnc_h"];
    let [port, address, width, height] = names.map(|key| keys.take(key));
    let [waits, has_tablet] = ["vnc_wait", "vnc_tablet"].map(|key| keys.is_on(key, guest));
    // The first key is a switch, or the port itself.
    let is_port = |port: &&str| port.parse::<u16>().is_ok_and(|port| port > 1);
    let own = keys.get("vnc").filter(is_port).map(str::to_owned);
    let is_on = own.is_some() || keys.is_on("vnc", guest);
    keys.take("vnc");
    if !is_on {
        return;
    }
    let number = own.or(port).filter(|port| is_port(&port.as_str()));
    let theirs = format!("vnc={}", number.as_deref().unwrap_or("yes"));
    let listens = Listens {
        // bhyve(8) has this default.
        address: address.as_deref().unwrap_or("127.0.0.1"),
        port: number.as_deref(),
        has_password: false,
    };
    listens.translate(guest, &theirs);
    match (width, height) {
        (Some(width), Some(height)) => {
            guest.set("vnc_size", format!("{width}x{height}"), "vnc_w and vnc_h");
        }
        (None, None) => {}
        (width, height) => {
            let (key, value) = width.map_or(("vnc_h", height), |width| ("vnc_w", Some(width)));
            let theirs = format!("{key}={}", value.unwrap_or_default());
            guest.lose(theirs, "vnc_size needs the width and the height");
        }
    }
    guest.switch("vnc_wait", waits, "vnc_wait");
    guest.switch("tablet", has_tablet, "vnc_tablet");
}
