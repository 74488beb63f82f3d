//! What a supervisor leaves that was killed: what it has noted, and the snapshots of a run without a
//! trace.

use super::life::Life;
use super::state::State;
use crate::error::Result;
use crate::host::{Claim, Grant, Host};
use crate::job::Request;
use crate::model::Vm;
use crate::model::name::Snapshot;
use crate::plan::temp;
use crate::process::Process;
use crate::run::Output;
use crate::say;

/// The snapshots that a run of this VM has left, as far as they are noted.
///
/// # Errors
/// If it cannot be told whether they are there.
pub(super) fn by(vm: &Vm, process: &Process, host: &mut dyn Host) -> Result<Vec<Snapshot>> {
    match State::of(host, &process.run, &vm.name) {
        Some(noted) => noted.left(host),
        None => Ok(Vec::new()),
    }
}

/// Forgets what supervisors had noted of VMs that have ended, and logs their end; what their runs have
/// left is told, and noted until it has gone.
///
/// # Errors
/// If it cannot be told what they have left.
pub(super) fn forget(
    process: &Process,
    request: &Request,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    for vm in &request.vms {
        let claim = Claim::Vm(vm.name.clone());
        // Clean has the lock; after a shutdown another start may have it, and notes its own.
        let is_ours = request.job.is_exclusive()
            || matches!(host.claim(&claim, "0 has ended"), Ok(Grant::Granted));
        if !is_ours {
            continue;
        }
        let Some(noted) = State::of(host, &process.run, &vm.name) else {
            continue;
        };
        let left = noted.left(host)?;
        for snapshot in &left {
            say(output, &request.title, &temp::left(snapshot));
        }
        let mut life = Life::new(&vm.name, process, false);
        life.is_over(host, noted, !left.is_empty());
    }
    Ok(())
}
