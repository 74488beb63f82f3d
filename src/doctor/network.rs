//! The network: uplinks and bridges as `check` sees them, addresses of uplinks, MTU, packet filter.

use super::Row;
use super::answers::Answers;
use super::private::Name;
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::name::IfName;
use crate::operation::boot::network::{MEMBER_IFADDRS, NO_MEMBER_ADDRESS, move_address};
use crate::tools::ifconfig::Interface;
use std::collections::BTreeMap;

/// The findings of `check` that are rows of their own here.
pub(super) const NAMES: [FindingName; 5] = [
    FindingName::BridgeWithoutUplink,
    FindingName::NetifMissing,
    FindingName::NetifWireless,
    FindingName::NetifBridge,
    FindingName::UplinkVlan,
];

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let interfaces = match &answers.interfaces {
        Ok(interfaces) => interfaces,
        Err(why) => {
            let subjects = ["uplink", "address", "mtu", "packet filter"];
            return subjects
                .map(|subject| Row::not_asked(subject, why))
                .to_vec();
        }
    };
    let mut rows = match answers.unknown(["uplink", "address"]) {
        Some(unknown) => unknown.to_vec(),
        None => of_uplinks(answers, interfaces),
    };
    rows.push(mtu(interfaces));
    rows.push(packet_filter(answers));
    rows
}

fn of_uplinks(answers: &Answers<'_>, interfaces: &[Interface]) -> Vec<Row> {
    let bridges = bridges(answers);
    let mut rows: Vec<Row> = answers
        .findings(&NAMES)
        .map(|finding| Row::of_finding("uplink", finding))
        .collect();
    if rows.is_empty() {
        let joined = bridges.iter().map(|(bridge, uplink)| match uplink {
            Some(uplink) => format!("{bridge} with {uplink}"),
            None => bridge.to_string(),
        });
        let joined: Vec<String> = joined.collect();
        let text = if joined.is_empty() {
            "no VM joins a bridge".to_owned()
        } else {
            joined.join(", ")
        };
        let names = bridges
            .iter()
            .flat_map(|(bridge, uplink)| [Some(*bridge), *uplink]);
        let names = names.flatten().map(|name| Name::interface(name.as_str()));
        rows.push(Row::pass("uplink", text).naming_all(names));
    }
    rows.push(addresses(answers, &bridges, interfaces));
    rows
}

/// The bridges of all VMs, each with its uplink.
fn bridges<'run>(answers: &'run Answers<'_>) -> BTreeMap<&'run IfName, Option<&'run IfName>> {
    let of_vm = |vm: &'run Vm| {
        let bridges = vm.bridges().into_iter();
        bridges.map(|bridge| {
            (
                bridge,
                vm.shared.uplink_of(bridge).map(|uplink| &uplink.name),
            )
        })
    };
    answers.vms.iter().flat_map(of_vm).collect()
}

/// if_bridge(4): from FreeBSD 15 on a member has an address only by a sysctl, which a boot sets, and from
/// 16 on never.
fn addresses(
    answers: &Answers<'_>,
    bridges: &BTreeMap<&IfName, Option<&IfName>>,
    interfaces: &[Interface],
) -> Row {
    const SUBJECT: &str = "address";
    let has_address = |name: &IfName| {
        let mut all = interfaces.iter();
        all.any(|one| one.name == name.as_str() && one.has_address)
    };
    let mut uplinks = bridges
        .iter()
        .filter_map(|(bridge, uplink)| Some((*bridge, (*uplink)?)));
    let Some((bridge, uplink)) = uplinks.find(|(_, uplink)| has_address(uplink)) else {
        return Row::pass(SUBJECT, "no uplink has an address");
    };
    let names = [bridge, uplink].map(|name| Name::interface(name.as_str()));
    let kernel = answers.kernel.as_ref().ok();
    let release = kernel
        .and_then(|kernel| kernel.osreldate)
        .unwrap_or_default();
    let found = format!("{uplink} has an address, and {bridge} is its bridge");
    let remedy = move_address(bridge, uplink).join("\n");
    let row = match release {
        NO_MEMBER_ADDRESS.. => Row::fail(
            SUBJECT,
            format!("{found}, which FreeBSD 16 does not accept"),
            remedy,
        ),
        MEMBER_IFADDRS.. => Row::warn(
            SUBJECT,
            format!(
                "{found}: a boot sets net.link.bridge.member_ifaddrs=1, which FreeBSD 16 does not have"
            ),
            remedy,
        ),
        _ => Row::pass(SUBJECT, found),
    };
    row.naming_all(names)
}

/// The members of a bridge have one MTU: a NIC with another one is changed when it joins.
fn mtu(interfaces: &[Interface]) -> Row {
    let mtu_of = |name: &str| interfaces.iter().find(|one| one.name == name)?.mtu;
    let bridges = interfaces.iter().filter(|one| one.is_in(&["bridge"]));
    let mut unlike = bridges.flat_map(|bridge| {
        let members = bridge.members.iter();
        members.filter_map(|member| {
            let (own, other) = (bridge.mtu?, mtu_of(member)?);
            (own != other).then(|| (bridge.name.clone(), own, member.clone(), other))
        })
    });
    match unlike.next() {
        Some((bridge, own, member, other)) => Row::warn(
            "mtu",
            format!("{bridge} has an MTU of {own}, and its member {member} one of {other}"),
            format!("ifconfig {member} mtu {own}, as root; also in rc.conf"),
        )
        .naming_all([Name::interface(&bridge), Name::interface(&member)]),
        None => Row::pass("mtu", "every member of a bridge has the MTU of its bridge"),
    }
}

/// if_bridge(4): with these, the packets of guests pass the filter of the host.
fn packet_filter(answers: &Answers<'_>) -> Row {
    let names = ["net.link.bridge.pfil_member", "net.link.bridge.pfil_bridge"];
    let on = names
        .into_iter()
        .filter(|name| answers.number(name).is_some_and(|value| value != 0));
    let on: Vec<&str> = on.collect();
    if answers.has_pf && !on.is_empty() {
        let off: Vec<String> = on.iter().map(|name| format!("{name}=0")).collect();
        return Row::warn(
            "packet filter",
            format!("pf filters what guests send and receive: {}", on.join(" ")),
            format!(
                "unless that is meant: sysctl {}, also in sysctl.conf",
                off.join(" ")
            ),
        );
    }
    let text = if answers.has_pf {
        "pf does not see the packets between guests and the network"
    } else {
        "pf is not loaded"
    };
    Row::pass("packet filter", text)
}
