//! The leftovers of a killed supervisor: record, scratch files, and snapshots of a temporary run.

use super::journal::Journal;
use crate::error::Result;
use crate::host::{Host, Lock, LockResult, scratch};
use crate::model::Vm;
use crate::model::name::{Snapshot, VmName};
use crate::operation::boot::temp;
use crate::operation::{Locks, Request};
use crate::process::Process;
use crate::session::Session;
use crate::survey::record::Record;
use crate::survey::{Processes, State as Seen, Traces};

/// The recorded leftover snapshots of runs of this VM.
///
/// # Errors
/// If the query of ZFS fails.
pub(super) fn by(vm: &Vm, session: &mut Session<'_, '_>) -> Result<Vec<Snapshot>> {
    let host = &mut *session.host;
    match Record::of(host, &session.process.run, &vm.name) {
        Some(noted) => noted.left(host),
        None => Ok(Vec::new()),
    }
}

/// Records and logs the end of VMs whose supervisor was killed. Leftover snapshots are reported, and
/// stay in the record until they are destroyed.
///
/// # Errors
/// If the query of ZFS fails.
pub(super) fn forget(session: &mut Session<'_, '_>, request: &Request) -> Result<()> {
    let process = session.process;
    let note = format!("{} {}", process.pid, request.job.does());
    for vm in &request.vms {
        let lock = Lock::Vm(vm.name.clone());
        // `clean` holds the lock; after a shutdown another start may hold the lock and own the record.
        let is_ours = request.job.locks() != Locks::Nothing
            || matches!(session.host.lock(&lock, &note), Ok(LockResult::Acquired));
        if !is_ours {
            continue;
        }
        if has_scratch(process, &vm.name, session.host) && is_idle(process, &vm.name, session.host)
        {
            // The next start removes the remaining files.
            let _ = session.host.sweep(&vm.name);
        }
        let noted = Record::of(session.host, &process.run, &vm.name);
        let Some(noted) = noted.filter(|noted| !noted.is_over()) else {
            continue;
        };
        let left = noted.left(session.host)?;
        for text in temp::left(vm, &process.devices, &left) {
            session.say(&text);
        }
        let mut journal = Journal::new(&vm.name, process, false, session.host);
        journal.is_over(session.host, noted, !left.is_empty());
    }
    Ok(())
}

/// Whether scratch files of a VM exist.
fn has_scratch(process: &Process, vm: &VmName, host: &mut dyn Host) -> bool {
    let names = host.names_in(&scratch::directory(&process.run));
    names.is_ok_and(|names| names.iter().any(|name| scratch::is_of(name, vm)))
}

/// Whether a VM has no process: a process that a script has started holds no lock.
fn is_idle(process: &Process, vm: &VmName, host: &mut dyn Host) -> bool {
    let at = process.surroundings();
    let traces = Traces::ask(host, &at);
    traces.is_ok_and(|traces| {
        let processes = Processes::ask(host, &at, &traces);
        processes.is_ok_and(|processes| {
            let state = processes.state(vm.as_str(), &traces);
            matches!(state, Seen::Stopped | Seen::LeftOver)
        })
    })
}
