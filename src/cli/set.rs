//! `easy-bhyve set`: changes settings of a VM in the file that contains them.

use super::edit::{self, Edited, refused, unwritten};
use super::invocation::options::SetArgs;
use super::locate::Refused;
use crate::config::edit::{TypedSetting, is_same, set as edits_of, standing};
use crate::config::resolve;
use crate::error::{Error, Result};
use crate::operation::context::{CallersPlan, Context, Outcome};

/// The plan that gives the VM these settings.
///
/// # Errors
/// If there is no such VM, a setting cannot be edited, or the edited configuration has an error;
/// nothing is written then.
pub(super) fn set(context: &Context<'_>, args: &SetArgs) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    refuse_twice(&args.settings).map_err(here)?;
    let vm = resolve::known(config, &args.vm).map_err(here)?;
    let is_no_id = |setting: &TypedSetting| setting.key() == "id" && setting.value().is_empty();
    if args.settings.iter().any(is_no_id) {
        let error = Error::usage(format!("the id of {vm} must not be empty"));
        return Err(here(
            error.help("to remove the VM, delete its lines from the file by hand"),
        ));
    }
    let (mut edits, mut notes) = (Vec::new(), Vec::new());
    for setting in &args.settings {
        let of_setting = edits_of(config, vm.as_str(), setting).map_err(|span| {
            let what = format!("{vm}_{} is set within an expansion", setting.key());
            let help = "set edits only a plain NAME=VALUE: change this setting by hand";
            here(Error::config(what).at(span).help(help))
        })?;
        if of_setting.is_empty() {
            notes.push(already(context, vm.as_str(), setting));
        }
        edits.extend(of_setting);
    }
    if edits.is_empty() {
        return Ok(Edited {
            config: config.clone(),
            outcome: edit::nothing(notes, args.dry_run),
        });
    }
    let draft = edit::draft(context, vm.as_str(), &edits)?;
    for setting in &args.settings {
        edit::refuse_unread(&draft, setting)
            .map_err(|error| unwritten(error, Some(draft.config.clone())))?;
    }
    let done = edit::changes(config, &draft.config, &edits);
    Ok(Edited {
        outcome: Outcome::Plan(CallersPlan {
            plan: edit::alone(draft.plan),
            dry_run: args.dry_run,
            notes,
            done: Some(done),
            ..CallersPlan::default()
        }),
        config: draft.config,
    })
}

/// Refuses a key that is given twice.
pub(super) fn refuse_twice(settings: &[TypedSetting]) -> Result<()> {
    for (at, setting) in settings.iter().enumerate() {
        let others = settings.iter().skip(at + 1);
        if let Some(other) = others
            .into_iter()
            .find(|other| is_same(setting.key(), other.key()))
        {
            let mut what = format!("{} is given twice", setting.key());
            if other.key() != setting.key() {
                what = format!("{} and {} are the same key", setting.key(), other.key());
            }
            return Err(Error::usage(what).help("give it once"));
        }
    }
    Ok(())
}

/// The note about a setting that already has the value.
fn already(context: &Context<'_>, vm: &str, setting: &TypedSetting) -> String {
    match standing(context.config, vm, setting.key()).first() {
        Some(set) => {
            let place = context.config.place(set.name_span);
            format!(
                "{place}: {} is already {}",
                set.name,
                edit::shown(set.value)
            )
        }
        None => format!("{vm}_{} is not set", setting.key()),
    }
}
