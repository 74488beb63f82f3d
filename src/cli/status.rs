//! `easy-bhyve status`: running VMs and leftovers.

use super::invocation::Showing;
use super::state;
use super::table::table;
use crate::command::Command;
use crate::config::Config;
use crate::config::resolve;
use crate::error::{Error, Result};
use crate::model::cpu::CpuTopology;
use crate::model::name::{Snapshot, VmName};
use crate::model::size::MemSize;
use crate::operation::boot::temp;
use crate::operation::context::{Context, json};
use crate::operation::options::Format;
use crate::run::{self, Output, not_written};
use crate::session::Session;
use crate::survey::record::Record;
use crate::survey::{self, Processes, State as Seen, Traces};
use crate::tools::bhyvectl;
use crate::tools::ifconfig::{self, Interface};
use crate::vis;
use console::Term;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write;
use std::io;
use std::time::Duration;

/// The version of `--format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 2;

/// The state of a VM whose name is not valid for easy-bhyve: another program has started the VM.
const FOREIGN: &str = "foreign";

/// The time between two updates of `--watch`.
const EVERY: Duration = Duration::from_secs(2);

/// The status as `--format json` shows it.
#[derive(Debug, Default, Serialize)]
struct Status {
    schema: u32,
    running: Vec<Running>,
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
}

#[derive(Debug, Serialize)]
struct Running {
    name: String,
    state: &'static str,
    pid: u32,
    uptime_seconds: u64,
    resident_kib: u64,
    /// The pid of the supervisor; an orphan has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    supervisor: Option<u32>,
    /// How often the guest was restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<u32>,
    /// The number of vCPUs that the guest was started with.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<u64>,
    /// The memory that the guest was started with, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    mem: Option<u64>,
    /// Both as they were configured.
    #[serde(skip)]
    given: [Option<String>; 2],
}

#[derive(Debug, Serialize)]
struct Tap {
    tap: String,
    vm: VmName,
}

