//! Profiles: settings that suit the operating system of a guest, one TOML file for each.
//!
//! Those of the program are the files of `src/config/profiles`, which nothing else lists; the user's are in
//! the directory `os` beside the configuration, and replace those of the program with the same name.
//! A profile is read when a VM that names it is resolved, as the caller and never by the root side, whose
//! words are the resolved settings.

mod file;
mod hints;
mod misfits;
pub mod version;

use super::Config;
use super::read::{Trust, Unread, read};
use super::settings::{self, Setting, VmSettings};
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::loader::LoaderKind;
use crate::model::os::OsName;
use crate::model::size::MemSize;
use crate::span::Excerpt;
use crate::{suggest, vis};
use file::File;
pub use file::Spread;
use include_dir::{Dir, include_dir};
pub use misfits::misfits;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The profiles of the program.
static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/config/profiles");

/// The ending of a profile's file.
const ENDING: &str = "toml";

/// The most profiles that are based on each other.
const MOST_LAYERS: usize = 8;

/// A profile, with what it takes from those that it is based on.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The files, its own first, then those that it is based on.
    pub layers: Vec<Layer>,
    /// The system, in one line.
    pub about: String,
    /// The file name of an ISO image of the system, as an example.
    pub iso: String,
    /// Whether a version without a dot has one before its last digit.
    version_has_dot: bool,
    /// The values of settings, in the order of their table.
    pub presets: Vec<Preset>,
    /// What a plain number of cpus counts.
    pub spread: Spread,
    /// The memory below which the system is not known to work.
    pub least_mem: Option<MemSize>,
    /// The number of cpus below which the system is not known to work.
    pub least_cpu: Option<u16>,
    /// What to do at the menu of the ISO image, with the loader of the profile.
    pub menu: Vec<String>,
    /// What to do at the console during an installation.
    pub console: Vec<String>,
    /// What to do at the screen during an installation.
    pub screen: Vec<String>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// One file of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The profile.
    pub name: OsName,
    /// The user's file; none for a profile of the program.
    pub file: Option<PathBuf>,
    /// What the group may write: the user's file or its directory.
    pub shared: Option<PathBuf>,
}

impl Layer {
    /// The place for a message.
    fn shown(&self) -> String {
        match &self.file {
            Some(file) => vis::shown(file).to_string(),
            None => format!("{} (built in)", self.name),
        }
    }
}

/// The value of a setting.
#[derive(Clone, Debug)]
pub struct Preset {
    /// The setting.
    pub row: &'static Setting<VmSettings>,
    /// The value, which may have a place for the version.
    pub text: String,
    /// The file that has the value.
    pub layer: Layer,
}

impl Preset {
    /// Whether the value needs the version of the system.
    pub fn needs_version(&self) -> bool {
        version::is_asked_for(&self.text)
    }

    /// Whether the setting chooses the loader.
    pub fn chooses_loader(&self) -> bool {
        chooses_loader(self.row.name)
    }
}

/// Whether a setting chooses the loader.
pub fn chooses_loader(name: &str) -> bool {
    LoaderKind::choosing_settings().any(|setting| setting == name)
}

impl Profile {
    /// The name.
    pub fn name(&self) -> &str {
        self.layers.first().map_or("", |own| own.name.as_str())
    }

