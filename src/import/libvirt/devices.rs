//! The devices of a domain.

use super::element::Element;
use crate::import::keys::yes_or_no;
use crate::import::{Disk, Guest, Listens, Network};
use crate::model::device::Slot;
use std::net::Ipv4Addr;

/// Translates the devices. How many NICs there are, and the slots of those whose slot is known; none
/// without a NIC.
pub(super) fn devices(
    domain: Element<'_, '_>,
    ours: Option<&Network>,
    guest: &mut Guest,
) -> Option<(usize, Vec<Slot>)> {
    let devices = domain.child("devices")?;
    let (mut hd, mut cd) = (0, 0);
    for element in devices.all("disk") {
        disk(element, (&mut hd, &mut cd), guest);
    }
    let (mut count, mut slots) = (0, Vec::new());
    for (number, element) in devices.all("interface").enumerate() {
        if !guest.has_nic(number) {
            break;
        }
        slots.extend(nic(number, element, ours, guest));
        count = number + 1;
    }
    if devices.all("rng").next().is_some() {
        guest.switch("rng", true, "rng");
    }
    let mut inputs = devices.unread("input");
    if let Some(tablet) = inputs.find(|input| input.is("type", "tablet")) {
        tablet.attribute("type");
        guest.switch("tablet", true, "input tablet");
    }
    let mut screens = devices.unread("graphics");
    if let Some(screen) = screens.find(|screen| screen.is("type", "vnc")) {
        graphics(screen, guest);
        if let Some(video) = devices.child("video") {
            card(video, guest);
        }
    }
    (count > 0).then_some((count, slots))
}

/// Translates a disk; the numbers are the next ones of disks and of CDs.
fn disk(element: Element<'_, '_>, (hd, cd): (&mut usize, &mut usize), guest: &mut Guest) {
    let target = element.of("target", "dev").unwrap_or_default();
    let theirs = format!("the disk {target}");
    let source = element.child("source");
    let path = source.and_then(|source| source.attribute("file").or(source.attribute("dev")));
    let is_read_only = element.child("readonly").is_some();
    let kind = element.attribute("device").unwrap_or("disk");
    let format = element.of("driver", "type").unwrap_or("raw");
    match kind {
        "cdrom" => {
            let bus = element.of("target", "bus").unwrap_or_default();
            // Any CD is one of AHCI here.
            if !matches!(bus, "" | "sata") {
                guest.lose(format_args!("the bus {bus} of {theirs}"), "a CD is at sata");
            }
            if let Some(path) = path {
                guest.set_cd(*cd, path, theirs);
                *cd += 1;
            } else if let Some(what) = named(source) {
                guest.lose(
                    theirs,
                    &format!("it is {what}: write its whole path as cd{cd}"),
                );
            }
            return;
        }
        "floppy" => return guest.lose(theirs, "bhyve has no floppy disks"),
        _ => {}
    }
    let path = match (kind, format, path) {
        ("disk", "raw", Some(path)) => Ok(path),
        ("disk", "raw", None) => {
            let what = named(source).unwrap_or_else(|| "no file and no device".to_owned());
            Err(format!("it is {what}"))
        }
        ("disk", format, _) => Err(format!(
            "bhyve has raw disks only, and its format is {format}"
        )),
        (kind, ..) => Err(format!("easy-bhyve has no disks of the kind {kind}")),
    };
    if path.is_err() {
        // The remark says more than one about the type.
        element.attribute("type");
    }
    let bus = element.of("target", "bus").unwrap_or("virtio");
    let options = options(element, is_read_only, &theirs, guest);
    let disk = Disk {
        path: path.as_ref().map(|path| *path).map_err(String::as_str),
        kind: match bus {
            "virtio" => "virtio-blk",
            "sata" => "ahci-hd",
            bus => bus,
        },
        options: &options,
    };
    guest.set_disk(*hd, &disk, theirs);
    *hd += 1;
}

/// The volume that a source names in place of a path.
fn named(source: Option<Element<'_, '_>>) -> Option<String> {
    let source = source?;
    let (pool, volume) = (source.attribute("pool")?, source.attribute("volume")?);
    Some(format!("the volume {volume} of the pool {pool}"))
}

fn options(
    element: Element<'_, '_>,
    is_read_only: bool,
    theirs: &str,
    guest: &mut Guest,
) -> String {
    let cache = element.of("driver", "cache").unwrap_or("default");
    let is_direct = matches!(cache, "none" | "directsync");
    // bhyve writes through the buffers of the host, as with `writeback`.
    if !is_direct && !matches!(cache, "default" | "writeback") {
        let theirs = format!("cache={cache} of {theirs}");
        guest.lose(theirs, "the options for this are nocache and direct");
    }
    let options = [is_direct.then_some("nocache"), is_read_only.then_some("ro")];
    let options: Vec<&str> = options.into_iter().flatten().collect();
    options.join(" ")
}

