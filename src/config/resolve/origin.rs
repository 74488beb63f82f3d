//! Where the values of a VM's settings come from.

use super::Wanted;
use super::faults::Faults;
use super::read::{self, OfVm};
use crate::config::profile::Profiles;
use crate::config::settings::{self, Default, OF_HOST, Otherwise, Setting, VmSettings};
use crate::config::{Assignment, Config, Keys};
use crate::model::Vm;
use crate::model::os::OsName;
use crate::vis;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Origin {
    /// An option of the call.
    CommandLine,
    /// The setting of the VM.
    Vm(Assigned),
    /// The VM's profile, or one that the profile is based on.
    Profile(OfProfile),
    /// A host variable.
    Host(Assigned),
    /// It follows from another setting, if that is set.
    Derived {
        /// That setting.
        #[serde(flatten)]
        by: Option<Assigned>,
    },
    /// The default of the program.
    Default,
}

/// A variable and its place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// The variable.
    pub variable: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
}

/// A profile, and what it took from the ISO image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OfProfile {
    /// The profile.
    pub profile: OsName,
    /// The user's file; none for a profile of the program.
    pub file: Option<String>,
    /// The ISO image whose name has the version in the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_of: Option<String>,
}

/// The origin of a value, and the profile that has made cores of a plain number of cpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// The origin.
    #[serde(flatten)]
    pub origin: Origin,
    /// The profile that has changed the form of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread_by: Option<OsName>,
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::CommandLine => f.write_str("command line"),
            Origin::Vm(set) | Origin::Host(set) => write!(f, "{set}"),
            Origin::Profile(of) => write!(f, "{of}"),
            Origin::Derived { by: Some(set) } => write!(f, "derived from {set}"),
            Origin::Derived { by: None } => f.write_str("derived"),
            Origin::Default => f.write_str("default"),
        }?;
        match &self.spread_by {
            Some(os) => write!(f, ", as cores by the profile {os}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Assigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, column) = (vis::line(&self.file), self.line, self.column);
        write!(f, "{}, {file}:{line}:{column}", self.variable)
    }
}

impl fmt::Display for OfProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "profile {}, {}", self.profile, vis::line(file)),
            None => write!(f, "profile {}, built in", self.profile),
        }?;
        match &self.version_of {
            Some(iso) => write!(f, ", version by the name of {}", vis::line(iso)),
            None => Ok(()),
        }
    }
}

/// The origin of each value of a VM that was resolved for this, by the names of its lines.
pub fn origins<'name>(
    config: &Config,
    vm: &Vm,
    wanted: &Wanted<'_>,
    names: impl Iterator<Item = &'name str>,
) -> Vec<Traced> {
    let keys = config.keys_of(vm.name.as_str());
    // The VM could be resolved, so that no fault matters here.
    let profiles = Profiles::of(config);
    let mut faults = Faults::default();
    let own = read::of_vm(config, &keys, &profiles, settings::every_row, &mut faults);
    let known = Known {
        config,
        vm,
        keys: &keys,
        own: &own,
        wanted,
    };
    names.map(|name| known.traced(name)).collect()
}

/// What is known of a VM's settings.
struct Known<'a> {
    config: &'a Config,
    vm: &'a Vm,
    keys: &'a Keys<'a>,
    own: &'a OfVm,
    wanted: &'a Wanted<'a>,
}

impl Known<'_> {
    fn traced(&self, line: &str) -> Traced {
        let is_spread = line == "cpu" && self.cpu().as_ref() != self.vm.cpu.as_str();
        let os = self.vm.os.clone();
        Traced {
            origin: self.origin(line),
            spread_by: os.filter(|_| is_spread),
        }
    }

    fn origin(&self, line: &str) -> Origin {
        if let Some(variable) = line.strip_prefix(OF_HOST) {
            return self.of_host(variable).map_or(Origin::Default, Origin::Host);
        }
        if line == "con" {
            return Origin::Derived {
                by: self.of_vm("id"),
            };
        }
        let found = settings::find(line);
        let Some((row, number)) = found.and_then(|(row, at)| Some((row, row.in_range(at)?))) else {
            return Origin::Derived { by: None };
        };
        let is_typed = match row.name {
            "cpu" => self.wanted.cpu.is_some(),
            "mem" => self.wanted.mem.is_some(),
            _ => false,
        };
        if is_typed {
            return Origin::CommandLine;
        }
        if let Some(set) = self.of_vm(line) {
            return Origin::Vm(set);
        }
        let of_profile = self.of_profile(row.name, number);
        of_profile.map_or_else(|| self.otherwise(row), Origin::Profile)
    }

    /// The origin of a value that neither the VM nor its profile sets.
    fn otherwise(&self, row: &Setting<VmSettings>) -> Origin {
        let mut others = row.otherwise.iter();
        let found = others.find_map(|other| match other {
            Otherwise::Host(name) => self.of_host(name).map(Origin::Host),
            Otherwise::Derived(name) => {
                let set = self.of_vm(name).or_else(|| self.of_host(name));
                let by = set.map(|set| Origin::Derived { by: Some(set) });
                by.or_else(|| self.of_profile(name, 0).map(Origin::Profile))
            }
        });
        let is_derived = matches!(row.default, Default::Described(_))
            && row
                .otherwise
                .iter()
                .all(|other| matches!(other, Otherwise::Derived(_)));
        found.unwrap_or(if is_derived {
            Origin::Derived { by: None }
        } else {
            Origin::Default
        })
    }

    /// The cpus as they are given, before the profile makes cores of them.
    fn cpu(&self) -> Cow<'_, str> {
        let own = self.own.settings.cpu.as_ref().map(|set| &set.value);
        let given = self.wanted.cpu.as_ref().or(own);
        let of_host = || self.config.get("cpu").filter(|set| !set.value.is_empty());
        match given {
            Some(cpu) => cpu.as_str().into(),
            None => of_host().map_or("1".into(), |set| String::from_utf8_lossy(set.value)),
        }
    }

    fn of_vm(&self, name: &str) -> Option<Assigned> {
        let (row, number) = settings::find(name)?;
        let set = self.keys.get(row.name, number)?;
        Some(self.assigned(&set))
    }

    fn of_host(&self, name: &str) -> Option<Assigned> {
        let set = self.config.get(name)?;
        (!set.value.is_empty()).then(|| self.assigned(&set))
    }

    fn assigned(&self, set: &Assignment<'_>) -> Assigned {
        let place = self.config.place(set.value_span);
        Assigned {
            variable: set.name.to_owned(),
            file: place.file.display().to_string(),
            line: place.line,
            column: place.column,
        }
    }

    fn of_profile(&self, row: &str, number: u8) -> Option<OfProfile> {
        let mut presets = self.own.presets.iter();
        presets.find(|(name, at)| *name == row && *at == number)?;
        let preset = self.own.profile.as_ref()?.preset(row)?;
        let iso = self.config.iso_of(self.keys.vm);
        let iso = iso.filter(|_| preset.needs_version());
        Some(OfProfile {
            profile: preset.layer.name.clone(),
            file: preset
                .layer
                .file
                .as_ref()
                .map(|file| file.display().to_string()),
            version_of: iso.map(|(iso, _)| iso.display().to_string()),
        })
    }
}
