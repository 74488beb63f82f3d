//! The frame buffer and its VNC server: pci_fbuf.c, rfb.c.

use std::net::Ipv6Addr;

use super::devices::{Device, Failure, Shared};
use super::number::atoi;

/// fbuf
pub(super) fn start(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    if shared.has_screen {
        shared.says.own("Only one frame buffer device is allowed.");
        return Err(Failure::plain());
    }
    let address = match device.get("rfb", shared.says) {
        Some(address) => Some(address),
        None => device.get("tcp", shared.says),
    };
    let place = match address.as_deref().map(|text| place(text, shared)) {
        None => Place::Address(LOCAL.into(), USUAL_PORT),
        Some(place) => place?,
    };
    let vga = device.get("vga", shared.says);
    if let Some(vga) = vga
        .as_deref()
        .filter(|vga| !["io", "on", "off"].contains(vga))
    {
        shared
            .says
            .own(format!("fbuf: Invalid vga setting: \"{vga}\""));
        return Err(Failure::plain());
    }
    size(device, shared)?;
    if vga.as_deref() == Some("on") {
        // The VM runs, without a VNC server.
        shared.says.own("pci_fbuf: VGA rendering not enabled");
        return Ok(());
    }
    shared.has_screen = true;
    device.get("password", shared.says);
    device.bool("wait", shared.says)?;
    let listened = match &place {
        Place::Socket(path) => shared.world.listen("unix", path),
        Place::Address(address, port) => {
            if !is_numeric(address) {
                shared.says.own("getaddrinfo: Name does not resolve");
                return Err(Failure::plain());
            }
            shared.world.listen("rfb", &format!("{address}:{port}"))
        }
    };
    listened.map_err(|why| {
        shared.says.line(format!("bind: {why}"));
        Failure::Errno(why)
    })
}

/// Where the server listens.
enum Place {
    Address(String, i64),
    Socket(String),
}

const LOCAL: &str = "127.0.0.1";
const USUAL_PORT: i64 = 5900;

/// `PORT`, `ADDRESS:PORT` or `[IPV6]:PORT` (`pci_fbuf_parse_config`); from 15.1 on `unix:PATH`.
fn place(text: &str, shared: &mut Shared<'_>) -> Result<Place, Failure> {
    if let Some(path) = text
        .strip_prefix("unix:")
        .filter(|_| shared.edition.has_screen_sockets())
    {
        return Ok(Place::Socket(path.into()));
    }
    let refused = |shared: &mut Shared<'_>, what: &str| {
        shared.says.own(format!("fbuf: {what}: \"{text}\""));
        Err(Failure::plain())
    };
    let port = |text: &str| match atoi(text) {
        0 => USUAL_PORT,
        port => port,
    };
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest
            .split_once(']')
            .filter(|(address, _)| !address.is_empty())
        else {
            return refused(shared, "Invalid IPv6 address");
        };
        return match rest.strip_prefix(':') {
            Some("") => refused(shared, "Missing port number"),
            Some(number) => Ok(Place::Address(address.into(), port(number))),
            None if rest.is_empty() => Ok(Place::Address(address.into(), USUAL_PORT)),
            None => refused(shared, "Invalid IPv6 address"),
        };
    }
    match text.rsplit_once(':') {
        Some((_, "")) => refused(shared, "Missing port number"),
        Some(("", number)) => Ok(Place::Address(LOCAL.into(), port(number))),
        Some((address, number)) => Ok(Place::Address(address.into(), port(number))),
        None => Ok(Place::Address(LOCAL.into(), port(text))),
    }
}

/// Whether getaddrinfo(3) takes an address with AI_NUMERICHOST; an IPv4 address may be short.
fn is_numeric(address: &str) -> bool {
    let bare = address.split('%').next().unwrap_or(address);
    let parts: Vec<&str> = address.split('.').collect();
    let is_part = |part: &&str| part.parse::<u8>().is_ok();
    bare.parse::<Ipv6Addr>().is_ok() || parts.len() <= 4 && parts.iter().all(is_part)
}

/// `w` and `h`, as 16 bits.
fn size(device: &Device<'_>, shared: &mut Shared<'_>) -> Result<(), Failure> {
    let mut side = |name: &str, usual: i64| {
        let given = device.get(name, shared.says).map(|text| atoi(&text));
        given.unwrap_or(usual).rem_euclid(1 << 16)
    };
    let (width, height) = (side("w", 1024), side("h", 768));
    let (widest, highest) = shared.edition.largest_screen();
    let problem = if width > widest || height > highest {
        format!("fbuf: max resolution is {widest}x{highest}")
    } else if width < 640 || height < 480 {
        "fbuf: minimum resolution is 640x480".to_owned()
    } else {
        return Ok(());
    };
    shared.says.own(problem);
    Err(Failure::plain())
}
