//! The simulated bhyve compared with records of its boot ROM; see `tests/calibration/bhyve/README.md`.

use crate::case::root;
use crate::host::{Call, Host};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The record of one command line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    release: u32,
    argv: Vec<String>,
    #[serde(default)]
    sizes: BTreeMap<String, u64>,
    #[serde(default)]
    missing: Vec<String>,
    #[serde(default)]
    is_absent: bool,
    /// `accepted` or `refused`.
    outcome: String,
    status: Option<i32>,
    stderr: Vec<String>,
}

/// The size of other ROMs.
const USUAL: u64 = 2 << 20;

/// A host with every file of the record.
fn host(record: &Record) -> Host {
    let mut host = Host::freebsd(record.release).with_commands(&["kldload nmdm"]);
    if !record.is_absent {
        host = host.with_leftover_vm("fbsd0", 256 << 20);
        host.state.vms.get_mut("fbsd0").expect("the node").memory = None;
    }
    let words = record.argv.iter().flat_map(|word| word.split([',', '=']));
    let words = words.filter(|word| word.starts_with('/') && !word.starts_with("/dev/"));
    // A path may have the `=` at which the words are split.
    let whole = record.argv.iter().flat_map(|word| word.split(','));
    for path in words.chain(whole.filter(|word| word.starts_with('/'))) {
        if record.missing.iter().any(|missing| missing == path) {
            let _ = host.files_mut().remove(Path::new(path));
            continue;
        }
        let size = record.sizes.get(path).copied().unwrap_or(USUAL);
        // A reference is followed when the file is opened.
        for path in [path.to_owned(), path.replace("%(name)", "fbsd0")] {
            host = host.with_file(&path, "");
            let file = Path::new(&path);
            host.files_mut().set_len(file, size).expect("a file");
        }
    }
    host.with_volume("tank/vm/fbsd0", 1 << 30)
}

fn difference(record: &Record) -> Option<String> {
    let argv = std::iter::once("bhyve").chain(record.argv.iter().map(String::as_str));
    let answer = host(record).run(&Call::new(argv).by_root());
    let stderr = answer.stderr();
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.is_empty()).collect();
    // An accepted guest finds nothing to boot, or ends by itself.
    let is_status = record.outcome == "accepted"
        || format!("{:?}", answer.status) == format!("Exit({})", record.status?);
    (!is_status || lines != record.stderr).then(|| {
        format!(
            "{} in {} {:?}\n  recorded  {:?}\n  simulated {:?} {lines:?}",
            record.id, record.release, record.argv, record.stderr, answer.status
        )
    })
}

#[test]
fn boot_roms_have_the_recorded_outcome() {
    let path = root().join("tests/calibration/bhyve/bootrom.jsonl");
    let text = std::fs::read_to_string(path).expect("the records");
    let records: Vec<Record> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect();
    assert!(records.len() > 70, "{} records", records.len());
    let found: Vec<String> = records.iter().filter_map(difference).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
