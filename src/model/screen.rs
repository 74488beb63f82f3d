//! The screen of a VM: a framebuffer and its VNC server (bhyve(8), `fbuf`).

use super::backend::port_number;
use super::name::{NameError, VmId, error};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The place of its VNC server.
    pub place: Place,
    /// The size at the start; none for the default of bhyve, 1024x768.
    pub size: Option<ScreenSize>,
    /// Whether the guest has the registers of a VGA.
    pub has_vga: bool,
    /// Whether bhyve waits for a viewer before the guest starts.
    pub waits: bool,
    /// The file with the password of the VNC server.
    pub password_file: Option<PathBuf>,
}

impl Screen {
    /// The options of the device `fbuf`.
    pub(super) fn options(&self) -> Vec<String> {
        let mut options = vec![format!("tcp={}", self.place)];
        if let Some(ScreenSize { width, height }) = self.size {
            options.extend([format!("w={width}"), format!("h={height}")]);
        }
        options.extend((!self.has_vga).then(|| "vga=off".to_owned()));
        options.extend(self.waits.then(|| "wait".to_owned()));
        options
    }

    /// Whether users of other hosts can connect, and no password keeps them out.
    pub fn is_open_to_all(&self) -> bool {
        let is_local = match &self.place {
            Place::Tcp(address) => address.ip().is_loopback(),
            Place::Unix(_) => true,
        };
        !is_local && self.password_file.is_none()
    }
}

/// The place of a VNC server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

const UNIX: &str = "unix:";

/// The port of a VNC server without a number of its own, to which the id is added.
const FIRST_PORT: u16 = 5900;

/// The longest path of a socket, in bytes, without the NUL (unix(4)).
const LONGEST_PATH: usize = 103;

/// Whether a VM has a screen, and where: the setting `vnc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vnc {
    /// No screen.
    No,
    /// A screen on 127.0.0.1, whose port follows from the id.
    Yes,
    /// A screen there.
    At(Place),
}

impl Vnc {
    /// Parses `YES`, `NO`, `[ADDRESS:]PORT` or `unix:PATH`.
    ///
    /// bhyve(8) takes a text without a port for a port, and an empty address for any
    /// (`usr.sbin/bhyve/pci_fbuf.c`), so only what has one meaning is accepted.
    ///
    /// # Errors
    /// If the text is none of these, or the path cannot be that of a socket.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return socket(path).map(|path| Self::At(Place::Unix(path)));
        }
        match text.to_ascii_lowercase().as_str() {
            "yes" => return Ok(Self::Yes),
            "no" => return Ok(Self::No),
            _ => {}
        }
        let wrong = || {
            error(format!(
                "\"{text}\" is no place of a VNC server; write YES, NO, a port, an address and a port, as \
                 127.0.0.1:5901 or [::1]:5901, or unix:/PATH; names of hosts are not possible"
            ))
        };
        let (address, port) = match text.rsplit_once(':') {
            Some((address, port)) => (Self::address(address).ok_or_else(wrong)?, port),
            None => (Ipv4Addr::LOCALHOST.into(), text),
        };
        let port = port_number(port).ok_or_else(wrong)?;
        Ok(Self::At(Place::Tcp(SocketAddr::new(address, port))))
    }

    /// An IPv4 address, or an IPv6 address in brackets.
    fn address(text: &str) -> Option<IpAddr> {
        let in_brackets = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        match in_brackets {
            Some(address) => address.parse().ok().map(IpAddr::V6),
            None => text.parse().ok().map(IpAddr::V4),
        }
    }

    /// The place for a VM of this id, if it has a screen.
    ///
    /// # Errors
    /// If the port would be above 65535.
    pub fn place(&self, id: VmId) -> Result<Option<Place>, NameError> {
        match self {
            Self::No => Ok(None),
            Self::At(place) => Ok(Some(place.clone())),
            Self::Yes => match FIRST_PORT.checked_add(id.0) {
                Some(port) => Ok(Some(Place::Tcp((Ipv4Addr::LOCALHOST, port).into()))),
                None => Err(error(format!(
                    "YES is port {FIRST_PORT} and the id, {}: there is no such port; write a port",
                    id.0
                ))),
            },
        }
    }
}

/// The path of a socket: absolute, of an allowed length, and without what bhyve(8) would change.
fn socket(path: &str) -> Result<PathBuf, NameError> {
    if !path.starts_with('/') || path.ends_with('/') {
        return Err(error(format!(
            "\"{path}\" is no path of a socket: it must begin with a slash and name a file"
        )));
    }
    if let Some(bad) = path
        .chars()
        .find(|&c| matches!(c, ',' | '%') || c.is_control())
    {
        return Err(error(format!(
            "\"{path}\": bhyve cannot take {bad:?} in the path of a socket"
        )));
    }
    let path = Path::new(path);
    if path.as_os_str().as_bytes().len() > LONGEST_PATH {
        return Err(error(format!(
            "the path of a socket has {LONGEST_PATH} bytes at most"
        )));
    }
    Ok(path.to_owned())
}

