//! `-s` (pci_emul.c, `pci_parse_slot`, and the `pe_legacy_config` of each device).

use super::edition::Edition;
use super::lpc::cut;
use super::number::triple;
use super::says::{End, Says};
use super::tree::Tree;

/// The most ports of an ahci controller, and of a virtio-console.
const AHCI_PORTS: usize = 32;
const CONSOLE_PORTS: usize = 16;

/// `-s [BUS:]SLOT[:FUNCTION],EMULATION[,CONF]`: cut at the first and second comma, without quoting.
pub(super) fn option(
    tree: &mut Tree,
    value: &str,
    edition: Edition,
    says: &mut Says,
) -> Result<(), End> {
    let failed = |says: &mut Says, text: String| {
        says.own(text);
        Err(End(4))
    };
    let wrong = format!("Invalid PCI slot info field \"{value}\"");
    let Some((place, rest)) = value.split_once(',') else {
        return failed(says, wrong);
    };
    let (emulation, conf) = cut(rest);
    let (bus, slot, function) = match triple(place, ':').as_slice() {
        [bus, slot, function] => (*bus, *slot, *function),
        [slot, function] => (0, *slot, *function),
        [slot] => (0, *slot, 0),
        _ => return failed(says, wrong),
    };
    if !(0..256).contains(&bus) || !(0..32).contains(&slot) || !(0..8).contains(&function) {
        return failed(says, wrong);
    }
    let at = format!("pci slot {bus}:{slot}:{function}");
    if !edition.emulates(emulation) {
        return failed(says, format!("{at}: unknown device \"{emulation}\""));
    }
    let path = format!("pci.{bus}.{slot}.{function}");
    if tree.node(&path, says).is_some() {
        return failed(says, format!("{at} already occupied!"));
    }
    let node = tree.create(&path, says)?;
    let device = match emulation {
        "ahci-cd" | "ahci-hd" => "ahci",
        "amd_hostbridge" => "hostbridge",
        other => other,
    };
    node.set_own("device", device, says)?;
    configure(node, emulation, conf, says)
}

/// What follows the emulation.
fn configure(
    node: &mut Tree,
    emulation: &str,
    conf: Option<&str>,
    says: &mut Says,
) -> Result<(), End> {
    match (emulation, conf) {
        ("amd_hostbridge", _) => {
            node.set("pcireg.vendor", "0x1022", says)?;
            node.set("pcireg.device", "0x7432", says)
        }
        ("ahci-cd" | "ahci-hd", conf) => {
            let port = node.create("port.0", says)?;
            port.set_own("type", &emulation[5..], says)?;
            backed(port, "path", conf, says)
        }
        ("virtio-input", None) => Err(End(4)),
        ("virtio-blk" | "virtio-input", conf) => backed(node, "path", conf, says),
        ("nvme", Some(conf)) => match conf.strip_prefix("ram=") {
            Some(rest) => backed(node, "ram", Some(rest), says),
            None => backed(node, "path", Some(conf), says),
        },
        ("virtio-net" | "e1000", conf) => backed(node, "backend", conf, says),
        ("virtio-scsi", conf) => backed(node, "dev", conf, says),
        ("ahci", Some(conf)) => ahci(node, conf, says),
        ("virtio-9p", Some(conf)) => share(node, conf, says),
        ("virtio-console", Some(conf)) => ports(node, conf, says),
        ("xhci", Some(conf)) => usb(node, conf, says),
        ("passthru", Some(conf)) => passthru(node, conf, says),
        ("uart", Some(path)) => node.set_own("path", path, says),
        (_, conf) => words(node, conf, says),
    }
}

/// `NAME=VALUE` or `NAME`, separated by commas (`pci_parse_legacy_config`).
pub(super) fn words(node: &mut Tree, conf: Option<&str>, says: &mut Says) -> Result<(), End> {
    for word in conf.into_iter().flat_map(|conf| conf.split(',')) {
        let (name, value) = word.split_once('=').unwrap_or((word, "true"));
        node.set_own(name, value, says)?;
    }
    Ok(())
}

/// A first word that is the value of a key, and words behind it.
fn backed(node: &mut Tree, key: &str, conf: Option<&str>, says: &mut Says) -> Result<(), End> {
    let Some((first, rest)) = conf.map(cut) else {
        return Ok(());
    };
    node.set_own(key, first, says)?;
    words(node, rest, says)
}

