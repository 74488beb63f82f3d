//! Snapshots of only some of the disks of a VM.

use super::{Wanted, call, lack, options};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::operation::label;
use crate::operation::taken::Taken;
use crate::tools::zfs::group::Numbers;
use crate::verb::Verb;

/// What a snapshot without a name must have: all volumes of the VM, with these numbers, or the first disk
/// alone. After a rollback to another one the disks would be of different times.
pub(super) fn part(taken: &Taken<'_>, all: &Numbers) -> Option<String> {
    let is_part = taken.numbers != *all && !taken.numbers.is_first_alone();
    is_part.then(|| format!("it is only of {}", taken.numbers.disks()))
}

/// Refuses the newest snapshot without its name if it is only of some disks.
pub(super) fn refuse_newest_part(
    vm: &Vm,
    newest: &Taken<'_>,
    all: &Numbers,
    verb: Verb,
) -> Result<()> {
    if part(newest, all).is_none() || lack(vm, newest).is_some() {
        return Ok(());
    }
    let (name, disks) = (newest.name, newest.numbers.disks());
    Err(Error::state(format!(
        "the newest snapshot of {}, @{name}, is only of {disks}",
        vm.name
    ))
    .note(format!(
        "no snapshot is of {}, and none of hd0 alone",
        all.disks()
    ))
    .help(format!("for {disks} alone: {} {name}", call(vm, verb, ""))))
}

/// Refuses typed numbers of disks, if no snapshot is of these and no other disk; one that the other words
/// mean, and that has one of the disks, is named.
pub(super) fn refuse_part(vm: &Vm, wanted: &Wanted, all: &[Taken<'_>], verb: Verb) -> Result<()> {
    let typed = Numbers::of(wanted.disks.iter().copied());
    let is_exact = all
        .iter()
        .any(|taken| wanted.name.as_ref() == Some(taken.name));
    let is_named = |taken: &&Taken<'_>| match &wanted.name {
        Some(name) if is_exact => taken.name == name,
        Some(name) => label::has(taken.name, name),
        None => true,
    };
    let named = all.iter().filter(is_named);
    let has_one = |taken: &&Taken<'_>| typed.iter().any(|number| taken.there().has(number));
    match named.clone().rfind(has_one) {
        Some(taken) if !named.clone().any(|taken| wanted.admits(taken)) => {
            Err(Error::usage(format!(
                "@{} is a snapshot of {} of {}, not of {}",
                taken.name,
                taken.there().disks(),
                vm.name,
                typed.disks()
            ))
            .help(format!(
                "name all of its disks: {} {}",
                call(vm, verb, &options(&taken.there())),
                taken.name
            )))
        }
        _ if typed.iter().next().is_none() || all.is_empty() => Ok(()),
        _ if all.iter().any(|taken| wanted.admits(taken)) => Ok(()),
        _ => Err(Error::host(format!(
            "{} has no snapshot of {} and no other disk",
            vm.name,
            typed.disks()
        ))
        .help(format!("to list all: {}", vm.command(Verb::Snapshot)))),
    }
}
