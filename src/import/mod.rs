//! The VMs of other managers, in terms of our settings.
//!
//! Pure: text in, [`Guest`]s out; opens no file. A key of theirs is translated only if our table has a
//! setting for its meaning and our parser accepts the value; every other key becomes a remark.

mod devices;
pub mod iohyve;
mod keys;
pub mod libvirt;
pub mod vm_bhyve;

use crate::config::edit::TypedSetting;
use crate::config::rivals;
use crate::config::settings::{self, Given, VmSettings};
use crate::quote;
use devices::Disk;
pub use devices::is_nic;
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};

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
        let (value, theirs) = (value.as_ref(), theirs.to_string());
        if let Err(why) = self.try_set(key, value) {
            let mut why = shown_once(&theirs, value, why);
            if ["cpu", "mem"].contains(&key) {
                let _ = write!(why, "; the VM has the default of {key}");
            }
            self.lose(&theirs, &why);
        }
    }

    /// As [`Self::set`] without a remark, for a setting on which another one depends.
    fn try_set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let setting = setting(key, value)?;
        self.settings.retain(|one| one.key() != key);
        self.settings.extend(setting);
        Ok(())
    }

    fn has(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.key() == key)
    }

    /// As [`Self::set`] for a setting that is a switch.
    fn switch(&mut self, key: &str, is_on: bool, theirs: impl fmt::Display) {
        self.set(key, if is_on { "YES" } else { "NO" }, theirs);
    }

    /// Reports what is not imported, and why.
    pub fn lose(&mut self, theirs: impl fmt::Display, why: &str) {
        self.remarks
            .push(format!("{theirs} is not imported: {why}"));
    }

    /// As [`Self::lose`], unless it is reported already.
    fn lose_once(&mut self, theirs: impl fmt::Display, why: &str) {
        self.remark_once(format!("{theirs} is not imported: {why}"));
    }

    fn remark_once(&mut self, text: String) {
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    /// Reports a loader that there is not, and what the VM has in its place.
    fn lose_loader(&mut self, theirs: impl fmt::Display) {
        self.lose(
            theirs,
            "easy-bhyve has no such loader, and the VM starts with grub: set loader=uefi if the guest boots by UEFI",
        );
    }

    /// Reports firmware other than that with which a VM starts here.
    fn lose_firmware(&mut self, theirs: impl fmt::Display) {
        let why = "the VM starts with the firmware of the package bhyve-firmware";
        self.lose(theirs, why);
    }

    /// Reports a key of a VM that has no value, so that the VM has that of the host for ours.
    fn lose_default(&mut self, key: &str, ours: &str) {
        let text = format!("the file sets no {key}: the VM has the default of {ours}");
        self.remarks.push(text);
    }

    /// Reports a key that is not translated: with our advice about it, if there is any.
    fn lose_key(&mut self, key: &str, value: &str) {
        let advice = rivals::answer(key);
        let why = match &advice {
            Some(advice) => advice,
            None if settings::find(key).is_some() => NO_EFFECT,
            None => "easy-bhyve does not know it",
        };
        self.lose(format_args!("{key}={value}"), why);
    }
}

/// Why a setting of another loader is not imported.
const NO_EFFECT: &str = "it has no effect with this loader";

/// A setting that our table has and whose value its parser accepts; none for the default.
fn setting(key: &str, value: &str) -> Result<Option<TypedSetting>, String> {
    let (row, number) = settings::find(key).ok_or("easy-bhyve has no setting for it")?;
    let text = OsStr::new(value);
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Err("the value is not UTF-8 text".to_owned());
    }
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

/// Why a value is refused, without the value if `theirs` shows the value already.
fn shown_once(theirs: &str, value: &str, why: String) -> String {
    if value.is_empty() || !theirs.contains(value) {
        return why;
    }
    let quoted = format!("\"{value}\"");
    let rest = why.strip_prefix(&quoted).or(why.strip_prefix(value));
    match rest.filter(|rest| rest.starts_with([' ', ':'])) {
        Some(rest) => rest
            .strip_prefix(": ")
            .map_or_else(|| format!("the value{rest}"), str::to_owned),
        None => why.replacen(&format!(" {quoted}"), "", 1),
    }
}

/// Whether firmware is that with which a VM starts here, so that its variables are, too; `path` is empty
/// for the default of the other manager.
fn is_our_firmware(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    ["", "-", "BHYVE_UEFI.fd", "BHYVE_UEFI_CODE.fd"].contains(&file)
        || path.ends_with("/u-boot-bhyve-arm64/u-boot.bin")
}

/// Translates words for bhyve: those that one of our settings stands for, or that are always passed, and
/// the other options, each with its values. Whether `-u` is among them.
fn arguments<'text>(guest: &mut Guest, words: impl IntoIterator<Item = &'text str>) -> bool {
    let mut letters = String::new();
    let mut options: Vec<Vec<&str>> = Vec::new();
    for word in words {
        let switches = word.strip_prefix('-').unwrap_or_default();
        if !switches.is_empty() && switches.chars().all(|letter| "AHPSuw".contains(letter)) {
            letters.push_str(switches);
            continue;
        }
        if word.starts_with('-') || options.is_empty() {
            options.push(Vec::new());
        }
        if let Some(option) = options.last_mut() {
            option.push(word);
        }
    }
    if letters.contains('w') {
        guest.switch("strict_msrs", false, "-w");
    }
    if letters.contains('S') {
        guest.switch("wired", true, "-S");
    }
    let mut more: Vec<String> = Vec::new();
    for option in options {
        let shown: Vec<String> = option.iter().map(|word| without_password(word)).collect();
        let shown = written(&shown);
        match setting("bhyve_args", &shown) {
            Ok(_) => more.push(written(&option)),
            Err(why) => {
                let theirs = format!("{shown} of bhyve");
                guest.lose(&theirs, &shown_once(&theirs, &shown, why));
            }
        }
    }
    if !more.is_empty() {
        let more = more.join(" ");
        guest.set("bhyve_args", &more, format_args!("{more} of bhyve"));
    }
    letters.contains('u')
}

/// Words as the value of `bhyve_args` has them.
fn written(words: &[impl AsRef<OsStr>]) -> String {
    let words = words.iter().map(|word| {
        let mut quoted = Vec::new();
        quote::push_plain(&mut quoted, word.as_ref());
        String::from_utf8_lossy(&quoted).into_owned()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A word for bhyve(8) without the value of a password, with which no word is accepted.
fn without_password(word: &str) -> String {
    let parts = word.split(',').map(|part| match part.split_once('=') {
        Some(("password", _)) => "password",
        _ => part,
    });
    parts.collect::<Vec<_>>().join(",")
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
mod document_tests;
#[cfg(test)]
mod lost_tests;
#[cfg(test)]
mod remark_tests;
#[cfg(test)]
mod tests;
