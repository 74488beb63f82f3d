//! The table of settings, one row each; all readers and writers of settings use it.
//!
//! The reader of the configuration, `set`, `new`, the nearest names, the words of the root side,
//! `resources` and the manual page take names, forms, defaults and meanings from here. A new setting
//! needs a field of [`VmSettings`], a row of [`VM`], its use in [`super::resolve`], and a place in
//! `src/manual/pages/settings.mdoc`.

mod devices;
mod host;
mod loader;
mod names;
pub mod needs;
mod screen;
mod vm;

use super::Assignment;
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::device::Slots;
use crate::model::loader::LoaderKind;
use crate::model::name::{NameError, error};
use crate::span::Span;
pub use host::{HOST, HostSettings, of_host, uplink_of};
pub use names::{find, most_underscores};
pub use needs::Need;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
pub use vm::{VM, VmSettings};

/// What the name of a host variable begins with among the settings of a VM.
pub const OF_HOST: &str = "host_";

/// The default of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// None: the setting is required.
    Required,
    /// None: the setting is optional.
    None,
    /// This value.
    Value(&'static str),
    /// A description of the value, in Markdown.
    Described(&'static str),
}

impl fmt::Display for Default {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("required"),
            Self::None => f.write_str("none"),
            Self::Value(value) => write!(f, "`{value}`"),
            Self::Described(text) => f.write_str(text),
        }
    }
}

/// The form of a setting's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The form that the manual page describes under this name.
    Named(&'static str),
}

/// Where a value comes from that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The value of this host variable.
    Host(&'static str),
    /// It is derived from this setting of the VM, or else this host variable.
    Derived(&'static str),
}

/// A value and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// The place in the configuration, if any.
    pub span: Option<Span>,
}

/// The text of a setting, before parsing.
#[derive(Clone, Copy, Debug)]
pub struct Given<'text> {
    /// The number in the setting's name; 0 for a name without one.
    pub number: u8,
    /// The bridge in the setting's name; empty for a name without one.
    pub bridge: &'text str,
    /// The text, which is not empty.
    pub text: &'text OsStr,
    /// The place in the configuration, if any.
    pub span: Option<Span>,
}

impl<'text> Given<'text> {
    /// The text of an assignment.
    pub fn of(set: &Assignment<'text>, number: u8) -> Self {
        Self {
            number,
            bridge: "",
            text: OsStr::from_bytes(set.value),
            span: Some(set.value_span),
        }
    }

    /// The default text of the table.
    pub fn by_default(text: &'text str) -> Self {
        Self {
            number: 0,
            bridge: "",
            text: OsStr::new(text),
            span: None,
        }
    }

    /// A parsed value at the place of this text.
    pub fn with<T>(self, value: T) -> Set<T> {
        Set {
            value,
            span: self.span,
        }
    }

    fn parsed<T>(self, parse: impl FnOnce(&str) -> Result<T, NameError>) -> Parsed<T> {
        let text = self.text.to_str();
        let text = text.ok_or_else(|| error("the value is not UTF-8 text".to_owned()))?;
        parse(text).map(|value| self.with(value))
    }

    fn path(self) -> Set<PathBuf> {
        self.with(PathBuf::from(self.text))
    }
}

type Parsed<T> = Result<Set<T>, NameError>;

/// A VM's values for one setting by number; 0 for a name without a number.
pub type Written = Vec<(u8, OsString)>;

