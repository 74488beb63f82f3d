//! `console`: connects the terminal to the console of a VM.

use super::context::{Asked, Assumption, Context, Outcome};
use super::options::DryRun;
use super::plan_context::PlanContext;
use super::refuse::state::{self, not_running};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::plan::Known;
use crate::plan::{Guard, Plan, Refusal, Test, Wait};
use crate::survey::{Processes, State, Traces};
use crate::tools::line::{self, side_of_person};
use crate::tools::process::{Role, Who};
use crate::tools::workers;
use crate::tools::{bhyve, cu};
use crate::verb::Verb;
use std::path::Path;
use std::time::Duration;

/// Options of `console`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// -d
    #[command(flatten)]
    pub dry_run: DryRun,
    /// End another connection to the console first
    #[arg(short = 'f', long)]
    pub force: bool,
}

impl Operation for Args {
    const NEED: Need = Need::Console;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        context.need_host(self.dry_run)?;
        let job = OpenConsole { force: self.force };
        Ok(Asked {
            assumption: Assumption::Started,
            ..context.asked(vm, job, self.dry_run)
        }
        .into())
    }
}

/// Connects to the console of a VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenConsole {
    /// Whether the process that uses the console is ended first.
    pub force: bool,
}

impl RootJob for OpenConsole {
    const VERB: &'static str = "console";
    const DOES: &'static str = "has its console open";

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        words.flag("force", self.force);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let force = options.flag("force")?;
        Ok(Self { force })
    }

    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vm = request.vm()?;
        let mut held_by = Vec::new();
        let mut notes = Vec::new();
        if context.is_freebsd {
            let (at, look) = context.asking();
            let (traces, processes) = Processes::of_traced(look, &at, &vm.name)?;
            refuse_state(vm, &processes, &traces, context)?;
            let line = side_of_person(vm, context.devices());
            let (roots, others): (Vec<&Who>, Vec<&Who>) =
                processes.on_line(&line).partition(|other| other.is_roots());
            if let (Some(other), false) = (roots.first(), self.force) {
                return Err(held(vm, other));
            }
            // Any process may have such arguments: cu(1) determines whether the line is free.
            notes.extend(others.into_iter().take(1).map(|other| {
                format!(
                    "pid {} of uid {} may be connected to the console of {}: {}",
                    other.pid, other.real_uid, vm.name, other.args
                )
            }));
            held_by.extend(roots.into_iter().cloned());
        }
        notes.push(cu::how_to_leave(&vm.name, request.is_over_ssh));
        Ok(Planned {
            plan: plan(vm, context.devices(), &held_by),
            notes,
            ..Planned::default()
        })
    }
}

/// The plan that connects the terminal to `vm`; the processes `held_by` are ended first.
fn plan(vm: &Vm, devices: &Path, held_by: &[Who]) -> Plan {
    let mut plan = Plan::default();
    plan.push(Guard {
        test: Test::Exists(bhyve::node(devices, &vm.name)),
        refusal: to_be_started(vm),
    });
    for process in held_by {
        let (pid, known) = (process.pid, Known::Shown(process.shown()));
        plan.push(workers::end_one(pid, known.clone()));
        plan.push(Wait {
            until: !workers::is_still(pid, known),
            limit: Duration::from_secs(5),
            every: Duration::from_millis(100),
            refusal: Some(
                Refusal::host(format!(
                    "pid {pid} does not release the console of {}",
                    vm.name
                ))
                .help(format!("as root: kill -KILL {pid}")),
            ),
            progress: None,
            goes_on: false,
        });
    }
    plan.push(cu::connect(&side_of_person(vm, devices)));
    plan
}

/// Refuses a VM that is stopped, or whose console is another terminal.
fn refuse_state(
    vm: &Vm,
    processes: &Processes,
    traces: &Traces,
    context: &mut PlanContext<'_>,
) -> Result<()> {
    let supervisor = processes.supervisor(vm.name.as_str());
    if let Some(who) = supervisor.map(|supervisor| &supervisor.who)
        && let Some(verb) = who.on_terminal()
    {
        return Err(Error::state(format!(
            "the console of {} is the terminal of {} (pid {})",
            vm.name,
            vm.command(verb),
            who.pid
        ))
        .help("use that terminal, or end the VM and start it in the background"));
    }
    match processes.state(vm.name.as_str(), traces) {
        State::Busy(_, Role::Running | Role::Starting | Role::Supervised) => Ok(()),
        State::Busy(process, Role::Loading) => {
            let line::Console::Nmdm(line) = line::Console::of(vm, context.devices()) else {
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
        State::Unknown => Err(state::unknown(&vm.name)),
        State::Stopped | State::LeftOver => {
            let now = context.look.uptime();
            let error = Error::from(&to_be_started(vm));
            Err(state::with_last_end(error, vm, traces, now))
        }
    }
}

fn to_be_started(vm: &Vm) -> Refusal {
    not_running(vm).help(format!("start it first: {}", vm.command(Verb::Boot)))
}

/// Differs: `console` says who is on the line
fn held(vm: &Vm, other: &Who) -> Error {
    Error::state(format!(
        "the console of {} is in use by pid {}: {}",
        vm.name, other.pid, other.args
    ))
    .help(format!(
        "end that process and connect: {} -f",
        vm.command(Verb::Console)
    ))
}
