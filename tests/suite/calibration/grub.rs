//! The simulated grub-bhyve compared with grub-bhyve 0.40; see `tests/calibration/grub/README.md`.

use super::grub_disks::{self, DIRECTORY};
use super::record;
use crate::case::root;
use crate::host::{Call, Kernel, Status};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The record of one call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) topic: String,
    mode: String,
    args: String,
    pub(super) text: Option<String>,
    pub(super) text_is: Option<String>,
    pub(super) form: Option<String>,
    typed: Vec<String>,
    map: Option<String>,
    cfg: Option<String>,
    keys: Option<String>,
    env: Option<BTreeMap<String, Option<String>>>,
    pub(super) outcome: String,
    pub(super) status: Option<i32>,
    pub(super) cmdline: Option<String>,
    cmdline_length: Option<usize>,
    pub(super) initrd: Option<u64>,
    entry: Option<String>,
    lines: Option<Vec<String>>,
    stdout: Option<Vec<String>>,
    stderr: Vec<String>,
}

/// What the simulation does not cover, and why.
const EXCEPTED: [(&str, &str); 14] = [
    (
        "a177",
        "files in memory have no modes: which file user nobody may read",
    ),
    (
        "s353",
        "how many sectors a partition has, and when it was written",
    ),
    ("s354", "how many sectors a disk has"),
    (
        "s355",
        "how many sectors an ISO image has, and when it was written",
    ),
    ("s361", "all variables that grub sets for itself"),
    ("s362", "the help on its hundred commands"),
    ("s324", "what curses makes of control characters"),
    ("a072", "vmm refuses an empty name: here a stub took it"),
    ("a124", "how vmm reads -M: here a stub did"),
    ("a133", "how vmm reads -M: here a stub did"),
    ("a141", "how vmm reads -M: here a stub did"),
    ("a188", "a tab completes a file name"),
    ("a191", "the editor of an entry"),
    ("a111", "what -v tells"),
];

pub(super) fn records(name: &str) -> Vec<Record> {
    let path = root().join("tests/calibration/grub").join(name);
    let text = std::fs::read_to_string(&path).expect("the records");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect()
}

/// The result of the simulated grub-bhyve.
pub(super) struct Did {
    pub(super) outcome: String,
    pub(super) status: Option<i32>,
    pub(super) kernel: Option<Kernel>,
    pub(super) screen: String,
    stderr: String,
}

/// The words of a recorded command line.
fn words(line: &str) -> Vec<String> {
    let asked = record::Record {
        line: line.to_owned(),
        ..record::Record::default()
    };
    asked.words()
}

pub(super) fn run(record: &Record) -> Did {
    let mut host = grub_disks::host();
    let map = match (&record.map, record.id.as_str()) {
        (Some(map), _) => map.clone(),
        (None, id) => grub_disks::long_map(id).unwrap_or_else(|| grub_disks::map(&record.mode)),
    };
    host = host.with_file("/MAP", &map);
    let text = text_of(record);
    if record.mode == "root" {
        grub_disks::put_on_root(&mut host, text.as_deref());
    } else {
        let plain = "linux (hd0,msdos1)/vmlinuz ok\nboot\nexit\n";
        let file = format!("{DIRECTORY}/grub.cfg");
        host = host.with_file(&file, text.as_deref().unwrap_or(plain));
    }
    let mut argv = vec!["grub-bhyve".to_owned()];
    if !record.mode.is_empty() {
        argv.extend(["-m".to_owned(), "/MAP".to_owned()]);
    }
    argv.extend(
        words(&record.args)
            .iter()
            .map(|word| grub_disks::placed(word)),
    );
    if !record.mode.is_empty() {
        argv.push("vm0".into());
    }
    let typed: String = record
        .typed
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    let asks = record
        .lines
        .as_ref()
        .is_some_and(|lines| lines.first().is_some_and(|line| line == "grub> ls"));
    let keys = match &record.keys {
        Some(keys) => keys.replace('\r', "\n"),
        None if asks && record.mode.is_empty() => "ls\n".into(),
        None => typed,
    };
    let mut call = Call::new(&argv).by_root().with_stdin(&keys);
    call.env = BTreeMap::from([("TERM".into(), "vt100".into())]);
    if let Some(env) = &record.env {
        if env.values().all(Option::is_some) {
            call.env.clear();
        }
        for (name, value) in env {
            match value {
                Some(value) => call.env.insert(name.clone(), value.clone()),
                None => call.env.remove(name),
            };
        }
    }
    let answer = host.run(&call);
    let screen = answer.stdout().replace(DIRECTORY, "DIR");
    let screen = screen
        .rsplit("\x1b[H\x1b[J")
        .next()
        .unwrap_or_default()
        .to_owned();
    let node = host.state.vms.values().find(|node| node.loaded);
    let (outcome, status) = match answer.status {
        Status::Exit(0) if node.is_some() => ("boots", Some(0)),
        Status::Exit(status) => ("ends", Some(status)),
        Status::Signal(signal) => ("ends", Some(-signal)),
        Status::Hang if screen.ends_with("grub> ") => ("prompt", None),
        Status::Hang if screen.contains("Use the ^ and v keys") => ("menu", None),
        Status::Hang => ("running", None),
        other => panic!("{}: {other:?}", record.id),
    };
    Did {
        outcome: outcome.into(),
        status,
        kernel: node.and_then(|node| node.kernel.clone()),
        screen,
        stderr: answer.stderr().replace("/MAP", "DIR/map"),
    }
}

