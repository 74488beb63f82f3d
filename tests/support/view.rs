//! The simulated host as lines of text, to compare two moments.

#![allow(unreachable_pub)]

use crate::host::firmware::is_written;
use crate::host::state::{Interface, Volume};
use crate::host::{Host, Logged, Status};
use std::collections::BTreeSet;

/// Sysctls that exist with a module and that no program sets.
const BROUGHT_BY_MODULES: [&str; 4] = [
    "hw.vmm.",
    "net.link.bridge.inherit_mac",
    "net.link.bridge.log_stp",
    "net.link.bridge.pfil_",
];

/// Everything of the host that a command can change, one fact a line; no times, no pids.
pub fn lines(host: &Host) -> BTreeSet<String> {
    let state = &host.state;
    let mut lines = BTreeSet::new();
    for module in state.modules.loaded.keys() {
        lines.insert(format!("module {module}"));
    }
    let is_brought = |name: &str| {
        BROUGHT_BY_MODULES
            .iter()
            .any(|start| name.starts_with(start))
    };
    for (name, sysctl) in state.sysctls.iter().filter(|(name, _)| !is_brought(name)) {
        lines.insert(format!("sysctl {name}={}", sysctl.value));
    }
    for (name, one) in &state.interfaces {
        lines.insert(format!("interface {name}: {}", interface(host, one)));
    }
    for (name, node) in &state.vms {
        let loaded = if node.loaded { ", loaded" } else { "" };
        lines.insert(format!("VM node {name}{loaded}"));
    }
    for process in state.processes.values() {
        let title = process
            .title
            .clone()
            .unwrap_or_else(|| process.argv.join(" "));
        lines.insert(format!("process of uid {}: {title}", process.uid));
    }
    for (name, pair) in &state.nmdm {
        lines.insert(format!("null modem {name} of uid {}", pair.owner));
    }
    for (name, dataset) in &state.datasets {
        let kind = dataset
            .volume
            .as_ref()
            .map_or_else(|| "filesystem".into(), volume);
        let local: Vec<String> = dataset
            .local
            .iter()
            .map(|(key, value)| format!(", {key}={value}"))
            .collect();
        let origin = dataset
            .origin
            .as_ref()
            .map_or_else(String::new, |origin| format!(", clone of {origin}"));
        lines.insert(format!("dataset {name}: {kind}{}{origin}", local.concat()));
        for (snapshot, taken) in &dataset.snapshots {
            let kind = taken.volume.as_ref().map_or_else(String::new, volume);
            lines.insert(format!("snapshot {name}@{snapshot}: {kind}"));
        }
        for bookmark in dataset.bookmarks.keys() {
            lines.insert(format!("bookmark {name}#{bookmark}"));
        }
    }
    for (path, node) in &state.files.nodes {
        lines.insert(match node {
            None => format!("directory {}", path.display()),
            Some(file) => format!(
                "file {}: {} bytes, {} allocated{}{}",
                path.display(),
                file.size,
                file.allocated,
                file.mode
                    .map_or_else(String::new, |mode| format!(", mode {mode:o}")),
                if is_written(&file.data) {
                    ", written by a guest"
                } else {
                    ""
                }
            ),
        });
    }
    lines.extend(state.harm.iter().map(|harm| format!("harm: {harm}")));
    lines
}

fn interface(host: &Host, interface: &Interface) -> String {
    let mut text = if interface.up { "up" } else { "down" }.to_owned();
    if !interface.description.is_empty() {
        text += ", description ";
        text += &interface.description;
    }
    if !interface.members.is_empty() {
        text += ", members ";
        text += &interface.members.join(" ");
    }
    for member in &interface.private {
        text += &format!(", {member} is private");
    }
    if ![1500, 16384].contains(&interface.mtu) {
        text += &format!(", MTU {}", interface.mtu);
    }
    for address in &interface.addresses {
        let words: Vec<&str> = address.split(' ').take(2).collect();
        text += &format!(", {}", words.join(" "));
    }
    if let Some(pid) = interface.opened_by {
        let by = host.state.processes.get(&pid);
        let name = by.map_or("nobody", |process| {
            process.title.as_deref().unwrap_or(&process.comm)
        });
        text += ", open by ";
        text += name;
    }
    text
}

fn volume(volume: &Volume) -> String {
    let reserved = if volume.refreservation > 0 {
        "reserved"
    } else {
        "sparse"
    };
    let blank = if volume.blank { "blank" } else { "written" };
    format!("volume of {} bytes, {reserved}, {blank}", volume.volsize)
}

/// The lines of only one of the two: `-` before, `+` after.
pub fn difference(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<String> {
    let gone = before.difference(after).map(|line| format!("- {line}"));
    let new = after.difference(before).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}

/// A started program as one line that sh reads, with its end before it.
pub fn call(logged: &Logged) -> String {
    let end = match logged.status {
        Status::Exit(status) => status.to_string(),
        Status::Signal(signal) => format!("signal {signal}"),
        Status::Hang => "hangs".into(),
        Status::NotFound => "not found".into(),
        Status::Running | Status::Foreign => "runs".into(),
    };
    let words: Vec<String> = logged.argv.iter().map(|word| quoted(word)).collect();
    format!("[{end}] {}", words.join(" "))
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
