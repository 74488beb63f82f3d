//! The uplinks of bridges, compared with each other.

use super::faults::Faults;
use crate::config::settings::{HostSettings, Set, needs, uplink_of};
use crate::error::Error;
use crate::finding::FindingName;
use crate::model::name::IfName;
use std::collections::BTreeMap;

/// Records a bridge with two uplinks, and an uplink of two bridges; a setting of a bridge's own uplink that is
/// at fault is treated as not set.
pub(super) fn check(host: &mut HostSettings, faults: &mut Faults) {
    let default = host.bridge.as_ref().and_then(|set| set.value.as_ref());
    let netif = default.zip(host.netif.as_ref().map(|set| &set.value));
    let mut bridges: BTreeMap<IfName, IfName> = BTreeMap::new();
    bridges.extend(netif.map(|(bridge, netif)| (netif.clone(), bridge.clone())));
    let netif = netif.map(|(bridge, netif)| (bridge.clone(), netif.clone()));
    host.uplinks.retain(|bridge, uplink| {
        let netif = netif.as_ref().filter(|(default, _)| default == bridge);
        let other = bridges.entry(uplink.value.clone());
        let other = other.or_insert_with(|| bridge.clone());
        let error = match netif {
            Some((_, netif)) if *netif != uplink.value => two_uplinks(bridge, uplink, netif),
            _ if other != bridge => two_bridges(uplink, other, bridge),
            _ => return true,
        };
        faults.add(error, needs::RUN);
        false
    });
}

fn two_uplinks(bridge: &IfName, own: &Set<IfName>, netif: &IfName) -> Error {
    let setting = uplink_of(bridge).unwrap_or_default();
    Error::config(format!(
        "{bridge} has two uplinks: netif is {netif}, and {setting} is {}",
        own.value
    ))
    .at(own.span)
    .named(FindingName::ConflictingKeys)
    .help(format!("keep netif, or keep {setting}"))
}

fn two_bridges(uplink: &Set<IfName>, other: &IfName, bridge: &IfName) -> Error {
    let name = &uplink.value;
    Error::config(format!("{name} is the uplink of {other} and of {bridge}"))
        .at(uplink.span)
        .named(FindingName::NetifTwice)
        .help("an interface joins one bridge only: set another one for one of the two bridges")
}
