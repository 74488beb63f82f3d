//! One file of a profile: its TOML, and errors with their places.

use super::version;
use crate::config::settings::{self, Given, Setting, VmSettings};
use crate::config::source::{Source, Sources};
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::name::NameError;
use crate::model::os::OsName;
use crate::model::size::MemSize;
use crate::span::{Excerpt, FileId, Span};
use crate::suggest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The longest file of a profile, in bytes.
const LONGEST: usize = 64 * 1024;

/// What to do about a mistake in a file.
const KEYS_ARE_IN_MANUAL: &str = "the keys of a profile are in the manual: easy-bhyve man 5";

/// What a plain number of cpus counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// Sockets, as bhyve(8) does by itself.
    #[default]
    Sockets,
    /// Cores of one socket.
    Cores,
}

/// The keys of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    about: Option<String>,
    based_on: Option<Spanned<String>>,
    iso: Option<String>,
    version_has_dot: Option<bool>,
    cpu_spread: Option<Spread>,
    menu: Option<Vec<String>>,
    console: Option<Vec<String>>,
    screen: Option<Vec<String>>,
    notes: Option<Vec<String>>,
    #[serde(default)]
    settings: BTreeMap<Spanned<String>, Spanned<Value>>,
    #[serde(default)]
    least: Least,
}

/// The value of a setting.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a text in quotes, or a whole number")]
enum Value {
    Text(String),
    Number(i64),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Least {
    mem: Option<Spanned<String>>,
    cpu: Option<u16>,
}

/// What a file says; what it does not say comes from the profile that it is based on.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) about: Option<String>,
    /// The profile that this one is based on, and the place that names it.
    pub(super) based_on: Option<(OsName, Excerpt)>,
    pub(super) iso: Option<String>,
    pub(super) version_has_dot: Option<bool>,
    pub(super) spread: Option<Spread>,
    pub(super) menu: Option<Vec<String>>,
    pub(super) console: Option<Vec<String>>,
    pub(super) screen: Option<Vec<String>>,
    pub(super) notes: Option<Vec<String>>,
    pub(super) settings: Vec<(&'static Setting<VmSettings>, String)>,
    pub(super) least_mem: Option<MemSize>,
    pub(super) least_cpu: Option<u16>,
}

impl File {
    /// Parses a file.
    ///
    /// # Errors
    /// At the first fault.
    pub(super) fn parse(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let text = Text::new(path, bytes);
        let keys: Keys = toml::from_str(text.utf8()?)
            .map_err(|error| text.wrong(error.message(), error.span().unwrap_or_default()))
            .map_err(|error| error.help(KEYS_ARE_IN_MANUAL))?;
        let mut settings: Vec<(&Setting<VmSettings>, String)> = Vec::new();
        for (key, value) in &keys.settings {
            let row = row(key.get_ref())
                .map_err(|(what, help)| text.wrong(&what, key.span()).help(help))?;
            if settings.iter().any(|(other, _)| *other == row) {
                let what = format!("{} is set twice, in two spellings", row.name);
                return Err(text.wrong(&what, key.span()).help("keep one of the two"));
            }
            let value_text = match value.get_ref() {
                Value::Text(text) => text.clone(),
                Value::Number(number) => number.to_string(),
            };
            check(row, &value_text).map_err(|error| {
                text.wrong(&format!("{}: {error}", key.get_ref()), value.span())
            })?;
            settings.push((row, value_text));
        }
        let least_mem = keys.least.mem.map(|mem| {
            let size = MemSize::parse(mem.get_ref());
            size.map_err(|error| text.wrong(&format!("mem: {error}"), mem.span()))
        });
        let based_on = keys.based_on.map(|name| -> Result<_> {
            let parsed = OsName::parse(name.get_ref());
            let parsed = parsed.map_err(|error| text.wrong(&error.to_string(), name.span()))?;
            Ok((parsed, text.excerpt(name.span())))
        });
        Ok(Self {
            about: keys.about,
            based_on: based_on.transpose()?,
            iso: keys.iso,
            version_has_dot: keys.version_has_dot,
            spread: keys.cpu_spread,
            menu: keys.menu,
            console: keys.console,
            screen: keys.screen,
            notes: keys.notes,
            settings,
            least_mem: least_mem.transpose()?,
            least_cpu: keys.least.cpu,
        })
    }
}

/// The row of a setting that a profile can have.
///
/// # Errors
/// What is wrong with the key, and what to do.
fn row(key: &str) -> Result<&'static Setting<VmSettings>, (String, String)> {
    let mut rows = settings::VM.iter();
    let row = rows.find(|row| row.names().any(|name| name == key));
    match (row, settings::find(key)) {
        (Some(row), _) if row.is_own => Err((
            format!("{key} is a setting of one VM, and no profile has it"),
            "remove it, and set it in the configuration".to_owned(),
        )),
        (Some(row), _) => Ok(row),
        (None, Some((row, _))) => Err((
            format!("a profile has no setting of one device, as {key}"),
            format!("write {}, which is for each device", row.name),
        )),
        (None, None) => {
            let known = settings::VM.iter().filter(|row| !row.is_own);
            let near = suggest::near(key, known.flat_map(Setting::names));
            Err((
                format!("\"{key}\" is not a setting of a VM"),
                near.map_or_else(
                    || "all settings are in the manual: easy-bhyve man 5".to_owned(),
                    |near| format!("the nearest setting is {near}"),
                ),
            ))
        }
    }
}

/// Checks whether a setting takes a value, which may have a place for a version.
fn check(row: &Setting<VmSettings>, text: &str) -> Result<(), NameError> {
    let filled = version::fill(text, "1.0");
    let given = Given {
        number: 0,
        bridge: "",
        text: OsStr::new(&filled),
        span: None,
    };
    (row.read)(&mut VmSettings::default(), given)
}

/// The text of a file, for places in it.
struct Text {
    path: PathBuf,
    sources: Sources,
    file: FileId,
}

impl Text {
    fn new(path: &Path, bytes: Vec<u8>) -> Self {
        let mut sources = Sources::default();
        let file = sources.push(Source::new(path, bytes));
        Self {
            path: path.to_owned(),
            sources,
            file,
        }
    }

    fn utf8(&self) -> Result<&str> {
        let bytes = self
            .sources
            .source(self.file)
            .map_or(&[][..], Source::bytes);
        if bytes.len() > LONGEST {
            let kib = LONGEST / 1024;
            let what = format!("the file is longer than {kib} KiB, the limit of a profile");
            return Err(self.wrong(&what, 0..0).help("remove what is not needed"));
        }
        std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            let wrong = self.wrong("the file is not UTF-8 text", at..at + 1);
            wrong.help("write it in UTF-8")
        })
    }

    /// The error about a part of the text.
    fn wrong(&self, what: &str, at: Range<usize>) -> Error {
        let what = what.lines().next().unwrap_or_default();
        let error = Error::config(what).excerpt(self.excerpt(at));
        error.named(FindingName::Profile)
    }

    fn excerpt(&self, at: Range<usize>) -> Excerpt {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span {
            file: self.file,
            start: offset(at.start),
            end: offset(at.end),
        };
        let (place, line) = (self.sources.place(span), self.sources.line(span));
        let within = |at: usize| offset(at.saturating_sub(line.start).min(line.text.len()));
        Excerpt {
            file: self.path.clone(),
            line: place.line,
            column: place.column,
            text: line.text.to_vec(),
            marked: within(at.start)..within(at.end),
        }
    }
}
