//! The common part of `set` and `new`: checks an edited configuration, and makes the plan that
//! replaces the file.

use super::locate::{self, Refused};
use crate::check;
use crate::config::edit::{self, Edit, TypedSetting};
use crate::config::profile::{Library, misfits};
use crate::config::resolve;
use crate::config::settings::Need;
use crate::config::{Config, ConfigError, Source, owned, unsilenced};
use crate::error::{Error, Result};
use crate::finding::{Finding, Severity};
use crate::model::Vm;
use crate::operation::context::{CallersPlan, Context, Outcome};
use crate::operation::options::DryRun;
use crate::plan::{FileChange, Form, Plan, Undo, When};
use crate::quote;
use crate::span::Span;
use crate::vis;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// An outcome, and the edited configuration.
#[derive(Debug)]
pub(super) struct Edited {
    /// The edited configuration.
    pub config: Config,
    /// The outcome.
    pub outcome: Outcome,
}

/// An edited configuration that can be used, and the plan that writes it.
pub(super) struct Draft {
    pub(super) config: Config,
    /// The edited VM; none if host variables are edited.
    pub(super) vm: Option<Vm>,
    pub(super) plan: Plan,
    /// Warnings about the edited VM.
    pub(super) warnings: Vec<Finding>,
}

/// An error, and the configuration that contains its place.
pub(super) fn refused(error: Error, config: Option<Config>) -> Box<Refused> {
    Box::new(Refused { error, config })
}

/// An error because of which no file is written.
pub(super) fn unwritten(error: Error, config: Option<Config>) -> Box<Refused> {
    refused(error.note("nothing was written"), config)
}

/// Applies the edits, checks the result, and makes the plan that writes the files.
///
/// # Errors
/// If the edited configuration has an error; the place is in the edited text.
pub(super) fn draft(
    context: &Context<'_>,
    vm: Option<&str>,
    edits: &[Edit],
) -> Result<Draft, Box<Refused>> {
    let config = edited(context, edits)?;
    if let Some((name, place)) = edit::bystander(context.config, &config, edits) {
        let error = Error::config(format!("the new text would change {name}, too"))
            .at(place)
            .help("a backslash at the end of the file joins lines, and ${x:=w} sets x: edit the file by hand");
        return Err(unwritten(error, Some(config)));
    }
    match judge(context, &config, vm) {
        Ok(vm) => Ok(Draft {
            plan: plan(context, edits)?,
            warnings: less(&config, vm.as_ref()),
            vm,
            config,
        }),
        Err(error) => Err(unwritten(error, Some(config))),
    }
}

/// The warnings about a VM that has less than its profile asks for.
fn less(config: &Config, vm: Option<&Vm>) -> Vec<Finding> {
    let named = vm.and_then(|vm| Some((vm, vm.os.as_ref()?)));
    let found = named.and_then(|(vm, os)| {
        let profile = Library::of(Some(config)).load(os).ok()?;
        Some(misfits(config, vm, &profile))
    });
    unsilenced(config, found.unwrap_or_default())
}

/// The configuration after the edits.
///
/// # Errors
/// If it is refused; the place is in the edited text.
pub(super) fn edited(context: &Context<'_>, edits: &[Edit]) -> Result<Config, Box<Refused>> {
    let read = locate::with_outside(context.process, |outside| {
        context.config.edited(edits, outside)
    });
    read.map_err(|error| match error {
        ConfigError::Refused(config) => unwritten(locate::first_finding(&config), Some(*config)),
        ConfigError::Unreadable { .. } => unwritten(Error::config(error.to_string()), None),
    })
}

/// Refuses edits of a VM's assignments that change the value of another variable. `names` are the
/// variables of the VM, before and after the edits.
pub(super) fn refuse_dependent(
    old: &Config,
    new: &Config,
    vm: &str,
    names: &BTreeSet<String>,
) -> Result<(), Box<Refused>> {
    let Some((name, place)) = owned::dependent(old, new, names) else {
        return Ok(());
    };
    let error = Error::config(format!("{name} uses a setting of {vm}, and would change"))
        .at(place)
        .help(format!("first write the value of {name} itself"));
    Err(unwritten(error, Some(new.clone())))
}