    /// The value of a setting, by its name in the table.
    pub fn preset(&self, name: &str) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.row.name == name)
    }

    /// The version of the system, by the file name of an ISO image.
    pub fn version(&self, iso: &Path) -> Option<String> {
        let name = iso.file_name()?.to_string_lossy();
        let version = version::in_name(&name)?;
        let dotted = self.version_has_dot.then(|| version::with_dot(&version));
        Some(dotted.unwrap_or(version))
    }

    /// Joins files to one profile: an earlier one decides before those behind it.
    fn join(layers: Vec<(Layer, File)>) -> Self {
        let mut presets: BTreeMap<&str, Preset> = BTreeMap::new();
        for (layer, file) in layers.iter().rev() {
            // The settings that choose the loader are one choice.
            if file
                .settings
                .iter()
                .any(|(row, _)| chooses_loader(row.name))
            {
                presets.retain(|name, _| !chooses_loader(name));
            }
            for (row, text) in &file.settings {
                let preset = Preset {
                    row,
                    text: text.clone(),
                    layer: layer.clone(),
                };
                presets.insert(row.name, preset);
            }
        }
        let rows = settings::VM.iter();
        let presets = rows.filter_map(|row| presets.remove(row.name)).collect();
        let mut profile = Self {
            presets,
            ..Self::default()
        };
        for (_, file) in layers.iter().rev() {
            set(&mut profile.about, file.about.as_ref());
            set(&mut profile.iso, file.iso.as_ref());
            set(&mut profile.version_has_dot, file.version_has_dot.as_ref());
            set(&mut profile.spread, file.spread.as_ref());
            set(&mut profile.menu, file.menu.as_ref());
            set(&mut profile.console, file.console.as_ref());
            set(&mut profile.screen, file.screen.as_ref());
            set(&mut profile.notes, file.notes.as_ref());
            profile.least_mem = file.least_mem.clone().or(profile.least_mem);
            profile.least_cpu = file.least_cpu.or(profile.least_cpu);
        }
        profile.layers = layers.into_iter().map(|(layer, _)| layer).collect();
        profile
    }
}

fn set<T: Clone>(field: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        field.clone_from(value);
    }
}

/// The places of profiles.
#[derive(Clone, Debug)]
pub struct Library {
    /// The directory of the user's; none without a configuration.
    directory: Option<PathBuf>,
    trust: Trust,
}

impl Library {
    /// The places for a configuration, or without one.
    pub fn of(config: Option<&Config>) -> Self {
        Self {
            directory: config.map(|config| config.directory().join("os")),
            trust: config.map(|config| config.trust).unwrap_or_default(),
        }
    }

