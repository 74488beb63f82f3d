//! What backs a NIC on the host: a tap, or slirp with its forwarded ports.

use super::name::{NameError, TapName, error};
use std::fmt;
use std::net::Ipv4Addr;

/// What backs a NIC on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NicBackend {
    /// A tap interface.
    Tap(TapName),
    /// The network of libslirp inside bhyve(8), which needs neither a tap nor a bridge.
    Slirp(Forwards),
}

impl NicBackend {
    const SLIRP: &str = "slirp";

    /// Parses the name of a tap, or `slirp[:FORWARD,…]`.
    ///
    /// # Errors
    /// If the text is neither.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let Some(rest) = text.strip_prefix(Self::SLIRP) else {
            return TapName::parse(text).map(Self::Tap);
        };
        match rest.strip_prefix(':') {
            _ if rest.is_empty() => Ok(Self::Slirp(Forwards::default())),
            Some(forwards) => Forwards::parse(forwards).map(Self::Slirp),
            None => Err(error(format!(
                "\"{text}\" is neither a tap nor slirp; write tap1, slirp or slirp:2222-22"
            ))),
        }
    }

    /// The tap, if the NIC has one.
    pub fn tap(&self) -> Option<&TapName> {
        match self {
            Self::Tap(tap) => Some(tap),
            Self::Slirp(_) => None,
        }
    }
}