/// The status as text; `all` adds the cpus and the memory that each guest was started with.
///
/// Differs: `status -a` shows what runs
///
/// Processes are listed only if there is a trace of a VM, and interfaces only if there is a tap that
/// belongs to no running VM.
///
/// # Errors
/// If the host cannot be queried.
pub(super) fn status(context: &mut Context<'_>, showing: Showing) -> Result<String> {
    let Showing { format, all, .. } = showing;
    let traces = Traces::ask(context.look, &context.process.surroundings())?;
    let processes = if traces.is_empty() {
        Processes::default()
    } else {
        let (at, look) = context.asking();
        Processes::ask(look, &at, &traces)?
    };
    let mut status = Status {
        schema: SCHEMA,
        ..Status::default()
    };
    for (name, process, role) in processes.busy() {
        let supervisor = processes.supervisor(name).map(|process| process.who.pid);
        let noted = state::noted(context.look, &context.process.run, &processes, name);
        let given = noted.as_ref().filter(|_| all);
        let cpu = given.and_then(|noted| noted.cpu.clone());
        let mem = given.and_then(|noted| noted.mem.clone());
        status.running.push(Running {
            name: name.to_owned(),
            state: match VmName::parse(name) {
                Ok(_) => state::word(role, &processes, name, noted.as_ref()),
                Err(_) => FOREIGN,
            },
            pid: process.who.pid,
            uptime_seconds: process.seconds,
            resident_kib: process.resident_kib,
            supervisor,
            cpu: cpu
                .as_deref()
                .and_then(|cpu| Some(CpuTopology::parse(cpu).ok()?.count())),
            mem: mem
                .as_deref()
                .and_then(|mem| Some(MemSize::parse(mem).ok()?.bytes())),
            given: [cpu, mem],
            restarts: noted.map(|noted| noted.restarts),
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
    status.left_over_taps = left_over_taps(context, &status.running)?;
    status.left_over_snapshots = left_over_snapshots(context, &traces, &processes)?;
    match format {
        Format::Json => json(&status),
        Format::Text => Ok(text(context.config, &status, all)),
    }
}

/// Shows the status repeatedly, until a signal arrives.
///
/// # Errors
/// If the host cannot be queried, or the output cannot be written.
pub(super) fn watch(session: &mut Session<'_, '_>, config: &Config, all: bool) -> Result<()> {
    run::catch_signals(session.host)?;
    let showing = Showing {
        all,
        ..Showing::default()
    };
    while session.host.interrupted().is_none() {
        let shown = status(&mut Context::of(session, config), showing)?;
        show_now(session.output, &vis::lines(&shown)).map_err(not_written)?;
        session.host.pause(EVERY);
    }
    Ok(())
}

/// Writes a status; on a terminal over the previous one, in one write to avoid flicker.
fn show_now(output: &mut Output<'_>, status: &str) -> io::Result<()> {
    if !output.is_terminal {
        output.out.write_all(status.as_bytes())?;
        return output.out.flush();
    }
    let terminal = Term::buffered_stdout();
    terminal.clear_screen()?;
    terminal.write_str(status)?;
    terminal.flush()
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

/// The snapshots of temporary runs whose supervisor no longer exists.
fn left_over_snapshots(
    context: &mut Context<'_>,
    traces: &Traces,
    processes: &Processes,
) -> Result<Vec<Snapshot>> {
    let mut left = Vec::new();
    for name in traces.vms() {
        let is_told = processes.supervisor(name).is_none()
            && !matches!(processes.state(name, traces), Seen::Unknown);
        if let Some(vm) = VmName::parse(name).ok().filter(|_| is_told)
            && let Some(noted) = Record::of(context.look, &context.process.run, &vm)
        {
            left.append(&mut noted.left(context.look)?);
        }
    }
    Ok(left)
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

/// The command that frees the leftovers of a VM; a VM outside the configuration has no verbs.
fn how_to_free(config: &Config, vm: &VmName, by_hand: &Command) -> String {
    if config.is_vm(vm.as_str()) {
        format!("to free it: easy-bhyve clean {vm}")
    } else {
        format!("{vm} is not in the configuration; as root: {by_hand}")
    }
}

fn text(config: &Config, status: &Status, all: bool) -> String {
    let mut text = String::new();
    if status.running.is_empty() {
        text.push_str("no VM is running\n");
    } else {
        let mut head = vec!["NAME", "STATE", "PID", "UPTIME", "RESIDENT", "RESTARTS"];
        if all {
            head.extend(["CPU", "MEMORY"]);
        }
        let rows = status.running.iter().map(|vm| row(vm, all));
        text.push_str(&table(&head, rows));
    }
    for vm in status.running.iter().filter(|vm| vm.state == "orphan") {
        let _ = writeln!(
            text,
            "orphan: {0} has no supervisor, so a reboot of the guest ends the VM; to end it: easy-bhyve shutdown {0}",
            vm.name
        );
    }
    for vm in &status.left_over_nodes {
        let _ = writeln!(
            text,
            "left over: VM node of {vm}; {}",
            how_to_free(config, vm, &bhyvectl::destroy(vm))
        );
    }
    for name in &status.unknown_nodes {
        let _ = writeln!(
            text,
            "unknown: VM node of {}, whose process may be hidden; run status as root",
            vis::shown(name)
        );
    }
    for name in &status.foreign_nodes {
        let _ = writeln!(
            text,
            "foreign: VM node of {}, which is not a valid VM name: easy-bhyve does not change this node",
            vis::shown(name)
        );
    }
    for Tap { tap, vm } in &status.left_over_taps {
        let _ = writeln!(
            text,
            "left over: {} of {vm}; {}",
            vis::shown(tap),
            how_to_free(config, vm, &ifconfig::destroy(tap))
        );
    }
    for snapshot in &status.left_over_snapshots {
        let _ = writeln!(text, "left over: {}", temp::left(snapshot));
    }
    text
}

fn row(vm: &Running, all: bool) -> Vec<String> {
    let mut row = vec![
        vm.name.clone(),
        vm.state.to_owned(),
        vm.pid.to_string(),
        uptime(vm.uptime_seconds),
        format!("{}M", vm.resident_kib.div_ceil(1024)),
        vm.restarts
            .map_or_else(|| "-".to_owned(), |restarts| restarts.to_string()),
    ];
    if all {
        let given = vm.given.iter();
        row.extend(given.map(|value| value.clone().unwrap_or_else(|| "-".to_owned())));
    }
    row
}

/// A time in the two largest units: `1d02h`, `2h05m`, `1m05s` or `59s`.
fn uptime(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_tap, uptime};

    #[test]
    fn uptimes_show_the_two_largest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (65, "1m05s"),
            (7500, "2h05m"),
            (93_600, "1d02h"),
        ] {
            assert_eq!(uptime(seconds), text);
        }
    }

    #[test]
    fn the_cloning_node_is_no_tap() {
        assert!(is_tap("tap0") && is_tap("vmnet3") && !is_tap("tap") && !is_tap("da0"));
    }
}
