//! libvirt: an XML document of a `<domain type='bhyve'>`, as virsh(1) dumps it.
//!
//! Source: libvirt's domain format (`docs/formatdomain.rst`, `docs/drvbhyve.rst`).

use super::{Guest, Listens, Network, arguments, is_yes};
use crate::model::device::Slot;
use roxmltree::{Document, Node};

/// Elements of a domain, and of its devices, that say nothing which a VM here would need.
const WITHOUT_MEANING: [&str; 10] = [
    "name",
    "title",
    "description",
    "metadata",
    "currentMemory",
    "on_poweroff",
    "emulator",
    "controller",
    "console",
    "memballoon",
];

/// A device of a domain, with the numbers that those before it have.
struct Devices<'ours> {
    hd: usize,
    cd: usize,
    nic: usize,
    /// The PCI slot of each NIC, as far as it is known.
    slots: Vec<Slot>,
    ours: Option<&'ours Network>,
}

/// Translates every domain of a document; `ours` is the network that a NIC without a setting joins here.
///
/// # Errors
/// The error of the XML parser, with its place, or why the document has no domain.
pub fn guests(place: &str, text: &str, ours: Option<&Network>) -> Result<Vec<Guest>, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let elements = document.descendants();
    let domains: Vec<Node<'_, '_>> = elements
        .filter(|node| node.has_tag_name("domain"))
        .collect();
    match domains.first() {
        None => Err("the document has no <domain>".to_owned()),
        Some(_) => Ok(domains
            .iter()
            .map(|domain| guest(place, *domain, ours))
            .collect()),
    }
}

/// The text of the first element of that path, without blanks around it.
fn text_of<'a>(node: Node<'a, '_>, path: &[&str]) -> Option<&'a str> {
    child_of(node, path)?.text().map(str::trim)
}

fn child_of<'a, 'input>(node: Node<'a, 'input>, path: &[&str]) -> Option<Node<'a, 'input>> {
    path.iter().try_fold(node, |node, name| {
        let mut children = node.children();
        // Elements of the bhyve namespace are named without it.
        children.find(|child| child.tag_name().name() == *name)
    })
}

/// An attribute of the first element of that path.
fn attribute<'a>(node: Node<'a, '_>, path: &[&str], name: &str) -> Option<&'a str> {
    child_of(node, path)?.attribute(name)
}

fn guest(place: &str, domain: Node<'_, '_>, ours: Option<&Network>) -> Guest {
    let mut guest = Guest::new(text_of(domain, &["name"]).unwrap_or_default(), place);
    if let Some(kind) = domain.attribute("type").filter(|kind| *kind != "bhyve") {
        guest.lose(
            format_args!("type={kind}"),
            "the domain is one of another hypervisor, whose disks and devices may not suit bhyve",
        );
    }
    loader(domain, &mut guest);
    for element in domain.children().filter(Node::is_element) {
        translate(element, &mut guest);
    }
    let mut devices = Devices {
        hd: 0,
        cd: 0,
        nic: 0,
        slots: Vec::new(),
        ours,
    };
    let elements = child_of(domain, &["devices"]);
    for element in elements
        .iter()
        .flat_map(Node::children)
        .filter(Node::is_element)
    {
        device(element, &mut devices, &mut guest);
    }
    if devices.nic > 0 && (text_of(domain, &["bootloader"]).is_some() || firmware(domain).is_some())
    {
        guest.move_nics(devices.nic, Some(&devices.slots));
    }
    guest
}

fn firmware<'a>(domain: Node<'a, '_>) -> Option<&'a str> {
    let is_efi = attribute(domain, &["os"], "firmware") == Some("efi");
    text_of(domain, &["os", "loader"]).or(is_efi.then_some("efi"))
}

fn loader(domain: Node<'_, '_>, guest: &mut Guest) {
    let loader = text_of(domain, &["bootloader"]).unwrap_or_default();
    let program = loader.rsplit('/').next().unwrap_or_default();
    if let Some(firmware) = firmware(domain) {
        guest.set("loader", "uefi", format_args!("loader {firmware}"));
        if let Some(store) = text_of(domain, &["os", "nvram"]) {
            guest.set("uefi_vars", store, format_args!("nvram {store}"));
        }
    } else if matches!(program, "" | "bhyveload") {
        // Without a loader libvirt uses bhyveload.
        guest.switch("freebsd", true, "bootloader");
    } else if program != "grub-bhyve" {
        guest.lose(
            format_args!("bootloader {loader}"),
            "easy-bhyve has no such loader",
        );
    }
    if let Some(words) = text_of(domain, &["bootloader_args"]) {
        guest.lose(
            format_args!("bootloader_args {words}"),
            "easy-bhyve calls the loader itself",
        );
    }
}

