//! What ifconfig(8) prints of an interface (sbin/ifconfig/ifconfig.c, ifbridge.c, ifmedia.c).

use std::fmt::Write;

use super::super::Host;
use super::super::state::{Interface, Kind};

/// All interfaces in the order of their indexes.
pub(super) fn ordered(host: &Host) -> Vec<(&str, &Interface)> {
    let mut all: Vec<_> = host
        .state
        .interfaces
        .iter()
        .map(|(name, interface)| (name.as_str(), interface))
        .collect();
    all.sort_by_key(|(_, interface)| interface.index);
    all
}

/// One interface, as `ifconfig NAME` prints it.
pub(super) fn interface(host: &Host, name: &str, interface: &Interface) -> String {
    let mut out = String::new();
    let running = match interface.kind {
        Kind::Tap | Kind::Vmnet => interface.opened_by.is_some() && interface.up,
        _ => interface.up,
    };
    let promiscuous = host.state.bridge_of(name).is_some();
    let loopback = interface.kind == Kind::Loopback;
    let table = [
        (0x1, "UP", interface.up),
        (0x2, "BROADCAST", !loopback),
        (0x8, "LOOPBACK", loopback),
        (0x40, "RUNNING", running),
        (0x100, "PROMISC", promiscuous),
        (0x800, "SIMPLEX", !loopback),
        (0x1000, "LINK0", interface.link0),
        (0x8000, "MULTICAST", true),
        // ifconfig uses netlink from 14 on.
        (0x100_0000, "LOWER_UP", running && host.state.major() >= 14),
    ];
    let bits: u32 = table.iter().filter(|row| row.2).map(|row| row.0).sum();
    let names: Vec<&str> = table.iter().filter(|row| row.2).map(|row| row.1).collect();
    let _ = writeln!(
        out,
        "{name}: flags={bits:x}<{}> metric 0 mtu {}",
        names.join(","),
        interface.mtu
    );
    if !interface.description.is_empty() {
        let _ = writeln!(out, "\tdescription: {}", interface.description);
    }
    let (options, nd6) = match interface.kind {
        Kind::Physical | Kind::Wireless => (
            "4e527bb<RXCSUM,TXCSUM,VLAN_MTU,VLAN_HWTAGGING,JUMBO_MTU,VLAN_HWCSUM,TSO4,TSO6,LRO>",
            "29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>",
        ),
        Kind::Loopback => (
            "680003<RXCSUM,TXCSUM,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6>",
            "21<PERFORMNUD,AUTO_LINKLOCAL>",
        ),
        Kind::Tap | Kind::Vmnet => (
            "80000<LINKSTATE>",
            "29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>",
        ),
        Kind::Bridge => ("0", "9<PERFORMNUD,IFDISABLED>"),
        Kind::Vlan => (
            "4600703<RXCSUM,TXCSUM,TSO4,TSO6,LRO>",
            "29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>",
        ),
    };
    let _ = writeln!(out, "\toptions={options}");
    if !loopback {
        let _ = writeln!(out, "\tether 58:9c:fc:10:00:{:02x}", interface.index % 256);
    }
    for address in &interface.addresses {
        let _ = writeln!(out, "\t{address}");
    }
    if interface.kind == Kind::Bridge {
        bridge(host, interface, &mut out);
    }
    let mut groups: Vec<&str> = match interface.kind {
        Kind::Loopback => vec!["lo"],
        Kind::Tap => vec!["tap"],
        Kind::Vmnet => vec!["vmnet"],
        Kind::Bridge => vec!["bridge"],
        Kind::Wireless => vec!["wlan"],
        Kind::Vlan => vec!["vlan"],
        Kind::Physical => Vec::new(),
    };
    groups.extend(interface.groups.iter().map(String::as_str));
    if !groups.is_empty() {
        let _ = writeln!(out, "\tgroups: {}", groups.join(" "));
    }
    if let Some((tag, parent)) = &interface.vlan {
        let _ = writeln!(
            out,
            "\tvlan: {tag} vlanproto: 802.1q vlanpcp: 0 parent interface: {parent}"
        );
    }
    let status = |up: bool, word: &'static str| if up { word } else { "no carrier" };
    let media = match interface.kind {
        Kind::Physical | Kind::Vlan => {
            Some(("Ethernet autoselect (1000baseT <full-duplex>)", "active"))
        }
        Kind::Wireless => Some((
            "IEEE 802.11 Wireless Ethernet OFDM/54Mbps mode 11g",
            "associated",
        )),
        Kind::Tap | Kind::Vmnet => Some(("Ethernet 1000baseT <full-duplex>", "active")),
        Kind::Loopback | Kind::Bridge => None,
    };
    if let Some((media, word)) = media {
        let _ = writeln!(out, "\tmedia: {media}\n\tstatus: {}", status(running, word));
    }
    let _ = writeln!(out, "\tnd6 options={nd6}");
    if let Some(pid) = interface.opened_by {
        let _ = writeln!(out, "\tOpened by PID {pid}");
    }
    out
}

/// The lines of a bridge (ifbridge.c, bridge_status).
fn bridge(host: &Host, interface: &Interface, out: &mut String) {
    out.push_str(
        "\tid 00:00:00:00:00:00 priority 32768 hellotime 2 fwddelay 15\n\
         \tmaxage 20 holdcnt 6 proto rstp maxaddr 2000 timeout 1200\n\
         \troot id 00:00:00:00:00:00 priority 32768 ifcost 0 port 0\n",
    );
    // The kernel puts a new member at the head of its list.
    for member in interface.members.iter().rev() {
        let port = host
            .state
            .interfaces
            .get(member)
            .map_or(0, |port| port.index);
        // sys/net/if_bridgevar.h, IFBIFBITS
        let flags = if interface.private.contains(member) {
            "943<LEARNING,DISCOVER,PRIVATE,AUTOEDGE,AUTOPTP>"
        } else {
            "143<LEARNING,DISCOVER,AUTOEDGE,AUTOPTP>"
        };
        let _ = write!(
            out,
            "\tmember: {member} flags={flags}\n\
             \t        ifmaxaddr 0 port {port} priority 128 path cost 2000000\n"
        );
    }
}
