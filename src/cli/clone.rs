//! `clone --add`: clones the disks of a VM, writes the lines of the new VMs, and makes their links.

use super::edit::{self, Draft, Edited, refused, unwritten};
use super::locate::Refused;
use super::setup;
use crate::config::edit::{Edit, append};
use crate::config::settings::Need;
use crate::config::{owned, resolve};
use crate::error::Error;
use crate::model::name::VmName;
use crate::operation::clone::Args;
use crate::operation::clone::ask::Cloning;
use crate::operation::clone::lines::NewVm;
use crate::operation::context::{Asked, Context};
use crate::operation::options::Of;
use crate::plan::Plan;
use crate::span::FileId;
use crate::verb::Verb;

/// The plan that writes the lines of the new VMs that have none, clones the disks, and makes the links; the
/// lines are undone if a disk cannot be cloned.
///
/// # Errors
/// If there is no such VM, a new VM has a setting already, or the edited configuration has an error.
pub(super) fn clone(context: &mut Context<'_>, typed: Of<Args>) -> Result<Edited, Box<Refused>> {
    let config = context.config;
    let here = |error| refused(error, Some(config.clone()));
    let vm = context.vm_for(&typed.vm, Need::Disks).map_err(here)?;
    let Cloning { asked, names, new } = typed.options.ask(context, vm).map_err(here)?;
    if names.is_empty() {
        return Ok(Edited {
            outcome: asked.into(),
            config: config.clone(),
        });
    }
    let block = |one: &NewVm| append(config, FileId::default(), one.name.as_str(), &one.settings);
    for one in &new {
        if let Some(set) = owned::waiting(config, one.name.as_str()) {
            let error = Error::state(format!("{} is already set", set.name));
            let help = "choose another name, or remove these lines";
            return Err(here(error.at(set.name_span).help(help)));
        }
    }
    let edits: Vec<Edit> = new.iter().flat_map(block).collect();
    let draft = if edits.is_empty() {
        Draft {
            config: config.clone(),
            vm: None,
            plan: Plan::default(),
            warnings: Vec::new(),
        }
    } else {
        edit::draft(context, None, &edits)?
    };
    let there = |error| unwritten(error, Some(draft.config.clone()));
    let wanted = context.wanted(Need::Settings);
    for one in &new {
        resolve::vm(&draft.config, one.name.as_str(), &wanted).map_err(there)?;
    }
    let names: Vec<&str> = names.iter().map(VmName::as_str).collect();
    let mut drafted = Context {
        config: &draft.config,
        look: &mut *context.look,
        spelling: context.spelling.clone(),
        ..*context
    };
    let links = setup::links_for(&mut drafted, &names).map_err(there)?;
    let mut done: Vec<String> = asked.done.iter().cloned().collect();
    if !edits.is_empty() {
        done.push(edit::changes(config, &draft.config, &edits));
    }
    done.push(links.done);
    let next = names
        .iter()
        .map(|name| context.spelling.of(Verb::Boot, name));
    done.push(format!("next: {}", next.collect::<Vec<_>>().join("; ")));
    let mut before = asked.before.clone();
    before.append(draft.plan);
    let notes = [asked.notes.clone(), links.notes].concat();
    Ok(Edited {
        outcome: Asked {
            before,
            after: links.plan,
            notes,
            done: Some(done.join("\n")),
            ..asked
        }
        .into(),
        config: draft.config,
    })
}
