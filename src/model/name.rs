//! Names that are used in argument lists, each with one parser.
//!
//! Sources: `sys/dev/vmm/vmm_param.h` (VM names), ifconfig(8) (interfaces),
//! `module/zcommon/zfs_namecheck.c` of OpenZFS (datasets and snapshots).

use serde::{Serialize, Serializer};
use smol_str::{SmolStr, format_smolstr};
use std::ffi::OsStr;
use std::fmt;

/// Why a text is not a valid name: a sentence without a subject, lower case, no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(String);

/// The error of another module's text type.
pub(crate) fn error(text: String) -> NameError {
    NameError(text)
}

fn refuse<T>(text: impl Into<String>) -> Result<T, NameError> {
    Err(NameError(text.into()))
}

/// Implements the outputs of a text type: `Display`, `AsRef`, `as_str`, and serde's for JSON.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text as the user spelled it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<OsStr> for $name {
            fn as_ref(&self) -> &OsStr {
                OsStr::new(self.as_str())
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}
pub(crate) use text_newtype;

/// A VM's name: a letter, then letters, digits and `_`, at most 200 characters.
///
/// Such a name needs no escaping in a configuration key, a path, or a pattern for pgrep(1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmName(SmolStr);
text_newtype!(VmName);

impl VmName {
    /// Parses a VM name.
    ///
    /// # Errors
    /// If the text is empty or too long, or contains an invalid character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return refuse(format!(
                "\"{text}\" is not a VM name: the first character must be a letter"
            ));
        }
        if let Some(bad) = text
            .chars()
            .find(|&c| !c.is_ascii_alphanumeric() && c != '_')
        {
            return refuse(format!(
                "\"{text}\" is not a VM name: only letters, digits and \"_\" are allowed, not \"{bad}\""
            ));
        }
        if text.len() > 200 {
            return refuse("a VM name has at most 200 characters");
        }
        Ok(Self(text.into()))
    }

    /// The valid name most like this text, if the text resembles a name: `obsd_dev` for `obsd-dev`.
    pub fn like(text: &str) -> Option<Self> {
        let is_in_name = |c: char| c.is_ascii_alphanumeric();
        let text = text.trim_matches(|c: char| !is_in_name(c));
        let name = text.replace(|c: char| !is_in_name(c) && c != '_', "_");
        let name = match name.chars().next()? {
            first if first.is_ascii_alphabetic() => name,
            _ => format!("vm{name}"),
        };
        Self::parse(&name).ok()
    }

    /// The process title of the running VM, set by setproctitle(3) (`usr.sbin/bhyve/bhyverun.c`).
    pub fn title(&self) -> String {
        format!("bhyve: {}", self.0)
    }

    /// The text before the name in [`Self::mark`].
    pub const MARK: &str = "easy-bhyve:";

    /// The description of this VM's taps, which marks them.
    pub fn mark(&self) -> String {
        format!("{}{}", Self::MARK, self.0)
    }
}

/// A VM's number: 0 to 32767, as for units of tap(4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmId(pub u16);

impl VmId {
    /// Parses digits.
    ///
    /// # Errors
    /// If the text is not a valid number of a tap.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(number @ 0..=32767) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self(number))
            }
            _ => refuse(format!("\"{text}\" is not a number from 0 to 32767")),
        }
    }
}

/// A network interface: at most 15 characters, no blank, comma or slash (ifconfig(8)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName(SmolStr);
text_newtype!(IfName);

impl IfName {
    /// Parses an interface name.
    ///
    /// # Errors
    /// If ifconfig(8) or bhyve(8) would not accept it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > 15 {
            return refuse(format!(
                "interface name \"{text}\" is longer than 15 characters; write a shorter one"
            ));
        }
        if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return refuse(format!(
                "\"{text}\" is not an interface name: the first character must be a letter"
            ));
        }
        if let Some(bad) = text
            .chars()
            .find(|&c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-'))
        {
            return refuse(format!(
                "\"{text}\" is not an interface name: \"{bad}\" is not allowed"
            ));
        }
        Ok(Self(text.into()))
    }

    /// Parses the name of a bridge, or `none`.
    ///
    /// Differs: `none` in place of a bridge joins nothing
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_bridge(text: &str) -> Result<Option<Self>, NameError> {
        match text {
            Self::NONE => Ok(None),
            _ => Self::parse(text).map(Some),
        }
    }

    /// The word in place of a bridge, for a tap that joins nothing.
    pub const NONE: &str = "none";

    /// The kind, if the name is not a unit of it, so that `ifconfig KIND create name NAME` would
    /// create the next free unit and rename it.
    pub fn renamed_from<'kind>(&self, kind: &'kind str) -> Option<&'kind str> {
        let unit = self.0.strip_prefix(kind).unwrap_or_default();
        let is_unit = !unit.is_empty() && unit.bytes().all(|byte| byte.is_ascii_digit());
        (!is_unit).then_some(kind)
    }
}