/// One row of the table.
pub struct Setting<Into: 'static> {
    /// The name, `N` for a number: `cpu`, `hdN`, `ifN_bridge`; without `VM_`.
    pub name: &'static str,
    /// The slots of the devices that the number in the name counts, if there is a number.
    ///
    /// Differs: Numbers of disks and NICs may have gaps and end at 15
    pub slots: Option<Slots>,
    /// Older names, which are also accepted.
    ///
    /// Differs: Older names of settings count
    pub older: &'static [&'static str],
    /// The form of its values.
    pub form: Form,
    /// The default.
    pub default: Default,
    /// The default for this VM, if it depends on other settings.
    pub usual: fn(&Vm) -> Option<&'static str>,
    /// The needs that an invalid value stops.
    pub needed_by: &'static [Need],
    /// Whether `resources` always shows the setting; others are shown if they differ from the default.
    pub always_shown: bool,
    /// Whether the VM cannot be checked as a whole if this setting is invalid.
    pub shapes_vm: bool,
    /// The setting of the same number without which this setting is ignored; number 0 of that setting
    /// always exists.
    pub part_of: Option<&'static str>,
    /// The only loader that uses the setting, if not all do.
    pub loader: Option<LoaderKind>,
    /// Whether the value concerns one VM alone, so that no profile can have the setting.
    pub is_own: bool,
    /// Where a value comes from that is not set, the first that is set itself; else it is the default.
    pub otherwise: &'static [Otherwise],
    /// The finding for an invalid value.
    pub finding: FindingName,
    /// The meaning, in one line of Markdown.
    pub meaning: &'static str,
    /// Parses a text into its field.
    pub read: fn(&mut Into, Given<'_>) -> Result<(), NameError>,
    /// The values of a VM for this row.
    pub written: fn(&Vm) -> Written,
}

/// Whether a row is read.
pub type RowFilter = fn(&Setting<VmSettings>) -> bool;

/// Reads every row.
pub fn every_row(_: &Setting<VmSettings>) -> bool {
    true
}

impl<Into> PartialEq for Setting<Into> {
    /// Rows are equal if their names are.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<Into> fmt::Debug for Setting<Into> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<Into> Setting<Into> {
    /// The fields that most rows have in common.
    const ROW: Self = Self {
        name: "",
        slots: None,
        older: &[],
        form: Form::Named(""),
        default: Default::None,
        usual: |_| None,
        needed_by: needs::RUN,
        always_shown: true,
        shapes_vm: false,
        part_of: None,
        loader: None,
        is_own: false,
        otherwise: &[],
        finding: FindingName::Setting,
        meaning: "",
        read: |_, _| Ok(()),
        written: |_| Vec::new(),
    };

    /// Whether this value is the default.
    pub fn is_default(&self, value: &OsStr) -> bool {
        matches!(self.default, Default::Value(usual) if value == usual)
    }

    /// Whether this value is the default for this VM.
    pub fn is_usual(&self, vm: &Vm, value: &OsStr) -> bool {
        match (self.usual)(vm) {
            Some(usual) => value == usual,
            None => self.is_default(value),
        }
    }

    /// The name with this number.
    pub fn numbered(&self, number: impl fmt::Display) -> String {
        numbered(self.name, number)
    }

    /// All names, the current one first.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.older.iter().copied())
    }

    /// The number in a name of this setting, if it is valid: 0 for a name without a number.
    pub fn in_range(&self, number: u32) -> Option<u8> {
        let last = self.slots.map_or(0, Slots::last);
        u8::try_from(number).ok().filter(|number| *number <= last)
    }
}

/// A name of the table with its `N` replaced by this number.
pub fn numbered(name: &str, number: impl fmt::Display) -> String {
    match name.split_once('N') {
        Some((stem, end)) => format!("{stem}{number}{end}"),
        None => name.to_owned(),
    }
}

/// Reads a text into a field: by its parser, or as a path.
macro_rules! into {
    ($field:ident: path) => {
        |to, given| {
            to.$field = Some(given.path());
            Ok(())
        }
    };
    ($field:ident: $parse:expr) => {
        |to, given| {
            to.$field = Some(given.parsed($parse)?);
            Ok(())
        }
    };
    ($field:ident[N]: path) => {
        |to, given| {
            to.$field.insert(given.number, given.path());
            Ok(())
        }
    };
    ($field:ident[N]: $parse:expr) => {
        |to, given| {
            to.$field.insert(given.number, given.parsed($parse)?);
            Ok(())
        }
    };
}
use into;

/// The words of a switch.
const YES_OR_NO: &[&str] = &["YES", "NO"];

fn yes_no(is_so: bool) -> &'static str {
    if is_so { "YES" } else { "NO" }
}

/// The single value of a setting without a number.
fn one(value: impl AsRef<OsStr>) -> Written {
    vec![(0, value.as_ref().to_owned())]
}

/// Whether this is the name of a host variable.
pub fn is_of_host(name: &str) -> bool {
    of_host(name).is_some()
}

#[cfg(test)]
mod tests;
