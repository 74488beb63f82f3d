//! `easy-bhyve setup`: one link per VM and verb.

use crate::config::{Config, Finding, Severity, lint};
use crate::error::{Error, Result};
use crate::invocation::PROGRAM;
use crate::invocation::options::DryRun;
use crate::locate;
use crate::model::{Volume, resolve};
use crate::plan::{FileChange, Plan};
use crate::process::Process;
use crate::verb::{Spelling, Verb};
use crate::verbs::{Context, Outcome, Planned};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What lies in the link directory under a name.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    /// A link of ours, and where it points.
    Ours(PathBuf),
    /// Anything else, which we leave alone.
    Foreign,
}

/// The plan that makes the links of `setup`, and what is said when it is done.
///
/// Differs: `setup` changes its own links only
///
/// # Errors
/// If the configuration has no VM, one is misconfigured, or the directory cannot be read.
pub fn setup(context: &mut Context<'_>, dry_run: DryRun) -> Result<Outcome> {
    let directory = resolve::link_directory(context.config)?;
    let target = target(context.process, &directory);
    let there = entries(&directory, context.process)?;
    let wanted = wanted(context)?;

    let mut plan = Plan::default();
    if !directory.is_dir() {
        plan.push(FileChange::MakeDirectories(directory.clone()));
    }
    let (mut added, mut removed, mut notes) = (Changes::default(), Changes::default(), Vec::new());
    for (name, entry) in &there {
        if let (Entry::Ours(_), Some((vm, verb))) = (entry, split(name))
            && !wanted.contains(&(vm, verb))
        {
            plan.push(FileChange::RemoveLink(directory.join(name)));
            removed.add(vm, verb);
        }
    }
    for (vm, verb) in &wanted {
        let name = OsString::from(format!("{vm}-{verb}"));
        let path = directory.join(&name);
        match there.get(&name) {
            Some(Entry::Ours(points_to)) if *points_to == target => continue,
            Some(Entry::Ours(_)) => plan.push(FileChange::ReplaceLink {
                target: target.clone(),
                path,
            }),
            Some(Entry::Foreign) => {
                notes.push(format!(
                    "{} is not a link of ours: it stays as it is",
                    path.display()
                ));
                continue;
            }
            None => plan.push(FileChange::Link {
                target: target.clone(),
                path,
            }),
        }
        added.add(vm, *verb);
    }
    let mut done = Vec::new();
    added.describe("added", &mut done);
    removed.describe("removed", &mut done);
    done.push(format!(
        "{} has {} links ({} added, {} removed)",
        directory.display(),
        wanted.len() - notes.len(),
        added.count,
        removed.count
    ));
    Ok(Outcome::Plan(Planned {
        plan,
        dry_run,
        notes,
        done: Some(done.join("\n")),
        warnings: warnings(context.config),
        ..Planned::default()
    }))
}

/// What looks wrong in the whole configuration; what is wrong for sure stops the verbs that it concerns.
fn warnings(config: &Config) -> Vec<Finding> {
    let mut findings = lint::check(config);
    findings.retain(|finding| finding.severity == Severity::Warning);
    findings
}

/// Links that changed, by VM.
#[derive(Default)]
struct Changes<'name> {
    by_vm: BTreeMap<&'name str, BTreeSet<Verb>>,
    count: usize,
}

impl<'name> Changes<'name> {
    fn add(&mut self, vm: &'name str, verb: Verb) {
        self.by_vm.entry(vm).or_default().insert(verb);
        self.count += 1;
    }

    fn describe(&self, how: &str, lines: &mut Vec<String>) {
        for (vm, verbs) in &self.by_vm {
            let names: Vec<String> = verbs.iter().map(|verb| format!("{vm}-{verb}")).collect();
            lines.push(format!("{how}: {}", names.join(" ")));
        }
    }
}

/// Every link that should be there, in the order of the names.
fn wanted<'config>(context: &Context<'config>) -> Result<BTreeSet<(&'config str, Verb)>> {
    let mut wanted = BTreeSet::new();
    let config: &'config Config = context.config;
    let vms = resolve::all(config, Spelling::Link, &context.process.devices)?;
    for ((name, _), vm) in config.vms().zip(vms) {
        let has_zfs = matches!(vm?.volume, Volume::Zfs(_));
        wanted.extend(
            Verb::ALL
                .into_iter()
                .filter(|verb| has_zfs || !verb.needs_zfs())
                .map(|verb| (name, verb)),
        );
    }
    if wanted.is_empty() {
        return Err(
            Error::config(format!("{} has no VM", locate::main_file(config).display()))
                .help("a VM is whatever has an id, for example: fbsd0_id=0"),
        );
    }
    Ok(wanted)
}

/// The VM and the verb of a link's name.
fn split(name: &std::ffi::OsStr) -> Option<(&str, Verb)> {
    let (vm, verb) = name.to_str()?.rsplit_once('-')?;
    Some((
        vm,
        Verb::ALL.into_iter().find(|known| known.as_str() == verb)?,
    ))
}

/// What the links point to: the program above the directory if it is there, else this program,
/// relative if it lies where the configuration does.
fn target(process: &Process, directory: &Path) -> PathBuf {
    let above = Path::new("..").join(PROGRAM);
    let parent = directory.parent().unwrap_or(directory);
    if same_file(&parent.join(PROGRAM), &process.program) {
        return above;
    }
    match process.program.strip_prefix(parent) {
        Ok(below) => Path::new("..").join(below),
        Err(_) => process.program.clone(),
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// What lies directly in the directory.
fn entries(directory: &Path, process: &Process) -> Result<BTreeMap<OsString, Entry>> {
    let failed = |error: std::io::Error| {
        Error::host(format!("could not read {}: {error}", directory.display()))
    };
    let read = match std::fs::read_dir(directory) {
        Ok(read) => read,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error)),
    };
    let above = directory.parent().unwrap_or(directory).join(PROGRAM);
    // Thousands of links point to the same place: ask the file system once for each place.
    let mut known: BTreeMap<PathBuf, bool> = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for entry in read {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let is_link = entry.file_type().map_err(failed)?.is_symlink();
        let found = if is_link && split(&name).is_some() {
            let points_to = std::fs::read_link(entry.path()).map_err(failed)?;
            let ours = *known.entry(points_to.clone()).or_insert_with(|| {
                let place = directory.join(&points_to);
                normal(&place) == normal(&above) || same_file(&place, &process.program)
            });
            if ours {
                Entry::Ours(points_to)
            } else {
                Entry::Foreign
            }
        } else {
            Entry::Foreign
        };
        entries.insert(name, found);
    }
    Ok(entries)
}

/// The path without `.` and `..`, as its text says; the program that it names need not exist.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir => {
                normal.pop();
            }
            std::path::Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}
