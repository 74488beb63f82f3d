//! iohyve: user properties of a dataset `POOL/iohyve/NAME`, as `zfs get all` shows them, and volumes below
//! it.
//!
//! Source: iohyve 0.7.9.

use super::Becomes::{Same, Switch};
use super::{Becomes, Guest, Keys, arguments, is_yes, screen, translate};
use std::collections::BTreeMap;

/// The begin of the names of its properties.
const OURS: &str = "iohyve:";

/// Keys of which one setting of ours has the meaning.
static TABLE: &[(&str, Becomes)] = &[
    ("cpu", Same("cpu")),
    ("ram", Same("mem")),
    ("boot", Switch("autostart")),
];

/// Keys that say nothing about the guest: its name, how it was made and how it is started.
const WITHOUT_MEANING: [&str; 6] = ["name", "size", "install", "persist", "runmode", "net"];

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
        match (volume, property.strip_prefix(OURS)) {
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
    let is_freebsd = loader(&mut keys, &mut guest) == "bhyveload";
    console(&mut keys, &mut guest);
    disks(dataset, found.volumes, &mut guest);
    nics(&mut keys, is_freebsd, &mut guest);
    // Blanks are written as `_`.
    let words = keys.take("bargs").unwrap_or_default().replace('_', " ");
    let is_utc = arguments(&mut guest, &words);
    guest.switch("utc", is_utc, "bargs without -u");
    graphics(&mut keys, &mut guest);
    for key in WITHOUT_MEANING {
        keys.take(key);
    }
    keys.left.retain(|(key, _)| !key.starts_with("pci:"));
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
        "grub-bhyve" => {
            // A version of an OS is a name of its own there.
            let family = os.trim_end_matches(|c: char| c.is_ascii_digit());
            match os.as_str() {
                "" | "default" => {}
                "custom" | "d8lvm" => guest.lose(
                    format_args!("os={os}"),
                    "write the commands of its grub.cfg as grub_bootcmd",
                ),
                _ => guest.set("os", family, format_args!("os={os}")),
            }
        }
        "uefi" => {
            guest.set("loader", "uefi", theirs);
            keys.take("fw");
        }
        _ => guest.lose(theirs, "easy-bhyve has no such loader"),
    }
    loader
}

/// The number of the console is that of the VM here.
fn console(keys: &mut Keys, guest: &mut Guest) {
    let console = keys.take("con").unwrap_or_default();
    let number = console
        .strip_prefix("nmdm")
        .and_then(|number| number.parse().ok());
    guest.number = number;
}

fn disks(dataset: &str, mut volumes: Vec<String>, guest: &mut Guest) {
    volumes.sort_by_key(|volume| (volume.len(), volume.clone()));
    if volumes.is_empty() {
        volumes.push("disk0".to_owned());
        let text = "the text has no volume below its dataset: disk0 is assumed";
        guest.remarks.push(text.to_owned());
    }
    for (number, volume) in volumes.iter().enumerate() {
        let path = format!("/dev/zvol/{dataset}/{volume}");
        guest.set(&format!("hd{number}"), path, volume);
    }
}

fn nics(keys: &mut Keys, is_freebsd: bool, guest: &mut Guest) {
    let taps = keys.take("tap").unwrap_or_default();
    let taps: Vec<&str> = taps
        .split(',')
        .filter(|tap| tap.starts_with("tap"))
        .collect();
    for (number, tap) in taps.iter().enumerate() {
        guest.set_tap(number, Some(tap), format_args!("tap={tap}"));
    }
    let macs = keys.take("mac").unwrap_or_default();
    let mut macs = macs.split(',').filter(|mac| mac.contains(':'));
    for number in 0..taps.len() {
        guest.set_mac(number, macs.next());
    }
    if !taps.is_empty() && !is_freebsd {
        guest.move_nics(taps.len(), None);
    }
}

fn graphics(keys: &mut Keys, guest: &mut Guest) {
    let [port, address, wait, tablet, width, height] =
        ["vnc", "vnc_ip", "vnc_wait", "vnc_tablet", "vnc_w", "vnc_h"].map(|key| keys.take(key));
    let is_on = |value: &Option<String>| value.as_deref().is_some_and(is_yes);
    let number = port
        .as_deref()
        .filter(|port| port.parse::<u16>().is_ok_and(|port| port > 1));
    if number.is_none() && !is_on(&port) {
        return;
    }
    let theirs = format!("vnc={}", port.as_deref().unwrap_or_default());
    screen(
        guest,
        address.as_deref().unwrap_or_default(),
        number,
        &theirs,
    );
    if let (Some(width), Some(height)) = (width, height) {
        guest.set("vnc_size", format!("{width}x{height}"), "vnc_w and vnc_h");
    }
    guest.switch("vnc_wait", is_on(&wait), "vnc_wait");
    guest.switch("tablet", is_on(&tablet), "vnc_tablet");
}
