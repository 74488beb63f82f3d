//! libvirt: an XML document of a `<domain type='bhyve'>`, as virsh(1) dumps it.
//!
//! Source: libvirt's domain format (`docs/formatdomain.rst`, `docs/drvbhyve.rst`). Every element and
//! attribute is read here or in `devices`, or has a row in `table`, or is reported.

mod devices;
mod element;
mod table;

use super::{Guest, Network, arguments, is_our_firmware};
use devices::devices;
use element::{Element, Record};
use roxmltree::{Document, Node};

/// Translates every domain of a document; `ours` is the network that a NIC without a setting joins here.
///
/// # Errors
/// The error of the XML parser, with its place, or why the document has no domain.
pub fn guests(place: &str, text: &str, ours: Option<&Network>) -> Result<Vec<Guest>, String> {
    let parsed = Document::parse(text);
    let document = parsed.map_err(|error| format!("it is not one XML document: {error}"))?;
    let record = Record::of(&document);
    let domains = domains(document.root());
    if domains.is_empty() {
        return Err("the document has no <domain>".to_owned());
    }
    let domains = domains.into_iter();
    let guests = domains.map(|domain| guest(place, Element::new(domain, &record), ours));
    Ok(guests.collect())
}

/// The domains of a document, in its order; one within another is a part of that.
fn domains<'a, 'input>(root: Node<'a, 'input>) -> Vec<Node<'a, 'input>> {
    let (mut open, mut found) = (vec![root], Vec::new());
    while let Some(node) = open.pop() {
        if node.has_tag_name("domain") {
            found.push(node);
        } else {
            open.extend(node.children().rev().filter(Node::is_element));
        }
    }
    found
}

fn guest(place: &str, domain: Element<'_, '_>, ours: Option<&Network>) -> Guest {
    let name = domain.text_of("name").unwrap_or_default();
    let mut guest = Guest::new(name, place);
    let kind = domain.attribute("type").unwrap_or("bhyve");
    if kind != "bhyve" {
        guest.lose(
            format_args!("type={kind}"),
            "the domain is one of another hypervisor, whose disks and devices may not suit bhyve",
        );
    }
    let is_moved = loader(domain, kind, &mut guest);
    if let Some(uuid) = domain.text_of("uuid") {
        guest.set("uuid", uuid, format_args!("uuid {uuid}"));
    }
    memory(domain, &mut guest);
    cpu(domain, &mut guest);
    clock(domain, &mut guest);
    features(domain, &mut guest);
    policy(domain, &mut guest);
    let words = domain.child_of_bhyve("commandline");
    let words = words.iter().flat_map(|words| words.all("arg"));
    let words = words.filter_map(|word| word.attribute("value"));
    arguments(&mut guest, words);
    let slots = devices(domain, ours, &mut guest);
    match slots {
        None => guest.without_nics(),
        Some((nics, slots)) if is_moved => guest.move_nics(nics, Some(&slots)),
        Some(_) => {}
    }
    domain.report("", &mut guest);
    guest
}

/// Translates the loader; whether it may be that of a Linux guest.
fn loader(domain: Element<'_, '_>, kind: &str, guest: &mut Guest) -> bool {
    let loader = domain.text_of("bootloader").unwrap_or_default();
    let program = loader.rsplit('/').next().unwrap_or_default();
    let os = domain.child("os");
    let is_efi = os.and_then(|os| os.attribute("firmware")) == Some("efi");
    let file = os.and_then(|os| os.text_of("loader"));
    match file.or(is_efi.then_some("")) {
        Some(file) if file.contains("CSM") => guest.lose_loader(format_args!("loader {file}")),
        Some(file) => {
            guest.set("loader", "uefi", "loader");
            let is_ours = is_our_firmware(file);
            let kind_of_guest = os.and_then(|os| os.unread("type").next());
            if !is_ours && kind_of_guest.is_some_and(|one| one.is("arch", "aarch64")) {
                let why = "the VM starts with the firmware of the package u-boot-bhyve-arm64";
                guest.lose(format_args!("loader {file}"), why);
            } else if !is_ours {
                guest.lose_firmware(format_args!("loader {file}"));
            }
            let nvram = os.and_then(|os| os.child("nvram"));
            let inner = nvram.and_then(|nvram| nvram.of("source", "file"));
            let store = inner.or(nvram.map(Element::text));
            if let Some(store) = store.filter(|store| !store.is_empty()) {
                let theirs = format!("nvram {store}");
                // What bhyve writes into the store of other firmware destroys it for that.
                if is_ours && kind == "bhyve" {
                    guest.set("uefi_vars", store, theirs);
                } else {
                    guest.lose(theirs, "its variables are those of other firmware");
                }
            }
        }
        // Without a loader libvirt uses bhyveload.
        None if program == "bhyveload" || program.is_empty() && kind == "bhyve" => {
            guest.switch("freebsd", true, "bootloader");
            return false;
        }
        None if program.is_empty() => guest.lose_loader("the BIOS of the domain"),
        None if program == "grub-bhyve" => root_of_grub(domain, guest),
        None => guest.lose_loader(format_args!("bootloader {loader}")),
    }
    true
}