/// A tap or vmnet interface: bhyve(8) selects its back end by this prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TapName(IfName);

impl TapName {
    /// The tap of this number: every valid number of a VM is one of a tap.
    pub fn of(number: VmId) -> Self {
        Self(IfName(format_smolstr!("tap{}", number.0)))
    }

    /// Parses the name of a tap interface.
    ///
    /// # Errors
    /// If the text is not an interface name, or neither `tap…` nor `vmnet…`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = IfName::parse(text)?;
        if !text.starts_with("tap") && !text.starts_with("vmnet") {
            return refuse(format!(
                "\"{text}\" is not a tap: bhyve accepts interfaces named tap… or vmnet…"
            ));
        }
        let unit = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        if unit.parse::<u32>().is_ok_and(|unit| unit > 32767) {
            return refuse(format!("\"{text}\": tap units go up to 32767"));
        }
        if unit.len() > 1 && unit.starts_with('0') {
            return refuse(format!("\"{text}\": a unit has no leading zero"));
        }
        Ok(Self(name))
    }

    /// The interface name.
    pub fn interface(&self) -> &IfName {
        &self.0
    }

    /// The cloner that creates the interface: `tap` or `vmnet`.
    pub fn kind(&self) -> &'static str {
        if self.0.as_str().starts_with("vmnet") {
            "vmnet"
        } else {
            "tap"
        }
    }
}

impl fmt::Display for TapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsRef<OsStr> for TapName {
    fn as_ref(&self) -> &OsStr {
        self.0.as_ref()
    }
}

/// A ZFS dataset: `POOL/…/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dataset(String);
text_newtype!(Dataset);

impl Dataset {
    /// Parses a dataset name.
    ///
    /// # Errors
    /// If ZFS would not accept it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::of(text.to_owned())
    }

    /// As [`Self::parse`], without a copy of the text.
    ///
    /// # Errors
    /// If ZFS would not accept it.
    pub fn of(text: String) -> Result<Self, NameError> {
        if text.len() > 230 {
            return refuse("a volume's name has at most 230 characters");
        }
        if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return refuse(format!(
                "\"{text}\" is not a dataset: a pool's name begins with a letter; write for example zroot/vm"
            ));
        }
        // A fast path: all valid characters are ASCII.
        let is_valid = |component: &[u8]| {
            let mut bytes = component.iter();
            !matches!(component, b"" | b"." | b"..")
                && bytes.all(|byte| is_zfs_character(char::from(*byte)))
        };
        let mut components = text.as_bytes().split(|byte| *byte == b'/');
        if components.all(is_valid) {
            return Ok(Self(text));
        }
        for component in text.split('/') {
            if matches!(component, "" | "." | "..") {
                return refuse(format!(
                    "\"{text}\" is not a dataset: a component is empty, . or ..; write for example zroot/vm"
                ));
            }
            if let Some(bad) = component.chars().find(|&c| !is_zfs_character(c)) {
                return refuse(format!(
                    "\"{text}\" is not a dataset: \"{bad}\" is not allowed; write for example zroot/vm"
                ));
            }
        }
        Ok(Self(text))
    }

    /// The dataset of this name directly below this one.
    ///
    /// # Errors
    /// If the result is too long.
    pub fn child(&self, name: &str) -> Result<Self, NameError> {
        Self::parse(&format!("{}/{name}", self.0))
    }

    /// The dataset above; none for a pool.
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once('/')
            .map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The pool.
    pub fn pool(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The snapshot of this name.
    pub fn snapshot(&self, name: &SnapName) -> Snapshot {
        Snapshot {
            dataset: self.clone(),
            name: name.clone(),
        }
    }
}

/// The part of a snapshot's name after the `@`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapName(String);
text_newtype!(SnapName);

impl SnapName {
    /// Parses a snapshot name.
    ///
    /// # Errors
    /// If ZFS would not accept it.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // ZFS requires less than 256 for dataset and snapshot together (zfs_namecheck.c).
        if text.is_empty() || text.len() > 255 {
            return refuse("a snapshot's name has 1 to 255 characters");
        }
        match text.chars().find(|&c| !is_zfs_character(c)) {
            Some(bad) => refuse(format!(
                "\"{text}\" is not a snapshot name: ZFS allows letters, digits and \"-_.:\", not \"{bad}\""
            )),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// A snapshot of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    /// The dataset.
    pub dataset: Dataset,
    /// The part after the `@`.
    pub name: SnapName,
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.dataset, self.name)
    }
}

/// `A-Z a-z 0-9 - _ . :` and the blank (`module/zcommon/zfs_namecheck.c`).
fn is_zfs_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | ' ')
}

#[cfg(test)]
#[path = "name_tests.rs"]
mod tests;
