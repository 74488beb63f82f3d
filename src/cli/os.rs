//! `easy-bhyve os`: the profiles of operating systems.

use super::invocation::Invocation;
use super::invocation::options::OsArgs;
use super::locate;
use crate::config::Config;
use crate::config::profile::{Library, Profile, Spread};
use crate::error::{Error, Result};
use crate::model::os::OsName;
use crate::model::size::MemSize;
use crate::operation::context::json;
use crate::operation::options::Format;
use crate::process::Process;
use crate::table::table;
use crate::{quote, vis};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;

/// The version of `--format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 1;

/// The profiles as `--format json` shows them.
#[derive(Debug, Serialize)]
struct List {
    schema: u32,
    profiles: Vec<Named>,
}

/// A profile in a list.
#[derive(Debug, Serialize)]
struct Named {
    name: OsName,
    /// Empty if the profile is wrong.
    about: String,
    /// The user's file; none for a profile of the program.
    file: Option<String>,
}

/// A profile as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    #[serde(flatten)]
    named: Named,
    /// The profiles that it is based on, the nearest first.
    based_on: Vec<OsName>,
    settings: BTreeMap<&'static str, String>,
    cpu_spread: Spread,
    least_mem_bytes: Option<u64>,
    least_cpu: Option<u16>,
    menu: Vec<String>,
    console: Vec<String>,
    screen: Vec<String>,
    notes: Vec<String>,
    /// The lines of a VM.
    example: Vec<String>,
}

/// What is shown: the text, and the first wrong profile of a list.
pub(super) type Shown = (String, Option<Error>);

/// Lists the profiles, or explains one. Without a configuration there are those of the program.
///
/// # Errors
/// If there is no such profile, or it is wrong.
pub(super) fn os(
    process: &Process,
    invocation: &Invocation,
    args: &OsArgs,
) -> (Result<Shown>, Option<Config>) {
    let config = match locate::load(process, invocation) {
        Ok(config) => Some(config),
        Err(refused) => refused.config,
    };
    let library = Library::of(config.as_ref());
    let format = args.format.format.unwrap_or_default();
    let shown = match &args.name {
        None => list(&library, format),
        Some(name) => one(&library, config.as_ref(), name, format).map(|text| (text, None)),
    };
    (shown, config)
}

fn list(library: &Library, format: Format) -> Result<Shown> {
    let mut wrong = None;
    let mut profiles = Vec::new();
    for name in library.names()? {
        profiles.push(match library.load(&name) {
            Ok(profile) => named(&profile, name),
            Err(error) => {
                wrong = wrong.or(Some(error));
                Named {
                    file: library.file(&name),
                    about: String::new(),
                    name,
                }
            }
        });
    }
    let text = match format {
        Format::Json => json(&List {
            schema: SCHEMA,
            profiles,
        })?,
        Format::Text => {
            let rows = profiles.iter().map(|one| {
                let file = one.file.as_deref().unwrap_or("built in");
                let about = match one.about.as_str() {
                    "" => "-",
                    about => about,
                };
                [one.name.as_str(), about, file]
            });
            table(&["NAME", "SYSTEM", "FILE"], rows)
        }
    };
    Ok((text, wrong))
}

fn named(profile: &Profile, name: OsName) -> Named {
    let file = profile.layers.first().and_then(|own| own.file.as_ref());
    Named {
        name,
        about: profile.about.clone(),
        file: file.map(|file| file.display().to_string()),
    }
}

fn one(library: &Library, config: Option<&Config>, name: &str, format: Format) -> Result<String> {
    let name = OsName::parse(name).map_err(|error| Error::usage(error.to_string()))?;
    let profile = library.load(&name)?;
    let example = example(&profile, config, &name);
    match format {
        Format::Json => json(&document(profile, name, example)),
        Format::Text => Ok(text(&profile, &name, &example)),
    }
}

fn document(profile: Profile, name: OsName, example: Vec<String>) -> Document {
    let based_on = profile.layers.iter().skip(1);
    let presets = profile.presets.iter();
    Document {
        schema: SCHEMA,
        based_on: based_on.map(|layer| layer.name.clone()).collect(),
        settings: presets
            .map(|preset| (preset.row.name, preset.text.clone()))
            .collect(),
        cpu_spread: profile.spread,
        least_mem_bytes: profile.least_mem.as_ref().map(MemSize::bytes),
        least_cpu: profile.least_cpu,
        named: named(&profile, name),
        menu: profile.menu,
        console: profile.console,
        screen: profile.screen,
        notes: profile.notes,
        example,
    }
}

fn text(profile: &Profile, name: &OsName, example: &[String]) -> String {
    let mut text = format!("{name}: {}\n", vis::line(&profile.about));
    let files = profile.layers.iter().map(|layer| match &layer.file {
        Some(file) => vis::shown(file).to_string(),
        None => format!("{}, built in", layer.name),
    });
    let files: Vec<String> = files.collect();
    let _ = writeln!(text, "profile: {}", files.join("; based on "));
    let presets = profile.presets.iter();
    let mut settings: Vec<String> = { presets }
        .map(|preset| format!("{}={}", preset.row.name, quote::shown(preset.text.as_str())))
        .collect();
    if profile.spread == Spread::Cores {
        settings.push("a plain number of cpus is one of cores of one socket".to_owned());
    }
    let mem = profile
        .least_mem
        .as_ref()
        .map(|mem| format!("{mem} of memory"));
    let cpu = profile.least_cpu.map(|cpu| format!("cpus: {cpu}"));
    let least: Vec<String> = mem.into_iter().chain(cpu).collect();
    section(&mut text, "settings", &settings);
    section(&mut text, "at least (estimated)", &least);
    for (place, hints) in [
        ("at the menu of the ISO image", &profile.menu),
        ("at the console of an installation", &profile.console),
        ("at the screen of an installation", &profile.screen),
    ] {
        section(&mut text, place, hints);
    }
    section(&mut text, "notes", &profile.notes);
    section(&mut text, "a whole VM", example);
    text
}

fn section(text: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{heading}:");
    for line in lines {
        let _ = writeln!(text, "  {}", vis::line(line));
    }
}

/// The lines of a VM, of which nothing else needs to be set.
fn example(profile: &Profile, config: Option<&Config>, name: &OsName) -> Vec<String> {
    let letters = name.as_str().chars().filter(char::is_ascii_alphabetic);
    let mut vm: String = letters.collect();
    vm.push('0');
    let vm = if vm.len() == 1 { "vm0" } else { &vm };
    let id = config.and_then(Config::free_id).unwrap_or(1);
    let iso = match profile.iso.as_str() {
        "" => "image.iso",
        iso => iso,
    };
    let mut lines = vec![
        format!("{vm}_id={id}"),
        format!("{vm}_os={name}"),
        format!(
            "{vm}_cd0={}",
            quote::shown(OsStr::new(&format!("/iso/{iso}")))
        ),
    ];
    lines.extend(
        profile
            .least_mem
            .as_ref()
            .map(|mem| format!("{vm}_mem={mem}")),
    );
    let cpu = profile.least_cpu.filter(|cpu| *cpu > 1);
    lines.extend(cpu.map(|cpu| format!("{vm}_cpu={cpu}")));
    lines
}