/// `hd:PATH[,OPTION…],cd:PATH…` (pci_ahci.c, `pci_ahci_legacy_config`).
fn ahci(node: &mut Tree, conf: &str, says: &mut Says) -> Result<(), End> {
    let mut rest = Some(conf);
    let mut number = 0;
    while let Some(text) = rest.filter(|_| number < AHCI_PORTS) {
        let ends = [",hd:", ",cd:"]
            .into_iter()
            .filter_map(|next| text.find(next));
        let (port, next) = match ends.min() {
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        rest = next;
        let kind = ["hd", "cd"].into_iter().find(|kind| {
            port.strip_prefix(kind)
                .is_some_and(|rest| rest.starts_with(':'))
        });
        let path = if kind.is_some() { &port[3..] } else { port };
        if !path.is_empty() {
            let Some(kind) = kind else {
                says.own(format!(
                    "Missing or invalid type for port {number}: \"{port}\""
                ));
                return Err(End(4));
            };
            let node = node.create(&format!("port.{number}"), says)?;
            node.set_own("type", kind, says)?;
            backed(node, "path", Some(path), says)?;
        }
        number += 1;
    }
    Ok(())
}

/// `NAME=PATH[,ro]` (pci_virtio_9p.c, `pci_vt9p_legacy_config`).
fn share(node: &mut Tree, conf: &str, says: &mut Says) -> Result<(), End> {
    let mut has_share = false;
    for word in conf.split(',') {
        match word.split_once('=') {
            Some(_) if has_share => {
                says.own("virtio-9p: more than one share name given");
                return Err(End(4));
            }
            Some((name, path)) => {
                node.set_own("sharename", name, says)?;
                node.set_own("path", path, says)?;
                has_share = true;
            }
            None => node.set_own(word, "true", says)?,
        }
    }
    Ok(())
}

/// `NAME=SOCKET,…` (pci_virtio_console.c, `pci_vtcon_legacy_config`).
fn ports(node: &mut Tree, conf: &str, says: &mut Says) -> Result<(), End> {
    for (number, word) in conf.split(',').enumerate() {
        let problem = match word.split_once('=') {
            _ if number >= CONSOLE_PORTS => "vtcon: too many ports".to_owned(),
            None => format!("vtcon: port {word} requires a path"),
            Some((name, path)) => {
                let port = node.create(&format!("port.{number}"), says)?;
                port.set_own("name", name, says)?;
                port.set_own("path", path, says)?;
                continue;
            }
        };
        says.own(problem);
        return Err(End(4));
    }
    Ok(())
}

/// `MODEL[=OPTION],…` (pci_xhci.c, `pci_xhci_legacy_config`).
fn usb(node: &mut Tree, conf: &str, says: &mut Says) -> Result<(), End> {
    for (at, word) in conf.split(',').enumerate() {
        let (model, option) = match word.split_once('=') {
            Some((model, option)) => (model, Some(option)),
            None => (word, None),
        };
        let slot = node.create(&format!("slot.{}", at + 1), says)?;
        slot.set_own("device", model, says)?;
        words(slot, option, says)?;
    }
    Ok(())
}

/// `pptN`, `B/S/F`, `pci0:B:S:F` or `pciB:S:F`, and options (pci_passthru.c, `passthru_legacy_config`).
fn passthru(node: &mut Tree, conf: &str, says: &mut Says) -> Result<(), End> {
    let (device, rest) = cut(conf);
    let three = |text: Option<&str>, between| {
        let numbers = triple(text?, between);
        (numbers.len() == 3).then_some(numbers)
    };
    if device.starts_with("ppt") {
        node.set_own("pptdev", device, says)?;
        return words(node, rest, says);
    }
    let place = three(device.strip_prefix("pci0:"), ':')
        .or_else(|| three(device.strip_prefix("pci"), ':'))
        .or_else(|| three(Some(device), '/'));
    let Some(place) = place else {
        says.own(format!("passthru: invalid options \"{conf}\""));
        return Err(End(4));
    };
    for (key, number) in ["bus", "slot", "func"].into_iter().zip(place) {
        node.set_own(key, &number.to_string(), says)?;
    }
    words(node, rest, says)
}
