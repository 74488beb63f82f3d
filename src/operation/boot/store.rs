//! The store of the variables of a VM's UEFI firmware: made from the firmware's template, saved by a
//! temporary run, and checked like all that root opens.

use super::loader::Source;
use crate::error::{Error, Result};
use crate::host::identity::{Entry, EntryKind};
use crate::model::Vm;
use crate::model::loader::Uefi;
use crate::operation::others::is_one;
use crate::operation::plan_context::PlanContext;
use crate::plan::{Form, Plan, Step, Test, Undo, When};
use crate::quote;
use crate::survey::Survey;
use crate::tools::file;
use crate::tools::firmware::{Firmware, PACKAGE};
use crate::verb::Verb;
use crate::vis;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The path at which a temporary run saves a store.
pub fn saved(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".saved");
    name.into()
}

/// The plan that makes the store of a VM with UEFI firmware, if it is missing, and saves it for a
/// temporary run. Finds the firmware for the survey, and adds notes.
///
/// # Errors
/// If the firmware is not installed, the store cannot be used, or another user could exchange it.
pub(crate) fn prepare(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    (source, is_temporary): (Source, bool),
    survey: &mut Survey,
    notes: &mut Vec<String>,
) -> Result<Plan> {
    let Some(uefi) = vm.uefi() else {
        return Ok(Plan::default());
    };
    refuse_medium(context, vm, uefi)?;
    let is_missing = if context.is_freebsd {
        survey.firmware = firmware(context, vm)?;
        notes.extend(refuse_saved(context, uefi, is_temporary)?);
        let store = entry_of(context, uefi)?;
        let template = entry(context, &survey.firmware.template)?;
        if let (Some(store), Some(template)) = (store, template)
            && store.size != template.size
        {
            notes.push(other_size(vm, uefi, store, template));
        }
        store.is_none()
    } else {
        // The installation has made it.
        source == Source::Cd
    };
    let token = &context.process.token;
    let mut plan = Plan::default();
    if is_missing {
        plan.append(make(uefi, &survey.firmware, token));
    }
    if is_temporary {
        plan.append(without_trace(&uefi.vars, token));
    }
    Ok(plan)
}

/// Finds the firmware of this host.
fn firmware(context: &mut PlanContext<'_>, vm: &Vm) -> Result<Firmware> {
    let mut is_there = |path: &Path| context.look.exists(path).unwrap_or(false);
    Firmware::places(&context.process.share)
        .find(|firmware| is_there(&firmware.code) && is_there(&firmware.template))
        .ok_or_else(|| {
            Error::host(format!(
                "the UEFI firmware for {} is not installed",
                vm.name
            ))
            .note(format!("{} is missing", Firmware::default().code.display()))
            .help(format!("install it as root: pkg install {PACKAGE}"))
        })
}

/// Refuses a store that is a disk or an ISO image of the VM.
fn refuse_medium(context: &mut PlanContext<'_>, vm: &Vm, uefi: &Uefi) -> Result<()> {
    let disks = vm.disks.iter().map(|disk| ("hd", disk.number, &disk.path));
    let mut media = disks.chain(vm.cds.iter().map(|cd| ("cd", cd.number, &cd.path)));
    match media.find(|(_, _, path)| is_one(context.look, path, &uefi.vars)) {
        None => Ok(()),
        Some((kind, number, _)) => Err(Error::config(format!(
            "{kind}{number} of {} and its UEFI variables are the same file: {}",
            vm.name,
            vis::shown(&uefi.vars)
        ))
        .at(uefi.origin)
        .help(format!("set {}_uefi_vars to another path", vm.name))),
    }
}

/// Refuses a file that is no store of UEFI variables: the guest would write to it, and a reset would
/// remove it.
fn refuse_other(context: &mut PlanContext<'_>, uefi: &Uefi) -> Result<()> {
    let shown = vis::shown(&uefi.vars);
    match context.look.is_uefi_store(&uefi.vars) {
        Ok(true) => Ok(()),
        Ok(false) => Err(
            refused(uefi, format!("{shown} is not a store of UEFI variables"))
                .help("set uefi_vars to another path, or move the file away"),
        ),
        // The root side looks again.
        Err(error)
            if error.kind() == ErrorKind::PermissionDenied && context.process.is_client() =>
        {
            Ok(())
        }
        Err(error) => Err(Error::host(format!("could not read {shown}: {error}"))),
    }
}

