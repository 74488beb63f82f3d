//! Settings as lines for sh(1) and as JSON.

use crate::config::resolve::origin::Traced;
use crate::config::settings_text::Line;
use crate::model::Vm;
use crate::model::kind::Mac;
use crate::quote;
use serde::Serialize;

/// `NAME=VALUE` lines that sh can read back.
pub(super) fn shown(settings: &[Line]) -> Vec<u8> {
    let lines = settings.iter().map(assigned);
    let lines = lines.flat_map(|line| [line, b"\n".to_vec()]);
    lines.flatten().collect()
}

/// As [`shown`], with the origin of each value as a comment.
pub(super) fn shown_with(settings: &[Line], origins: &[Traced]) -> Vec<u8> {
    let mut shown = Vec::new();
    for (line, origin) in settings.iter().zip(origins) {
        let line = assigned(line);
        let blanks = COLUMN.saturating_sub(line.len()).max(2);
        shown.extend(line);
        shown.extend(format!("{}# {origin}\n", " ".repeat(blanks)).into_bytes());
    }
    shown
}

/// The column at which the origin of a value begins, unless the value is longer.
const COLUMN: usize = 40;

fn assigned(line: &Line) -> Vec<u8> {
    let mut shown = format!("{}=", line.name).into_bytes();
    quote::push(&mut shown, &line.value);
    shown
}

/// The addresses that bhyve derives, of the NICs without one of their own, by number. They are no settings:
/// a line of a setting would keep the address when the VM is renamed or cloned.
pub(super) fn derived_addresses(vm: &Vm) -> Vec<(u8, Mac)> {
    let nics = vm.nics.iter().filter(|nic| nic.mac.is_none());
    nics.map(|nic| (nic.number, nic.address(&vm.name)))
        .collect()
}

/// The derived addresses as comments.
pub(super) fn comments(derived: &[(u8, Mac)]) -> Vec<u8> {
    let lines = derived.iter().map(|(number, mac)| {
        format!("# without if{number}_mac bhyve derives {mac}\n").into_bytes()
    });
    lines.flatten().collect()
}

/// The settings as one object, as `--format json` shows them, and the derived addresses.
pub(super) fn pairs(
    settings: &[Line],
    derived: &[(u8, Mac)],
) -> serde_json::Map<String, serde_json::Value> {
    let settings = settings.iter();
    let settings = settings.map(|line| (line.name.clone(), value(line)));
    let derived = derived.iter().map(|(number, mac)| {
        let name = format!("if{number}_mac_derived");
        (name, mac.to_string())
    });
    let pairs = settings.chain(derived);
    pairs.map(|(name, value)| (name, value.into())).collect()
}

fn value(line: &Line) -> String {
    line.value.to_string_lossy().into_owned()
}

/// The version of `--origin --format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 1;

/// The settings with their origins, as `--format json` shows them.
#[derive(Debug, Serialize)]
pub(super) struct Document {
    schema: u32,
    settings: Vec<Known>,
}

/// One setting with its origin.
#[derive(Debug, Serialize)]
struct Known {
    name: String,
    value: String,
    origin: Traced,
}

pub(super) fn document(settings: &[Line], origins: Vec<Traced>) -> Document {
    let known = settings.iter().zip(origins).map(|(line, origin)| Known {
        name: line.name.clone(),
        value: value(line),
        origin,
    });
    Document {
        schema: SCHEMA,
        settings: known.collect(),
    }
}