    /// The names of all profiles, in alphabetical order.
    ///
    /// # Errors
    /// If the directory of the user's cannot be read.
    pub fn names(&self) -> Result<Vec<OsName>> {
        let built_in = BUILT_IN.files().map(include_dir::File::path);
        let mut names: Vec<OsName> = built_in.filter_map(name_of).collect();
        let entries = match self.directory.as_deref().map(std::fs::read_dir) {
            Some(Ok(entries)) => Some(entries),
            Some(Err(error)) if !is_nothing(error.kind()) => {
                let directory = self.directory.clone().unwrap_or_default();
                let shown = vis::shown(&directory);
                let what = format!("could not read the directory {shown}: {error}");
                return Err(Error::config(what).help("check its owner and mode with ls -ld"));
            }
            _ => None,
        };
        let own = entries.into_iter().flatten().flatten();
        names.extend(own.filter_map(|entry| name_of(&entry.path())));
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The user's file of this name, which may be wrong.
    pub fn file(&self, name: &OsName) -> Option<String> {
        let path = self.directory.as_ref()?.join(format!("{name}.{ENDING}"));
        path.symlink_metadata().ok()?;
        Some(path.display().to_string())
    }

    /// The profile of this name, with those that it is based on.
    ///
    /// # Errors
    /// If there is no such profile, or one of the files is wrong.
    pub fn load(&self, name: &OsName) -> Result<Profile> {
        let mut layers: Vec<(Layer, File)> = Vec::new();
        let mut next: Option<(OsName, Option<Excerpt>)> = Some((name.clone(), None));
        while let Some((name, named_by)) = next {
            let at = |error: Error| match &named_by {
                Some(place) => error.excerpt(place.clone()),
                None => error,
            };
            if layers.iter().any(|(layer, _)| layer.name == name) {
                return Err(at(circle(&layers, &name)));
            }
            if layers.len() == MOST_LAYERS {
                let what = format!("more than {MOST_LAYERS} profiles are based on each other");
                let error = Error::config(what).named(FindingName::Profile);
                return Err(at(error.help("base a profile on one of the last of them")));
            }
            let (layer, bytes) = self.read(&name).map_err(at)?;
            let path = layer.file.clone();
            let path = path.unwrap_or_else(|| format!("{name}.{ENDING}").into());
            let file = File::parse(&path, bytes)?;
            let base = file.based_on.clone();
            next = base.map(|(base, place)| (base, Some(place)));
            layers.push((layer, file));
        }
        Ok(Profile::join(layers))
    }

    /// The file of a profile and its bytes: the user's, or else the program's.
    fn read(&self, name: &OsName) -> Result<(Layer, Vec<u8>)> {
        let file_name = format!("{name}.{ENDING}");
        if let Some(path) = self.directory.as_ref().map(|os| os.join(&file_name)) {
            match read(&path, self.trust) {
                Ok(found) => {
                    let layer = Layer {
                        name: name.clone(),
                        file: Some(path),
                        shared: found.shared,
                    };
                    return Ok((layer, found.source.bytes().to_vec()));
                }
                Err(Unread::System(error)) if is_missing(&path, error.kind()) => {}
                Err(error) => return Err(unread(&path, &error)),
            }
        }
        let layer = Layer {
            name: name.clone(),
            file: None,
            shared: None,
        };
        let built_in = BUILT_IN.get_file(&file_name);
        let built_in = built_in.ok_or_else(|| self.unknown(name))?;
        Ok((layer, built_in.contents().to_vec()))
    }

    /// The error for a name without a profile.
    fn unknown(&self, name: &OsName) -> Error {
        let names = self.names().unwrap_or_default();
        let near = suggest::near(name.as_str(), names.iter().map(OsName::as_str));
        let near = near.map(|near| format!("the nearest profile is {near}"));
        let error = Error::config(format!("there is no profile \"{name}\""));
        let error = near.into_iter().fold(error, Error::help);
        let error = error.named(FindingName::UnknownOs);
        let error = error.help("list all profiles: easy-bhyve os");
        match &self.directory {
            Some(os) => error.help(format!(
                "or write one of your own: {}",
                vis::shown(&os.join(format!("{name}.{ENDING}")))
            )),
            None => error,
        }
    }
}

/// The profile that a file name names.
fn name_of(path: &Path) -> Option<OsName> {
    let is_profile = path.extension().is_some_and(|ending| ending == ENDING);
    let stem = path.file_stem().filter(|_| is_profile)?;
    OsName::parse(stem.to_str()?).ok()
}

fn is_nothing(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Whether nothing is at a path; a link that leads nowhere is something.
fn is_missing(path: &Path, error: ErrorKind) -> bool {
    is_nothing(error) && path.symlink_metadata().is_err()
}

fn circle(layers: &[(Layer, File)], name: &OsName) -> Error {
    let files = layers.iter().map(|(layer, _)| layer);
    let files = files.skip_while(|layer| layer.name != *name);
    let mut files: Vec<String> = files.map(Layer::shown).collect();
    files.extend(files.first().cloned());
    let what = format!(
        "the profile {name} is based on itself: {}",
        files.join(", then ")
    );
    let error = Error::config(what).named(FindingName::Profile);
    match BUILT_IN.get_file(format!("{name}.{ENDING}")) {
        Some(_) => error.help(format!(
            "a file of the name {name} replaces the built-in profile: to extend that one, give the file \
             another name"
        )),
        None => error.help("remove a based_on"),
    }
}

fn unread(path: &Path, error: &Unread) -> Error {
    let shown = vis::shown(path);
    let wrong = Error::config(format!("could not read the profile {shown}: {error}"));
    let wrong = wrong.named(FindingName::Profile);
    match error {
        Unread::Foreign(foreign) => match foreign.remedy() {
            Some(remedy) => wrong.help(remedy),
            None => wrong.help("the file and its directory must belong to you or to root"),
        },
        Unread::System(_) => wrong.help("check its owner and mode with ls -lL"),
        Unread::NoFile(_) => wrong.help("replace it by a file, or choose another profile"),
    }
}

/// Profiles that are read once for many VMs.
#[derive(Debug)]
pub struct Profiles {
    library: Library,
    read: RefCell<HashMap<OsName, Result<Rc<Profile>>>>,
}

impl Profiles {
    /// Those of a configuration, none of which is read yet.
    pub fn of(config: &Config) -> Self {
        Self {
            library: Library::of(Some(config)),
            read: RefCell::default(),
        }
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// As [`Library::load`].
    pub fn get(&self, name: &OsName) -> Result<Rc<Profile>> {
        if let Some(read) = self.read.borrow().get(name) {
            return read.clone();
        }
        let loaded = self.library.load(name).map(Rc::new);
        let mut read = self.read.borrow_mut();
        read.entry(name.clone()).or_insert(loaded).clone()
    }
}