/// Refuses a temporary run if another one has left a saved store; else returns a note about it.
fn refuse_saved(
    context: &mut PlanContext<'_>,
    uefi: &Uefi,
    is_temporary: bool,
) -> Result<Option<String>> {
    match left_at(context, uefi)? {
        Some(left) if is_temporary => {
            let path = saved(&uefi.vars);
            let error = Error::state(format!("{} already exists", vis::shown(&path)));
            Err(error.at(uefi.origin).help(left))
        }
        left => Ok(left),
    }
}

/// The message about a saved store, if a temporary run has left one.
pub(crate) fn left_at(context: &mut PlanContext<'_>, uefi: &Uefi) -> Result<Option<String>> {
    let is_there = context.is_freebsd && entry(context, &saved(&uefi.vars))?.is_some();
    Ok(is_there.then(|| left(&uefi.vars)))
}

/// The note about a store that the firmware may not accept.
fn other_size(vm: &Vm, uefi: &Uefi, store: Entry, template: Entry) -> String {
    format!(
        "{} has {} bytes, and the template of the UEFI firmware has {}: the firmware may not accept \
         it; to reset it: {} --uefi-vars",
        vis::shown(&uefi.vars),
        store.size,
        template.size,
        vm.command(Verb::Clean),
    )
}

/// The message about a saved store that a temporary run has left.
fn left(store: &Path) -> String {
    let saved = saved(store);
    format!(
        "{} is what a temporary run has saved: as root, restore it ({}), or keep what the guest has \
         written ({})",
        vis::shown(&saved),
        file::put_back(&saved, store),
        file::remove(&saved)
    )
}

/// The store of a VM; none if it is missing.
///
/// # Errors
/// If it cannot be used, or another user could exchange it.
pub(crate) fn entry_of(context: &mut PlanContext<'_>, uefi: &Uefi) -> Result<Option<Entry>> {
    let store = entry(context, &uefi.vars)?;
    refuse_directory(context, uefi)?;
    if let Some(store) = &store {
        refuse_entry(context, uefi, &uefi.vars, store, EntryKind::File)?;
        refuse_other(context, uefi)?;
    }
    Ok(store)
}

fn entry(context: &mut PlanContext<'_>, path: &Path) -> Result<Option<Entry>> {
    match context.look.entry(path) {
        // The root side looks again.
        Err(error)
            if error.kind() == ErrorKind::PermissionDenied && context.process.is_client() =>
        {
            Ok(None)
        }
        other => other.map_err(|error| {
            Error::host(format!("could not access {}: {error}", vis::shown(&path)))
        }),
    }
}

/// Refuses a directory in which another user could exchange the store, and one that is missing, unless it
/// is the VM's own, which is made.
fn refuse_directory(context: &mut PlanContext<'_>, uefi: &Uefi) -> Result<()> {
    let mut above = uefi.vars.ancestors().skip(1);
    let Some(directory) = above.next() else {
        return Ok(());
    };
    match entry(context, directory)? {
        Some(entry) => refuse_entry(context, uefi, directory, &entry, EntryKind::Directory)?,
        None if uefi.has_own_directory() || context.process.is_client() => {}
        None => {
            let what = format!("directory {} does not exist", vis::shown(&directory));
            let help = format!("create it as root: mkdir {}", quote::shown(directory));
            return Err(Error::host(what).at(uefi.origin).help(help));
        }
    }
    for path in above {
        if let Some(entry) = entry(context, path)? {
            // In a sticky directory, nobody can rename what is root's; the mode of a link means nothing.
            let is_others =
                entry.is_others && !entry.is_sticky && entry.kind == EntryKind::Directory;
            refuse_foreign(context, uefi, path, &Entry { is_others, ..entry })?;
        }
    }
    Ok(())
}

/// Refuses what is not of this kind, or what another user than root may change: bhyve follows links, and
/// a guest writes to what it opens.
fn refuse_entry(
    context: &PlanContext<'_>,
    uefi: &Uefi,
    path: &Path,
    entry: &Entry,
    kind: EntryKind,
) -> Result<()> {
    if entry.kind != kind {
        let what = format!("{} is {}, not {kind}", vis::shown(&path), entry.kind);
        return Err(refused(uefi, what).help("set uefi_vars to another path, or move it away"));
    }
    refuse_foreign(context, uefi, path, entry)
}

