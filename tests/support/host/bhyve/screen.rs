//! The framebuffer, its VNC server, and the USB controller: usr.sbin/bhyve/pci_fbuf.c, rfb.c, pci_xhci.c.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::super::Host;
use super::super::errno::Errno;
use super::super::live::vnc::Screen;
use super::options::Device;

/// Why a device does not start: whole lines, and the error behind them; none if bhyve ends at once.
pub(super) type Refused = (String, Option<Errno>);

/// `SUNPATHLEN` of sys/un.h.
const LONGEST_PATH: usize = 104;

/// A VNC server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// Where it listens.
    address: Address,
    /// Whether it waits for a viewer.
    pub(super) waits: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// The last value of a key: bhyve_config(5) variables come behind the words of `-s`.
fn value<'device>(device: &'device Device, key: &str) -> Option<&'device str> {
    let words = device.conf.iter().flat_map(|conf| conf.split(','));
    let words = words.map(|word| word.split_once('=').unwrap_or((word, "true")));
    let set = device
        .variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    words
        .chain(set)
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .next_back()
}

/// Reads the configuration of a framebuffer. No server, with a message, for `vga=on`, with which the VM
/// runs nevertheless.
pub(super) fn framebuffer(
    device: &Device,
    osreldate: u32,
) -> Result<Result<Server, String>, Refused> {
    let wrong = |text: String| (text, Some(Errno::Invalid));
    let wait = value(device, "wait").unwrap_or("false");
    let waits = match wait.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => true,
        "false" | "off" | "no" | "0" => false,
        _ => {
            let text = format!("bhyve: Invalid value {wait} for boolean variable wait: ");
            return Err((text, None));
        }
    };
    let place = value(device, "rfb")
        .or_else(|| value(device, "tcp"))
        .unwrap_or_default();
    let address = address(place, osreldate >= 1_501_000).map_err(wrong)?;
    let vga = value(device, "vga").unwrap_or("io");
    if !["io", "on", "off"].contains(&vga) {
        return Err(wrong(format!("fbuf: Invalid vga setting: \"{vga}\"")));
    }
    let (width, height) = (
        pixels(value(device, "w"), 1024),
        pixels(value(device, "h"), 768),
    );
    let (widest, highest) = if osreldate < 1_400_000 {
        (1920, 1200)
    } else {
        (3840, 2160)
    };
    if width > widest || height > highest {
        return Err(wrong(format!("fbuf: max resolution is {widest}x{highest}")));
    }
    if width < 640 || height < 480 {
        return Err(wrong("fbuf: minimum resolution is 640x480".into()));
    }
    if vga == "on" {
        return Ok(Err("pci_fbuf: VGA rendering not enabled".into()));
    }
    if let Address::Tcp(host, _) = &address
        && !is_numeric(host)
    {
        return Err(wrong("getaddrinfo: ".into()));
    }
    Ok(Ok(Server { address, waits }))
}

/// `strtol(value, NULL, 10)`, cut to 16 bits.
fn pixels(text: Option<&str>, usual: u16) -> u16 {
    let Some(text) = text else { return usual };
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|letter: char| !letter.is_ascii_digit());
    let number: i64 = digits[..end.unwrap_or(digits.len())].parse().unwrap_or(0);
    let [low, high, ..] = (sign * number).to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// `pci_fbuf_parse_config`: a text without a colon is a port.
fn address(place: &str, knows_sockets: bool) -> Result<Address, String> {
    if knows_sockets && let Some(path) = place.strip_prefix("unix:") {
        return match path.len() {
            0 => Err("fbuf: UNIX socket path is empty".into()),
            length if length > LONGEST_PATH => {
                Err(format!("fbuf: UNIX socket path too long: \"{path}\""))
            }
            _ => Ok(Address::Unix(path.into())),
        };
    }
    if let Some(rest) = place.strip_prefix('[') {
        let invalid = || format!("fbuf: Invalid IPv6 address: \"{place}\"");
        let (host, behind) = rest.split_once(']').ok_or_else(invalid)?;
        return match (host, behind) {
            ("", _) => Err(invalid()),
            (_, "") => Ok(Address::Tcp(host.into(), 5900)),
            (_, ":") => Err(format!("fbuf: Missing port number: \"{place}\"")),
            (_, behind) => match behind.strip_prefix(':') {
                Some(port) => Ok(Address::Tcp(host.into(), atoi(port))),
                None => Err(invalid()),
            },
        };
    }
    match place.split_once(':') {
        None => Ok(Address::Tcp(String::new(), atoi(place))),
        Some((_, "")) => Err(format!("fbuf: Missing port number: \"{place}\"")),
        Some((host, port)) => Ok(Address::Tcp(host.into(), atoi(port))),
    }
}

