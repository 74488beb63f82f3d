//! The uplinks of bridges, compared with each other.

use super::faults::Faults;
use crate::config::settings::{HostSettings, Set, needs, uplink_of};
use crate::error::Error;
use crate::finding::FindingName;
use crate::model::name::IfName;

/// The settings of the own uplinks of these bridges. A bridge with two uplinks, and one whose uplink is that of
/// an earlier bridge, are recorded and left out.
pub(super) fn of_bridges<'host>(
    host: &'host HostSettings,
    is_used: impl Fn(&IfName) -> bool,
    faults: &mut Faults,
) -> Vec<(&'host IfName, &'host Set<IfName>)> {
    let default = host.bridge.as_ref().and_then(|set| set.value.as_ref());
    let netif = default.zip(host.netif.as_ref());
    let mut found = Vec::new();
    for (bridge, uplink) in host.uplinks.iter().filter(|(bridge, _)| is_used(bridge)) {
        let second =
            netif.filter(|(default, netif)| *default == bridge && netif.value != uplink.value);
        let mut earlier = netif.into_iter().chain(host.uplinks.range(..bridge));
        let is_same =
            |(other, set): &(&IfName, &Set<IfName>)| *other != bridge && set.value == uplink.value;
        let error = match (second, earlier.find(is_same)) {
            (Some((_, netif)), _) => two_uplinks(bridge, uplink, &netif.value),
            (None, Some((other, _))) => two_bridges(uplink, other, bridge),
            (None, None) => {
                found.push((bridge, uplink));
                continue;
            }
        };
        faults.add(error, needs::RUN);
    }
    found
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