/// Refuses what another user than root may change.
fn refuse_foreign(
    context: &PlanContext<'_>,
    uefi: &Uefi,
    path: &Path,
    entry: &Entry,
) -> Result<()> {
    let (shown, quoted) = (vis::shown(&path), quote::shown(path));
    // The root side is root, except in a test.
    if entry.owner != 0 && entry.owner != context.process.uid {
        let owner = entry.owner;
        let what = format!("{shown} belongs to the user with uid {owner}, not to root");
        return Err(refused(uefi, what).help(format!(
            "set uefi_vars to a path in a directory of root's, or as root: chown root {quoted}"
        )));
    }
    if entry.is_others {
        let what = format!("other users than root may write to {shown}");
        return Err(refused(uefi, what).help(format!("as root: chmod go-w {quoted}")));
    }
    Ok(())
}

fn refused(uefi: &Uefi, what: String) -> Error {
    Error::host(what)
        .at(uefi.origin)
        .note("the guest writes its UEFI variables there as root")
}

/// The plan that makes a missing store from the template; never over another file. `token` makes the
/// name of the unfinished file unique.
fn make(uefi: &Uefi, firmware: &Firmware, token: &str) -> Plan {
    let mut plan = Plan::default();
    if let Some(directory) = uefi.vars.parent().filter(|_| uefi.has_own_directory()) {
        plan.push(file::make_directory(directory));
    }
    plan.append(copy(&firmware.template, &uefi.vars, token, None));
    plan
}

/// The plan that removes the store of a VM, if there is one: the next start makes it anew.
///
/// # Errors
/// If it is a disk or an ISO image, cannot be used, or another user could exchange it.
pub(crate) fn reset(context: &mut PlanContext<'_>, vm: &Vm, uefi: &Uefi) -> Result<Plan> {
    refuse_medium(context, vm, uefi)?;
    let mut plan = Plan::default();
    if !context.is_freebsd || entry_of(context, uefi)?.is_some() {
        plan.push(file::remove(&uefi.vars));
    }
    Ok(plan)
}

/// The note of a start: firmware that finds nothing to boot says so on the console, and waits for ever
/// (edk2: `BdsDxe`).
pub(super) fn where_to_look(vm: &Vm) -> Option<String> {
    vm.uefi()?;
    Some(format!(
        "if the UEFI firmware finds no system to boot, it waits on the console: {}",
        vm.command(Verb::Console)
    ))
}

/// The note of a rollback, which leaves the store.
pub(crate) fn stays(vm: &Vm) -> Option<String> {
    let uefi = vm.uefi()?;
    Some(format!(
        "the UEFI variables of {} are not rolled back: {}; to reset them: {} --uefi-vars",
        vm.name,
        vis::shown(&uefi.vars),
        vm.command(Verb::Clean)
    ))
}

/// The plan that saves the store, and restores it when the VM ends.
fn without_trace(store: &Path, token: &str) -> Plan {
    let saved = saved(store);
    let back = Step::from(file::put_back(&saved, store))
        .only_if(Test::Exists(saved.clone()))
        .ok_if(!Test::Exists(saved.clone()));
    let what = format!("what the guest has written to {}", store.display());
    let mut plan = Plan::new(vec![Undo::by(back, When::End, &what).into()]);
    plan.append(copy(store, &saved, token, None));
    plan
}

/// The plan that copies a file, whole or not at all: the complete copy, which only root can read, is
/// linked to its name, which must not exist. `undo`: what undoes the name.
pub(crate) fn copy(from: &Path, to: &Path, token: &str, undo: Option<Undo>) -> Plan {
    let unfinished = file::workshop(to, token);
    let remove = Step::from(file::remove(&unfinished)).only_if(Test::Exists(unfinished.clone()));
    let mut plan = Plan::new(vec![
        Undo::by(remove, When::Failure, &unfinished.display()).into(),
        file::copy(from, &unfinished).into(),
        file::name(&unfinished, to).into(),
    ]);
    plan.forms.extend(undo.map(Form::from));
    plan.push(file::remove(&unfinished));
    plan
}
