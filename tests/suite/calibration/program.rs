//! The questions of the program to `zfs`, and its reading of the answers, checked against the records.

use super::mask::{BYTES, TIME, TXG};
use super::record::{Record, commands};
use super::zfs::{RELEASES, RUNS, data, transcript};
use crate::cases::directories;
use easy_bhyve::model::name::{Dataset, SnapName};
use easy_bhyve::tools::zfs::{self, BookmarkLine, SnapshotLine, Volume};
use std::collections::BTreeSet;

/// A line of zfs without the parts that differ between VMs: names and sizes.
fn form(line: &str) -> String {
    let mut form: Vec<&str> = Vec::new();
    for word in line.split(' ') {
        form.push(match word {
            _ if form.last() == Some(&"-V") => "SIZE",
            _ if word.starts_with("easy-bhyve:disks=") => "easy-bhyve:disks=N",
            _ if word.starts_with("volsize=") => "volsize=SIZE",
            _ if word.contains('@') => "VOLUME@NAME",
            // The answer to a question about three volumes is as that about two.
            _ if word.contains('/') && form.ends_with(&["VOLUME", "VOLUME"]) => continue,
            _ if word.contains('/') => "VOLUME",
            _ => word,
        });
    }
    form.join(" ")
}

/// The lines of zfs in the call lists of all cases.
fn called() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for case in directories() {
        let text = std::fs::read_to_string(case.join("expected")).expect("what is expected");
        found.extend(text.lines().filter_map(|line| {
            let (_, whole) = line.strip_prefix('[')?.split_once("] ")?;
            let escalators = ["doas ", "sudo ", "mdo "];
            // The same call several times in a row is one line.
            let repeated = whole.rsplit_once(" (");
            let repeated = repeated.filter(|(_, rest)| rest.ends_with(" times)"));
            let call = repeated.map_or(whole, |(once, _)| once);
            let bare = escalators.iter().find_map(|one| call.strip_prefix(one));
            let call = bare.unwrap_or(call);
            call.starts_with("zfs ").then(|| form(call))
        }));
    }
    found
}

#[test]
fn every_form_of_zfs_that_the_program_uses_is_recorded() {
    let text = |file: &str| std::fs::read_to_string(data().join(file)).expect("the commands");
    let texts = RUNS.map(|(file, _)| text(file));
    let recorded = texts.iter().flat_map(|text| commands(text));
    let recorded: BTreeSet<String> = recorded.map(form).collect();
    let called = called();
    assert!(called.len() >= 8, "only {called:?} are called");
    let missing: Vec<&String> = called.difference(&recorded).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

/// The program's reading of each answer to its question about a volume, in the order of the records.
fn read(release: &str, volume: &str) -> Vec<Volume> {
    let volume = Dataset::parse(volume).expect(volume);
    let question = zfs::list(&volume).to_string();
    let answers = transcript(release).records;
    let is_answer = |record: &&Record| record.line == question && record.status == 0;
    let text = |record: &Record| record.stdout.join("\n") + "\n";
    answers
        .iter()
        .filter(is_answer)
        .map(|record| {
            text(record)
                .replace(BYTES, "8192")
                .replace(TIME, "1768478400")
                .replace(TXG, "7")
        })
        .map(|text| zfs::parse_list(&volume, &text))
        .collect()
}

/// A volume as the program sees it: its origin, and its snapshots with their clones.
fn volume(origin: Option<&str>, snapshots: &[(&str, &[&str])]) -> Volume {
    let name = |text: &str| SnapName::parse(text).expect(text);
    let origin = origin.and_then(|origin| origin.split_once('@'));
    Volume {
        origin: origin.map(|(dataset, snapshot)| {
            let dataset = Dataset::parse(dataset).expect(dataset);
            dataset.snapshot(&name(snapshot))
        }),
        snapshots: snapshots
            .iter()
            .map(|(snapshot, clones)| SnapshotLine {
                name: name(snapshot),
                clones: clones.iter().map(ToString::to_string).collect(),
                used: 8192,
                refer: 8192,
                creation: 1_768_478_400,
                createtxg: 7,
                holds: 0,
            })
            .collect(),
        bookmarks: Vec::new(),
    }
}

#[test]
fn the_program_reads_real_lists_completely() {
    let one: (&str, &[&str]) = ("_202601151200-one", &[]);
    let two: (&str, &[&str]) = ("_202601151201-two_words", &[]);
    let mut held = volume(None, &[("kept", &[])]);
    held.snapshots[0].holds = 1;
    let expected = [
        (
            "zroot/vm/fbsd0",
            vec![
                volume(
                    None,
                    &[
                        one,
                        two,
                        ("a", &[]),
                        ("with blank", &[]),
                        ("a-b_c.d:e", &[]),
                    ],
                ),
                volume(
                    None,
                    &[one, two, ("a", &["zroot/vm/new0", "zroot/vm/new1"])],
                ),
                volume(Some("zroot/vm/new0@a"), &[("b", &[])]),
            ],
        ),
        // After the promotion it is younger than the snapshots that it has received.
        (
            "zroot/vm/new0",
            vec![
                volume(Some("zroot/vm/fbsd0@a"), &[]),
                volume(
                    None,
                    &[
                        one,
                        two,
                        ("a", &["zroot/vm/fbsd0", "zroot/vm/new1"]),
                        ("c", &[]),
                    ],
                ),
            ],
        ),
        (
            "zroot/vm/second",
            vec![volume(
                Some("zroot/vm/new0@base"),
                &[("base", &["zroot/vm/third"])],
            )],
        ),
        ("zroot/vm/linux0", vec![held]),
        (
            "zroot/vm/copy",
            vec![Volume {
                bookmarks: vec![BookmarkLine {
                    name: SnapName::parse("s2").expect("a name"),
                    creation: 1_768_478_400,
                    createtxg: 7,
                }],
                ..volume(
                    Some("zroot/vm/made/linux1@base"),
                    &[("s1", &[]), ("s2", &[])],
                )
            }],
        ),
        // A filesystem is answered with the volumes below it, whose origins do not belong to it.
        ("zroot/vm", vec![volume(None, &[]), volume(None, &[])]),
    ];
    for release in RELEASES {
        for (name, expected) in &expected {
            similar_asserts::assert_eq!(
                &read(release, name),
                expected,
                "{name}, OpenZFS {release}"
            );
        }
    }
}
