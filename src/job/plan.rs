//! Plans a request: asks the host what it must know, refuses what cannot be.

use super::ground::Ground;
use super::{Job, Request, console, disks, end, start};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::plan::Plan;
use crate::survey::{self, State};

/// A plan with what goes with it.
#[derive(Debug, Default)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What is said on standard error beforehand.
    pub notes: Vec<String>,
    /// What is said on standard error when it is done.
    pub done: Option<String>,
}

/// The plan of a request.
///
/// # Errors
/// What stands in its way: the VM's state, or the host.
pub fn plan(ground: &mut Ground<'_>, request: &Request) -> Result<Planned> {
    let Some(vm) = request.vms.first() else {
        return Ok(Planned::default());
    };
    match &request.job {
        Job::Start(boot) => start::start(ground, vm, &request.rivals, boot),
        Job::Restart(how) => start::restart(ground, vm, &request.rivals, *how),
        Job::Console { force } => console::console(ground, vm, *force),
        Job::MakeDisk { size, allocation } => disks::make(ground, vm, size, *allocation),
        Job::Shutdown { whom, how, quiet } => {
            end::shutdown(ground, &request.vms, *whom, *how, *quiet)
        }
        Job::Clean => end::clean(ground, vm),
        Job::Snapshot(name) => disks::snapshot(ground, vm, name),
        Job::Rollback { wanted, consent } => {
            disks::rollback(ground, vm, &request.rivals, wanted.as_ref(), *consent)
        }
        Job::Clone {
            base,
            stamp,
            targets,
        } => disks::clone(ground, vm, &request.rivals, (base.as_ref(), stamp), targets),
    }
}

/// Refuses where another VM that runs, or may run, has one of our disks.
///
/// Differs: A disk that another running VM has is refused, for `rollback` and for `clone` from now,
/// too
pub(super) fn refuse_rival(vm: &Vm, rival: &VmName, state: State<'_>) -> Result<()> {
    let how = match state {
        State::Stopped | State::LeftOver => return Ok(()),
        State::Busy(process, role) => process.who.does(role),
        State::Unknown => {
            return Err(survey::unknown(rival).note(format!("{rival} has a disk of {}", vm.name)));
        }
    };
    Err(
        Error::state(format!("{rival} has a disk of {} and {how}", vm.name))
            .at(vm.disks.first().and_then(|disk| disk.origin))
            .note("what two VMs do to one disk destroys it")
            .help(format!(
                "end {rival} first, or give {} a disk of its own",
                vm.name
            )),
    )
}
