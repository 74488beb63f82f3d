//! The VMs of other managers, in terms of our settings.
//!
//! Pure: text in, [`Guest`]s out; opens no file. A key of theirs is translated only if our table has a
//! setting for its meaning and our parser accepts the value; every other key becomes a remark.

pub mod iohyve;
pub mod libvirt;
pub mod vm_bhyve;

use crate::config::edit::TypedSetting;
use crate::config::rivals;
use crate::config::settings::{self, Given, VmSettings};
use crate::model::device::{Slot, Slots};
use std::ffi::{OsStr, OsString};
use std::fmt;

/// A VM of another manager, in terms of our settings.
#[derive(Debug)]
pub struct Guest {
    /// Its name there.
    pub name: String,
    /// Where it is described: a file, or a dataset.
    pub place: String,
    /// The number that its console has there.
    pub number: Option<u16>,
    /// Its settings without the id, none with its default.
    pub settings: Vec<TypedSetting>,
    /// The numbers of its NICs that need a tap of their own, whose name is free.
    pub without_tap: Vec<usize>,
    /// What has no counterpart, and what changes for the guest.
    pub remarks: Vec<String>,
}

/// The network that a NIC without a setting of its own joins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The bridge.
    pub bridge: String,
    /// The uplink of the bridge.
    pub uplink: Option<String>,
}

