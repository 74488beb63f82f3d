//! The NICs of a VM.

use super::keys::Numbered;
use super::{origin, typed};
use crate::error::{Error, Result};
use crate::model::Nic;
use crate::model::name::{IfName, TapName, VmName};
use crate::model::settings::HostSettings;

/// The NICs; the first is there without being set.
pub(super) fn nics(
    name: &VmName,
    id: u16,
    numbered: &Numbered<'_>,
    host: &HostSettings,
) -> Result<Vec<Nic>> {
    let taps = numbered.get("if");
    let bridges = numbered.get("if_bridge");
    let bridge_of = |number: u8| -> Result<IfName> {
        match (
            bridges.and_then(|bridges| bridges.get(&number)),
            &host.bridge,
        ) {
            (Some(set), _) => typed(set),
            (None, Some(bridge)) => Ok(bridge.value.clone()),
            (None, None) => Err(Error::config(format!(
                "neither {name}_if{number}_bridge nor bridge is set"
            ))
            .help("set the default for all VMs: bridge=bridge0")),
        }
    };
    let mut nics: Vec<Nic> = Vec::new();
    if taps.is_none_or(|taps| !taps.contains_key(&0)) {
        let tap = TapName::parse(&format!("tap{id}"))
            .map_err(|error| Error::config(error.to_string()))?;
        nics.push(Nic {
            number: 0,
            tap,
            bridge: bridge_of(0)?,
            origin: None,
        });
    }
    for (&number, set) in taps.into_iter().flatten() {
        let tap: TapName = typed(set)?;
        if let Some(other) = nics.iter().find(|other| other.tap == tap) {
            return Err(Error::config(format!(
                "if{} and if{number} of {name} are both {tap}",
                other.number
            ))
            .at(Some(&origin(set)))
            .help("each NIC needs a tap of its own"));
        }
        nics.push(Nic {
            number,
            tap,
            bridge: bridge_of(number)?,
            origin: Some(origin(set)),
        });
    }
    Ok(nics)
}
