//! The NICs of a VM.

use super::keys::{Kind, Numbered};
use super::typed;
use crate::config::{FindingName, Span};
use crate::error::{Error, Result};
use crate::model::Nic;
use crate::model::name::{IfName, TapName, VmName};
use crate::model::settings::HostSettings;

/// The NICs; the first is there without being set.
///
/// `id` is the VM's number and the setting that it comes from.
pub(super) fn nics(
    name: &VmName,
    id: (u16, Span),
    numbered: &Numbered<'_>,
    host: &HostSettings,
) -> Result<Vec<Nic>> {
    let bridge_of = |number: u8| -> Result<(IfName, Option<Span>)> {
        match (numbered.get(Kind::Bridge, number), &host.bridge) {
            (Some(set), _) => Ok((typed(set)?, Some(set.value_span))),
            (None, Some(bridge)) => Ok((bridge.value.clone(), Some(bridge.span))),
            // Differs: A missing `bridge` or `volroot` is an error where it is needed
            (None, None) => Err(Error::config(format!(
                "neither {name}_if{number}_bridge nor bridge is set"
            ))
            .at(id.1)
            .named(FindingName::BridgeUnset)
            .help("set the default for all VMs: bridge=bridge0")),
        }
    };
    let mut nics: Vec<Nic> = Vec::new();
    if numbered.get(Kind::Tap, 0).is_none() {
        let tap = TapName::parse(&format!("tap{}", id.0))
            .map_err(|error| Error::config(error.to_string()).at(id.1))?;
        let (bridge, bridge_origin) = bridge_of(0)?;
        nics.push(Nic {
            number: 0,
            tap,
            bridge,
            origin: Some(id.1),
            bridge_origin,
        });
    }
    for (number, set) in numbered.all(Kind::Tap) {
        let tap: TapName = typed(set)?;
        if let Some(other) = nics.iter().find(|other| other.tap == tap) {
            return Err(Error::config(format!(
                "if{} and if{number} of {name} are both {tap}",
                other.number
            ))
            .at(set.value_span)
            .named(FindingName::TapTwice)
            .help("each NIC needs a tap of its own"));
        }
        let (bridge, bridge_origin) = bridge_of(number)?;
        nics.push(Nic {
            number,
            tap,
            bridge,
            origin: Some(set.value_span),
            bridge_origin,
        });
    }
    Ok(nics)
}