/// Translates an element of the domain that is no device.
fn translate(element: Node<'_, '_>, guest: &mut Guest) {
    let name = element.tag_name().name();
    let text = element.text().unwrap_or_default().trim();
    let theirs = format!("{name} {text}");
    match name {
        "uuid" => guest.set("uuid", text, theirs),
        "memory" => match mebibytes(text, element.attribute("unit")) {
            Some(size) => guest.set("mem", size, theirs),
            None => guest.lose(theirs, "it is no size"),
        },
        "vcpu" => {
            let topology = element
                .parent()
                .and_then(|domain| child_of(domain, &["cpu", "topology"]));
            let part = |name| Some(format!("{name}={}", topology?.attribute(name)?));
            let parts = ["sockets", "cores", "threads"].map(part);
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            match parts.as_slice() {
                [] => guest.set("cpu", text, theirs),
                parts => guest.set("cpu", format!("cpus={text},{}", parts.join(",")), theirs),
            }
        }
        "clock" => {
            let offset = element.attribute("offset").unwrap_or("utc");
            guest.switch("utc", offset != "localtime", format_args!("clock {offset}"));
        }
        "memoryBacking" if child_of(element, &["locked"]).is_some() => {
            guest.switch("wired", true, "memoryBacking locked");
        }
        "features" => {
            if attribute(element, &["msrs"], "unknown") == Some("ignore") {
                guest.switch("strict_msrs", false, "msrs unknown=ignore");
            }
        }
        "on_reboot" if text != "restart" => guest.set("on_reboot", "stop", theirs),
        "on_crash" if text == "restart" => guest.set("on_crash", "restart", theirs),
        "commandline" => {
            let words = element.children().filter_map(|arg| arg.attribute("value"));
            let words = words.collect::<Vec<_>>().join(" ");
            arguments(guest, &words);
        }
        // The defaults here, and what is read elsewhere.
        "on_reboot" | "on_crash" | "devices" | "os" | "cpu" | "bootloader" | "bootloader_args" => {}
        _ if WITHOUT_MEANING.contains(&name) => {}
        _ => guest.lose_key(name, text),
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

fn device(element: Node<'_, '_>, devices: &mut Devices<'_>, guest: &mut Guest) {
    let name = element.tag_name().name();
    match name {
        "disk" => disk(element, devices, guest),
        "interface" => nic(element, devices, guest),
        "graphics" => graphics(element, guest),
        "rng" => guest.switch("rng", true, "rng"),
        "input" if element.attribute("type") == Some("tablet") => {
            guest.switch("tablet", true, "input tablet");
        }
        // The console is always there, and the screen has its own kind of card, mouse and keyboard.
        "serial" | "video" | "input" => {}
        _ if WITHOUT_MEANING.contains(&name) => {}
        _ => guest.lose(format_args!("<{name}>"), "easy-bhyve has no setting for it"),
    }
}

fn disk(element: Node<'_, '_>, devices: &mut Devices<'_>, guest: &mut Guest) {
    let of = |path: &[&str], name| attribute(element, path, name);
    let path = ["file", "dev"]
        .into_iter()
        .find_map(|kind| of(&["source"], kind));
    let target = of(&["target"], "dev").unwrap_or_default();
    let theirs = format!("the disk {target}");
    let is_cd = element.attribute("device") == Some("cdrom");
    let Some(path) = path else {
        // An empty drive.
        if !is_cd {
            guest.lose(
                theirs,
                "it is no file and no device: write its whole path as hdN",
            );
        }
        return;
    };
    if is_cd {
        guest.set(&format!("cd{}", devices.cd), path, theirs);
        devices.cd += 1;
        return;
    }
    let kind = match of(&["target"], "bus").unwrap_or("virtio") {
        "virtio" => "virtio-blk",
        "sata" => "ahci-hd",
        bus => bus,
    };
    let ours = format!("hd{}", devices.hd);
    devices.hd += 1;
    guest.set(&ours, path, &theirs);
    guest.set(&format!("{ours}_type"), kind, format_args!("{theirs}: bus"));
    let is_direct = matches!(of(&["driver"], "cache"), Some("none" | "directsync"));
    let options = [
        is_direct.then_some("nocache"),
        child_of(element, &["readonly"]).map(|_| "ro"),
    ];
    let options: Vec<&str> = options.into_iter().flatten().collect();
    if !options.is_empty() {
        guest.set(&format!("{ours}_opts"), options.join(" "), theirs);
    }
}

fn nic(element: Node<'_, '_>, devices: &mut Devices<'_>, guest: &mut Guest) {
    let of = |path: &[&str], name| attribute(element, path, name);
    let (number, own) = (devices.nic, format!("if{}", devices.nic));
    devices.nic += 1;
    let address = |part| u8::from_str_radix(of(&["address"], part)?.strip_prefix("0x")?, 16).ok();
    devices.slots.extend(address("slot").map(|device| Slot {
        device,
        function: address("function").unwrap_or_default(),
    }));
    guest.set_tap(number, None, "");
    let kind = match of(&["model"], "type").unwrap_or("virtio") {
        "virtio" => "virtio-net",
        kind => kind,
    };
    guest.set(&format!("{own}_type"), kind, format_args!("model {kind}"));
    guest.set_mac(number, of(&["mac"], "address"));
    match of(&["source"], "bridge") {
        Some(bridge) if devices.ours.is_some_and(|ours| ours.bridge == bridge) => {}
        Some(bridge) => {
            guest.set(
                &format!("{own}_bridge"),
                bridge,
                format_args!("bridge {bridge}"),
            );
        }
        None => {
            let network = of(&["source"], "network").unwrap_or("of another kind");
            let theirs = format!("the network {network}");
            guest.disconnect(number, theirs, "it is not a bridge");
        }
    }
}

fn graphics(element: Node<'_, '_>, guest: &mut Guest) {
    let kind = element.attribute("type").unwrap_or_default();
    if kind != "vnc" {
        return guest.lose(format_args!("graphics {kind}"), "easy-bhyve has VNC only");
    }
    let is_free = element.attribute("autoport").is_some_and(is_yes);
    let port = element
        .attribute("port")
        .filter(|port| !is_free && *port != "-1");
    // Unless it is named, the address is that of this host alone.
    let listen = attribute(element, &["listen"], "address").or(element.attribute("listen"));
    let listens = Listens {
        address: listen.unwrap_or("127.0.0.1"),
        port,
        has_password: element.attribute("passwd").is_some(),
    };
    listens.translate(guest, "graphics vnc");
}