/// Translates a NIC; its slot, if it is known.
fn nic(
    number: usize,
    element: Element<'_, '_>,
    ours: Option<&Network>,
    guest: &mut Guest,
) -> Option<Slot> {
    let is_user = element.is("type", "user");
    if is_user {
        element.attribute("type");
        slirp(number, element, guest);
    } else {
        guest.set_tap(number, None, "");
    }
    let kind = match element.of("model", "type").unwrap_or("virtio") {
        "virtio" => "virtio-net",
        kind => kind,
    };
    let own = format!("if{number}_type");
    guest.set(&own, kind, format_args!("the model {kind} of NIC {number}"));
    guest.set_mac(number, element.of("mac", "address"));
    let source = element.child("source");
    let of_source = |name| source.and_then(|source| source.attribute(name));
    match of_source("bridge") {
        Some(bridge) => {
            let network = Network {
                bridge: bridge.to_owned(),
                uplink: None,
            };
            guest.join(number, &network, ours, format_args!("the bridge {bridge}"));
        }
        None if is_user => {}
        None => {
            element.attribute("type");
            let network = of_source("network").unwrap_or("of another kind");
            let theirs = format!("the network {network}");
            guest.disconnect(number, theirs, "it is not a bridge");
        }
    }
    let address = element.child("address")?;
    let part = |name| u8::from_str_radix(address.attribute(name)?.strip_prefix("0x")?, 16).ok();
    Some(Slot {
        device: part("slot")?,
        function: part("function").unwrap_or_default(),
    })
}

/// Translates the network of a user, with the ports that lead to the guest; each range of one port is a port
/// of ours, and what is not read is reported.
fn slirp(number: usize, element: Element<'_, '_>, guest: &mut Guest) {
    let mut ports = Vec::new();
    for forward in element.unread("portForward") {
        let protocol = forward.unread_attribute("proto").unwrap_or("tcp");
        let address = forward.unread_attribute("address");
        let has_ours = |address: &str| address.parse::<Ipv4Addr>().is_ok();
        if !["tcp", "udp"].contains(&protocol) || !address.is_none_or(has_ours) {
            continue;
        }
        let is_one = |range: &Element<'_, '_>| {
            range.unread_attribute("end").is_none() && !range.is("exclude", "yes")
        };
        for range in forward.unread("range").filter(is_one) {
            for name in ["proto", "address"] {
                forward.attribute(name);
            }
            range.attribute("exclude");
            let start = range.attribute("start").unwrap_or_default();
            let end = range.attribute("to").unwrap_or(start);
            let protocol = if protocol == "udp" { "udp:" } else { "" };
            // There a port without an address is one of all addresses.
            let address = address.unwrap_or("0.0.0.0");
            ports.push(format!("{protocol}{address}:{start}-{end}"));
        }
    }
    let value = match ports.as_slice() {
        [] => "slirp".to_owned(),
        ports => format!("slirp:{}", ports.join(",")),
    };
    if let Err(why) = guest.try_set(&format!("if{number}"), &value) {
        guest.set_tap(number, None, "");
        return guest.disconnect(number, "the network of a user", &why);
    }
    let text = "the network of a user is slirp: the guest is reached at these ports, and in FreeBSD 15 it reaches nothing itself";
    guest.remark_once(text.to_owned());
}

fn graphics(screen: Element<'_, '_>, guest: &mut Guest) {
    screen.attribute("type");
    let is_free = screen.attribute("autoport").and_then(yes_or_no) == Some(true);
    let port = screen.attribute("port");
    let port = port.filter(|port| !is_free && *port != "-1");
    // Unless it is named, the address is that of this host alone.
    let own = screen.attribute("listen");
    let listen = screen.of("listen", "address").or(own);
    let listens = Listens {
        address: listen.unwrap_or("127.0.0.1"),
        port,
        has_password: screen.attribute("passwd").is_some(),
    };
    listens.translate(guest, "graphics vnc");
}

/// Translates the card of a screen.
fn card(video: Element<'_, '_>, guest: &mut Guest) {
    let model = video.child("model");
    if let Some(size) = model.and_then(|model| model.child("resolution")) {
        let [width, height] = ["x", "y"].map(|name| size.attribute(name).unwrap_or_default());
        let theirs = format!("the resolution {width}x{height}");
        guest.set("vnc_size", format!("{width}x{height}"), theirs);
    }
    // Older documents have it below the model.
    let in_model = || model.and_then(|model| model.of("driver", "vgaconf"));
    if let Some(vga) = video.of("driver", "vgaconf").or_else(in_model) {
        guest.set("vnc_vga", vga, format_args!("vgaconf {vga}"));
    }
}
