//! The back ends of devices, and what may follow that of a NIC: usr.sbin/bhyve/net_utils.c, and ether_aton of libc.

use super::options::Backend;

/// The network backend by its prefix (net_backends.c).
pub(super) fn network(name: &str) -> Backend {
    if name.starts_with("tap") || name.starts_with("vmnet") {
        Backend::Tap(name.into())
    } else if ["netgraph", "netmap", "vale", "slirp"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
    {
        Backend::None
    } else {
        Backend::Unknown
    }
}

/// Why the network of slirp does not start: usr.sbin/bhyve/net_backend_slirp.c, from FreeBSD 15 on, with the
/// library of a package.
pub(super) fn slirp(conf: &str, major: u32, has_library: bool) -> Option<String> {
    if major < 15 {
        return Some(String::new());
    }
    if !has_library {
        return Some("Unable to open libslirp.so.0".into());
    }
    let rules = conf
        .split(',')
        .filter_map(|word| word.strip_prefix("hostfwd="));
    let mut rules = rules.flat_map(|rules| rules.split(';'));
    let wrong = rules.find(|rule| forward(rule).is_none())?;
    Some(format!("Invalid hostfwd rule \"{wrong}\""))
}

/// Whether a rule opens a port to every host: it has no address of this one.
pub(super) fn is_open(conf: &str) -> bool {
    let rules = conf
        .split(',')
        .filter_map(|word| word.strip_prefix("hostfwd="));
    let mut rules = rules.flat_map(|rules| rules.split(';'));
    rules.any(|rule| forward(rule) == Some(""))
}

/// The address of the host in `PROTO:[HADDR]:HPORT-[GADDR]:GPORT`.
fn forward(rule: &str) -> Option<&str> {
    let (host, guest) = rule.split_once('-')?;
    let mut host = host.split(':');
    let (_, address, port) = (host.next()?, host.next()?, host.next()?);
    let (its, guest_port) = guest.split_once(':')?;
    let is_address = |text: &str| text.is_empty() || text.parse::<std::net::Ipv4Addr>().is_ok();
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port != 0);
    let is_rule = is_address(address) && is_port(port) && is_address(its) && is_port(guest_port);
    (is_rule && host.next().is_none()).then_some(address)
}

/// Whether the first word behind an emulation is what backs it, not an option.
pub(super) fn has_backend(emulation: &str) -> bool {
    emulation.starts_with("ahci")
        || [
            "virtio-blk",
            "nvme",
            "virtio-net",
            "e1000",
            "virtio-9p",
            "virtio-input",
            "virtio-scsi",
        ]
        .contains(&emulation)
}

/// What bhyve says of a MAC address that it refuses.
pub(super) fn refused(conf: &str) -> Option<String> {
    let words = conf.split(',').skip(1);
    let mac = words.filter_map(|word| word.strip_prefix("mac=")).last()?;
    let is_taken = address(mac)
        .is_some_and(|address| address.iter().any(|byte| *byte != 0) && address[0] & 1 == 0);
    (!is_taken).then(|| format!("Invalid MAC {mac}"))
}

/// `%x:%x:%x:%x:%x:%x` of sscanf(3), each cut to a byte; text behind the last number is ignored.
fn address(text: &str) -> Option<[u8; 6]> {
    let mut rest = text;
    let mut address = [0; 6];
    for (at, byte) in address.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(':')?;
        }
        rest = rest.trim_start_matches([' ', '\t']);
        rest = rest.strip_prefix("0x").unwrap_or(rest);
        let end = rest.find(|letter: char| !letter.is_ascii_hexdigit());
        let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
        *byte = u64::from_str_radix(number, 16).ok()?.to_le_bytes()[0];
        rest = after;
    }
    Some(address)
}