impl fmt::Display for NicBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tap(tap) => tap.fmt(f),
            Self::Slirp(Forwards(all)) => {
                f.write_str(Self::SLIRP)?;
                for (index, forward) in all.iter().enumerate() {
                    f.write_str(if index == 0 { ":" } else { "," })?;
                    forward.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

/// The ports of the host that lead to ports of the guest, in the order of the setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwards(Vec<Forward>);

/// One port of the host that leads to a port of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The protocol.
    pub protocol: Protocol,
    /// The address of the host.
    pub host: Ipv4Addr,
    /// The port of the host.
    pub host_port: u16,
    /// The address of the guest; none for the one that slirp gives it.
    guest: Option<Ipv4Addr>,
    guest_port: u16,
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// The word of bhyve(8).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Forwards {
    /// Parses `[tcp:|udp:][ADDRESS:]PORT-[[ADDRESS]:]PORT`, separated by commas.
    ///
    /// Without an address the host's is 127.0.0.1: bhyve(8) would take every address
    /// (`usr.sbin/bhyve/net_backend_slirp.c`).
    fn parse(text: &str) -> Result<Self, NameError> {
        let mut all: Vec<Forward> = Vec::new();
        for part in text.split(',') {
            let forward = Forward::parse(part)?;
            let is_same = |other: &Forward| {
                (other.protocol, other.host, other.host_port)
                    == (forward.protocol, forward.host, forward.host_port)
            };
            if all.iter().any(is_same) {
                return Err(error(format!(
                    "\"{part}\": {} port {} of {} is forwarded twice",
                    forward.protocol.as_str(),
                    forward.host_port,
                    forward.host
                )));
            }
            all.push(forward);
        }
        Ok(Self(all))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Forward> {
        self.0.iter()
    }

    /// The option of the back end: `hostfwd=PROTOCOL:ADDRESS:PORT-[ADDRESS]:PORT;…`; none without a port.
    pub fn argument(&self) -> Option<String> {
        let rules: Vec<String> = self.0.iter().map(Forward::rule).collect();
        (!rules.is_empty()).then(|| format!("hostfwd={}", rules.join(";")))
    }
}

impl Forward {
    fn parse(text: &str) -> Result<Self, NameError> {
        let wrong = || {
            error(format!(
                "\"{text}\" is not a forwarded port; write PORT-PORT, of the host and of the guest, as \
                 2222-22, udp:5353-53 or 192.0.2.1:8080-80, several separated by commas"
            ))
        };
        let (protocol, ports) = match text.split_once(':') {
            Some(("tcp", ports)) => (Protocol::Tcp, ports),
            Some(("udp", ports)) => (Protocol::Udp, ports),
            _ => (Protocol::Tcp, text),
        };
        let end = |text: &str| {
            let (address, port) = match text.rsplit_once(':') {
                Some((address, port)) => (Some(address.parse::<Ipv4Addr>().ok()?), port),
                None => (None, text),
            };
            Some((address, port_number(port)?))
        };
        let (host, guest) = ports.split_once('-').ok_or_else(wrong)?;
        let (host, host_port) = end(host).ok_or_else(wrong)?;
        // As bhyve(8) writes it: the guest has one address.
        let guest = guest.strip_prefix(':').unwrap_or(guest);
        let (guest, guest_port) = end(guest).ok_or_else(wrong)?;
        Ok(Self {
            protocol,
            host: host.unwrap_or(Ipv4Addr::LOCALHOST),
            host_port,
            guest,
            guest_port,
        })
    }

    fn rule(&self) -> String {
        let guest = self.guest.map(|guest| guest.to_string());
        format!(
            "{}:{}:{}-{}:{}",
            self.protocol.as_str(),
            self.host,
            self.host_port,
            guest.unwrap_or_default(),
            self.guest_port
        )
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.protocol != Protocol::Tcp {
            write!(f, "{}:", self.protocol.as_str())?;
        }
        if self.host != Ipv4Addr::LOCALHOST {
            write!(f, "{}:", self.host)?;
        }
        write!(f, "{}-", self.host_port)?;
        if let Some(guest) = self.guest {
            write!(f, "{guest}:")?;
        }
        write!(f, "{}", self.guest_port)
    }
}

/// A port in decimal digits: 1 to 65535.
pub(super) fn port_number(text: &str) -> Option<u16> {
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit() && first != '0');
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::NicBackend;

    #[test]
    fn a_forward_is_short_in_the_setting_and_whole_for_bhyve() {
        for (text, written, argument) in [
            ("slirp", "slirp", None),
            (
                "slirp:2222-22",
                "slirp:2222-22",
                Some("hostfwd=tcp:127.0.0.1:2222-:22"),
            ),
            (
                "slirp:tcp:127.0.0.1:2222-22,udp:5353-53",
                "slirp:2222-22,udp:5353-53",
                Some("hostfwd=tcp:127.0.0.1:2222-:22;udp:127.0.0.1:5353-:53"),
            ),
            (
                "slirp:tcp:127.0.0.1:2222-:22",
                "slirp:2222-22",
                Some("hostfwd=tcp:127.0.0.1:2222-:22"),
            ),
            (
                "slirp:0.0.0.0:80-10.0.2.15:8080,udp:80-80",
                "slirp:0.0.0.0:80-10.0.2.15:8080,udp:80-80",
                Some("hostfwd=tcp:0.0.0.0:80-10.0.2.15:8080;udp:127.0.0.1:80-:80"),
            ),
        ] {
            let backend = NicBackend::parse(text).unwrap();
            assert_eq!(backend.to_string(), written);
            assert_eq!(NicBackend::parse(written), Ok(backend.clone()));
            let NicBackend::Slirp(forwards) = backend else {
                panic!("{text} is slirp");
            };
            assert_eq!(forwards.argument().as_deref(), argument);
        }
        let tap = NicBackend::parse("tap3").unwrap();
        assert_eq!(tap.tap().map(ToString::to_string).as_deref(), Some("tap3"));
    }

    #[test]
    fn what_slirp_would_take_for_something_else_is_refused() {
        for bad in [
            "slirp0",
            "slirp:",
            "slirp:22",
            "slirp:2222-",
            "slirp:-22",
            "slirp:0-22",
            "slirp:2222-0",
            "slirp:65536-22",
            "slirp:02222-22",
            "slirp:+1-22",
            "slirp:2222-22,",
            "slirp:2222-22;23-23",
            "slirp:sctp:1-1",
            "slirp:localhost:1-1",
            "slirp::2222-22",
            "slirp:[::1]:2222-22",
            "slirp:1-2-3",
            "slirp:2222-22,tcp:127.0.0.1:2222-23",
            "slirp:%(x)-22",
            "SLIRP",
        ] {
            assert!(NicBackend::parse(bad).is_err(), "{bad}");
        }
    }
}
