//! `console`, `shutdown` and `clean`: verbs for a VM that was started.

use super::{Assumption, Context, Outcome, Planned};
use crate::error::{Error, Result};
use crate::invocation::options::{DryRun, ShutdownArgs};
use crate::model::Vm;
use crate::plan::shutdown::{self, Manner};
use crate::plan::{Form, console, free};
use crate::survey::{self, Nodes, Processes, State, Survey};
use crate::tools::process::{Process, Role};
use crate::verb::Verb;

pub(super) fn console(context: &mut Context<'_>, vm: &Vm, dry_run: DryRun) -> Result<Outcome> {
    context.need_host(dry_run)?;
    if context.is_answered {
        let (at, look) = context.asking();
        let nodes = Nodes::ask(look, at.devices)?;
        let processes = if nodes.has(&vm.name) {
            Processes::ask(look, &at, &nodes)?
        } else {
            Processes::default()
        };
        running(vm, processes.state(vm.name.as_str(), &nodes), Verb::Boot)?;
    }
    Ok(Outcome::Plan(Planned {
        plan: console::plan(vm, &context.process.devices),
        dry_run,
        assumption: Assumption::Started,
        notes: vec![format!(
            "~. at the beginning of a line leaves the console of {}",
            vm.name
        )],
        done: None,
        ..Planned::default()
    }))
}

pub(super) fn shutdown(context: &mut Context<'_>, vm: &Vm, args: ShutdownArgs) -> Result<Outcome> {
    context.need_host(args.dry_run)?;
    let manner = if args.force {
        Manner::PowerCut
    } else {
        Manner::PowerButton
    };
    let (survey, pid) = if context.is_answered {
        let (at, look) = context.asking();
        let survey = Survey::for_freeing(look, &at, vm)?;
        let process = running(vm, survey.state(&vm.name), Verb::Clean)?;
        // Differs: A guest that does not listen to its power button is not signalled
        if manner == Manner::PowerButton && !process.ignores_sigterm {
            return Err(Error::state(format!("the guest of {} does not listen to its power button", vm.name))
                .note("to press it now would cut the power: the guest has not enabled ACPI, or is still booting")
                .help(format!("shut it down from inside ({}), or cut its power: {} -f",
                    vm.command(Verb::Console), vm.command(Verb::Shutdown))));
        }
        let pid = process.pid;
        (survey, pid)
    } else {
        (Survey::of_running(&context.process.devices, vm), 0)
    };
    let mut plan = shutdown::plan(vm, &survey, manner, pid);
    if args.quiet {
        for form in &mut plan.forms {
            if let Form::Wait(wait) = form {
                wait.progress = None;
            }
        }
    }
    Ok(Outcome::Plan(Planned {
        plan,
        dry_run: args.dry_run,
        assumption: Assumption::Started,
        done: (!args.quiet).then(|| format!("{} has ended and its resources are free", vm.name)),
        ..Planned::default()
    }))
}

pub(super) fn clean(context: &mut Context<'_>, vm: &Vm, dry_run: DryRun) -> Result<Outcome> {
    context.need_host(dry_run)?;
    let survey = if context.is_answered {
        let (at, look) = context.asking();
        let survey = Survey::for_freeing(look, &at, vm)?;
        survey::refuse_busy_state(vm, survey.state(&vm.name))?;
        survey
    } else {
        Survey::of_ended(&context.process.devices, vm)
    };
    let open = survey.interfaces.iter().filter_map(|tap| {
        let is_ours = tap.description.as_deref() == Some(vm.name.mark().as_str());
        let pid = tap.opened_by.filter(|_| is_ours)?;
        Some(format!("{} stays: pid {pid} has it open", tap.name))
    });
    let notes = open.collect();
    let plan = free::plan(vm, &survey, free::Extent::Whole, None);
    let done = if plan.forms.is_empty() {
        format!("{} has left nothing that could be freed", vm.name)
    } else {
        format!("what {} had left is free", vm.name)
    };
    Ok(Outcome::Plan(Planned {
        plan,
        dry_run,
        assumption: Assumption::Started,
        notes,
        done: Some(done),
        ..Planned::default()
    }))
}

/// The process of a VM that runs.
fn running<'survey>(vm: &Vm, state: State<'survey>, instead: Verb) -> Result<&'survey Process> {
    match state {
        State::Busy(process, Role::Running) => Ok(process),
        State::Unknown => Err(survey::unknown(&vm.name)),
        State::Busy(_, Role::Starting | Role::Loading) => {
            survey::refuse_busy_state(vm, state)?;
            Err(not_running(vm, instead))
        }
        State::Stopped | State::LeftOver => Err(not_running(vm, instead)),
    }
}

fn not_running(vm: &Vm, instead: Verb) -> Error {
    let mut refusal = shutdown::not_running(vm);
    if instead == Verb::Boot {
        refusal.help = Some(format!("start it first: {}", vm.command(instead)));
    }
    Error::from(&refusal)
}
