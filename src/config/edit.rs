//! Edits of a configuration: replaces some bytes and keeps all others.
//!
//! Pure: knows the places of assignments and how sh(1) reads the new text, not the meaning of keys;
//! accesses no file.

use crate::span::{FileId, Span};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::keys::{Split, splits};
use super::settings;
use super::shell::lexer::{Lexer, TokenKind};
use super::{Assignment, Config, Source, lint};
use crate::{quote, suggest};

/// `KEY=VALUE` as typed: a known key of a VM or of the host, and its new value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TypedSetting {
    key: String,
    value: OsString,
}

/// Why a word is not a [`TypedSetting`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TypedSettingError {
    /// The word has no `=`.
    #[error("expected KEY=VALUE, for example mem=512M")]
    NoEquals,
    /// The key is unknown; the key, and what to write instead.
    #[error("\"{0}\" is not a key of a VM; {1}")]
    UnknownKey(String, String),
    /// The value contains a NUL, which neither a file nor an argument can contain.
    #[error("a value cannot contain a NUL byte")]
    Nul,
}

impl TypedSetting {
    /// A setting of a known key.
    pub fn new(key: &'static str, value: impl Into<OsString>) -> Self {
        Self {
            key: key.to_owned(),
            value: value.into(),
        }
    }

    /// Parses `KEY=VALUE` with a key of a VM.
    ///
    /// # Errors
    /// If the key is unknown, or the value has a NUL.
    pub fn parse(word: &OsStr) -> Result<Self, TypedSettingError> {
        Self::parse_if(word, |key| settings::find(key).is_some())
    }

    /// As [`Self::parse`], and also with a host variable as the key.
    ///
    /// # Errors
    /// If the key is unknown, or the value has a NUL.
    pub fn parse_any(word: &OsStr) -> Result<Self, TypedSettingError> {
        let is_known = |key: &str| settings::find(key).is_some() || settings::is_of_host(key);
        let of_host = || settings::HOST.iter().map(|setting| setting.name);
        Self::parse_if(word, is_known).map_err(|error| match error {
            TypedSettingError::UnknownKey(key, instead) => {
                let of_vm = splits(&key).next().map(|Split { vm, spelling, .. }| {
                    format!("the name of a VM is a word of its own: {vm} {spelling}=VALUE")
                });
                let near = suggest::near(&key, of_host());
                let near = near.filter(|near| settings::find(near).is_none());
                let near = near.map(|near| format!("the nearest variable of the host is {near}"));
                TypedSettingError::UnknownKey(key, of_vm.or(near).unwrap_or(instead))
            }
            error => error,
        })
    }

    fn parse_if(word: &OsStr, is_known: impl Fn(&str) -> bool) -> Result<Self, TypedSettingError> {
        let bytes = word.as_bytes();
        let equals = bytes.iter().position(|byte| *byte == b'=');
        let (key, value) = equals
            .and_then(|at| Some((bytes.get(..at)?, bytes.get(at + 1..)?)))
            .ok_or(TypedSettingError::NoEquals)?;
        let key = String::from_utf8_lossy(key).into_owned();
        if !is_known(&key) {
            let instead = match key.as_str() {
                "" => "no blank may stand before the =".to_owned(),
                key => lint::instead(key),
            };
            return Err(TypedSettingError::UnknownKey(key, instead));
        }
        if value.contains(&0) {
            return Err(TypedSettingError::Nul);
        }
        let value = OsString::from_vec(value.to_vec());
        Ok(Self { key, value })
    }

    /// The key as typed.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value of the variable in sh(1).
    pub fn value(&self) -> &[u8] {
        self.value.as_bytes()
    }

    /// The value in sh(1) syntax: quoted if necessary; nothing for an empty one.
    pub fn written(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if !self.value.is_empty() {
            quote::push_plain(&mut text, &self.value);
        }
        text
    }
}

/// A replacement of bytes in one file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edit {
    /// The replaced bytes; empty for an insertion.
    pub span: Span,
    /// The new bytes.
    pub text: Vec<u8>,
    /// The variable that the new text sets.
    pub name: String,
}

