//! `shutdown`: ends VMs by the power button, and frees their resources.

pub mod ending;
mod leftovers;
pub mod plan;

use super::boot::temp::Resized;
use super::context::{Asked, Assumption, Context, Outcome};
use super::options::{DryRun, EndArgs};
use super::plan_context::PlanContext;
use super::refuse::state::{self, not_running};
use super::wire::{Options, Words};
use super::{Locks, Operation, Planned, Request, RootJob};
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::host::Look;
use crate::host::directory::log_of;
use crate::model::Vm;
use crate::model::name::VmName;
use crate::model::release::Machine;
use crate::plan::{Guard, Plan, Refusal, Test};
use crate::process::Surroundings;
use crate::survey::record::Record;
use crate::survey::{self, Processes, State, Survey, Traces};
use crate::tools::process::Role;
use crate::tools::{bhyve, sysctl};
use crate::verb::Verb;
pub use ending::How;
use ending::{Ending, Target};
use plan::Whom;
use std::io::ErrorKind;
use std::time::Duration;

/// Options of `shutdown`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// -d, -f, -q
    #[command(flatten)]
    pub end: EndArgs,
    /// Further VMs, shut down at the same time
    #[arg(value_name = "VM", index = 2)]
    pub others: Vec<String>,
}

impl Operation for Args {
    const NEED: Need = Need::End;

    fn begin(self, context: &mut Context<'_>, vm: Vm) -> Result<Outcome> {
        context.need_host(self.end.dry_run)?;
        let mut vms = vec![vm];
        for name in &self.others {
            let resolved = context.vm_for(name, Need::End);
            let other = or_unconfigured(resolved, context, name, Need::End)?;
            if vms.iter().any(|vm| vm.name == other.name) {
                return Err(Error::usage(format!("{name} is given twice")));
            }
            vms.push(other);
        }
        let job = Shutdown {
            whom: Whom::Named,
            how: How::of(self.end.force),
            quiet: self.end.quiet,
        };
        Ok(shut(context, vms, job, self.end.dry_run).into())
    }
}

/// The resolved VM, or one that is no longer in the configuration: for an end see [`unconfigured`], for
/// `log` one with a log.
///
/// # Errors
/// If there is no such VM, or the host cannot be queried.
pub(super) fn or_unconfigured(
    resolved: Result<Vm>,
    context: &mut Context<'_>,
    name: &str,
    need: Need,
) -> Result<Vm> {
    let Err(error) = resolved else {
        return resolved;
    };
    let vm = match (need, VmName::parse(name)) {
        (Need::End, _) => unconfigured(context, [name])?.pop(),
        (Need::Log, Ok(name)) if !context.config.is_vm(name.as_str()) => {
            let log = context.process.logs.join(log_of(&name));
            // One that only root may read is one, too.
            let found = context
                .look
                .open(&log)
                .map_or_else(|error| error.kind(), |_| ErrorKind::Other);
            (found != ErrorKind::NotFound).then(|| Vm::unconfigured(name, context.spelling.clone()))
        }
        _ => None,
    };
    vm.ok_or(error)
}

/// The VMs of these names that run, that easy-bhyve has started, and that are no longer in the
/// configuration.
///
/// # Errors
/// If the host cannot be queried.
pub fn unconfigured<'name>(
    context: &mut Context<'_>,
    names: impl IntoIterator<Item = &'name str>,
) -> Result<Vec<Vm>> {
    let names = names.into_iter().filter(|name| !context.config.is_vm(name));
    let mut names: Vec<VmName> = names.filter_map(|name| VmName::parse(name).ok()).collect();
    let spelling = context.spelling.clone();
    let is_freebsd = context.is_freebsd;
    let (at, look) = context.asking();
    if names.is_empty() || !is_freebsd {
        return Ok(Vec::new());
    }
    let traces = Traces::ask(look, &at)?;
    names.retain(|name| traces.has(name.as_str()));
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let processes = Processes::ask(look, &at, &traces)?;
    let mut vms = Vec::new();
    for name in names {
        // Of a hidden process the root side determines whose it is.
        let is_hidden = matches!(processes.state(name.as_str(), &traces), State::Unknown)
            && Record::of(look, at.run, &name).is_some();
        if is_hidden || survey::is_ours(look, &at, &processes, &name)? {
            vms.push(Vm::unconfigured(name, spelling.clone()));
        }
    }
    Ok(vms)
}

