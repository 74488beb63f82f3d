//! Ends: `shutdown`, `clean`.

use super::ground::Ground;
use super::plan::Planned;
use super::{How, Whom};
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::plan::shutdown::{self, Ending, Manner, Target};
use crate::plan::{Form, Guard, Plan, Refusal, Test, free};
use crate::survey::{self, State, Survey};
use crate::tools::bhyve;
use crate::tools::process::Role;
use crate::verb::Verb;
use std::time::Duration;

/// The longest wait before the power of guests is cut where that is wanted, in seconds: at the
/// host's shutdown there is not more time (rc.shutdown's watchdog). What follows takes up to 30 s.
const LONGEST_BEFORE_CUT: u32 = 40;

/// The plan that ends VMs together.
///
/// Differs: `shutdown` waits 60 s, then says what to do
pub(super) fn shutdown(
    ground: &mut Ground<'_>,
    vms: &[Vm],
    whom: Whom,
    how: How,
    quiet: bool,
) -> Result<Planned> {
    let survey = if ground.is_answered {
        let (at, look) = ground.asking();
        Survey::for_freeing(look, &at, vms.iter())?
    } else {
        let mut surveys = vms
            .iter()
            .map(|vm| Survey::of_running(ground.devices(), vm));
        let first = surveys
            .next()
            .unwrap_or_else(|| Survey::fresh(ground.devices()));
        surveys.fold(first, Survey::and)
    };
    let mut plan = ending(vms, &survey, whom, how, Verb::Shutdown)?;
    if quiet {
        for form in &mut plan.forms {
            if let Form::Wait(wait) = form {
                wait.progress = None;
            }
        }
    }
    let names: Vec<&str> = vms.iter().map(|vm| vm.name.as_str()).collect();
    let done = match names.as_slice() {
        [one] => format!("{one} has ended and its resources are free"),
        several => format!(
            "{} have ended and their resources are free",
            several.join(", ")
        ),
    };
    Ok(Planned {
        plan,
        done: (!quiet).then_some(done),
        ..Planned::default()
    })
}

/// The plan that ends VMs of which at least one thing runs, for this verb; of all VMs those that do
/// not run any more are passed over.
pub(super) fn ending(
    vms: &[Vm],
    survey: &Survey,
    whom: Whom,
    how: How,
    verb: Verb,
) -> Result<Plan> {
    let mut endings = Vec::new();
    let mut untold = Vec::new();
    for vm in vms {
        match (whom, survey.state(&vm.name)) {
            (Whom::All, State::Stopped | State::LeftOver) if survey.is_answered => {}
            (Whom::All, State::Unknown) => untold.push(vm),
            _ => endings.push(what_ends(vm, survey, how, verb)?),
        }
    }
    let limit = vms
        .iter()
        .map(|vm| vm.policy.stop_timeout.0)
        .max()
        .unwrap_or_default();
    let seconds = |limit: u32| Duration::from_secs(limit.into());
    let manner = match how {
        How::Button => Manner::PowerButton(seconds(limit)),
        How::Cut => Manner::PowerCut,
        How::ButtonThenCut => Manner::ButtonThenCut(seconds(limit.min(LONGEST_BEFORE_CUT))),
    };
    let mut plan = if endings.is_empty() {
        Plan::default()
    } else {
        shutdown::plan(&endings, survey, manner, whom)
    };
    // What may run and cannot be seen is no reason to let the others run on.
    for vm in untold {
        let refusal = survey::unknown(&vm.name);
        plan.push(Guard {
            test: !Test::Exists(bhyve::node(&survey.devices, &vm.name)),
            refusal: Refusal {
                kind: refusal.kind,
                what: refusal.what,
                help: refusal.help.into_iter().next(),
            },
        });
    }
    Ok(plan)
}

/// What there is to end of a VM.
///
/// # Errors
/// If that is nothing, or nothing that can be ended so.
fn what_ends<'vm>(vm: &'vm Vm, survey: &Survey, how: How, verb: Verb) -> Result<Ending<'vm>> {
    let supervisor = survey
        .processes
        .supervisor(vm.name.as_str())
        .map(|process| process.who.pid);
    let target = match survey.state(&vm.name) {
        State::Busy(process, Role::Running) if process.ignores_sigterm => Target::Listening,
        // Differs: A guest that does not listen to its power button is not signalled
        State::Busy(_, Role::Running) if how == How::Button => return Err(deaf(vm, verb)),
        State::Busy(_, Role::Running) => Target::Deaf,
        State::Busy(_, Role::Loading) => Target::Loader,
        State::Busy(_, Role::Supervised) => Target::Supervisor,
        State::Busy(_, Role::Starting) if how != How::Button => Target::Deaf,
        state @ State::Busy(_, Role::Starting) => {
            survey::refuse_busy_state(vm, state)?;
            Target::Deaf
        }
        // One that cannot be asked has all that it is said to have.
        State::LeftOver if !survey.is_answered => Target::Listening,
        State::Unknown => return Err(survey::unknown(&vm.name)),
        State::Stopped | State::LeftOver => {
            return Err(Error::from(&shutdown::not_running(vm)));
        }
    };
    Ok(Ending {
        vm,
        target,
        supervisor,
    })
}

fn deaf(vm: &Vm, verb: Verb) -> Error {
    Error::state(format!(
        "the guest of {} does not listen to its power button",
        vm.name
    ))
    .note(
        "to press it now would cut the power: the guest has not enabled ACPI, or is still booting",
    )
    .help(format!(
        "shut it down from inside ({}), or cut its power: {} -f",
        vm.command(Verb::Console),
        vm.command(verb)
    ))
}

/// The plan that frees what a VM has left.
pub(super) fn clean(ground: &mut Ground<'_>, vm: &Vm) -> Result<Planned> {
    let survey = if ground.is_answered {
        let (at, look) = ground.asking();
        let survey = Survey::for_freeing(look, &at, std::iter::once(vm))?;
        survey::refuse_busy_state(vm, survey.state(&vm.name))?;
        survey
    } else {
        Survey::of_ended(ground.devices(), vm)
    };
    let open = survey.interfaces.iter().filter_map(|tap| {
        let is_ours = tap.description.as_deref() == Some(vm.name.mark().as_str());
        let pid = tap.opened_by.filter(|_| is_ours)?;
        Some(format!("{} stays: pid {pid} has it open", tap.name))
    });
    let notes = open.collect();
    let plan = free::plan(vm, &survey, free::Extent::Whole);
    let done = if plan.forms.is_empty() {
        format!("{} has left nothing that could be freed", vm.name)
    } else {
        format!("what {} had left is free", vm.name)
    };
    Ok(Planned {
        plan,
        notes,
        done: Some(done),
    })
}
