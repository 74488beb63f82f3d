//! The settings of a VM that come from its profile.

use super::faults::Faults;
use super::loader;
use crate::config::profile::{Preset, Profile, chooses_loader, version};
use crate::config::settings::{Given, RowFilter, Setting, VmSettings};
use crate::config::{Config, Keys};
use crate::error::Error;
use crate::finding::FindingName;
use crate::vis;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// The settings of a profile for a VM.
pub(super) struct Presets<'a> {
    /// The profile.
    pub(super) profile: &'a Profile,
    /// The configuration.
    pub(super) config: &'a Config,
    /// The settings of the configuration.
    pub(super) keys: &'a Keys<'a>,
    /// The settings that the VM sets itself, by the names of their rows and their numbers.
    pub(super) own: &'a [(&'static str, u8)],
    /// The rows to read.
    pub(super) rows: RowFilter,
}

impl Presets<'_> {
    /// Reads the settings that the VM does not set itself; their rows and numbers.
    pub(super) fn read(
        &self,
        settings: &mut VmSettings,
        faults: &mut Faults,
    ) -> Vec<(&'static str, u8)> {
        let is_chosen = self.own.iter().any(|(name, _)| chooses_loader(name));
        let (of_loaders, of_all): (Vec<&Preset>, Vec<&Preset>) = { self.profile.presets.iter() }
            .filter(|preset| (self.rows)(preset.row) && !(is_chosen && preset.chooses_loader()))
            .partition(|preset| preset.row.loader.is_some());
        let mut read = Vec::new();
        for preset in of_all {
            read.extend(self.apply(preset, settings, faults));
        }
        // The loader is known now.
        let loader = loader::kind(settings);
        let used = of_loaders.into_iter();
        for preset in used.filter(|preset| preset.row.loader == Some(loader)) {
            read.extend(self.apply(preset, settings, faults));
        }
        read
    }

    /// Reads one value, for each device that has no value of its own.
    fn apply(
        &self,
        preset: &Preset,
        settings: &mut VmSettings,
        faults: &mut Faults,
    ) -> Vec<(&'static str, u8)> {
        let row = preset.row;
        let numbers = numbers(row, self.keys);
        let mut left = numbers.filter(|number| !self.own.contains(&(row.name, *number)));
        let mut read = Vec::new();
        let done = left.try_for_each(|number| {
            let text = self.filled(preset)?;
            let given = Given {
                number,
                bridge: "",
                text: OsStr::new(text.as_ref()),
                span: None,
            };
            // A profile with a wrong value is not loaded; what remains is the version.
            (row.read)(settings, given).map_err(|wrong| {
                let what = format!("{} of the profile: {wrong}", row.name);
                Error::config(what).named(FindingName::IsoVersion)
            })?;
            read.push((row.name, number));
            Ok(())
        });
        faults.take(done, row.needed_by);
        read
    }

    /// The value with the version that the ISO image of the VM names.
    fn filled<'text>(&self, preset: &'text Preset) -> Result<Cow<'text, str>, Error> {
        if !preset.needs_version() {
            return Ok(preset.text.as_str().into());
        }
        let (profile, keys) = (self.profile, self.keys);
        let iso = self.config.iso_of(keys.vm);
        if let Some(version) = iso.and_then(|(iso, _)| profile.version(iso)) {
            return Ok(version::fill(&preset.text, &version).into());
        }
        let (vm, row, os) = (keys.vm, preset.row.name, &preset.layer.name);
        let why = match iso {
            Some((iso, _)) => format!("the name of {} has none", vis::shown(iso)),
            None => format!("{vm}_cd0 is not set"),
        };
        let place = iso.map(|(_, span)| span);
        let place = place.or_else(|| keys.get("os", 0).map(|os| os.value_span));
        let example = profile.version(Path::new(&profile.iso)).unwrap_or_default();
        let what =
            format!("{vm}_{row} by the profile {os} needs the version of the system, and {why}");
        Err(Error::config(what)
            .at(place)
            .named(FindingName::IsoVersion)
            .help(format!(
                "write the value yourself, for version {example}: {vm}_{row}='{}'",
                version::fill(&preset.text, &example)
            ))
            .help(format!(
                "or name the ISO image as it was published, for example {}",
                profile.iso
            )))
    }
}

/// The numbers of the devices that a setting is for.
fn numbers(row: &Setting<VmSettings>, keys: &Keys<'_>) -> impl Iterator<Item = u8> {
    let whole = row.part_of;
    let set = keys.keys.iter().filter(move |key| {
        let is_set = !key.set.value.is_empty() && key.number > 0;
        is_set && whole == Some(key.setting.name)
    });
    let others = set.filter_map(|key| key.setting.in_range(key.number));
    std::iter::once(0).chain(others)
}
