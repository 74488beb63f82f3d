//! The configuration: finds its files and reads them as sh(1) would, without running anything.
//!
//! Knows the search order, the grammar, and the VM that a key belongs to; the meaning of keys is in
//! [`settings`] and [`resolve`]. The environment and home directories are passed in ([`Outside`]).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod allow;
pub mod edit;
mod find;
mod keys;
pub mod lint;
pub mod owned;
pub mod profile;
mod read;
pub mod resolve;
pub(crate) mod rivals;
pub mod settings;
pub mod settings_text;
pub mod shell;
mod source;
mod store;
pub mod typos;

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub use allow::{apply_allows, unsilenced};
pub use find::{CutShort, FILE, NotFound, Unfound, cut_short, find};
pub use keys::{Key, Keys, is_vm_name};
pub use read::{Decider, Foreign, Trust, Unread};
pub use source::{Line, Place, Source, Sources};
pub use store::Assignment;

use crate::finding::Finding;
use crate::span::{FileId, Span};
use crate::vis;
use edit::Edit;
use read::{Found, read};
use shell::locale::Locale;
use shell::{by_locale, parser};
use store::Store;

/// The environment and the home directories, as expansions see them.
#[derive(Clone, Copy)]
pub struct Outside<'o> {
    /// The value of an environment variable, for names that the files do not set.
    pub variable: &'o dyn Fn(&str) -> Option<OsString>,
    /// The home directory of a user, for `~user`.
    pub home: &'o dyn Fn(&OsStr) -> Option<PathBuf>,
}

impl Outside<'_> {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        (self.variable)(name).map(OsString::into_vec)
    }

    fn home(&self, user: &[u8]) -> Option<Vec<u8>> {
        let home = (self.home)(OsStr::from_bytes(user))?;
        Some(home.into_os_string().into_vec())
    }
}

impl fmt::Debug for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("could not read the configuration {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        error: Unread,
    },
    /// The files contain refused text; at least one finding is an error.
    #[error("the configuration is refused")]
    Refused(Box<Config>),
}

/// A configuration after reading: its sources and assignments.
#[derive(Clone, Debug)]
pub struct Config {
    store: Store,
    findings: Vec<Finding>,
    free_id: OnceLock<Option<u16>>,
    /// The files that no other file includes.
    roots: Vec<FileId>,
    trust: Trust,
    /// Each read file with what its group may write: the file itself or its directory.
    shared: Vec<(FileId, PathBuf)>,
    /// Each expansion without a default of a variable that was not set there.
    unset: Vec<Span>,
}

impl Config {
    /// The last assignment of a variable.
    ///
    /// Differs: No setting comes from the environment
    pub fn get(&self, name: &str) -> Option<Assignment<'_>> {
        self.store.get(name.as_bytes())
    }

    /// The place of the value of the first of these variables that is set.
    pub fn place_of(&self, names: &[String]) -> Option<Span> {
        let mut all = names.iter().filter_map(|name| self.get(name));
        let set = all.find(|set| !set.value.is_empty())?;
        Some(set.value_span)
    }

    /// All assignments, in the order of sh.
    pub fn assignments(&self) -> impl Iterator<Item = Assignment<'_>> {
        self.store.assignments()
    }

    /// The files that were read.
    pub fn sources(&self) -> &Sources {
        &self.store.sources
    }

    /// The directory of the configuration.
    pub fn directory(&self) -> &Path {
        self.main_file().parent().unwrap_or(Path::new("."))
    }

    /// The first file of the configuration, to which new settings are added.
    pub fn main_file(&self) -> &Path {
        let first = self.sources().iter().next();
        first.map_or(Path::new("easy-bhyve.conf"), Source::path)
    }

    /// The names of the configuration's files, for a message.
    pub fn file_names(&self) -> String {
        let names = self.sources().iter();
        let names: Vec<String> = names
            .map(|source| vis::shown(source.path()).to_string())
            .collect();
        names.join(" and ")
    }

    /// The first file whose path satisfies `is_it`.
    pub fn file(&self, is_it: impl Fn(&Path) -> bool) -> Option<FileId> {
        let mut files = (0..).map(FileId).zip(self.sources().iter());
        files.find_map(|(file, source)| is_it(source.path()).then_some(file))
    }

    /// All findings of the parser; empty unless returned with an error.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The same files with some bytes replaced; files already read are not read from disk again.
    ///
    /// # Errors
    /// Returns the edited configuration if it is refused.
    pub fn edited(&self, edits: &[Edit], outside: &Outside<'_>) -> Result<Self, ConfigError> {
        let known = self.known(|file, source| {
            let of_file = edits.iter().filter(|edit| edit.span.file == file);
            edit::apply(source.bytes(), of_file)
        });
        read_all(self.roots_of(&known), known, self.trust, outside)
    }

    /// Every file by its identity, with the bytes from `bytes`.
    fn known(&self, bytes: impl Fn(FileId, &Source) -> Vec<u8>) -> Vec<(PathBuf, Source)> {
        let files = (0..).map(FileId).zip(self.sources().iter());
        let known = files.map(|(file, source)| {
            let text = bytes(file, source);
            (identity(source.path()), Source::new(source.path(), text))
        });
        known.collect()
    }

    /// The files that no other file includes.
    fn roots_of(&self, known: &[(PathBuf, Source)]) -> Vec<Found> {
        let root = |file: &FileId| Some(Found::from(known.get(file.0 as usize)?.1.clone()));
        self.roots.iter().filter_map(root).collect()
    }

    /// Each read file with what its group may write: the file itself or its directory.
    pub fn shared(&self) -> &[(FileId, PathBuf)] {
        &self.shared
    }

    /// Each expansion without a default of a variable that was not set there: the place of its name.
    pub fn unset(&self) -> &[Span] {
        &self.unset
    }

    /// The place where a span begins.
    pub fn place(&self, span: Span) -> Place {
        self.store.sources.place(span)
    }

    /// The line of text on which a span begins.
    pub fn line(&self, span: Span) -> Line<'_> {
        self.store.sources.line(span)
    }
}

