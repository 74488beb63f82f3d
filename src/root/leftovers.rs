//! What a supervisor leaves that was killed: what it has noted, its scratch files, and the snapshots of
//! a run without a trace.

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

/// The snapshots that a run of this VM has left, as far as they are noted.
///
/// # Errors
/// If it cannot be told whether they are there.
pub(super) fn by(vm: &Vm, session: &mut Session<'_, '_>) -> Result<Vec<Snapshot>> {
    let host = &mut *session.host;
    match Record::of(host, &session.process.run, &vm.name) {
        Some(noted) => noted.left(host),
        None => Ok(Vec::new()),
    }
}

/// Forgets what supervisors had noted of VMs that have ended, and logs their end; what their runs have
/// left is told, and noted until it has gone.
///
/// # Errors
/// If it cannot be told what they have left.
pub(super) fn forget(session: &mut Session<'_, '_>, request: &Request) -> Result<()> {
    let process = session.process;
    for vm in &request.vms {
        let lock = Lock::Vm(vm.name.clone());
        // Clean has the lock; after a shutdown another start may have it, and notes its own.
        let is_ours = request.job.locks() != Locks::Nothing
            || matches!(
                session.host.lock(&lock, "0 has ended"),
                Ok(LockResult::Acquired)
            );
        if !is_ours {
            continue;
        }
        if has_scratch(process, &vm.name, session.host) && is_idle(process, &vm.name, session.host)
        {
            // What stays of them is swept by the next start.
            let _ = session.host.sweep(&vm.name);
        }
        let Some(noted) = Record::of(session.host, &process.run, &vm.name) else {
            continue;
        };
        let left = noted.left(session.host)?;
        for snapshot in &left {
            session.say(&temp::left(snapshot));
        }
        let mut journal = Journal::new(&vm.name, process, false, session.host);
        journal.is_over(session.host, noted, !left.is_empty());
    }
    Ok(())
}

/// Whether scratch files of a VM are there.
fn has_scratch(process: &Process, vm: &VmName, host: &mut dyn Host) -> bool {
    let names = host.names_in(&scratch::directory(&process.run));
    names.is_ok_and(|names| names.iter().any(|name| scratch::is_of(name, vm)))
}

/// Whether nothing works for a VM: what a script has started since has no lock.
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