/// Parses `io` or `off`: whether the guest has the registers of a VGA.
///
/// With `on` bhyve(8) runs without a VNC server (`usr.sbin/bhyve/pci_fbuf.c`).
///
/// # Errors
/// If the text is another word.
pub fn vga(text: &str) -> Result<bool, NameError> {
    match text {
        "io" => Ok(true),
        "off" => Ok(false),
        _ => Err(error(format!("\"{text}\" is neither io nor off"))),
    }
}

/// The size of a screen, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenSize {
    /// 640 to 3840.
    pub width: u16,
    /// 480 to 2160.
    pub height: u16,
}

impl ScreenSize {
    const LEAST: Self = Self {
        width: 640,
        height: 480,
    };
    const MOST: Self = Self {
        width: 3840,
        height: 2160,
    };

    /// Whether it is larger than older releases of bhyve(8) can show: 1920x1200.
    pub fn is_large(&self) -> bool {
        self.width > 1920 || self.height > 1200
    }

    /// Parses `WIDTHxHEIGHT`.
    ///
    /// # Errors
    /// If the text is no size that bhyve(8) accepts (`usr.sbin/bhyve/pci_fbuf.c`).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = || {
            error(format!(
                "\"{text}\" is not the size of a screen; write WIDTHxHEIGHT, from {} to {}",
                Self::LEAST,
                Self::MOST
            ))
        };
        let (width, height) = text.split_once('x').ok_or_else(wrong)?;
        let width = port_number(width).ok_or_else(wrong)?;
        let height = port_number(height).ok_or_else(wrong)?;
        let is_allowed = (Self::LEAST.width..=Self::MOST.width).contains(&width)
            && (Self::LEAST.height..=Self::MOST.height).contains(&height);
        is_allowed
            .then_some(Self { width, height })
            .ok_or_else(wrong)
    }
}

impl fmt::Display for ScreenSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Screen, ScreenSize, Vnc};
    use crate::model::name::VmId;

    #[test]
    fn a_place_is_an_address_and_a_port_or_a_socket() {
        for (text, id, place) in [
            ("YES", 7, Some("127.0.0.1:5907")),
            ("yes", 0, Some("127.0.0.1:5900")),
            ("no", 7, None),
            ("5999", 7, Some("127.0.0.1:5999")),
            ("0.0.0.0:5900", 7, Some("0.0.0.0:5900")),
            ("[::1]:65535", 7, Some("[::1]:65535")),
            ("[0:0::1]:1", 7, Some("[::1]:1")),
            ("unix:/home/me/vnc é", 7, Some("unix:/home/me/vnc é")),
        ] {
            let found = Vnc::parse(text)
                .and_then(|vnc| vnc.place(VmId(id)))
                .unwrap();
            assert_eq!(found.map(|place| place.to_string()).as_deref(), place);
        }
        let last = Vnc::Yes.place(VmId(u16::MAX - 5900)).unwrap();
        assert_eq!(
            last.map(|place| place.to_string()).as_deref(),
            Some("127.0.0.1:65535")
        );
    }

    #[test]
    fn what_bhyve_would_take_for_another_place_is_refused() {
        let long = format!("unix:/{}", "a".repeat(103));
        for bad in [
            "",
            "on",
            "localhost",
            "localhost:5900",
            ":5900",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:0",
            "0",
            "65536",
            "05900",
            "+5900",
            "5900x",
            "::1:5900",
            "[::1]",
            "[::1]5900",
            "[127.0.0.1]:5900",
            "[fe80::1%em0]:5900",
            "256.0.0.1:5900",
            "127.0.0.1:5900,wait",
            "unix:",
            "unix:vnc",
            "unix:/a/",
            "unix:/a,b",
            "unix:/a%b",
            "UNIX:/a",
            &long,
        ] {
            assert!(Vnc::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_size_is_one_that_bhyve_takes() {
        for good in ["640x480", "1024x768", "3840x2160"] {
            assert_eq!(ScreenSize::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "x",
            "640",
            "639x480",
            "640x479",
            "3841x480",
            "640x2161",
            "640X480",
            "0640x480",
            "640x480x1",
            "66560x768",
            "-1x480",
        ] {
            assert!(ScreenSize::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_other_hosts_are_kept_out_by_a_password() {
        let screen = |place: &str, password: Option<&str>| Screen {
            place: match Vnc::parse(place).unwrap() {
                Vnc::At(place) => place,
                Vnc::No | Vnc::Yes => panic!("{place} is no place"),
            },
            size: None,
            has_vga: true,
            waits: false,
            password_file: password.map(Into::into),
        };
        for (place, password, is_open) in [
            ("5900", None, false),
            ("127.9.9.9:5900", None, false),
            ("[::1]:5900", None, false),
            ("unix:/vnc", None, false),
            ("0.0.0.0:5900", None, true),
            ("[::]:5900", None, true),
            ("192.0.2.1:5900", Some("/etc/vnc"), false),
        ] {
            assert_eq!(screen(place, password).is_open_to_all(), is_open, "{place}");
        }
        assert!(matches!(screen("unix:/vnc", None).place, Place::Unix(_)));
    }
}