/// The error for an assignment that is part of an expansion.
pub(super) fn by_hand(vm: &str, place: Span) -> Error {
    Error::config(format!("a setting of {vm} is set within an expansion"))
        .at(place)
        .help("only a plain NAME=VALUE is edited: change this setting by hand")
}

/// Checks whether a configuration can be used; returns the edited VM.
fn judge(context: &Context<'_>, config: &Config, vm: Option<&str>) -> Result<Option<Vm>> {
    let findings = check::of_configuration(config, &context.spelling, &context.process.devices);
    let wrong = findings
        .into_iter()
        .find(|finding| finding.severity == Severity::Error);
    if let Some(finding) = wrong {
        return Err(finding.into());
    }
    let wanted = context.wanted(Need::Settings);
    vm.map(|vm| resolve::vm(config, vm, &wanted)).transpose()
}

/// Refuses an edit after which the key would not have this value.
pub(super) fn refuse_unread(draft: &Draft, vm: Option<&str>, setting: &TypedSetting) -> Result<()> {
    let standing = edit::standing(&draft.config, vm, setting.key());
    let last = standing.first();
    if last.map(|set| set.value).unwrap_or_default() == setting.value() {
        return Ok(());
    }
    let value = shown(setting.value());
    Err(Error::config(format!(
        "{} would not be {value}",
        edit::variable(vm, setting.key())
    ))
    .at(last.map(|set| set.name_span))
    .help("the marked setting overrides the new text: change the marked setting by hand"))
}

/// The plan that replaces each edited file. If a replacement fails, the previous files are restored.
pub(super) fn plan(context: &Context<'_>, edits: &[Edit]) -> Result<Plan, Box<Refused>> {
    // By real paths, because a file can be read under several names.
    let mut files: BTreeMap<PathBuf, (&Source, Vec<&Edit>)> = BTreeMap::new();
    for edit in edits {
        let Some(source) = context.config.sources().source(edit.span.file) else {
            continue;
        };
        // A symbolic link is kept; its target is replaced.
        let path = source.path().canonicalize().map_err(|error| {
            let shown = vis::shown(source.path());
            let what = format!("could not resolve the path {shown}: {error}");
            refused(Error::host(what), None)
        })?;
        let (_, of_file) = files.entry(path).or_insert((source, Vec::new()));
        of_file.push(edit);
    }
    let mut plan = Plan::default();
    for (path, (source, edits)) in files {
        let before = source.in_file();
        let edits: Vec<Edit> = edits
            .iter()
            .map(|edit| edit::in_file(source, edit))
            .collect();
        let text = edit::apply(&before, &edits);
        plan.push(FileChange::Replace {
            path: path.clone(),
            before: before.clone(),
            text: text.clone(),
        });
        plan.push(Undo {
            what: format!("the change of {}", vis::shown(&path)),
            forms: vec![Form::from(FileChange::Replace {
                path,
                before: text,
                text: before,
            })],
            when: When::Failure,
        });
    }
    Ok(plan)
}

/// The plan without its last undo, for use if no step that can fail follows.
pub(super) fn alone(mut plan: Plan) -> Plan {
    if matches!(plan.forms.last(), Some(Form::Undo(_))) {
        plan.forms.pop();
    }
    plan
}

/// The message about the changes, each with its place.
pub(super) fn changes(old: &Config, draft: &Config, edits: &[Edit]) -> String {
    let lines: Vec<String> = edits
        .iter()
        .filter_map(|edit| {
            let set = draft.get(&edit.name)?;
            let was = old.get(&edit.name).map_or_else(
                || "new".to_owned(),
                |set| match set.value {
                    [] => "was empty".to_owned(),
                    value => format!("was {}", shown(value)),
                },
            );
            let place = draft.place(set.name_span);
            let written = draft.sources().text(set.value_span);
            let written = vis::bytes(written);
            Some(format!("{place}: {}={written} ({was})", set.name))
        })
        .collect();
    lines.join("\n")
}

/// A value on one line.
pub(super) fn shown(value: &[u8]) -> String {
    quote::shown(OsStr::from_bytes(value))
}

/// A plan that does nothing, with notes that say why.
pub(super) fn nothing(notes: Vec<String>, dry_run: DryRun) -> Outcome {
    Outcome::Plan(CallersPlan {
        dry_run,
        notes,
        ..CallersPlan::default()
    })
}
