//! The status as text.

use super::{Ended, Running, Status, Tap};
use crate::cli::elevated;
use crate::cli::state::VmState;
use crate::command::Command;
use crate::model::name::VmName;
use crate::operation::context::Context;
use crate::table::table;
use crate::tools::{bhyvectl, ifconfig};
use crate::verb::Verb;
use crate::vis;
use std::fmt::Write;

/// The command that frees the leftovers of a VM; a VM outside the configuration has no verbs.
fn how_to_free(context: &Context<'_>, vm: &VmName, by_hand: &Command) -> String {
    if context.config.is_vm(vm.as_str()) {
        let clean = context.spelling.of(Verb::Clean, vm.as_str());
        format!("to free it: {clean}")
    } else {
        format!("{vm} is not in the configuration; as root: {by_hand}")
    }
}

/// How to see the processes of root.
fn as_root(context: &mut Context<'_>) -> String {
    let (process, config) = (context.process, context.config);
    match elevated::command(process, Some(config), context.look, "status") {
        Some(command) => format!("to see it: {command}"),
        None => "run status as root".to_owned(),
    }
}

pub(super) fn text(context: &mut Context<'_>, status: &Status, all: bool) -> String {
    let mut text = String::new();
    let hidden = status.unknown.iter().chain(&status.unknown_nodes).next();
    let how_to_see = match hidden {
        Some(_) if status.is_jailed => "run status outside of this jail".to_owned(),
        Some(_) => as_root(context),
        None => String::new(),
    };
    if status.running.is_empty() {
        text.push_str(none(status));
    } else {
        let mut head = vec!["NAME", "STATE", "PID", "UPTIME", "RESIDENT", "RESTARTS"];
        if all {
            head.extend(["CPU", "MEMORY"]);
        }
        let rows = status.running.iter().map(|vm| row(vm, all));
        text.push_str(&table(&head, rows));
    }
    let is_ours = |vm: &&Running| context.config.is_vm(&vm.name);
    let orphans = status
        .running
        .iter()
        .filter(|vm| vm.state == VmState::Orphan);
    for vm in orphans.filter(is_ours) {
        let _ = writeln!(
            text,
            "orphan: {0} has no supervisor, so a reboot of the guest ends the VM; to end it: {1}",
            vm.name,
            context.spelling.of(Verb::Shutdown, &vm.name)
        );
    }
    for vm in status.running.iter().filter(|vm| vm.unconfigured) {
        let _ = writeln!(
            text,
            "{} is not in the configuration; to end it: {}",
            vm.name,
            context.spelling.of(Verb::Shutdown, &vm.name)
        );
    }
    for Ended { name, end } in &status.ended {
        let word = if end.crashed { "crashed" } else { "ended" };
        let _ = writeln!(
            text,
            "{word}: {name}; {}; its log: {}",
            vis::line(&end.told()),
            context.spelling.of(Verb::Log, name)
        );
    }
    for name in &status.unknown {
        let _ = writeln!(
            text,
            "unknown: {name}, whose processes may be hidden; {how_to_see}"
        );
    }
    for vm in &status.left_over_nodes {
        let _ = writeln!(
            text,
            "left over: VM node of {vm}; {}",
            how_to_free(context, vm, &bhyvectl::destroy(vm))
        );
    }
    for name in &status.unknown_nodes {
        let _ = writeln!(
            text,
            "unknown: VM node of {}, whose process may be hidden; {how_to_see}",
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
            how_to_free(context, vm, &ifconfig::destroy(tap))
        );
    }
    for about in &status.about_snapshots {
        let _ = writeln!(text, "left over: {about}");
    }
    text
}

/// The text if no VM is seen running.
fn none(status: &Status) -> &'static str {
    if status.is_jailed {
        "no running VM is visible: this is a jail, which does not show the VMs outside\n"
    } else if status.unknown.is_empty() && status.unknown_nodes.is_empty() {
        "no VM is running\n"
    } else {
        "no running VM is visible: processes are hidden\n"
    }
}

fn row(vm: &Running, all: bool) -> Vec<String> {
    let mut row = vec![
        vm.name.clone(),
        vm.state.as_str().to_owned(),
        vm.pid.to_string(),
        uptime(vm.uptime_seconds),
        format!("{}M", vm.resident_kib.div_ceil(1024)),
        vm.restarts
            .map_or_else(|| "-".to_owned(), |restarts| restarts.to_string()),
    ];
    if all {
        let shown = vm.started.as_ref().map(|started| started.shown.clone());
        row.extend(shown.unwrap_or_else(|| ["-", "-"].map(str::to_owned)));
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
    use super::uptime;

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
}
