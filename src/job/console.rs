//! `console`: whose the line is, and how to get it.

use super::ground::Ground;
use super::plan::Planned;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::plan::console;
use crate::plan::shutdown;
use crate::survey::{self, Processes, State, Traces};
use crate::tools::line::{Console, side_of_person};
use crate::tools::process::{Role, Who};
use crate::verb::Verb;

/// The plan that connects the terminal to the console of a VM.
pub(super) fn console(ground: &mut Ground<'_>, vm: &Vm, force: bool) -> Result<Planned> {
    let mut held_by = Vec::new();
    let mut notes = Vec::new();
    if ground.is_answered {
        let (at, look) = ground.asking();
        let traces = Traces::ask(look, &at)?;
        let processes = if traces.has(vm.name.as_str()) {
            Processes::ask(look, &at, &traces)?
        } else {
            Processes::default()
        };
        refuse_state(vm, &processes, &traces, ground)?;
        let line = side_of_person(vm, ground.devices());
        let (roots, others): (Vec<&Who>, Vec<&Who>) =
            processes.on_line(&line).partition(|other| other.is_roots());
        if let (Some(other), false) = (roots.first(), force) {
            return Err(held(vm, other));
        }
        // Anybody can say so of himself: cu(1) tells whether the line is free.
        notes.extend(others.into_iter().take(1).map(|other| {
            format!(
                "pid {} of uid {} says that it is on the console of {}: {}",
                other.pid, other.real_uid, vm.name, other.args
            )
        }));
        held_by.extend(roots.into_iter().cloned());
    }
    notes.push(format!(
        "~. at the beginning of a line leaves the console of {}",
        vm.name
    ));
    Ok(Planned {
        plan: console::plan(vm, ground.devices(), &held_by),
        notes,
        done: None,
    })
}

/// Refuses where there is nothing on the console.
fn refuse_state(
    vm: &Vm,
    processes: &Processes,
    traces: &Traces,
    ground: &Ground<'_>,
) -> Result<()> {
    let on_terminal = processes
        .supervisor(vm.name.as_str())
        .map(|supervisor| &supervisor.who)
        .filter(|supervisor| supervisor.has_terminal());
    if let Some(supervisor) = on_terminal {
        return Err(Error::state(format!(
            "{} is on the terminal of pid {}: {}",
            vm.name, supervisor.pid, supervisor.args
        ))
        .help("go there, or end it and start it in the background"));
    }
    match processes.state(vm.name.as_str(), traces) {
        State::Busy(_, Role::Running | Role::Starting | Role::Supervised) => Ok(()),
        State::Busy(process, Role::Loading) => {
            let Console::Nmdm(line) = Console::of(vm, ground.devices()) else {
                return Ok(());
            };
            let line = line.to_string_lossy().into_owned();
            if process
                .who
                .args
                .split_ascii_whitespace()
                .any(|word| word == line)
            {
                return Ok(());
            }
            Err(Error::state(format!(
                "the loader of {} is on another terminal: pid {}",
                vm.name, process.who.pid
            )))
        }
        State::Unknown => Err(survey::unknown(&vm.name)),
        State::Stopped | State::LeftOver => {
            let mut refusal = shutdown::not_running(vm);
            refusal.help = Some(format!("start it first: {}", vm.command(Verb::Boot)));
            Err(Error::from(&refusal))
        }
    }
}

/// Differs: `console` says who is on the line
fn held(vm: &Vm, other: &Who) -> Error {
    Error::state(format!(
        "the console of {} is in use by pid {}: {}",
        vm.name, other.pid, other.args
    ))
    .help(format!("take it over: {} -f", vm.command(Verb::Console)))
}
