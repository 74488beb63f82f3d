//! The NICs of a VM.

use super::Parts;
use super::faults::Faults;
use super::read::{hidden, placeholder_bridge};
use crate::config::settings::{Set, needs, numbered};
use crate::error::Error;
use crate::finding::FindingName;
use crate::model::backend::NicBackend;
use crate::model::device::{Nic, Slots};
use crate::model::kind::NicKind;
use crate::model::name::{IfName, TapName, VmId};
use crate::span::Span;

/// The NICs; the first one exists even if not set.
pub(super) fn nics(parts: &Parts<'_>, id: &Set<VmId>, faults: &mut Faults) -> Vec<Nic> {
    let own = &parts.own.settings;
    let usual = (!own.ifs.contains_key(&0)).then(|| NicBackend::Tap(TapName::of(id.value)));
    let usual = usual.map(|backend| (0, backend, id.span));
    let set = own.ifs.iter();
    let set = set.map(|(number, set)| (*number, set.value.clone(), set.span));
    let mut nics: Vec<Nic> = Vec::new();
    for (number, backend, span) in usual.into_iter().chain(set) {
        let is_taken = |other: &&Nic| backend.tap().is_some_and(|tap| other.tap() == Some(tap));
        if let Some(other) = nics.iter().find(is_taken) {
            // The first NIC has this tap only because its own setting is invalid.
            if parts.own.is_wrong("ifN", other.number) {
                continue;
            }
            let error = Error::config(format!(
                "if{} and if{number} of {} are both {backend}",
                other.number, parts.name
            ));
            faults.add_missing(
                error
                    .at(span)
                    .named(FindingName::TapTwice)
                    .help("use a different tap for each NIC"),
                needs::NETWORK,
            );
            continue;
        }
        let leader = Slots::leader(number);
        if nics.iter().all(|nic| nic.number != leader) && number != leader {
            // An invalid or double function 0 is reported once.
            if !parts.own.is_wrong("ifN", leader) && !parts.own.settings.ifs.contains_key(&leader) {
                let error = hidden(&parts.name, "if", number, span);
                faults.add_missing(error, needs::NETWORK);
            }
            continue;
        }
        let has_tap = backend.tap().is_some();
        let (bridge, bridge_origin) = if has_tap {
            bridge_of(parts, number, id.span, faults)
        } else {
            refuse_bridge(parts, number, &backend, faults);
            (None, None)
        };
        let is_private = own.privates.get(&number).is_some_and(|set| set.value);
        nics.push(Nic {
            number,
            backend,
            bridge,
            is_private: is_private && has_tap,
            kind: own
                .if_kinds
                .get(&number)
                .map_or_else(NicKind::default, |set| set.value),
            mac: own.macs.get(&number).map(|set| set.value),
            origin: span,
            bridge_origin,
        });
    }
    nics
}

/// Refuses the settings of a tap for a NIC without one.
fn refuse_bridge(parts: &Parts<'_>, number: u8, backend: &NicBackend, faults: &mut Faults) {
    let own = &parts.own.settings;
    let bridge = own.bridges.get(&number).map(|set| set.span);
    let private = own.privates.get(&number).map(|set| set.span);
    for (setting, span) in [("ifN_bridge", bridge), ("ifN_private", private)] {
        let Some(span) = span else { continue };
        let name = &parts.name;
        let error = Error::config(format!(
            "{name}_{} is set, and if{number} is {backend}, which has no tap and joins no bridge",
            numbered(setting, number)
        ));
        faults.add(
            error
                .at(span)
                .named(FindingName::Setting)
                .help(format!("remove it, or set {name}_if{number} to a tap")),
            needs::NETWORK,
        );
    }
}

/// The bridge of a NIC, and the setting that names it.
///
/// Differs: A missing `bridge` or `volroot` is an error where it is needed
fn bridge_of(
    parts: &Parts<'_>,
    number: u8,
    at: Option<Span>,
    faults: &mut Faults,
) -> (Option<IfName>, Option<Span>) {
    let own = parts.own.settings.bridges.get(&number);
    if let Some(set) = own.or(parts.host.bridge.as_ref()) {
        return (set.value.clone(), set.span);
    }
    if !parts.own.is_wrong("ifN_bridge", number) {
        let name = &parts.name;
        let error = Error::config(format!(
            "neither {name}_if{number}_bridge nor bridge is set"
        ));
        faults.add_missing(
            error
                .at(at)
                .named(FindingName::BridgeUnset)
                .help("set the default for all VMs: bridge=bridge0")
                .help(format!(
                    "or, if the NIC shall join nothing: {name}_if{number}_bridge=none"
                )),
            needs::NETWORK,
        );
    }
    (placeholder_bridge(), None)
}
