//! `easy-bhyve status`: running VMs, ends and leftovers.

mod text;

use super::invocation::options::StatusArgs;
use super::state::{self, End, VmState};
use crate::config::Config;
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::cpu::CpuTopology;
use crate::model::name::{Snapshot, VmName};
use crate::model::size::MemSize;
use crate::operation::boot::temp;
use crate::operation::context::{Context, json};
use crate::operation::options::Format;
use crate::run::progress::Display;
use crate::run::{self, Output, not_written};
use crate::session::Session;
use crate::survey::record::Record;
use crate::survey::{self, Processes, State as Seen, Traces};
use crate::tools::ifconfig::{self, Interface};
use crate::vis;
use console::Term;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::time::Duration;

/// The version of `--format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 2;

/// The time between two updates of `--watch`.
const EVERY: Duration = Duration::from_secs(2);

/// The status as `--format json` shows it.
#[derive(Debug, Default, Serialize)]
struct Status {
    schema: u32,
    running: Vec<Running>,
    /// VMs that have run since the host's boot and do not run now.
    ended: Vec<Ended>,
    /// VMs with a supervisor according to their record, whose processes may be hidden.
    unknown: Vec<String>,
    /// VM nodes without a process.
    left_over_nodes: Vec<VmName>,
    /// VM nodes whose processes may be hidden.
    unknown_nodes: Vec<String>,
    /// VM nodes without a process whose names are not valid for easy-bhyve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    foreign_nodes: Vec<String>,
    /// Taps with a VM's mark that no process has open.
    left_over_taps: Vec<Tap>,
    /// Snapshots of temporary runs that were not rolled back to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_over_snapshots: Vec<Snapshot>,
    /// What the text says of these snapshots.
    #[serde(skip)]
    about_snapshots: Vec<String>,
    /// Whether this is a jail, in which VMs outside are not visible.
    is_jailed: bool,
}

#[derive(Debug, Serialize)]
struct Ended {
    name: String,
    #[serde(flatten)]
    end: End,
}

#[derive(Debug, Serialize)]
struct Running {
    name: String,
    /// Whether easy-bhyve has started the VM, which is no longer in the configuration.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unconfigured: bool,
    state: VmState,
    pid: u32,
    uptime_seconds: u64,
    resident_kib: u64,
    /// The pid of the supervisor; an orphan has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    supervisor: Option<u32>,
    /// How often the guest was restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<u32>,
    /// The last end of the guest, of this run or an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_end: Option<End>,
    #[serde(flatten)]
    started: Option<Started>,
}

/// What a guest was started with, according to the record of its VM.
#[derive(Debug, Serialize)]
struct Started {
    /// The number of cpus.
    cpu: u64,
    mem_bytes: u64,
    /// Cpus and memory as they were configured.
    #[serde(skip)]
    shown: [String; 2],
}

impl Started {
    fn of(noted: &Record) -> Option<Self> {
        let (cpu, mem) = (noted.cpu.clone()?, noted.mem.clone()?);
        Some(Self {
            cpu: CpuTopology::parse(&cpu).ok()?.count(),
            mem_bytes: MemSize::parse(&mem).ok()?.bytes(),
            shown: [cpu, mem],
        })
    }
}

#[derive(Debug, Serialize)]
struct Tap {
    tap: String,
    vm: VmName,
}

/// The status as text; `-a` adds the cpus and the memory that each guest was started with.
///
/// Differs: `status -a` shows what runs
///
/// Processes are listed only if there is a trace of a VM, and interfaces only if there is a tap that
/// belongs to no running VM.
///
/// # Errors
/// If the host cannot be queried.
pub(super) fn status(context: &mut Context<'_>, args: StatusArgs) -> Result<String> {
    let traces = Traces::ask(context.look, &context.process.surroundings())?;
    let processes = if traces.is_empty() {
        Processes::default()
    } else {
        let (at, look) = context.asking();
        Processes::ask(look, &at, &traces)?
    };
    let now = context.look.uptime();
    let mut status = Status {
        schema: SCHEMA,
        ..Status::default()
    };
    for (name, process, role) in processes.busy() {
        let supervisor = processes.supervisor(name).map(|process| process.who.pid);
        let noted = state::noted(context.look, &context.process.run, &processes, name);
        let unconfigured = is_unconfigured(context, &processes, name)?;
        let started = noted.as_ref().filter(|_| args.all).and_then(Started::of);
        let end = traces.last_end(name);
        status.running.push(Running {
            name: name.to_owned(),
            unconfigured,
            state: match VmName::parse(name) {
                Ok(_) => VmState::of(role, &processes, name, noted.as_ref()),
                Err(_) => VmState::Foreign,
            },
            pid: process.who.pid,
            uptime_seconds: process.seconds,
            resident_kib: process.resident_kib,
            supervisor,
            restarts: noted.map(|noted| noted.restarts),
            last_end: end.map(|end| End::of(end, now)),
            started,
        });
    }
    status
        .running
        .sort_by(|one, other| one.name.cmp(&other.name));
    for name in traces.nodes() {
        match (processes.state(name, &traces), VmName::parse(name)) {
            (Seen::LeftOver, Ok(vm)) => status.left_over_nodes.push(vm),
            (Seen::LeftOver, Err(_)) => status.foreign_nodes.push(name.to_owned()),
            (Seen::Unknown, _) => status.unknown_nodes.push(name.to_owned()),
            (Seen::Stopped | Seen::Busy(..), _) => {}
        }
    }
    let is_over = |name: &str| {
        let state = processes.state(name, &traces);
        matches!(state, Seen::Stopped | Seen::LeftOver)
    };
    let ended = traces.ends().filter(|(name, _)| is_over(name));
    status.ended.extend(ended.map(|(name, end)| Ended {
        name: name.to_owned(),
        end: End::of(end, now),
    }));
    let hidden = processes.hidden(&traces).map(str::to_owned);
    status.unknown = hidden.collect();
    if status.running.is_empty() && context.is_freebsd {
        let (at, look) = context.asking();
        status.is_jailed = processes.is_jailed(look, &at)?;
    }
    status.left_over_taps = left_over_taps(context, &status.running)?;
    (status.left_over_snapshots, status.about_snapshots) =
        left_over_snapshots(context, &traces, &processes)?;
    match args.format.format.unwrap_or_default() {
        Format::Json => json(&status),
        Format::Text => Ok(text::text(context, &status, args.all)),
    }
}