struct Reading<'o> {
    store: Store,
    findings: Vec<Finding>,
    outside: &'o Outside<'o>,
    /// The directory for relative names of included files.
    base: PathBuf,
    /// The files that are being read, the outermost first.
    stack: Vec<PathBuf>,
    files: usize,
    /// Every file read so far, by identity: a file included twice is read once.
    read: HashMap<PathBuf, FileId>,
    /// The pattern steps left: see [`pattern::trim`].
    steps: usize,
    locale: Locale,
    is_locale_exported: bool,
    /// The places where another locale gives another value.
    by_locale: Vec<Finding>,
    /// Files that are not read from disk, by identity.
    known: Vec<(PathBuf, Source)>,
    /// Memory for the value under construction.
    scratch: Vec<u8>,
    trust: Trust,
    shared: Vec<(FileId, PathBuf)>,
    unset: Vec<Span>,
}

/// Reads files in order; each file sees and overrides the settings of the previous files. All files
/// and included files must satisfy `trust`.
///
/// Differs: It is read and never run
///
/// # Errors
/// Returns the first unreadable file, or the configuration that is refused.
pub fn load(files: &[PathBuf], trust: Trust, outside: &Outside<'_>) -> Result<Config, ConfigError> {
    let found: Result<Vec<Found>, ConfigError> = files
        .iter()
        .map(|path| {
            read(path, trust).map_err(|error| ConfigError::Unreadable {
                path: path.clone(),
                error,
            })
        })
        .collect();
    read_all(found?, Vec::new(), trust, outside)
}

/// Reads sources in memory; a `. FILE` in them is read from disk.
///
/// # Errors
/// Returns the configuration that is refused.
pub fn parse(sources: Vec<Source>, outside: &Outside<'_>) -> Result<Config, ConfigError> {
    let sources = sources.into_iter().map(Found::from).collect();
    read_all(sources, Vec::new(), Trust::Named, outside)
}

/// Reads sources; a `. FILE` in them is read from disk unless known.
fn read_all(
    sources: Vec<Found>,
    known: Vec<(PathBuf, Source)>,
    trust: Trust,
    outside: &Outside<'_>,
) -> Result<Config, ConfigError> {
    let (mut config, by_locale) = read_in(Locale::C, sources, known, trust, outside)?;
    if by_locale.is_empty() {
        return Ok(config);
    }
    let again = |locale| {
        let known = config.known(|_, source| source.bytes().to_vec());
        let (config, _) = read_in(locale, config.roots_of(&known), known, trust, outside)?;
        Ok(config)
    };
    config.findings = by_locale::settle(&config, by_locale, again);
    accepted(config)
}

/// Reads sources as sh does in a locale; also returns the places that depend on the locale.
fn read_in(
    locale: Locale,
    sources: Vec<Found>,
    known: Vec<(PathBuf, Source)>,
    trust: Trust,
    outside: &Outside<'_>,
) -> Result<(Config, Vec<Finding>), ConfigError> {
    let base = sources.first().and_then(|one| one.source.path().parent());
    let base = base.filter(|base| !base.as_os_str().is_empty());
    let mut reading = Reading {
        base: base.unwrap_or(Path::new(".")).to_path_buf(),
        store: Store::default(),
        findings: Vec::new(),
        outside,
        stack: Vec::new(),
        files: 0,
        read: HashMap::new(),
        steps: shell::expand::MAX_STEPS,
        locale,
        is_locale_exported: false,
        by_locale: Vec::new(),
        known,
        scratch: Vec::new(),
        trust,
        shared: Vec::new(),
        unset: Vec::new(),
    };
    let mut roots = Vec::new();
    for Found { source, shared } in sources {
        let identity = identity(source.path());
        reading.stack = vec![identity.clone()];
        let file = match reading.read.entry(identity) {
            Entry::Occupied(read) => *read.get(),
            Entry::Vacant(read) => *read.insert(reading.store.sources.push(source)),
        };
        roots.push(file);
        reading.shared.extend(shared.map(|what| (file, what)));
        parser::parse(&mut reading, file);
    }
    let mut findings = reading.findings;
    let mut told = HashSet::new();
    findings.retain(|finding| told.insert((finding.name, finding.span, finding.message.clone())));
    let config = Config {
        store: reading.store,
        findings,
        free_id: OnceLock::new(),
        roots,
        trust,
        shared: reading.shared,
        unset: reading.unset,
    };
    Ok((accepted(config)?, reading.by_locale))
}

/// Accepts a configuration without errors.
fn accepted(config: Config) -> Result<Config, ConfigError> {
    if config.findings.is_empty() {
        Ok(config)
    } else {
        Err(ConfigError::Refused(Box::new(config)))
    }
}

/// The identity of a file, independent of its name.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

#[cfg(test)]
mod tests;
