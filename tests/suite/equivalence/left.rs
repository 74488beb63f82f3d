//! The state of a host after a verb, as text that can be equal on two hosts.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Output;

use regex_lite::Regex;
use serde_json::Value;

use crate::host::files::MemoryFiles;
use crate::host::firmware::SHARE;
use crate::host::process::Process;
use crate::host::{Host, Logged, Status};
use crate::machine::Machine;
use crate::wait::wait_for;

/// The beginning of the names of the program's scratch files.
pub(super) const SCRATCH: &str = "/tmp/easy-bhyve.";

/// The directory of root's scratch files.
const SCRATCH_OF_ROOT: &str = "/var/run/easy-bhyve/scratch";

/// The state of a host and its log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) status: Option<i32>,
    pub(super) changes: Vec<String>,
    /// The harm that was done, and the scratch files that were left.
    pub(super) harm: Vec<String>,
    state: String,
    files: Vec<String>,
}

impl Left {
    /// Whether the command has succeeded.
    pub(super) fn succeeded(&self) -> bool {
        self.status == Some(0)
    }
}

/// The state after a command.
pub(super) fn left(machine: &Machine, output: &Output) -> Left {
    let host = settled(machine);
    let scratch = host.calls().iter().flat_map(|call| &call.argv);
    let scratch = scratch.filter(|word| word.starts_with(SCRATCH));
    let scratch = scratch.filter(|word| Path::new(word).exists());
    let of_root = std::fs::read_dir(
        machine
            .path()
            .join(SCRATCH_OF_ROOT.trim_start_matches("/var/")),
    );
    let of_root = of_root.into_iter().flatten();
    let of_root = of_root.map(|one| one.unwrap().path().display().to_string());
    let scratch = scratch.cloned().chain(of_root.filter(|_| !is_kept(&host)));
    let scratch = scratch.collect();
    let files = files(&machine.path().join("vm"));
    of_host(host, output.status.code(), machine.path(), scratch, files)
}

/// The state after the program ran in this process.
pub(super) fn left_in_process(host: &Host, status: u8, directory: &Path) -> Left {
    let nodes = &host.state.files.nodes;
    let scratch = nodes.keys().map(|path| path.display().to_string());
    let scratch = scratch.filter(|path| {
        let is_of_root = path.starts_with(&format!("{SCRATCH_OF_ROOT}/"));
        path.starts_with(SCRATCH) || is_of_root && !is_kept(host)
    });
    let scratch = scratch.collect();
    let images = nodes.iter().filter_map(|(path, node)| {
        let name = path.strip_prefix(directory.join("vm")).ok()?;
        let (name, file) = (name.display(), node.as_ref()?);
        Some(format!("{name} {} {}", file.size, file.allocated > 0))
    });
    let images = images.collect();
    of_host(
        host.clone(),
        Some(status.into()),
        directory,
        scratch,
        images,
    )
}

/// Whether root's scratch files may exist: a supervisor keeps them while its VM runs.
fn is_kept(host: &Host) -> bool {
    let mut all = host.state.processes.values();
    all.any(|process| is_supervisor(&process.argv))
}

/// Adds the scratch files and the files of disks.
fn of_host(
    mut host: Host,
    status: Option<i32>,
    directory: &Path,
    scratch: Vec<String>,
    mut files: Vec<String>,
) -> Left {
    host.advance(60.0);
    let scratch = scratch.into_iter().map(|path| format!("{path} is left"));
    let mut harm = host.state.harm.clone();
    harm.extend(scratch);
    files.sort();
    Left {
        status,
        changes: changes(host.calls(), directory),
        harm,
        state: state(&host, directory),
        files,
    }
}

/// The host, once every null modem on it is open in a process.
fn settled(machine: &Machine) -> Host {
    wait_for("the end of the drivers of null modems", || {
        let host = machine.host();
        let is_free = |pair: &crate::host::state::Nmdm| pair.a.is_none() && pair.b.is_none();
        (!host.state.nmdm.values().any(is_free)).then_some(host)
    })
}

