//! The store of a VM's UEFI variables when the VM is cloned, renamed or destroyed.

use super::boot::store::{copy, entry_of, left_at, saved};
use super::others::is_one;
use super::plan_context::PlanContext;
use crate::error::{Error, Result};
use crate::host::identity::EntryKind;
use crate::model::loader::Uefi;
use crate::plan::{Plan, Step, Test, Undo, When};
use crate::tools::file;
use crate::{quote, vis};
use std::path::{Path, PathBuf};

/// The plan that copies a store to a path at which there is none; empty if the firmware has not made the
/// store yet. The copy is removed if a later form fails.
///
/// # Errors
/// If the store cannot be used, another user could exchange it, or there is a file at the path.
pub(super) fn copied(context: &mut PlanContext<'_>, from: &Uefi, to: &Path) -> Result<Plan> {
    let Some(mut plan) = place(context, from, to)? else {
        return Ok(Plan::default());
    };
    let token = &context.process.token;
    plan.append(copy(&from.vars, to, token, Some(undone(to))));
    Ok(plan)
}

/// The plan that gives a store another path; empty if the firmware has not made the store yet. The store
/// gets its old path if a later form fails.
///
/// # Errors
/// As [`copied`]; also if a temporary run has saved the store.
pub(super) fn renamed(context: &mut PlanContext<'_>, from: &Uefi, to: &Path) -> Result<Plan> {
    if let Some(left) = left_at(context, from)? {
        let path = saved(&from.vars);
        let error = Error::state(format!("{} exists", vis::shown(&path)));
        return Err(error.at(from.origin).help(left));
    }
    let mut plan = if is_one_file(context, &from.vars, to) {
        entry_of(context, from)?;
        unnamed(&from.vars, to)
    } else {
        let Some(mut plan) = place(context, from, to)? else {
            return Ok(Plan::default());
        };
        plan.append(named(&from.vars, to));
        plan
    };
    plan.append(without_directory(from));
    Ok(plan)
}

/// The plan that gives a file another name, which no file has: ln(1) does not overwrite one.
pub(super) fn named(from: &Path, to: &Path) -> Plan {
    let mut plan = Plan::default();
    plan.push(file::name(from, to));
    let undo = Step::from(file::remove(to)).only_if(Test::Exists(from.to_owned()));
    plan.push(Undo::by(undo, When::Failure, &new_name(from)));
    plan.append(unnamed(from, to));
    plan
}

/// The plan that removes the first of two names of a file.
pub(super) fn unnamed(from: &Path, to: &Path) -> Plan {
    let mut plan = Plan::default();
    plan.push(file::remove(from));
    let undo = Step::from(file::name(to, from)).only_if(!Test::Exists(from.to_owned()));
    plan.push(Undo::by(undo, When::Failure, &new_name(from)));
    plan
}

fn new_name(from: &Path) -> String {
    format!("the new name of {}", vis::shown(from))
}

/// Whether both paths are names of one regular file, as a rename leaves them that was killed.
pub(super) fn is_one_file(context: &mut PlanContext<'_>, one: &Path, other: &Path) -> bool {
    let look = &mut *context.look;
    let mut is_file = |path: &Path| {
        let entry = look.entry(path);
        entry.is_ok_and(|entry| entry.is_some_and(|entry| entry.kind == EntryKind::File))
    };
    is_file(one) && is_file(other) && is_one(look, one, other)
}

/// The files of a store that exist: the store, and what a temporary run has saved of it.
///
/// # Errors
/// If the store cannot be used, or another user could exchange it.
pub(super) fn files(context: &mut PlanContext<'_>, uefi: &Uefi) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    if !context.is_freebsd || entry_of(context, uefi)?.is_some() {
        files.push(uefi.vars.clone());
    }
    if left_at(context, uefi)?.is_some() {
        files.push(saved(&uefi.vars));
    }
    Ok(files)
}

/// The plan that removes the directory of a store whose files are removed, if it is the VM's own and empty.
pub(super) fn without_directory(uefi: &Uefi) -> Plan {
    let mut plan = Plan::default();
    if let Some(directory) = uefi.own_directory() {
        let is_there = Test::Exists(directory.to_owned());
        // A user's file in the directory keeps it.
        plan.push(
            Step::from(file::remove_directory(directory))
                .only_if(is_there.clone())
                .ok_if(is_there),
        );
        let undo = Step::from(file::make_directory(directory));
        plan.push(Undo::by(undo, When::Failure, &directory.display()));
    }
    plan
}

/// The plan that makes the directory for a store; none if there is no store to put there.
fn place(context: &mut PlanContext<'_>, from: &Uefi, to: &Path) -> Result<Option<Plan>> {
    let to = Uefi {
        vars: to.to_owned(),
        origin: None,
    };
    if context.is_freebsd {
        if entry_of(context, from)?.is_none() {
            return Ok(None);
        }
        if entry_of(context, &to)?.is_some() {
            let path = &to.vars;
            return Err(
                Error::host(format!("{} already exists", vis::shown(path))).help(format!(
                    "a VM that is gone has left it: remove it as root: rm {}",
                    quote::shown(path)
                )),
            );
        }
    }
    let mut plan = Plan::default();
    if let Some(directory) = to.own_directory() {
        let is_new = !context.look.exists(directory).unwrap_or(false);
        plan.push(file::make_directory(directory));
        if is_new {
            let is_there = Test::Exists(directory.to_owned());
            let undo = Step::from(file::remove_directory(directory)).only_if(is_there);
            plan.push(Undo::by(undo, When::Failure, &directory.display()));
        }
    }
    Ok(Some(plan))
}

/// The removal of a store that the plan has made.
fn undone(path: &Path) -> Undo {
    Undo::by(
        Step::from(file::remove(path)),
        When::Failure,
        &path.display(),
    )
}