/// The grub.cfg of a record.
pub(super) fn text_of(record: &Record) -> Option<String> {
    match (&record.text, &record.text_is) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(what)) => Some(grub_disks::long_text(what)),
        (None, None) => record.cfg.as_ref().map(|cfg| grub_disks::placed(cfg)),
    }
}

/// A text without its blanks and line ends: the terminal of the records is wider.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

fn differences(record: &Record) -> Vec<String> {
    let did = run(record);
    let mut found = Vec::new();
    let mut compare = |what: &str, recorded: String, simulated: String| {
        if recorded != simulated {
            found.push(format!(
                "{} {} ({:?}): {what}\n  recorded  {recorded}\n  simulated {simulated}",
                record.id,
                record.topic,
                record.form.as_deref().unwrap_or("-")
            ));
        }
    };
    // With a console of its own, or at the end of its input, the record does not show what it waits for.
    let is_seen = !record.args.contains("-c ") && record.keys.is_none();
    let waits = |outcome: &str| match outcome {
        "prompt" | "menu" | "running" if !is_seen || record.id.as_str() >= "a180" => {
            "waits".to_owned()
        }
        other => other.to_owned(),
    };
    compare("outcome", waits(&record.outcome), waits(&did.outcome));
    if record.status.is_some() {
        compare(
            "status",
            format!("{:?}", record.status),
            format!("{:?}", did.status),
        );
    }
    let kernel = did.kernel.unwrap_or_default();
    let command_line = kernel.command_line.unwrap_or_default();
    if let Some(recorded) = &record.cmdline {
        compare("command line", recorded.clone(), command_line.clone());
    }
    if let Some(length) = record.cmdline_length {
        compare(
            "length of the command line",
            length.to_string(),
            command_line.len().to_string(),
        );
    }
    if record.outcome == "boots" {
        if let Some(initrd) = record.initrd {
            compare("initrd", initrd.to_string(), kernel.initrd.to_string());
        }
        if let Some(entry) = &record.entry {
            compare("entry", entry.clone(), format!("{:#x}", kernel.entry));
        }
    }
    if let Some(lines) = &record.lines
        && !record.args.contains("-c ")
        && !["--help", "-?", "--usage", "--version", "-V"].contains(&record.args.as_str())
    {
        let recorded: Vec<&str> = lines
            .iter()
            .map(String::as_str)
            .filter(|line| !line.starts_with("... "))
            .collect();
        let is_menu = record.outcome == "menu";
        let shown = match (record.outcome.as_str(), did.screen.find("grub> ")) {
            ("menu", _) => did
                .screen
                .lines()
                .filter(|line| line.starts_with('|'))
                .collect(),
            (_, Some(at)) => did.screen[at..].to_owned(),
            (_, None) => did.screen.clone(),
        };
        let recorded: String = if is_menu {
            recorded
                .into_iter()
                .filter(|line| line.starts_with('|'))
                .collect()
        } else {
            recorded.concat()
        };
        compare("screen", squeezed(&recorded), squeezed(&shown));
    }
    if let Some(lines) = &record.stdout
        && record.outcome != "running"
        && !record.args.contains("-c ")
        && record.keys.is_none()
    {
        let tail = |text: &str| {
            squeezed(text).replace("GNUGRUBversion2.00listspossiblecommandcompletions.AnywhereelseTABlistspossibledeviceorfilecompletions.", "")
        };
        if lines.iter().all(|line| !line.starts_with('|')) {
            compare(
                "stdout",
                tail(&lines.concat()),
                tail(&did.screen.replace("GNU GRUB  version 2.00", "")),
            );
        }
    }
    // The C library reports a crash.
    let is_crash = record.status.is_some_and(|status| status < 0);
    let stderr = if is_crash {
        String::new()
    } else {
        record.stderr.concat()
    };
    compare("stderr", squeezed(&stderr), squeezed(&did.stderr));
    found
}

fn compare_all(name: &str, is_out_of_reach: impl Fn(&Record) -> bool) {
    let records = records(name);
    let found: Vec<String> = records
        .iter()
        .filter(|record| !is_out_of_reach(record))
        .filter(|record| EXCEPTED.iter().all(|(id, _)| *id != record.id))
        .flat_map(differences)
        .collect();
    assert!(
        found.is_empty(),
        "{} differences in {} records\n\n{}",
        found.len(),
        records.len(),
        found.join("\n")
    );
}

#[test]
fn a_script_has_the_recorded_outcome() {
    compare_all("scripts.jsonl", |_| false);
}

#[test]
fn a_command_line_and_a_map_have_the_recorded_outcome() {
    // A signal needs a process: `tests/suite/live` tests some signals.
    compare_all("arguments.jsonl", |record| {
        record.topic.starts_with("streams: signal")
    });
}
