//! NICs: pci_virtio_net.c, pci_e82545.c, net_utils.c, net_backends.c.

use super::devices::{Device, Failure, Shared};
use super::number::whole;

/// virtio-net or e1000.
pub(super) fn start(
    device: &Device<'_>,
    has_mtu: bool,
    shared: &mut Shared<'_>,
) -> Result<(), Failure> {
    if let Some(mac) = device.get("mac", shared.says) {
        let is_taken = address(&mac)
            .is_some_and(|bytes| bytes.iter().any(|byte| *byte != 0) && bytes[0] & 1 == 0);
        if !is_taken {
            shared.says.own(format!("Invalid MAC {mac}"));
            return Err(Failure::plain());
        }
    }
    if has_mtu
        && let Some(mtu) = device.get("mtu", shared.says)
        && !whole(&mtu).is_some_and(|mtu| (46..=65535).contains(&mtu))
    {
        return Err(Failure::plain());
    }
    // Without a back end an assertion fails (`netbe_get_cap`).
    let Some(name) = device.get("backend", shared.says) else {
        return Err(Failure::plain());
    };
    let kind = device.get("type", shared.says);
    let name = device.get("backend", shared.says).unwrap_or(name);
    let kind = kind.as_deref().unwrap_or(&name);
    let is_known = |prefix: &&&str| match **prefix {
        "slirp" => shared.edition.has_slirp() && kind.starts_with(*prefix),
        _ => kind.starts_with(*prefix),
    };
    match BACKENDS.iter().find(is_known) {
        Some(&("tap" | "vmnet")) => shared.world.tap(&name).map_err(|why| {
            shared
                .says
                .own(format!("open of tap device /dev/{name} failed"));
            Failure::Errno(why)
        }),
        Some(_) => Ok(()),
        None => Err(Failure::plain()),
    }
}

/// The beginnings of the names of back ends.
const BACKENDS: [&str; 6] = ["tap", "vmnet", "netmap", "vale", "netgraph", "slirp"];

/// ether_aton of libc: `%x` six times, each cut to a byte; text behind the last number is ignored.
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