/// The commands that change something, each with how it ended.
fn changes(calls: &[Logged], directory: &Path) -> Vec<String> {
    let changes = calls.iter().enumerate().filter_map(|(at, call)| {
        let words = behind_wrappers(change(call).filter(|_| call.depth == 0)?);
        // The program behind a wrapper is a call of its own, of the same process or another one.
        let mut inner = calls[at + 1..].iter().take_while(|one| one.depth > 0);
        let worker = inner.find(|one| one.argv == words).unwrap_or(call);
        // The end of a real process that continues is not known yet.
        let goes_on = matches!(worker.status, Status::Running | Status::Exit(0..=2));
        let is_process = ["bhyve", "bhyveload", "grub-bhyve", "cu"].contains(&words[0].as_str());
        let status = if goes_on && is_process {
            Status::Running
        } else {
            worker.status
        };
        let is_pid = |word: &str| words[0] == "kill" && word.parse::<u32>().is_ok();
        let words = words
            .iter()
            .map(|word| if is_pid(word) { "PID" } else { word });
        let words: Vec<&str> = words.collect();
        Some(normal(
            &format!("{}: {status:?}", words.join(" ")),
            directory,
        ))
    });
    changes.collect()
}

/// The words behind timeout(1) and env(1).
fn behind_wrappers(words: &[String]) -> &[String] {
    match words {
        [first, option, _, _, rest @ ..] if first == "timeout" && option == "-k" => {
            behind_wrappers(rest)
        }
        [first, setting, rest @ ..] if first == "env" && setting.contains('=') => {
            behind_wrappers(rest)
        }
        other => other,
    }
}

/// The words of a command that changes something, without the escalator before it: script and run
/// differ only in the number of escalations. A call of the root side or of the script's supervision
/// is no change itself: it runs the commands.
pub(super) fn change(call: &Logged) -> Option<&[String]> {
    let words = command(&call.argv);
    let plain: Vec<&str> = words.iter().map(String::as_str).collect();
    // A program of the real machine is logged only where an escalator starts it, and rm(1) and mv(1) only
    // in this process; the files show their effect.
    let is_wrapper = matches!(plain[..], ["daemon", "-c", ..] | ["rm" | "mv", ..])
        || is_supervisor(words)
        || call.status == Status::Foreign;
    (!is_wrapper && is_change(&plain)).then_some(words)
}

/// Without the escalator, or the env(1) that takes its place where there is none.
pub(super) fn command(words: &[String]) -> &[String] {
    match words {
        [first, rest @ ..] if first == "doas" || first == "sudo" => rest,
        [first, second, rest @ ..] if first == "mdo" && second == "-i" => rest,
        other => other,
    }
}

/// Whether these are the words of the root side, or of the script's supervision.
pub(super) fn is_supervisor(words: &[String]) -> bool {
    let is_verb = |word: &String| word.starts_with("root-");
    words.get(1).is_some_and(is_verb)
        || words.first().is_some_and(|first| first == "sh")
            && words
                .last()
                .is_some_and(|last| last.starts_with("supervise-"))
}

/// Whether a command changes something.
fn is_change(words: &[&str]) -> bool {
    match words {
        ["kldstat" | "ps", ..] | ["zfs", "list" | "get", ..] => false,
        ["sysctl", words @ ..] => words.iter().any(|word| word.contains('=')),
        ["ifconfig", words @ ..] => words.len() > 1,
        _ => true,
    }
}

/// The state as text, without times, and with names instead of pids.
fn state(host: &Host, directory: &Path) -> String {
    let mut state = host.state.settled();
    // Whether the host is in this process, and what only a machine with real processes has.
    (state.real_time, state.pace) = (false, 1);
    state.files = MemoryFiles::default();
    state
        .processes
        .retain(|_, process| !is_supervisor(&process.argv));
    let mut all: Vec<&Process> = state.processes.values().collect();
    all.sort_by_key(|process| process.started_ms);
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    let names = all.into_iter().map(|process| {
        let about = process.argv.join(" ");
        let nth = times.entry(about.clone()).or_default();
        *nth += 1;
        (i64::from(process.pid), format!("{about} ({nth})"))
    });
    let names: BTreeMap<i64, String> = names.collect();
    let mut value = serde_json::to_value(&state).unwrap();
    settle(&mut value, &names);
    normal(&serde_json::to_string_pretty(&value).unwrap(), directory)
}

