//! The network: uplinks and bridges as `check` sees them, MTU, packet filter.

use super::Row;
use super::answers::Answers;
use crate::finding::{FindingName, Severity};
use crate::model::name::IfName;
use crate::tools::ifconfig::Interface;
use std::collections::BTreeSet;

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
            let subjects = ["uplink", "mtu", "packet filter"];
            return subjects
                .map(|subject| Row::not_asked(subject, why))
                .to_vec();
        }
    };
    let mut rows: Vec<Row> = answers
        .findings(&NAMES)
        .map(|finding| Row {
            verdict: match finding.severity {
                Severity::Error => super::Verdict::Fail,
                Severity::Warning => super::Verdict::Warn,
            },
            remedy: finding.help.first().cloned(),
            ..Row::pass("uplink", finding.message.clone())
        })
        .collect();
    if rows.is_empty() {
        let bridges: BTreeSet<&IfName> = answers.vms.iter().flat_map(|vm| vm.bridges()).collect();
        let shared = answers.vms.first().map(|vm| &vm.shared);
        let joined = bridges.iter().map(|bridge| {
            let uplink = shared.and_then(|shared| shared.uplink_of(bridge));
            uplink.map_or_else(
                || bridge.to_string(),
                |uplink| format!("{bridge} with {}", uplink.name),
            )
        });
        let joined: Vec<String> = joined.collect();
        let text = if joined.is_empty() {
            "no VM joins a bridge".to_owned()
        } else {
            joined.join(", ")
        };
        rows.push(Row::pass("uplink", text));
    }
    rows.push(mtu(interfaces));
    rows.push(packet_filter(answers));
    rows
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
        ),
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
