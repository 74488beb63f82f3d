//! The state of a VM, in one word.

use crate::host::Look;
use crate::model::name::VmName;
use crate::survey::Processes;
use crate::survey::record::{Phase, Record};
use crate::tools::process::Role;
use std::path::Path;

/// The record of the process that supervises a VM now.
pub(super) fn noted(
    look: &mut dyn Look,
    run: &Path,
    processes: &Processes,
    vm: &str,
) -> Option<Record> {
    Record::of_supervisor(look, run, processes, &VmName::parse(vm).ok()?)
}

/// The state of a VM, from the role of its process and the record.
pub(super) fn word(
    role: Role,
    processes: &Processes,
    vm: &str,
    noted: Option<&Record>,
) -> &'static str {
    match role {
        Role::Running if processes.supervisor(vm).is_none() => "orphan",
        Role::Supervised if noted.is_some_and(|noted| noted.phase == Phase::Ending) => "ending",
        _ => role.as_str(),
    }
}