/// Shows the status repeatedly, until a signal arrives.
///
/// # Errors
/// If the host cannot be queried, or the output cannot be written.
pub(super) fn watch(
    session: &mut Session<'_, '_>,
    config: &Config,
    args: StatusArgs,
) -> Result<()> {
    run::catch_signals(session.host)?;
    while session.host.interrupted().is_none() {
        let shown = status(&mut Context::of(session, config), args)?;
        show_now(session.output, &vis::lines(&shown)).map_err(not_written)?;
        session.host.pause(EVERY);
    }
    Ok(())
}

/// Writes a status; on a terminal over the previous one, in one write to avoid flicker.
fn show_now(output: &mut Output<'_>, status: &str) -> io::Result<()> {
    if output.display == Display::Lines {
        output.out.write_all(status.as_bytes())?;
        return output.out.flush();
    }
    let terminal = Term::buffered_stdout();
    terminal.clear_screen()?;
    terminal.write_str(status)?;
    terminal.flush()
}

/// Whether easy-bhyve has started a running VM that is no longer in the configuration.
fn is_unconfigured(context: &mut Context<'_>, processes: &Processes, name: &str) -> Result<bool> {
    match VmName::parse(name) {
        Ok(vm) if !context.config.is_vm(name) => {
            let (at, look) = context.asking();
            survey::is_ours(look, &at, processes, &vm)
        }
        _ => Ok(false),
    }
}

/// Taps with a VM's mark that no process has open.
fn left_over_taps(context: &mut Context<'_>, running: &[Running]) -> Result<Vec<Tap>> {
    let names = context
        .look
        .names_in(&context.process.devices)
        .map_err(|error| Error::host(format!("could not read the devices: {error}")))?;
    let explained = taps_of(context.config, running);
    let is_unexplained = |name: &OsStr| {
        name.to_str()
            .is_some_and(|name| is_tap(name) && !explained.contains(name))
    };
    if !context.is_freebsd || !names.iter().any(|name| is_unexplained(name)) {
        return Ok(Vec::new());
    }
    let interfaces = ifconfig::parse(&survey::answer(context.look, &ifconfig::list())?);
    Ok(interfaces
        .iter()
        .filter(|tap| tap.opened_by.is_none())
        .filter_map(ours)
        .filter(|tap| !running.iter().any(|vm| vm.name == tap.vm.as_str()))
        .collect())
}

/// The snapshots of temporary runs whose supervisor no longer exists, and what to do about them.
fn left_over_snapshots(
    context: &mut Context<'_>,
    traces: &Traces,
    processes: &Processes,
) -> Result<(Vec<Snapshot>, Vec<String>)> {
    let (mut all, mut texts) = (Vec::new(), Vec::new());
    for name in traces.vms() {
        let is_told = processes.supervisor(name).is_none()
            && !matches!(processes.state(name, traces), Seen::Unknown);
        if let Some(vm) = VmName::parse(name).ok().filter(|_| is_told)
            && let Some(noted) = Record::of(context.look, &context.process.run, &vm)
        {
            let left = noted.left(context.look)?;
            texts.extend(match context.vm_for(name, Need::Disks) {
                Ok(vm) => temp::left(&vm, &context.process.devices, &left),
                Err(_) => left.iter().map(temp::left_of_unknown).collect(),
            });
            all.extend(left);
        }
    }
    Ok((all, texts))
}

/// A tap whose description is the mark of a VM.
fn ours(interface: &Interface) -> Option<Tap> {
    Some(Tap {
        tap: interface.name.clone(),
        vm: VmName::parse(interface.owner()?).ok()?,
    })
}

/// Whether this is a tap: `tap0`, but not the cloning device `tap`.
fn is_tap(name: &str) -> bool {
    ["tap", "vmnet"]
        .iter()
        .any(|kind| name.strip_prefix(kind).is_some_and(|unit| !unit.is_empty()))
}

/// The taps that the running VMs have open, as configured.
fn taps_of(config: &Config, running: &[Running]) -> BTreeSet<String> {
    running
        .iter()
        .filter_map(|vm| resolve::taps(config, &vm.name).ok())
        .flatten()
        .map(|tap| tap.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_tap;

    #[test]
    fn the_cloning_node_is_no_tap() {
        assert!(is_tap("tap0") && is_tap("vmnet3") && !is_tap("tap") && !is_tap("da0"));
    }
}
