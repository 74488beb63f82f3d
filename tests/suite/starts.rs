//! The lines that start a VM of an old configuration are those of commit 70dc560, byte for byte.
//!
//! `tests/calibration/starts` has, for each case whose call and configuration are those of that commit,
//! the lines of the loader and of bhyve in its calls. Only the name of grub's scratch directory, which is
//! new in each run, is replaced.

use crate::case::root;
use std::collections::BTreeSet;

/// The line of a loader or of bhyve in a line of a case's calls.
fn start(line: &str) -> Option<String> {
    let (_, call) = line.strip_prefix('[')?.split_once("] ")?;
    let mut words = call.split(' ').peekable();
    let is_prefix = |word: &&str| {
        matches!(*word, "daemon" | "timeout" | "env" | "TERM=vt100")
            || word.starts_with('-')
            || *word == "LOADER_TIMEOUT"
            || word.parse::<u32>().is_ok()
    };
    while words.next_if(is_prefix).is_some() {}
    if !["bhyve", "bhyveload", "grub-bhyve"].contains(words.peek()?) {
        return None;
    }
    let masked = words.map(|word| match word.split_once(".scratch") {
        Some((_, rest)) => format!(
            "SCRATCH{}",
            rest.trim_start_matches(|c: char| c.is_ascii_digit())
        ),
        None => word.to_owned(),
    });
    Some(masked.collect::<Vec<_>>().join(" "))
}

#[test]
fn an_old_configuration_gives_the_same_lines() {
    let record = root().join("tests/calibration/starts");
    let record = std::fs::read_to_string(record).expect("the record");
    let (mut cases, mut lines, mut found) = (0, BTreeSet::new(), Vec::new());
    let mut case = "";
    for line in record.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            let expected = root().join("tests/cases").join(name).join("expected");
            let expected =
                std::fs::read_to_string(expected).expect("the result of a recorded case");
            (case, cases) = (name, cases + 1);
            lines = expected.lines().filter_map(start).collect();
        } else if !lines.contains(line) {
            found.push(format!("{case}: no longer {line}"));
        }
    }
    assert!(cases > 100, "only {cases} cases");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