/// A request to end VMs.
pub fn shut(context: &Context<'_>, vms: Vec<Vm>, job: Shutdown, dry_run: DryRun) -> Asked {
    Asked {
        assumption: Assumption::Started,
        ..context.asked_of(vms, job, dry_run)
    }
}

/// Ends VMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Whether the named VMs or all running VMs are ended.
    pub whom: Whom,
    /// How the VMs are ended.
    pub how: How,
    /// Whether progress and success are not reported.
    pub quiet: bool,
}

impl RootJob for Shutdown {
    const VERB: &'static str = "shutdown";
    const DOES: &'static str = "is being shut down";
    const FREES: bool = true;
    const TAKES_SEVERAL: bool = true;

    fn locks(&self) -> Locks {
        Locks::Nothing
    }

    fn write(&self, words: &mut Words) {
        words.flag("all", self.whom == Whom::All);
        words.add("how", self.how.as_str());
        words.flag("quiet", self.quiet);
    }

    fn parse(_verb: &str, options: &mut Options<'_>) -> Result<Self> {
        let whom = if options.flag("all")? {
            Whom::All
        } else {
            Whom::Named
        };
        Ok(Self {
            whom,
            how: How::parse(options)?,
            quiet: options.flag("quiet")?,
        })
    }

    /// Differs: `shutdown` waits 60 s, then says what to do
    fn plan(&self, context: &mut PlanContext<'_>, request: &Request) -> Result<Planned> {
        let vms = &request.vms;
        if vms.is_empty() {
            return Ok(Planned::default());
        }
        let survey = if context.is_freebsd {
            let (at, look) = context.asking();
            let mut survey = Survey::for_freeing(look, &at, vms.iter())?;
            refuse_foreign(look, &at, vms, &survey)?;
            // Where no guest has a power button, none handles it.
            if vms.iter().any(|vm| is_deaf(&survey, vm)) {
                let answer = survey::answer(look, &sysctl::ask_machine())?;
                survey.kernel.machine = sysctl::parse(&answer, at.uid).machine;
            }
            survey
        } else {
            let mut surveys = vms
                .iter()
                .map(|vm| Survey::of_running(context.devices(), vm));
            let first = surveys
                .next()
                .unwrap_or_else(|| Survey::fresh(context.devices()));
            surveys.fold(first, Survey::and)
        };
        let mut plan = ending(vms, &survey, self.whom, self.how, Verb::Shutdown)?;
        let notes = if context.is_freebsd && !self.quiet {
            going_back(context, vms)
        } else {
            Vec::new()
        };
        if self.quiet {
            plan = plan.without_progress();
        }
        let done = match vms.as_slice() {
            [one] => format!(
                "{} has ended, and its resources are free; {}",
                one.name,
                state::see_log(one)
            ),
            several => {
                let names: Vec<&str> = several.iter().map(|vm| vm.name.as_str()).collect();
                let log = several.first().map(|vm| vm.spelling.command("log VM"));
                format!(
                    "{} have ended, and their resources are free; to see a log: {}",
                    names.join(", "),
                    log.unwrap_or_default()
                )
            }
        };
        Ok(Planned {
            plan,
            notes,
            done: (!self.quiet).then_some(done),
            ..Planned::default()
        })
    }
}

/// Notes about disks that have grown during the temporary runs of these VMs.
fn going_back(context: &mut PlanContext<'_>, vms: &[Vm]) -> Vec<String> {
    let mut notes = Vec::new();
    for vm in vms {
        let (at, look) = context.asking();
        let record = Record::of(look, at.run, &vm.name).filter(|record| !record.is_over());
        let temp = record.map(|record| record.temp).unwrap_or_default();
        let resized = Resized::of(look, &temp);
        notes.extend(resized.iter().map(Resized::will_be));
    }
    notes
}