impl Guest {
    fn new(name: impl Into<String>, place: impl fmt::Display) -> Self {
        Self {
            name: name.into(),
            place: place.to_string(),
            number: None,
            settings: Vec::new(),
            without_tap: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Gives a key of ours a value; `theirs` is what this comes from, for a remark if our setting does
    /// not take the value.
    fn set(&mut self, key: &str, value: impl AsRef<str>, theirs: impl fmt::Display) {
        match setting(key, value.as_ref()) {
            Ok(setting) => self.settings.extend(setting),
            Err(why) => self.lose(theirs, &why),
        }
    }

    /// Gives NIC `number` this tap, or one whose name is free: the first NIC has one by default.
    fn set_tap(&mut self, number: usize, tap: Option<&str>, theirs: impl fmt::Display) {
        match tap {
            Some(tap) => self.set(&format!("if{number}"), tap, theirs),
            None if number > 0 => self.without_tap.push(number),
            None => {}
        }
    }

    /// Gives NIC `number` this address; without one bhyve derives it from the slot.
    fn set_mac(&mut self, number: usize, mac: Option<&str>) {
        match mac {
            Some(mac) => self.set(&format!("if{number}_mac"), mac, format_args!("mac {mac}")),
            None => self.remarks.push(format!(
                "NIC {number} has no address of its own there: bhyve derives another one from the new slot"
            )),
        }
    }

    /// Makes NIC `number` join nothing, because its network has no counterpart.
    fn disconnect(&mut self, number: usize, theirs: impl fmt::Display, why: &str) {
        let own = format!("if{number}_bridge");
        self.lose(theirs, &format!("{why}: name a bridge by {own}"));
        self.set(&own, "none", "");
    }

    fn has(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.key() == key)
    }

    /// As [`Self::set`] for a setting that is a switch.
    fn switch(&mut self, key: &str, is_on: bool, theirs: impl fmt::Display) {
        self.set(key, if is_on { "YES" } else { "NO" }, theirs);
    }

    /// Reports what is not translated, and why.
    fn lose(&mut self, theirs: impl fmt::Display, why: &str) {
        self.remarks
            .push(format!("{theirs} is not imported: {why}"));
    }

    /// Reports a key that is not translated: with our advice about it, if there is any.
    fn lose_key(&mut self, key: &str, value: &str) {
        let advice = rivals::answer(key);
        let why = match &advice {
            Some(advice) => advice,
            None if settings::find(key).is_some() => "it has no effect with this loader",
            None => "easy-bhyve does not know it",
        };
        self.lose(format_args!("{key}={value}"), why);
    }

    /// Reports that the NICs are in other slots than before; `before` has the slots there, if all are
    /// known.
    fn move_nics(&mut self, nics: usize, before: Option<&[Slot]>) {
        let ours = (0..=Slots::NICS.last()).map(|number| Slots::NICS.of(number));
        let ours: Vec<Slot> = ours.take(nics).collect();
        let Some(before) = before.filter(|before| before.len() == ours.len()) else {
            let text = "the NICs are in other PCI slots: a Linux guest may give its interfaces other names";
            return self.remarks.push(text.to_owned());
        };
        let names = linux_names(before).into_iter().zip(linux_names(&ours));
        let changed = names.filter(|(there, here)| there != here);
        let changed: Vec<String> = changed
            .map(|(there, here)| format!("{there} becomes {here}"))
            .collect();
        if !changed.is_empty() {
            self.remarks.push(format!(
                "the NICs are in other PCI slots: in a Linux guest {}",
                changed.join(", ")
            ));
        }
    }
}

/// The names that a Linux guest gives to NICs in these slots; the function counts if the slot has several
/// (systemd.net-naming-scheme(7)).
fn linux_names(slots: &[Slot]) -> Vec<String> {
    let is_shared = |slot: &Slot| {
        let same = slots.iter().filter(|other| other.device == slot.device);
        same.count() > 1
    };
    let names = slots.iter().map(|slot| {
        let function = is_shared(slot).then(|| format!("f{}", slot.function));
        format!("enp0s{}{}", slot.device, function.unwrap_or_default())
    });
    names.collect()
}

/// A setting that our table has and whose value its parser accepts; none for the default.
fn setting(key: &str, value: &str) -> Result<Option<TypedSetting>, String> {
    let (row, number) = settings::find(key).ok_or("easy-bhyve has no setting for it")?;
    let text = OsStr::new(value);
    if row.is_default(text) {
        return Ok(None);
    }
    let number = row.in_range(number);
    let number = number.ok_or_else(|| format!("the numbers of {} end before", row.name))?;
    let given = Given {
        number,
        bridge: "",
        text,
        span: None,
    };
    (row.read)(&mut VmSettings::default(), given).map_err(|error| error.to_string())?;
    let word = OsString::from(format!("{key}={value}"));
    let setting = TypedSetting::parse(&word).map_err(|error| error.to_string())?;
    Ok(Some(setting))
}

/// The values of one VM there, by key; each is taken once, and what is left was not translated.
struct Keys {
    left: Vec<(String, String)>,
}

impl Keys {
    fn take(&mut self, key: &str) -> Option<String> {
        let at = self.left.iter().position(|(name, _)| name == key)?;
        let (_, value) = self.left.remove(at);
        Some(value).filter(|value| !value.is_empty())
    }
}

/// How a key of theirs is translated that one setting of ours corresponds to.
enum Becomes {
    /// The value is the same.
    Same(&'static str),
    /// The value is a word for yes or no.
    Switch(&'static str),
}

/// Translates every key of a table that is set.
fn translate(table: &[(&'static str, Becomes)], keys: &mut Keys, guest: &mut Guest) {
    for (key, into) in table {
        let Some(value) = keys.take(key) else {
            continue;
        };
        let theirs = format!("{key}={value}");
        match into {
            Becomes::Same(ours) => guest.set(ours, value, theirs),
            Becomes::Switch(ours) => guest.switch(ours, is_yes(&value), theirs),
        }
    }
}

/// Whether a value means yes, in any of the spellings of the shell managers.
fn is_yes(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    matches!(value.as_str(), "yes" | "true" | "on" | "1" | "y")
}

/// Translates words for bhyve: those that one of our settings stands for, or that are always passed, and
/// the rest. Whether `-u` is among them.
fn arguments(guest: &mut Guest, words: &str) -> bool {
    let mut letters = String::new();
    let mut more = Vec::new();
    for word in words.split_whitespace() {
        let switches = word.strip_prefix('-').unwrap_or_default();
        if !switches.is_empty() && switches.chars().all(|letter| "AHPSuw".contains(letter)) {
            letters.push_str(switches);
        } else {
            more.push(word);
        }
    }
    if letters.contains('w') {
        guest.switch("strict_msrs", false, "-w");
    }
    if letters.contains('S') {
        guest.switch("wired", true, "-S");
    }
    let more = more.join(" ");
    if !more.is_empty() {
        guest.set("bhyve_args", &more, format_args!("{more} of bhyve"));
    }
    letters.contains('u')
}

/// A screen of another manager.
struct Listens<'text> {
    /// The address; empty for all.
    address: &'text str,
    /// The port, if it is fixed.
    port: Option<&'text str>,
    has_password: bool,
}

impl Listens<'_> {
    /// Sets `vnc`, and reports what a viewer finds changed. A password is in no line of ours, and without it
    /// the screen is for this host alone.
    fn translate(&self, guest: &mut Guest, theirs: &str) {
        let is_here = matches!(self.address, "127.0.0.1" | "localhost" | "::1");
        let address = match self.address {
            _ if self.has_password && !is_here => "127.0.0.1",
            "" => "0.0.0.0",
            address => address,
        };
        let value = match self.port {
            // Without a number of its own the port depends on the id, which `YES` has.
            None => "YES".to_owned(),
            Some(port) if address.contains(':') => format!("[{address}]:{port}"),
            Some(port) => format!("{address}:{port}"),
        };
        guest.set("vnc", &value, theirs);
        let shown = match self.address {
            "" => "0.0.0.0",
            address => address,
        };
        if self.port.is_none() {
            guest.remarks.push(format!(
                "the screen listened on {shown} with a port of its own choice; vnc=YES listens on 127.0.0.1, port 5900 plus the id"
            ));
        } else if address != shown {
            guest.remarks.push(format!(
                "the screen listened on {shown} with a password; without it the screen listens on {address}"
            ));
        }
        if self.has_password {
            guest.remarks.push(
                "the password of the screen is not shown: write it into a file of your own, and name it by vnc_password_file"
                    .to_owned(),
            );
        }
    }
}

#[cfg(test)]
mod tests;
