//! The VLANs of an uplink: vlan(4) below if_bridge(4).
//!
//! A bridge takes the tagged frames of an interface before its vlan(4) children see them, and hands only
//! those for the interface itself and broadcasts to the host (`sys/net/if_bridge.c`). So most traffic of
//! the host's own VLANs goes on, and that of a child which is a member of a bridge gets lost.

use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::Shared;
use crate::model::name::IfName;
use crate::survey::Survey;
use crate::tools::ifconfig::Interface;

/// Refuses an uplink of `bridge` of which a VLAN is in a bridge, and one that is a VLAN of an interface in
/// a bridge: now, or once the uplinks of all `bridges` have joined.
///
/// # Errors
/// If there is such a VLAN.
pub(super) fn refuse(
    shared: &Shared,
    bridge: &IfName,
    bridges: &[&IfName],
    survey: &Survey,
) -> Result<()> {
    let Some(uplink) = shared.uplink_of(bridge) else {
        return Ok(());
    };
    let name = uplink.name.as_str();
    let place = |relative: &str| {
        if let Some(joined) = survey.bridge_of(relative) {
            return Some(format!("is a member of {}", joined.name));
        }
        let has_it = |bridge: &&&IfName| {
            let other = shared.uplink_of(bridge);
            other.is_some_and(|other| other.name.as_str() == relative)
        };
        let other = bridges.iter().find(has_it)?;
        Some(format!("is the uplink of {other}"))
    };
    let refused = |what: String| {
        Err(Error::host(format!("{name} cannot join {bridge}: {what}"))
            .named(FindingName::NetifBridge)
            .help("an interface that is a member of a bridge keeps tagged traffic from its VLANs")
            .help("use VLANs of the interface as the uplinks of both bridges, or another interface for one of them"))
    };
    for child in children(name, survey) {
        if let Some(place) = place(&child.name) {
            return refused(format!("{}, a VLAN of it, {place}", child.name));
        }
    }
    let parent = survey.interface(name).and_then(|own| own.parent.as_deref());
    match parent.and_then(|parent| Some((parent, place(parent)?))) {
        Some((parent, place)) => refused(format!("it is a VLAN of {parent}, which {place}")),
        None => Ok(()),
    }
}

/// A warning about VLANs of the uplink of `bridge` that are in use, if the uplink joins only now.
pub(crate) fn in_use(shared: &Shared, bridge: &IfName, survey: &Survey) -> Option<Error> {
    let uplink = shared.uplink_of(bridge)?;
    let name = uplink.name.as_str();
    if survey.bridge_of(name).is_some() {
        return None;
    }
    let used = children(name, survey).filter(|child| child.is_up || child.has_address);
    let used: Vec<&str> = used.map(|child| child.name.as_str()).collect();
    let first = used.first()?;
    let all = used.join(", ");
    let warning = Error::config(format!(
        "{name} joins {bridge} and has VLANs in use, whose traffic may get lost: {all}"
    ));
    Some(
        warning
            .at(uplink.origin)
            .named(FindingName::UplinkVlan)
            .help(format!(
                "if {first} loses traffic, use as the uplink an interface or a VLAN that has no VLANs"
            )),
    )
}

/// The VLANs of an interface.
fn children<'survey>(
    parent: &str,
    survey: &'survey Survey,
) -> impl Iterator<Item = &'survey Interface> {
    let all = survey.interfaces.iter();
    all.filter(move |one| one.parent.as_deref() == Some(parent))
}