/// The port of a text; 0 is the default.
fn atoi(text: &str) -> u16 {
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    match text[..end.unwrap_or(text.len())].parse() {
        Ok(0) | Err(_) => 5900,
        Ok(port) => port,
    }
}

/// What getaddrinfo(3) takes with `AI_NUMERICHOST`; nothing is this host.
fn is_numeric(host: &str) -> bool {
    let address = host.split('%').next().unwrap_or_default();
    let parts: Vec<&str> = host.split('.').collect();
    let is_v4 = parts.len() <= 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    host.is_empty() || is_v4 || address.parse::<Ipv6Addr>().is_ok()
}

impl Server {
    /// Lets a process listen, as `rfb_init` does: the name of what it has open.
    pub(super) fn listen(&self, host: &mut Host) -> Result<PathBuf, Refused> {
        let taken = || {
            (
                "bind: Address already in use".to_owned(),
                Some(Errno::InUse),
            )
        };
        match &self.address {
            Address::Unix(path) => {
                if host.files().exists(path) {
                    return Err(taken());
                }
                host.bind_socket(path)
                    .map_err(|errno| (format!("bind: {}", errno.text()), Some(errno)))?;
                Ok(path.clone())
            }
            Address::Tcp(address, port) => {
                let address = if address.is_empty() {
                    "127.0.0.1"
                } else {
                    address
                };
                let open = format!("vnc/{address}/{port}");
                let meets = |other: &Path| {
                    let mut parts = other.to_str().unwrap_or_default().split('/');
                    let (kind, its, number) = (parts.next(), parts.next(), parts.next());
                    let is_any = [address, its.unwrap_or_default()]
                        .iter()
                        .any(|one| ["0.0.0.0", "::"].contains(one));
                    kind == Some("vnc")
                        && number == Some(&port.to_string())
                        && (is_any || its == Some(address))
                };
                let mut others = host.state.processes.values().flat_map(|other| &other.open);
                if others.any(|other| meets(other)) {
                    return Err(taken());
                }
                Ok(open.into())
            }
        }
    }
}

/// What the USB controller says of its devices; `None`: it takes them.
pub(super) fn controller(conf: Option<&str>) -> Option<String> {
    let models: Vec<&str> = conf.into_iter().flat_map(|conf| conf.split(',')).collect();
    let names = models
        .iter()
        .map(|word| word.split('=').next().unwrap_or_default());
    let mut unknown = names.filter(|name| *name != "tablet");
    if let Some(name) = unknown.next() {
        return Some(format!("pci_xhci: unknown device model \"{name}\""));
    }
    (models.len() > 4).then(String::new)
}

/// The server of a framebuffer as a real process.
pub(super) fn live(device: &Device) -> Option<Screen> {
    let device = Some(device).filter(|device| device.emulation == "fbuf")?;
    let place = value(device, "rfb")
        .or_else(|| value(device, "tcp"))
        .unwrap_or_default();
    let place = match address(place, true).ok()? {
        Address::Unix(path) => Err(path),
        Address::Tcp(host, port) if host.is_empty() => Ok(("127.0.0.1".to_owned(), port)),
        Address::Tcp(host, port) => Ok((host, port)),
    };
    Some(Screen {
        place,
        has_password: value(device, "password").is_some(),
    })
}

impl Host {
    /// A viewer connects: a bhyve that waits for one makes its vCPUs.
    pub fn viewer_connects(&mut self, pid: i32) {
        let now = self.state.clock_ms;
        let guests = (self.state.guests.clone(), self.state.guest.clone());
        let Some(process) = self.state.processes.get_mut(&pid) else {
            return;
        };
        let waits = process.title.is_none();
        if let Some(guest) = process
            .guest
            .as_mut()
            .filter(|guest| waits && guest.title_at.is_none())
        {
            let plan = guests.0.get(&guest.vm).unwrap_or(&guests.1);
            guest.title_at = Some(now + plan.title_ms);
            guest.acpi_at = plan.acpi_ms.map(|after| now + after);
        }
    }
}