/// Translates the root of grub, if it is the only word for grub-bhyve(8); else all words are reported.
fn root_of_grub(domain: Element<'_, '_>, guest: &mut Guest) {
    let Some(words) = domain.unread("bootloader_args").next() else {
        return;
    };
    let root = words.unread_text().strip_prefix("-r").map(str::trim_start);
    let part = root.and_then(|root| root.strip_prefix("hd0"));
    let part = part.and_then(|part| match part {
        "" => Some("none"),
        _ => part.strip_prefix(','),
    });
    if let Some(part) = part.filter(|part| !part.contains(char::is_whitespace)) {
        let args = domain.text_of("bootloader_args").unwrap_or_default();
        guest.set(
            "grub_bootpart",
            part,
            format_args!("bootloader_args {args}"),
        );
    }
}

fn memory(domain: Element<'_, '_>, guest: &mut Guest) {
    let size = |element: Element<'_, '_>| {
        let (text, unit) = (element.text(), element.attribute("unit"));
        (mebibytes(text, unit), format!("{} {text}", element.name()))
    };
    let Some((memory, theirs)) = domain.child("memory").map(size) else {
        return guest.lose_default("memory", "mem");
    };
    match &memory {
        Some(size) => {
            guest.set("mem", size, theirs);
        }
        None => guest.lose(theirs, "it is no size"),
    }
    let current = domain.child("currentMemory").map(size);
    if let Some((_, theirs)) = current.filter(|(current, _)| *current != memory) {
        guest.lose(theirs, "bhyve gives a guest all of its memory");
    }
}

/// A size in MiB as our settings have it; the unit is KiB unless it is named.
fn mebibytes(text: &str, unit: Option<&str>) -> Option<String> {
    let number: u64 = text.parse().ok()?;
    let bytes = number.checked_mul(match unit.unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" => 1000,
        "k" | "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "TB" => 1_000_000_000_000,
        "T" | "TiB" => 1 << 40,
        _ => return None,
    })?;
    Some(format!("{}M", bytes.div_ceil(1 << 20)))
}

fn cpu(domain: Element<'_, '_>, guest: &mut Guest) {
    let Some(vcpu) = domain.child("vcpu") else {
        return guest.set("cpu", "1", "no vcpu");
    };
    let count = vcpu.text();
    let current = vcpu.attribute("current").unwrap_or(count);
    if current != count {
        let why = format!("the guest has all {count} cpus");
        guest.lose(format_args!("vcpu current={current}"), &why);
    }
    let topology = domain.child("cpu").and_then(|cpu| cpu.child("topology"));
    let part = |name| Some(format!("{name}={}", topology?.attribute(name)?));
    let parts = ["sockets", "cores", "threads"].map(part);
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let value = match parts.as_slice() {
        [] => count.to_owned(),
        parts => format!("cpus={count},{}", parts.join(",")),
    };
    guest.set("cpu", value, format_args!("vcpu {count}"));
}

fn clock(domain: Element<'_, '_>, guest: &mut Guest) {
    let Some(offset) = domain.of("clock", "offset") else {
        return;
    };
    let theirs = format!("clock {offset}");
    match offset {
        "utc" | "localtime" => guest.switch("utc", offset == "utc", theirs),
        _ => guest.lose(theirs, "the clock of a guest has UTC or local time"),
    }
}

fn features(domain: Element<'_, '_>, guest: &mut Guest) {
    let msrs = domain.child("features").and_then(|all| all.child("msrs"));
    // The other value has a row in the table.
    if let Some(msrs) = msrs.filter(|msrs| msrs.is("unknown", "ignore")) {
        msrs.attribute("unknown");
        guest.switch("strict_msrs", false, "msrs unknown=ignore");
    }
    let backing = domain.child("memoryBacking");
    if backing
        .and_then(|backing| backing.child("locked"))
        .is_some()
    {
        guest.switch("wired", true, "memoryBacking locked");
    }
}

fn policy(domain: Element<'_, '_>, guest: &mut Guest) {
    if let Some(reaction) = domain
        .text_of("on_reboot")
        .filter(|text| *text != "restart")
    {
        guest.set("on_reboot", "stop", format_args!("on_reboot {reaction}"));
    }
    if domain.text_of("on_crash") == Some("restart") {
        guest.set("on_crash", "restart", "on_crash restart");
    }
}
