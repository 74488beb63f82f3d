//! The switches of vm-bhyve: bridges with uplinks of their own.

use super::file::File;
use crate::import::{Guest, Network, is_yes};

/// A virtual switch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Switched {
    /// The network of its bridge, or why it has none that a tap could join.
    network: Result<Network, &'static str>,
    is_private: bool,
}

/// A switch of `.config/system.conf`.
fn switch(system: &File, name: &str) -> Switched {
    let of = |key: &str| system.get(&format!("{key}_{name}")).unwrap_or_default();
    let ports = of("ports").split_whitespace().next();
    let uplink = ports.map(|port| match of("vlan") {
        "" => port.to_owned(),
        vlan => format!("{port}.{vlan}"),
    });
    // `switch::standard::init`: a longer name is only a description of bridgeN.
    let bridge = match of("type") {
        "" | "standard" | "vxlan" if name.len() > 12 => Err("its bridge has no fixed name"),
        "" | "standard" | "vxlan" => Ok(format!("vm-{name}")),
        "manual" | "auto" => Ok(of("bridge").to_owned()),
        _ => Err("it is no bridge"),
    };
    Switched {
        network: bridge.map(|bridge| Network { bridge, uplink }),
        is_private: is_yes(of("private")),
    }
}

/// The network of the first switch, for a host without a configuration of ours.
pub fn first_network(system: &File) -> Option<Network> {
    let name = system.get("switch_list")?.split_whitespace().next()?;
    switch(system, name).network.ok()
}

/// Translates the switch of a NIC.
pub(super) fn joined(
    number: usize,
    name: &str,
    system: &File,
    ours: Option<&Network>,
    guest: &mut Guest,
) {
    let own = format!("if{number}");
    let theirs = format!("the switch {name}");
    let Switched {
        network,
        is_private,
    } = switch(system, name);
    match network {
        Err(why) => guest.disconnect(number, theirs, why),
        // The same network card is the same network, whatever the name of its bridge.
        Ok(network)
            if ours.is_some_and(|ours| {
                ours.bridge == network.bridge
                    || ours.uplink.is_some() && ours.uplink == network.uplink
            }) => {}
        Ok(network) => {
            guest.set(&format!("{own}_bridge"), &network.bridge, theirs);
            if let Some(uplink) = network.uplink {
                guest.remarks.push(format!(
                    "the uplink of {} was {uplink}: the bridge needs one here, too",
                    network.bridge
                ));
            }
        }
    }
    if is_private {
        guest.switch(
            &format!("{own}_private"),
            true,
            format_args!("private_{name}=yes"),
        );
    }
}