/// The variable of a key: of a VM, or without one of the host.
pub fn variable(vm: Option<&str>, key: &str) -> String {
    match vm {
        Some(vm) => format!("{vm}_{key}"),
        None => key.to_owned(),
    }
}

/// The assignments that set a key of a VM, in any spelling, or of the host; none if it is not set.
///
/// Empty assignments count as missing, and are returned only if all are empty.
pub fn standing<'c>(config: &'c Config, vm: Option<&str>, key: &str) -> Vec<Assignment<'c>> {
    let Some(vm) = vm else {
        return config.get(key).into_iter().collect();
    };
    let Some((setting, number)) = settings::find(key) else {
        return Vec::new();
    };
    let mut standing: Vec<Assignment<'_>> = setting
        .names()
        .filter_map(|name| config.get(&format!("{vm}_{}", settings::numbered(name, number))))
        .collect();
    if standing.iter().any(|set| !set.value.is_empty()) {
        standing.retain(|set| !set.value.is_empty());
    } else {
        standing.truncate(1);
    }
    standing
}

/// The edits that give a key of a VM, or of the host, a value; none if it already has this value.
///
/// Replaces the last value of the key in any spelling; without one, adds a line after the VM's last
/// assignment in the file of its id, or after the last host variable of the first file.
///
/// # Errors
/// Returns the place of the effective assignment, if it is not a plain one.
pub fn set(config: &Config, vm: Option<&str>, setting: &TypedSetting) -> Result<Vec<Edit>, Span> {
    let standing = standing(config, vm, &setting.key);
    if standing.is_empty() {
        let is_unset = setting.value.is_empty();
        let line = (!is_unset).then(|| insertion(config, vm, setting));
        return Ok(line.flatten().into_iter().collect());
    }
    let wrong = standing
        .iter()
        .filter(|set| set.value != setting.value.as_bytes());
    wrong
        .map(|set| {
            if !is_plain(config, set) {
                return Err(set.name_span.to(set.value_span));
            }
            Ok(Edit {
                span: set.value_span,
                text: setting.written(),
                name: set.name.to_owned(),
            })
        })
        .collect()
}

/// An edit that adds a line after the owner's last assignment in its file, or at the beginning of a
/// file without one.
fn insertion(config: &Config, vm: Option<&str>, setting: &TypedSetting) -> Option<Edit> {
    let file = match vm {
        Some(vm) => config.id_of(vm)?.name_span.file,
        None => FileId::default(),
    };
    let is_owners = |name: &str| match vm {
        Some(vm) => {
            name.starts_with(vm) && config.owner(name).is_some_and(|(owner, _)| owner == vm)
        }
        None => settings::is_of_host(name),
    };
    let ends = config
        .assignments()
        .filter(|set| set.name_span.file == file && is_owners(set.name))
        .map(|set| set.value_span.end);
    let bytes = config.sources().source(file)?.bytes();
    let name = variable(vm, &setting.key);
    let mut text = format!("{name}=").into_bytes();
    text.extend(setting.written());
    let at = if let Some(end) = ends.max() {
        text.insert(0, b'\n');
        line_end(bytes, end as usize)
    } else {
        text.push(b'\n');
        0
    };
    Some(Edit {
        span: at_offset(file, at),
        text,
        name,
    })
}

/// The edits that add the block of a new VM at the end of a file, after an empty line.
pub fn append(config: &Config, file: FileId, vm: &str, settings: &[TypedSetting]) -> Vec<Edit> {
    let source = config.sources().source(file);
    let bytes = source.map(super::Source::bytes).unwrap_or_default();
    let ends_in_newline = bytes.is_empty() || bytes.ends_with(b"\n");
    let empty_line: &[u8] = match bytes {
        [] | [b'\n'] | [.., b'\n', b'\n'] => b"",
        _ => b"\n",
    };
    let line = |(number, setting): (usize, &TypedSetting)| {
        let name = format!("{vm}_{}", setting.key);
        let mut text = if number == 0 { empty_line } else { b"" }.to_vec();
        if !ends_in_newline {
            text.push(b'\n');
        }
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend(setting.written());
        if ends_in_newline {
            text.push(b'\n');
        }
        Edit {
            span: at_offset(file, bytes.len()),
            text,
            name,
        }
    };
    settings.iter().enumerate().map(line).collect()
}

