//! The switches of vm-bhyve: bridges with uplinks of their own.

use super::file::File;
use crate::import::keys::yes_or_no;
use crate::import::{Guest, Network};

/// A virtual switch.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Switched {
    /// The network of its bridge, or why it has none that a tap could join.
    network: Result<Network, &'static str>,
    is_private: bool,
    /// What it has and a bridge of ours has not.
    lost: Vec<String>,
}

/// A switch of `.config/system.conf`.
fn switch(system: &File, name: &str) -> Switched {
    let of = |key: &str| system.get(&format!("{key}_{name}")).unwrap_or_default();
    // A vxlan switch has the network of a vxlan(4) interface, which it makes.
    let overlay = (of("type") == "vxlan").then(|| {
        let (number, ports) = (of("vlan"), of("ports"));
        format!("the vxlan {number} over {ports} of the switch {name}")
    });
    let ports = overlay.as_ref().map_or(of("ports"), |_| "");
    let mut ports = ports.split_whitespace();
    let in_vlan = |port: &str| match of("vlan") {
        "" => port.to_owned(),
        vlan => format!("{port}.{vlan}"),
    };
    let uplink = ports.next().map(in_vlan);
    let mut listed = system
        .get("switch_list")
        .unwrap_or_default()
        .split_whitespace();
    let is_defined = listed.any(|listed| listed == name) || !of("type").is_empty();
    // `switch::standard::init`: a longer name is only a description of bridgeN.
    let bridge = match of("type") {
        _ if !is_defined => Err("system.conf has no such switch"),
        "" | "standard" | "vxlan" if name.len() > 12 => Err("its bridge has no fixed name"),
        "" | "standard" | "vxlan" => Ok(format!("vm-{name}")),
        "manual" | "auto" => Ok(of("bridge").to_owned()),
        _ => Err("it is no bridge"),
    };
    let further = ports.map(|port| format!("the port {} of the switch {name}", in_vlan(port)));
    let others = others(system, name);
    Switched {
        network: bridge.map(|bridge| Network { bridge, uplink }),
        is_private: yes_or_no(of("private")) == Some(true),
        lost: overlay.into_iter().chain(further).chain(others).collect(),
    }
}

/// The keys of a switch that have no meaning here, each with its value.
fn others(system: &File, name: &str) -> Vec<String> {
    let end = format!("_{name}");
    let all = system.get("switch_list").unwrap_or_default();
    let longer: Vec<String> = all
        .split_whitespace()
        .filter(|other| other.ends_with(&end))
        .map(|other| format!("_{other}"))
        .collect();
    let is_other = |key: &str| {
        let kind = key.strip_suffix(&end).unwrap_or("type");
        !["bridge", "ports", "private", "switch", "type", "vlan"].contains(&kind)
            && !longer.iter().any(|longer| key.ends_with(longer))
    };
    let keys = system.keys.in_order();
    let keys = keys.filter(|(key, value)| is_other(key) && yes_or_no(value) != Some(false));
    keys.map(|(key, value)| format!("{key}={value}")).collect()
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
    let theirs = format!("the switch {name}");
    let switched = switch(system, name);
    match switched.network {
        Err(why) => guest.disconnect(number, theirs, why),
        Ok(network) => guest.join(number, &network, ours, theirs),
    }
    for lost in switched.lost {
        guest.lose_once(
            lost,
            "a bridge here has one uplink and no further settings: rc.conf(5) can have them",
        );
    }
    if switched.is_private {
        let theirs = format!("private_{name}=yes");
        guest.switch(&format!("if{number}_private"), true, theirs);
    }
}
