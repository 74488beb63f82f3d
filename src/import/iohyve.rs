//! iohyve: user properties of a dataset `POOL/iohyve/NAME`, as `zfs get all` shows them, and volumes below
//! it.
//!
//! Source: iohyve 0.7.9.

use super::Becomes::{Same, Switch};
use super::{Becomes, Guest, Keys, Listens, arguments, is_yes, translate};
use crate::model::device::Slot;
use std::collections::BTreeMap;

/// The beginning of the names of its properties, and as its `create` misspells one.
const OURS: [&str; 2] = ["iohyve:", "iohvye:"];

/// Keys of which one setting of ours has the meaning.
static TABLE: &[(&str, Becomes)] = &[
    ("cpu", Same("cpu")),
    ("ram", Same("mem")),
    ("boot", Switch("autostart")),
];

/// Keys that say nothing about the guest: its name, how it was made and how it is started.
const WITHOUT_MEANING: [&str; 6] = ["name", "size", "install", "runmode", "net", "template"];

/// A VM as the text has it.
#[derive(Default)]
struct Found {
    keys: Vec<(String, String)>,
    volumes: Vec<String>,
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
            (None, Some(key)) => vm.keys.push((key.to_owned(), value.to_owned())),
            (Some(volume), _) if !vm.volumes.iter().any(|known| known == volume) => {
                vm.volumes.push(volume.to_owned());
            }
            _ => {}
        }
    }
    // The dataset of the ISO images has no property of a VM.
    let vms = found.into_iter().filter(|(_, vm)| !vm.keys.is_empty());
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
    let mut keys = Keys { left: found.keys };
    translate(TABLE, &mut keys, &mut guest);
    let loader = loader(&mut keys, &mut guest);
    console(&mut keys, &mut guest);
    let further = devices(&mut keys, &mut guest);
    disks(dataset, found.volumes, &further.disks, &mut guest);
    let nics = nics(&mut keys, &mut guest);
    if nics > 0 && loader != "bhyveload" {
        // The host bridge, lpc, disk0, the further devices, then the NICs, each in a slot of its own; the
        // slots with firmware are others.
        let first = 3_usize.saturating_add(further.count);
        let before = (first..).take(nics).map_while(|device| {
            let device = u8::try_from(device).ok()?;
            Some(Slot {
                device,
                function: 0,
            })
        });
        let before: Vec<Slot> = before.collect();
        guest.move_nics(nics, (loader != "uefi").then_some(&before));
    }
    if keys.take("persist").is_some_and(|value| value != "1") {
        guest.set("on_reboot", "stop", "persist");
    }
    // Blanks are written as `_`.
    let words = keys.take("bargs").unwrap_or_default().replace('_', " ");
    let is_utc = arguments(&mut guest, &words);
    guest.switch("utc", is_utc, "bargs without -u");
    graphics(&mut keys, &mut guest);
    for key in WITHOUT_MEANING {
        keys.take(key);
    }
    for (key, value) in keys.left {
        // Every VM has every property.
        let is_set = !matches!(
            value.to_ascii_lowercase().as_str(),
            "" | "-" | "0" | "no" | "none"
        );
        if is_set {
            guest.lose_key(&key, &value);
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
        "uefi" => {
            guest.set("loader", "uefi", theirs);
            keys.take("fw");
        }
        _ => guest.lose(theirs, "easy-bhyve has no such loader"),
    }
    loader
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

/// The devices of the keys `pci:N`.
struct Further {
    /// How many there are.
    count: usize,
    /// The disks among them: the kind, and the path.
    disks: Vec<(String, String)>,
}

/// Translates the keys `pci:N`, whose values are those of `bhyve -s`, without the slot.
fn devices(keys: &mut Keys, guest: &mut Guest) -> Further {
    let is_device = |(key, value): &(String, String)| key.starts_with("pci:") && value != "-";
    let mut found: Vec<(String, String)> = keys.left.extract_if(.., |one| is_device(one)).collect();
    let number = |key: &str| {
        key.strip_prefix("pci:")
            .and_then(|number| number.parse().ok())
    };
    found.sort_by_key(|(key, _)| number(key).unwrap_or(u32::MAX));
    let mut further = Further {
        count: found.len(),
        disks: Vec::new(),
    };
    for (key, value) in found {
        match value.split_once(',') {
            Some((kind @ ("ahci-hd" | "virtio-blk" | "nvme"), path)) if !path.contains(',') => {
                further.disks.push((kind.to_owned(), path.to_owned()));
            }
            _ => guest.lose(
                format_args!("{key}={value}"),
                "easy-bhyve has no setting for such a device",
            ),
        }
    }
    further
}

/// Translates disk0, then the further devices, then volumes that no device names.
fn disks(dataset: &str, volumes: Vec<String>, further: &[(String, String)], guest: &mut Guest) {
    let first = format!("/dev/zvol/{dataset}/disk0");
    let mut all = vec![("ahci-hd".to_owned(), first)];
    all.extend(further.iter().cloned());
    if !volumes.iter().any(|volume| volume == "disk0") {
        let text = "the text has no volume disk0 below its dataset: the volume is assumed";
        guest.remarks.push(text.to_owned());
    }
    for volume in volumes {
        let path = format!("/dev/zvol/{dataset}/{volume}");
        if all.iter().all(|(_, known)| *known != path) {
            guest.remarks.push(format!(
                "{volume} is a volume below its dataset that no key names: iohyve does not attach it"
            ));
        }
    }
    for (number, (kind, path)) in all.iter().enumerate() {
        guest.set(&format!("hd{number}"), path, path);
        guest.set(&format!("hd{number}_type"), kind, kind);
    }
}

/// Translates the NICs; how many there are.
fn nics(keys: &mut Keys, guest: &mut Guest) -> usize {
    let taps = keys.take("tap").unwrap_or_default();
    let taps: Vec<&str> = taps
        .split(',')
        .filter(|tap| tap.starts_with("tap"))
        .collect();
    for (number, tap) in taps.iter().enumerate() {
        guest.set_tap(number, Some(tap), format_args!("tap={tap}"));
        let mac = keys.take(&format!("mac_{tap}"));
        guest.set_mac(number, mac.as_deref().filter(|mac| *mac != "-"));
    }
    taps.len()
}

fn graphics(keys: &mut Keys, guest: &mut Guest) {
    let names = [
        "vnc",
        "vnc_port",
        "vnc_ip",
        "vnc_wait",
        "vnc_tablet",
        "vnc_w",
        "vnc_h",
    ];
    let [screen_key, port, address, wait, tablet, width, height] = names.map(|key| keys.take(key));
    let is_on = |value: &Option<String>| value.as_deref().is_some_and(is_yes);
    // The first key is a switch, or the port itself.
    let is_port = |port: &&str| port.parse::<u16>().is_ok_and(|port| port > 1);
    let own = screen_key.as_deref().filter(is_port);
    if own.is_none() && !is_on(&screen_key) {
        return;
    }
    let number = own.or(port.as_deref().filter(is_port));
    let theirs = format!("vnc={}", screen_key.as_deref().unwrap_or_default());
    let listens = Listens {
        // bhyve(8) has this default.
        address: address.as_deref().unwrap_or("127.0.0.1"),
        port: number,
        has_password: false,
    };
    listens.translate(guest, &theirs);
    if let (Some(width), Some(height)) = (width, height) {
        guest.set("vnc_size", format!("{width}x{height}"), "vnc_w and vnc_h");
    }
    guest.switch("vnc_wait", is_on(&wait), "vnc_wait");
    guest.switch("tablet", is_on(&tablet), "vnc_tablet");
}