/// The bytes of a file after non-overlapping edits.
pub fn apply<'e>(bytes: &[u8], edits: impl IntoIterator<Item = &'e Edit>) -> Vec<u8> {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    // A stable sort keeps the order of lines added at the same place.
    edits.sort_by_key(|edit| edit.span.start);
    let (mut text, mut kept) = (Vec::with_capacity(bytes.len()), 0);
    for edit in edits {
        let Range { start, end } = edit.span.range();
        text.extend_from_slice(bytes.get(kept..start).unwrap_or_default());
        text.extend_from_slice(&edit.text);
        kept = end;
    }
    text.extend_from_slice(bytes.get(kept..).unwrap_or_default());
    text
}

/// The edit of a source's text as an edit of its file; the new lines end as those of the file.
pub fn in_file(source: &Source, edit: &Edit) -> Edit {
    let mut text = Vec::with_capacity(edit.text.len());
    for &byte in &edit.text {
        if byte == b'\n' && source.first_cr_lf().is_some() {
            text.push(b'\r');
        }
        text.push(byte);
    }
    Edit {
        span: Span {
            start: source.offset_in_file(edit.span.start),
            end: source.offset_in_file(edit.span.end),
            ..edit.span
        },
        text,
        name: edit.name.clone(),
    }
}

fn at_offset(file: FileId, at: usize) -> Span {
    // Sources larger than an offset are refused.
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        file,
        start: at,
        end: at,
    }
}

/// The end, before the newline, of the last line of the statement that includes `from`.
fn line_end(bytes: &[u8], from: usize) -> usize {
    let mut tokens = Lexer::new(bytes).skip_while(|token| token.start < from);
    tokens
        .find(|token| token.kind == TokenKind::Newline)
        .map_or(bytes.len(), |token| token.start)
}

/// A variable outside the edits whose assignments change because of them: its name, and its place
/// after the edits, if any.
///
/// A value that ends in a backslash at the end of the file joins the next line, and a value with
/// `${x:=w}` sets `x` only if that value exists.
pub fn bystander(old: &Config, new: &Config, edits: &[Edit]) -> Option<(String, Option<Span>)> {
    let is_other = |set: &Assignment<'_>| edits.iter().all(|edit| edit.name != set.name);
    let mut before = old.assignments().filter(is_other);
    let mut after = new.assignments().filter(is_other);
    loop {
        let (was, is) = (before.next(), after.next());
        let text = |config: &Config, set: Option<Assignment<'_>>| {
            set.map(|set| {
                (
                    set.name.to_owned(),
                    config.sources().text(set.value_span).to_vec(),
                )
            })
        };
        if text(old, was) != text(new, is) {
            let changed = is.or(was)?;
            return Some((changed.name.to_owned(), is.map(|set| set.name_span)));
        }
        was?;
    }
}

/// Whether an assignment is `NAME=VALUE`, and not part of an expansion such as `${x:=w}`.
pub(super) fn is_plain(config: &Config, set: &Assignment<'_>) -> bool {
    let Some(source) = config.sources().source(set.name_span.file) else {
        return false;
    };
    let start = set.name_span.start as usize;
    let mut tokens = Lexer::new(source.bytes()).skip_while(|token| token.start < start);
    let behind_name =
        tokens.find(|token| !matches!(token.kind, TokenKind::Name | TokenKind::Continuation));
    behind_name.is_some_and(|token| token.kind == TokenKind::Equals)
}

/// Whether two names are spellings of one key.
pub fn is_same(one: &str, other: &str) -> bool {
    settings::find(one).is_some_and(|found| Some(found) == settings::find(other))
}
