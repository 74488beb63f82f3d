//! `easy-bhyve setup`: one link per VM and verb.

use super::complete;
use super::invocation::PROGRAM;
use super::invocation::options::SetupArgs;
use super::path::{normal, relative};
use crate::config::resolve::{self, Wanted};
use crate::config::settings::Need;
use crate::config::{Config, lint, unsilenced};
use crate::error::{Error, Result};
use crate::model::Volume;
use crate::operation::context::{CallersPlan, Context, Outcome};
use crate::operation::shutdown::unconfigured;
use crate::plan::{FileChange, Plan, Undo, When};
use crate::process::Process;
use crate::report::counted;
use crate::verb::{Spelling, Verb};
use crate::vis;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// An entry of the link directory.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    /// A link to this program, and its target.
    Ours(PathBuf),
    /// Anything else, which is not changed.
    Foreign,
}

/// The plan that makes the links of `setup`, and its messages.
///
/// Differs: `setup` changes its own links only
///
/// # Errors
/// If the configuration has no VM, one is misconfigured, or the directory cannot be read.
pub(super) fn setup(context: &mut Context<'_>, args: &SetupArgs) -> Result<Outcome> {
    let Links {
        mut plan,
        notes,
        mut done,
        ..
    } = described(context, args.verbose, None)?;
    if args.completions {
        let (files, lines) = complete::plan(context.process, context.config)?;
        plan.append(files);
        done = format!("{done}\n{}", lines.join("\n"));
    }
    Ok(Outcome::Plan(CallersPlan {
        plan,
        dry_run: args.dry_run,
        notes,
        done: Some(done),
        warnings: unsilenced(context.config, lint::check(context.config)),
    }))
}

/// The plan that makes the links, and its messages.
pub(super) struct Links {
    pub(super) plan: Plan,
    /// Notes about names that are in use by other files.
    pub(super) notes: Vec<String>,
    /// The message after the plan.
    pub(super) done: String,
    /// How many links are missing or out of date.
    pub(super) stale: usize,
}

/// The plan that makes the links of this configuration.
///
/// # Errors
/// If the configuration has no VM, one is misconfigured, or the directory cannot be read.
pub(super) fn links(context: &mut Context<'_>) -> Result<Links> {
    described(context, false, None)
}

/// As [`links`], of these VMs alone; those of other VMs are not touched.
pub(super) fn links_for(context: &mut Context<'_>, vms: &[&str]) -> Result<Links> {
    described(context, false, Some(vms))
}

