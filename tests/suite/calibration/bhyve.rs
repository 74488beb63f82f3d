//! The simulated bhyve compared with records of its parsers; see `tests/calibration/bhyve/README.md`.

use crate::case::root;
use crate::host::{Call, Host};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The record of one command line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    argv: Vec<String>,
    /// `accepted` or `refused`.
    outcome: String,
    status: Option<i32>,
    /// Whole lines; a `*` at the end stands for the text of an error number.
    stderr: Vec<String>,
    /// Paths that do not exist.
    #[serde(default)]
    missing: Vec<String>,
    /// The files of `-k`.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// The ports of VNC servers that are taken: `rfb:ADDRESS:PORT`.
    #[serde(default)]
    inuse: Vec<String>,
}

/// A host with the VM's node and with every disk of the record.
fn host(record: &Record) -> Host {
    let mut host = Host::freebsd(15).with_leftover_vm("fbsd0", 256 << 20);
    for device in &record.argv {
        let Some(path) = device.splitn(3, ',').nth(2) else {
            continue;
        };
        let path = path.split(',').next().unwrap_or_default();
        host = match path.strip_prefix("/dev/zvol/") {
            _ if record.missing.iter().any(|missing| missing == path) => host,
            Some(volume) => host.with_volume(volume, 1 << 30),
            None if path.starts_with('/') => host.with_file(path, "a system"),
            None => host,
        };
    }
    for (path, content) in &record.files {
        host = host.with_file(path, content);
    }
    for server in &record.inuse {
        let mut parts = server.split(':').skip(1);
        let (address, port) = (parts.next().unwrap(), parts.next().unwrap());
        let pid = host.add_process(0, 1, "x11vnc", &["x11vnc"]);
        let process = host.state.processes.get_mut(&pid).unwrap();
        process.open.insert(format!("vnc/{address}/{port}").into());
    }
    host
}

fn difference(record: &Record) -> Option<String> {
    let argv = std::iter::once("bhyve").chain(record.argv.iter().map(String::as_str));
    let answer = host(record).run(&Call::new(argv).by_root());
    let stderr = answer.stderr();
    let mut lines: Vec<&str> = stderr.lines().collect();
    if record.outcome == "accepted" {
        // No loader has run: an accepted guest ends by itself, without another word of bhyve.
        lines.retain(|line| !line.is_empty());
        return (lines != record.stderr)
            .then(|| format!("{} {:?}: {lines:?}", record.id, record.argv));
    }
    let is_status = format!("{:?}", answer.status) == format!("Exit({})", record.status?);
    let is_line = |(line, recorded): (&&str, &String)| match recorded.strip_suffix('*') {
        Some(begin) => line.trim_end().starts_with(begin.trim_end()),
        None => *line == recorded.as_str(),
    };
    let are_lines =
        lines.len() == record.stderr.len() && lines.iter().zip(&record.stderr).all(is_line);
    (!is_status || !are_lines).then(|| {
        format!(
            "{} {:?}\n  recorded  {:?}\n  simulated {:?} {lines:?}",
            record.id, record.argv, record.stderr, answer.status
        )
    })
}

#[test]
fn devices_and_their_options_have_the_recorded_outcome() {
    let path = root().join("tests/calibration/bhyve/argv.jsonl");
    let text = std::fs::read_to_string(path).expect("the records");
    let records: Vec<Record> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect();
    assert!(records.len() > 200, "{} records", records.len());
    let found: Vec<String> = records.iter().filter_map(difference).collect();
    assert!(
        found.is_empty(),
        "{} differences in {} records\n{}",
        found.len(),
        records.len(),
        found.join("\n")
    );
}