/// Removes times, and replaces pids by names.
fn settle(value: &mut Value, names: &BTreeMap<i64, String>) {
    let name = |pid: i64| names.get(&pid).cloned();
    match value {
        Value::Object(table) => {
            for (key, mut value) in std::mem::take(table) {
                match key.as_str() {
                    // The parent depends on the supervisor.
                    "creation" | "createtxg" | "node_at" | "started_ms" | "live" | "ppid" => {
                        continue;
                    }
                    "pid" | "opened_by" | "a" | "b" | "child" => {
                        if let Some(name) = value.as_i64().and_then(name) {
                            value = name.into();
                        }
                    }
                    // A set, sorted by paths that differ between the hosts.
                    "open" => {
                        if let Some(open) = value.as_array_mut() {
                            open.sort_by_key(|path| {
                                let path = path.as_str().unwrap_or_default();
                                (path.starts_with("/dev/tap"), path.to_owned())
                            });
                        }
                    }
                    "processes" => {
                        settle(&mut value, names);
                        value = by_name(value, names);
                    }
                    _ => settle(&mut value, names),
                }
                table.insert(key, value);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| settle(one, names)),
        _ => {}
    }
}

/// The table of processes by their names instead of their numbers.
fn by_name(processes: Value, names: &BTreeMap<i64, String>) -> Value {
    let Value::Object(table) = processes else {
        return processes;
    };
    let entries = table.into_iter().map(|(pid, process)| {
        let name = pid.parse().ok().and_then(|pid: i64| names.get(&pid));
        (name.cloned().unwrap_or(pid), process)
    });
    Value::Object(entries.collect())
}

/// Replaces what always differs between two runs: directories, pids, the minute, random names.
pub(super) fn normal(text: &str, directory: &Path) -> String {
    let text = text.replace(directory.to_str().unwrap(), "@DIR@");
    let text = text.replace("@DIR@/share", SHARE);
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let text = masked(&text, &["pid "], None, is_digit, "PID");
    let is_random = |byte: u8| byte.is_ascii_alphanumeric();
    let text = masked(&text, &["/tmp/easy-bhyve."], Some(8), is_random, "RANDOM");
    // In root's own directory, the name of a directory contains that of its VM, too.
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    let of_root = "@DIR@/run/easy-bhyve/scratch/";
    let text = text.replace(&format!("{SCRATCH_OF_ROOT}/"), of_root);
    let text = masked(&text, &[of_root], None, is_name, "RANDOM");
    let text = text.replace(of_root, "/tmp/easy-bhyve.");
    // The name of what is made beside an image contains the image's name, too.
    let beside = Regex::new(r"(/vm/\.[a-z0-9_.-]+\.)[A-Za-z0-9]{8}\b").unwrap();
    let text = beside.replace_all(&text, "${1}RANDOM");
    let behind = ["_", ".", ":taken=", ":taken\": \""];
    masked(&text, &behind, Some(12), is_digit, "MINUTE")
}

/// Puts `mask` in place of the characters behind each of these words: a fixed number, or all
/// characters of the kind.
fn masked(
    text: &str,
    behind: &[&str],
    length: Option<usize>,
    is_of_kind: fn(u8) -> bool,
    mask: &str,
) -> String {
    let mut masked = String::new();
    let mut rest = text;
    loop {
        let found = behind
            .iter()
            .filter_map(|word| Some(rest.find(word)? + word.len()))
            .min();
        let Some(at) = found else {
            return masked + rest;
        };
        let (before, after) = rest.split_at(at);
        masked += before;
        let of_kind = after.bytes().take_while(|byte| is_of_kind(*byte)).count();
        let end = length.map_or(of_kind, |length| if of_kind >= length { length } else { 0 });
        if end > 0 {
            masked += mask;
        }
        rest = &after[end..];
    }
}

/// The files of a directory: name, length, whether blocks are allocated.
fn files(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            format!("{name} {} {}", about.len(), about.blocks() > 0)
        })
        .collect()
}
