//! `easy-bhyve status`: what runs, and what is left over.

use super::{state, table};
use crate::config::Config;
use crate::config::resolve;
use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::invocation::Showing;
use crate::invocation::options::Format;
use crate::process::Process;
use crate::run::{Output, not_written};
use crate::survey::{self, Processes, State as Seen, Traces};
use crate::tools::ifconfig::{self, Interface};
use crate::verb::Spelling;
use crate::verbs::{Context, json};
use serde::Serialize;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write;
use std::time::Duration;

/// The version of the form of `--format json`; a change that a reader would notice raises it.
const SCHEMA: u32 = 1;

/// The time between two looks of `--watch`.
const EVERY: Duration = Duration::from_secs(2);

/// The status as `--format json` shows it.
#[derive(Debug, Default, Serialize)]
struct Status {
    schema: u32,
    running: Vec<Running>,
    /// VM nodes without a process.
    left_over_nodes: Vec<String>,
    /// VM nodes of which it could not be told.
    unknown_nodes: Vec<String>,
    /// Our taps that no process has open.
    left_over_taps: Vec<Tap>,
}

#[derive(Debug, Serialize)]
struct Running {
    name: String,
    state: &'static str,
    pid: u32,
    uptime_seconds: u64,
    resident_kib: u64,
    /// What supervises it; nothing does where it is an orphan.
    #[serde(skip_serializing_if = "Option::is_none")]
    supervisor: Option<u32>,
    /// How often its guest was started again since.
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mem: Option<String>,
}

#[derive(Debug, Serialize)]
struct Tap {
    tap: String,
    vm: String,
}

/// The status as text; `all` adds the configured cpus and memory.
///
/// Asks for processes only if something may work for a VM, and for interfaces only if there is a tap that no
/// running VM explains.
///
/// # Errors
/// If a question fails.
pub fn status(context: &mut Context<'_>, showing: Showing) -> Result<String> {
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
        let supervisor = processes.supervisor(name).map(|process| process.pid);
        let noted = state::noted(context.look, &context.process.run, &processes, name);
        let configured = all.then(|| configured(context, name)).flatten();
        let (cpu, mem) = configured.unzip();
        status.running.push(Running {
            name: name.to_owned(),
            state: state::word(role, &processes, name, noted.as_ref()),
            pid: process.pid,
            uptime_seconds: process.seconds,
            resident_kib: process.resident_kib,
            supervisor,
            restarts: noted.map(|noted| noted.restarts),
            cpu,
            mem,
        });
    }
    status
        .running
        .sort_by(|one, other| one.name.cmp(&other.name));
    for name in traces.nodes() {
        match processes.state(name, &traces) {
            Seen::LeftOver => status.left_over_nodes.push(name.to_owned()),
            Seen::Unknown => status.unknown_nodes.push(name.to_owned()),
            Seen::Stopped | Seen::Busy(..) => {}
        }
    }
    status.left_over_taps = left_over_taps(context, &status.running)?;
    match format {
        Format::Json => json(&status),
        Format::Text => Ok(text(context.config, &status, all)),
    }
}

/// Shows the status again and again, until a signal comes.
///
/// # Errors
/// If a question fails, or the output cannot be written.
pub fn watch(
    process: &Process,
    config: &Config,
    title: &str,
    all: bool,
    host: &mut dyn Host,
    output: &mut Output<'_>,
) -> Result<()> {
    host.heed_signals()
        .map_err(|error| Error::host(format!("could not watch for signals: {error}")))?;
    let showing = Showing {
        all,
        ..Showing::default()
    };
    let is_answered = survey::is_freebsd(host);
    while host.interrupted().is_none() {
        let mut context = Context {
            process,
            config,
            look: &mut *host,
            is_answered,
            spelling: Spelling::Word,
            title,
        };
        let shown = status(&mut context, showing)?;
        // On a terminal in the place of the last one.
        let before = if output.is_terminal {
            "\x1b[H\x1b[2J"
        } else {
            ""
        };
        write!(output.out, "{before}{shown}")
            .and_then(|()| output.out.flush())
            .map_err(not_written)?;
        host.pause(EVERY);
    }
    Ok(())
}

/// The cpus and the memory of a VM, as configured.
///
/// Differs: `status -a` reads the configuration
fn configured(context: &Context<'_>, name: &str) -> Option<(String, String)> {
    let vm = context.vm_for(name, Need::Settings).ok()?;
    Some((vm.cpu.to_string(), vm.mem.to_string()))
}

/// Our taps that nobody has open.
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
    if !context.is_answered || !names.iter().any(|name| is_unexplained(name)) {
        return Ok(Vec::new());
    }
    let interfaces = ifconfig::parse(&survey::answer(context.look, &ifconfig::list())?);
    Ok(interfaces
        .iter()
        .filter(|tap| tap.opened_by.is_none())
        .filter_map(ours)
        .filter(|tap| !running.iter().any(|vm| vm.name == tap.vm))
        .collect())
}

fn ours(interface: &Interface) -> Option<Tap> {
    Some(Tap {
        tap: interface.name.clone(),
        vm: interface.owner()?.to_owned(),
    })
}

/// `tap0`, but not `tap`, the node by which taps are cloned.
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

/// What frees what a VM left; one that is not configured any more has no verbs.
fn how_to_free(config: &Config, vm: &str, by_hand: &str) -> String {
    if config.is_vm(vm) {
        format!("easy-bhyve clean {vm} frees it")
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
            "orphan: nothing supervises {0}, so a reboot of its guest ends it; easy-bhyve shutdown {0} ends it and frees everything",
            vm.name
        );
    }
    for name in &status.left_over_nodes {
        let _ = writeln!(
            text,
            "left over: VM node of {name}; {}",
            how_to_free(config, name, &format!("bhyvectl --vm={name} --destroy"))
        );
    }
    for name in &status.unknown_nodes {
        let _ = writeln!(
            text,
            "unknown: VM node of {name}, whose process may be hidden; ask as root"
        );
    }
    for Tap { tap, vm } in &status.left_over_taps {
        let _ = writeln!(
            text,
            "left over: {tap} of {vm}; {}",
            how_to_free(config, vm, &format!("ifconfig {tap} destroy"))
        );
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
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        row.extend([shown(&vm.cpu), shown(&vm.mem)]);
    }
    row
}

/// `1d02h`, `2h05m` or `65s`: the two largest units.
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