/// Refuses a VM outside the configuration that another program has started.
fn refuse_foreign(
    look: &mut dyn Look,
    at: &Surroundings<'_>,
    vms: &[Vm],
    survey: &Survey,
) -> Result<()> {
    for vm in vms.iter().filter(|vm| !vm.is_configured()) {
        let is_busy = matches!(survey.state(&vm.name), State::Busy(..));
        if is_busy && !survey::is_ours(look, at, &survey.processes, &vm.name)? {
            return Err(Error::state(format!(
                "{} is not in the configuration, and was not started by easy-bhyve",
                vm.name
            ))
            .help("end it with the program that has started it"));
        }
    }
    Ok(())
}

/// The longest wait before the power of guests is cut, in seconds: the watchdog of rc.shutdown allows
/// no more. The steps after the wait take up to 30 s.
const LONGEST_BEFORE_CUT: u32 = 40;

/// The plan by which `verb` ends VMs. Named VMs must run; with [`Whom::All`], VMs that do not run
/// are skipped.
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
            (Whom::All, State::Stopped | State::LeftOver) if survey.is_freebsd => {}
            (Whom::All, State::Unknown) => untold.push(vm),
            _ => endings.push(what_ends(vm, survey)?),
        }
    }
    let limit = vms
        .iter()
        .map(|vm| vm.policy.stop_timeout.0)
        .max()
        .unwrap_or_default();
    let limit = match how {
        How::ButtonThenCut => limit.min(LONGEST_BEFORE_CUT),
        How::Button | How::Cut => limit,
    };
    let limit = Duration::from_secs(limit.into());
    // On arm64 no guest ever handles its power button: a wait would be in vain.
    let how = match (survey.kernel.machine, how) {
        (Some(Machine::Arm64), How::Button) => {
            if let Some(deaf) = endings.iter().find(|ending| ending.is_deaf()) {
                return Err(without_button(deaf.vm, verb));
            }
            how
        }
        (Some(Machine::Arm64), How::ButtonThenCut) => How::Cut,
        _ => how,
    };
    let mut plan = if endings.is_empty() {
        Plan::default()
    } else {
        plan::plan(&endings, survey, (how, limit), whom, verb)
    };
    // A VM whose state is unknown must not prevent the end of the others.
    for vm in untold {
        let refusal = state::unknown(&vm.name);
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

/// Whether the guest of a VM runs and does not handle its power button.
fn is_deaf(survey: &Survey, vm: &Vm) -> bool {
    what_ends(vm, survey).is_ok_and(|ending| ending.is_deaf())
}

/// The refusal to end a guest of arm64: bhyve has no ACPI power button there, and SIGTERM ends it like a
/// power cut (`usr.sbin/bhyve/aarch64/`; inferred from what is missing there).
fn without_button(vm: &Vm, verb: Verb) -> Error {
    Error::state(format!(
        "{} has no power button, because this host is arm64: the signal would cut its power",
        vm.name
    ))
    .help(format!(
        "shut the guest down from inside ({}), or cut its power: {} -f",
        vm.command(Verb::Console),
        vm.command(verb)
    ))
}

/// Determines which process of a VM must be ended.
///
/// # Errors
/// If no process runs, or its state is unknown.
fn what_ends<'vm>(vm: &'vm Vm, survey: &Survey) -> Result<Ending<'vm>> {
    let supervisor = survey
        .processes
        .supervisor(vm.name.as_str())
        .map(|process| process.who.pid);
    let target = match survey.state(&vm.name) {
        State::Busy(process, Role::Running) if process.listens() => Target::Listening,
        State::Busy(process, Role::Starting) if process.who.waits_for_viewer() => Target::Waiting,
        // Differs: A guest that does not handle its power button is not signalled
        State::Busy(_, Role::Running | Role::Starting) => Target::Deaf,
        State::Busy(_, Role::Loading) => Target::Loader,
        State::Busy(_, Role::Supervised) => Target::Supervisor,
        // A host that is not FreeBSD cannot be queried: the VM is assumed to run.
        State::LeftOver if !survey.is_freebsd => Target::Listening,
        State::Unknown => return Err(state::unknown(&vm.name)),
        State::Stopped | State::LeftOver => {
            let error = Error::from(&not_running(vm));
            return Err(state::with_last_end(error, vm, &survey.traces, survey.now));
        }
    };
    Ok(Ending {
        vm,
        target,
        supervisor,
    })
}