/// As [`links`], of all VMs or of these alone; the message lists them if it is to be verbose.
fn described(context: &mut Context<'_>, verbose: bool, only: Option<&[&str]>) -> Result<Links> {
    let is_of = |vm: &str| only.is_none_or(|only| only.contains(&vm));
    let directory = normal(&resolve::link_directory(context.config));
    let target = target(context, &directory);
    let mut there = entries(&directory, context.process)?;
    there.retain(|name, _| split(name).is_none_or(|(vm, _)| is_of(vm)));
    let wanted = wanted(context, is_of)?;
    let running = running(context, there.keys().filter_map(|name| split(name)))?;

    let mut plan = Plan::default();
    if !directory.is_dir() {
        plan.push(FileChange::MakeDirectories(directory.clone()));
    }
    let (mut added, mut removed, mut notes) = (Changes::default(), Changes::default(), Vec::new());
    for (name, entry) in &there {
        if let (Entry::Ours(_), Some((vm, verb))) = (entry, split(name))
            && wanted.binary_search(&(vm, verb)).is_err()
            && !running.contains(vm)
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
                    "{} is not a link of easy-bhyve: not changed",
                    vis::shown(&path)
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
    let count = wanted.len() - notes.len();
    notes.extend(running.iter().map(|vm| {
        format!(
            "{vm} is not in the configuration and still runs: its links are kept until it has ended; to end it: {}",
            context.spelling.of(Verb::Shutdown, vm)
        )
    }));
    let mut done = Vec::new();
    let shown = vis::shown(&directory);
    for (how, changes, to) in [("added", &added, "to"), ("removed", &removed, "from")] {
        if verbose {
            changes.list(how, &mut done);
        }
        let summary = changes.summary(how);
        done.extend(summary.map(|links| format!("{links} {to} {shown}")));
    }
    if done.is_empty() {
        done.push(format!("{shown} has {count} links, as before"));
    }
    Ok(Links {
        plan,
        notes,
        done: done.join("\n"),
        stale: added.count + removed.count,
    })
}

/// A link of a VM that this program has made.
pub(super) struct OwnLink {
    pub(super) verb: Verb,
    pub(super) path: PathBuf,
    pub(super) target: PathBuf,
}

/// The links of a VM that this program has made, in the order of their names.
///
/// # Errors
/// If the directory of the links cannot be read.
pub(super) fn links_of(context: &Context<'_>, vm: &str) -> Result<Vec<OwnLink>> {
    let directory = normal(&resolve::link_directory(context.config));
    let found = entries(&directory, context.process)?.into_iter();
    let own = found.filter_map(|(name, entry)| {
        let (_, verb) = split(&name).filter(|(of, _)| *of == vm)?;
        let path = directory.join(&name);
        match entry {
            Entry::Ours(target) => Some(OwnLink { verb, path, target }),
            Entry::Foreign => None,
        }
    });
    Ok(own.collect())
}

/// The plan that removes links, and makes them again if a later step fails.
pub(super) fn without(links: &[OwnLink]) -> Plan {
    let mut plan = Plan::default();
    for OwnLink { path, target, .. } in links {
        plan.push(FileChange::RemoveLink(path.clone()));
        let (path, target) = (path.clone(), target.clone());
        let again = FileChange::Link { target, path };
        plan.push(Undo::by(again, When::Failure, &"the removal of links"));
    }
    plan
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

    /// `added 26 links of 2 VMs`; none if there are none.
    fn summary(&self, how: &str) -> Option<String> {
        let mut vms = self.by_vm.keys();
        let first = vms.next()?;
        let links = counted(self.count, "link");
        Some(match vms.len() {
            0 => format!("{how} {links} of {first}"),
            others => format!("{how} {links} of {} VMs", others + 1),
        })
    }

    fn list(&self, how: &str, lines: &mut Vec<String>) {
        for (vm, verbs) in &self.by_vm {
            let names: Vec<String> = verbs.iter().map(|verb| format!("{vm}-{verb}")).collect();
            lines.push(format!("{how}: {}", names.join(" ")));
        }
    }
}

/// The VMs with links that are no longer in the configuration and still run.
fn running<'links>(
    context: &mut Context<'_>,
    links: impl Iterator<Item = (&'links str, Verb)>,
) -> Result<BTreeSet<&'links str>> {
    let names: BTreeSet<&str> = links.map(|(vm, _)| vm).collect();
    let running = unconfigured(context, names.iter().copied())?;
    let is_running = |name: &&str| running.iter().any(|vm| vm.name.as_str() == *name);
    Ok(names.into_iter().filter(is_running).collect())
}

/// Every link of these VMs that should exist, in the order of the names and verbs.
fn wanted<'config>(
    context: &Context<'config>,
    is_of: impl Fn(&str) -> bool,
) -> Result<Vec<(&'config str, Verb)>> {
    let mut wanted = Vec::new();
    let config: &'config Config = context.config;
    let devices = &context.process.devices;
    let vms = resolve::all(config, Wanted::new(Need::Disks, Spelling::link(), devices))?;
    for ((name, _), vm) in config.vms().zip(vms).filter(|((name, _), _)| is_of(name)) {
        let vm = vm?;
        let has_zfs = matches!(vm.volume, Volume::Zfs(_));
        let has_screen = vm.screen.is_some();
        wanted.extend(
            Verb::ALL
                .into_iter()
                .filter(|verb| has_zfs || !verb.needs_zfs())
                .filter(|verb| has_screen || !verb.needs_screen())
                .map(|verb| (name, verb)),
        );
    }
    if wanted.is_empty() {
        return Err(
            Error::config(format!("{} has no VM", vis::shown(config.main_file()))).help(format!(
                "add a VM: {}",
                context
                    .spelling
                    .command("new VM --cd ISO --disk 20G --links")
            )),
        );
    }
    wanted.sort_unstable();
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

/// The target of the links: `easy-bhyve` in the configuration's directory if that is this program,
/// otherwise this program's path; relative if program and links are in the configuration's directory.
fn target(context: &Context<'_>, directory: &Path) -> PathBuf {
    let program = &context.process.program;
    let home = context.config.directory();
    let beside = home.join(PROGRAM);
    let named = if same_file(&beside, program) {
        &beside
    } else {
        program
    };
    if named.starts_with(home) && resolve::links_move_along(context.config) {
        relative(directory, named)
    } else {
        named.clone()
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// The entries of the directory.
fn entries(directory: &Path, process: &Process) -> Result<BTreeMap<OsString, Entry>> {
    let failed = |error: std::io::Error| {
        Error::host(format!(
            "could not read {}: {error}",
            vis::shown(&directory)
        ))
    };
    let read = match std::fs::read_dir(directory) {
        Ok(read) => read,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error)),
    };
    let above = directory.parent().unwrap_or(directory).join(PROGRAM);
    // Thousands of links have the same target: each target is looked up once.
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
