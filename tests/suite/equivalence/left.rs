//! What is left of a host when a verb is over, as text that two hosts can have in common.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::host::process::Process;
use crate::host::{Host, Logged, Status};
use crate::machine::Machine;

/// How long the driver of a null modem may take to see that both ends are closed.
const DRIVER_TIME: Duration = Duration::from_secs(10);

/// What is left of a host and its log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) status: Option<i32>,
    pub(super) changes: Vec<String>,
    /// What it did that FreeBSD allows and nobody should do, and what it left of its scratch files.
    pub(super) harm: Vec<String>,
    state: String,
    files: Vec<String>,
}

impl Left {
    /// Whether the command has done what it should.
    pub(super) fn succeeded(&self) -> bool {
        self.status == Some(0)
    }
}

/// What a command has left.
pub(super) fn left(machine: &Machine, output: &Output) -> Left {
    let mut host = settled(machine);
    host.advance(60.0);
    let scratch = host.calls().iter().flat_map(|call| &call.argv);
    let scratch = scratch.filter(|word| word.starts_with("/tmp/easy-bhyve."));
    let scratch = scratch.filter(|word| Path::new(word).exists());
    let scratch = scratch.map(|word| format!("{word} is left")).collect();
    let harm = [host.state.harm.clone(), scratch].concat();
    let changes = host.calls().iter().filter(|call| call.depth == 0);
    let changes = changes.filter_map(|call| Some(line(call, change(call)?, machine.path())));
    Left {
        status: output.status.code(),
        changes: changes.collect(),
        harm,
        state: state(&host, machine.path()),
        files: files(&machine.path().join("vm")),
    }
}

/// The host once no null modem is there that nobody has open.
fn settled(machine: &Machine) -> Host {
    let start = Instant::now();
    loop {
        let host = machine.host();
        let is_free = |pair: &crate::host::state::Nmdm| pair.a.is_none() && pair.b.is_none();
        if !host.state.nmdm.values().any(is_free) || start.elapsed() > DRIVER_TIME {
            return host;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A call and how it ended.
fn line(call: &Logged, words: &[String], directory: &Path) -> String {
    normal(
        &format!("{}: {:?}", words.join(" "), call.status),
        directory,
    )
}

/// The words of a command that changes something, without the escalator before it: how often one is
/// needed is the only difference between script and run. What is called of the root side or of the
/// script's supervision is none: it calls the commands.
pub(super) fn change(call: &Logged) -> Option<&[String]> {
    let words = command(&call.argv);
    let plain: Vec<&str> = words.iter().map(String::as_str).collect();
    // A program of the real machine is noted only where an escalator starts it; files show what it does.
    let is_wrapper = matches!(plain[..], ["daemon", "-c", ..])
        || is_supervisor(words)
        || call.status == Status::Foreign;
    (!is_wrapper && is_change(&plain)).then_some(words)
}

/// Without the escalator, and the env(1) that stands in its place where there is none.
pub(super) fn command(words: &[String]) -> &[String] {
    match words {
        [first, rest @ ..] if first == "doas" || first == "sudo" => rest,
        [first, second, rest @ ..] if first == "mdo" && second == "-i" => rest,
        other => other,
    }
}

/// Whether these are the words of the root side, or of what supervises in its place.
pub(super) fn is_supervisor(words: &[String]) -> bool {
    let is_verb = |word: &String| word.starts_with("root-");
    words.get(1).is_some_and(is_verb)
        || words.first().is_some_and(|first| first == "sh")
            && words
                .last()
                .is_some_and(|last| last.starts_with("supervise-"))
}

/// Whether a command is more than a question.
fn is_change(words: &[&str]) -> bool {
    match words {
        ["kldstat" | "ps" | "pgrep", ..] | ["zfs", "list" | "get", ..] => false,
        ["sysctl", words @ ..] => words.iter().any(|word| word.contains('=')),
        ["ifconfig", words @ ..] => words.len() > 1,
        _ => true,
    }
}

/// The settled state as text, without times, and with processes by what they are.
fn state(host: &Host, directory: &Path) -> String {
    let mut state = host.state.settled();
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

/// Takes times away, and gives processes their names.
fn settle(value: &mut Value, names: &BTreeMap<i64, String>) {
    let name = |pid: i64| names.get(&pid).cloned();
    match value {
        Value::Object(table) => {
            for (key, mut value) in std::mem::take(table) {
                match key.as_str() {
                    "creation" | "createtxg" | "started_ms" | "live" => continue,
                    "pid" | "ppid" | "opened_by" | "a" | "b" | "child" => {
                        if let Some(name) = value.as_i64().and_then(name) {
                            value = name.into();
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

/// Without what two runs never have in common: directories, pids, the minute, random names.
pub(super) fn normal(text: &str, directory: &Path) -> String {
    let text = text.replace(directory.to_str().unwrap(), "@DIR@");
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let text = masked(&text, &["pid "], None, is_digit, "PID");
    let text = masked(
        &text,
        &["/tmp/easy-bhyve."],
        Some(8),
        |byte| byte.is_ascii_alphanumeric(),
        "RANDOM",
    );
    masked(&text, &["_", "."], Some(12), is_digit, "MINUTE")
}

/// Puts `mask` in the place of the characters behind each of these words: so many, or as many as are
/// of the kind.
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
    let mut all: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            format!("{name} {} {}", about.len(), about.blocks() > 0)
        })
        .collect();
    all.sort();
    all
}
