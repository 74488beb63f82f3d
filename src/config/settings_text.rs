//! A VM as names and values, and back: the lines of `resources` and the words of the root side.

use super::resolve::{Wanted, of_words};
use super::settings::{self, Given, HostSettings, Need, OF_HOST, Setting, VmSettings, Written};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::{VmId, VmName};
use crate::tools::line::side_of_vm;
use crate::verb::Spelling;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A name and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The name.
    pub name: String,
    /// The value.
    pub value: OsString,
    /// Whether the line may be omitted: a setting not in the manual, at its default.
    pub is_usual: bool,
}

impl Line {
    fn new(name: impl Into<String>, value: impl Into<OsString>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
            is_usual: false,
        }
    }
}

/// All names and values, in the order of the manual; `host` is the host's name up to the first dot.
pub fn lines(vm: &Vm, host: &str, devices: &Path) -> Vec<Line> {
    let mut lines = vec![
        Line::new("host", host),
        Line::new("system", vm.name.as_str()),
    ];
    let mut rows = settings::VM.iter().peekable();
    while let Some(row) = rows.next() {
        if row.name == "id" {
            // The console's name contains the number.
            lines.push(Line::new("con", side_of_vm(vm.id, devices)));
            continue;
        }
        // In the manual the host variables come before the NICs.
        if row.name == "ifN" {
            lines.extend(of_host(vm));
        }
        let mut family = numbered(row, vm);
        while let Some(next) = rows.next_if(|next| stem(next.name) == stem(row.name)) {
            family.extend(numbered(next, vm));
        }
        family.sort_by_key(|(number, _)| *number);
        lines.extend(family.into_iter().map(|(_, line)| line));
    }
    lines
}

/// The host variables, in the manual's order: the interface before the bridge; then uplinks of other
/// bridges.
fn of_host(vm: &Vm) -> impl Iterator<Item = Line> {
    let rows = settings::HOST.iter().rev().flat_map(|row| {
        let written: Written = (row.written)(vm);
        let name = format!("{OF_HOST}{}", row.name);
        written
            .into_iter()
            .map(move |(_, value)| Line::new(name.as_str(), value))
    });
    let uplinks = vm.shared.uplinks.iter().filter_map(|(bridge, uplink)| {
        let name = format!("{OF_HOST}{}", settings::uplink_of(bridge)?);
        Some(Line::new(name, uplink.name.as_ref()))
    });
    rows.chain(uplinks)
}

/// A VM's lines for a row, by number.
fn numbered(row: &Setting<VmSettings>, vm: &Vm) -> Vec<(u8, Line)> {
    let written = (row.written)(vm).into_iter();
    let line = |(number, value): (u8, OsString)| {
        let is_usual = !row.always_shown && row.is_usual(vm, &value);
        let line = Line::new(row.numbered(number), value);
        (number, Line { is_usual, ..line })
    };
    written.map(line).collect()
}

/// The part of a name before the number; the whole name if it has no number.
fn stem(name: &str) -> &str {
    name.split_once('N').map_or(name, |(stem, _)| stem)
}

/// Parses the [`lines`] of the VM of this name, strictly: every required name once, no
/// unknown name, and each value exactly as written.
///
/// # Errors
/// The first fault.
pub fn parse<'words>(
    name: &str,
    pairs: impl Iterator<Item = (&'words str, &'words OsStr)>,
    devices: &Path,
    spelling: &Spelling,
) -> Result<Vm> {
    let name = VmName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
    let mut given: BTreeMap<&str, &OsStr> = BTreeMap::new();
    for (key, value) in pairs {
        if given.insert(key, value).is_some() {
            return Err(Error::usage(format!("{key}= is given twice")));
        }
    }
    let (mut own, mut host) = (VmSettings::default(), HostSettings::default());
    for (&key, &value) in &given {
        read(key, value, devices, &mut own, &mut host)?;
    }
    let vm = of_words(
        name,
        own,
        &host,
        &Wanted::new(Need::Settings, spelling.clone(), devices),
    )?;
    // No VM depends on the host's name, which may be empty.
    let host_name = given.get("host").copied().unwrap_or_default();
    let host_name = host_name.to_str().unwrap_or_default();
    for Line {
        name: key, value, ..
    } in lines(&vm, host_name, devices)
    {
        match given.remove(key.as_str()) {
            None => return Err(Error::usage(format!("{key}= is missing"))),
            Some(given) if given != value => {
                return Err(Error::usage(format!(
                    "{key}={} contradicts the other settings, which give {key}={}",
                    given.display(),
                    value.display()
                )));
            }
            Some(_) => {}
        }
    }
    match given.keys().next() {
        None => Ok(vm),
        Some(more) => Err(Error::usage(format!("{more}= is unknown"))),
    }
}

/// Whether a word of this name describes a VM, not an operation on it.
pub fn is_of_vm(key: &str) -> bool {
    matches!(key, "host" | "system" | "con")
        || key.strip_prefix(OF_HOST).is_some_and(settings::is_of_host)
        || settings::find(key).is_some()
}

fn read(
    key: &str,
    value: &OsStr,
    devices: &Path,
    own: &mut VmSettings,
    host: &mut HostSettings,
) -> Result<()> {
    let of_host = key.strip_prefix(OF_HOST).and_then(settings::of_host);
    let given = |number| Given {
        number,
        bridge: of_host.map_or("", |(_, bridge)| bridge),
        text: value,
        span: None,
    };
    let wrong = |error| Error::usage(format!("{key}: {error}"));
    match key {
        // Compared with the VM at the end.
        "host" | "system" => return Ok(()),
        "con" => {
            own.id = Some(given(0).with(id(value, devices)?));
            return Ok(());
        }
        _ => {}
    }
    match (of_host, settings::find(key)) {
        // An empty value means not set.
        (Some(_), _) | (_, Some((_, 0))) if value.is_empty() => Ok(()),
        (Some((row, _)), _) => (row.read)(host, given(0)).map_err(wrong),
        (None, Some((row, number))) => match row.in_range(number) {
            Some(number) => (row.read)(own, given(number)).map_err(wrong),
            None => Err(Error::usage(format!("{key}= is unknown"))),
        },
        _ => Err(Error::usage(format!("{key}= is unknown"))),
    }
}

/// The id in the name of a VM's console; only one spelling of each name is accepted.
fn id(con: &OsStr, devices: &Path) -> Result<VmId> {
    let number = Path::new(con)
        .strip_prefix(devices)
        .ok()
        .and_then(Path::to_str)
        .and_then(|node| node.strip_prefix("nmdm")?.strip_suffix('A'))
        .and_then(|number| VmId::parse(number).ok());
    number
        .filter(|id| side_of_vm(id.0, devices).as_os_str() == con)
        .ok_or_else(|| {
            Error::usage(format!(
                "con={} is not {}, where N is the id of a VM",
                con.display(),
                devices.join("nmdmNA").display()
            ))
        })
}

#[cfg(test)]
#[path = "settings_text_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "settings_text_property_tests.rs"]
mod property_tests;
