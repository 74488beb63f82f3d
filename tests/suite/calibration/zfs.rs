//! The simulated `zfs` compared with OpenZFS itself.
//!
//! `tests/tools/record-zfs.sh` runs `tests/calibration/zfs/commands` on real OpenZFS; its answers are
//! in the transcripts beside the commands, one for each available release; `commands-groups` has a machine
//! and transcripts of its own. FreeBSD 13 has 2.1, 15 has 2.4;
//! 14 has 2.2, for which there is no record: it is simulated as 2.3 without the features that 2.3 is
//! known to have added.
//!
//! The real one runs on Linux. cmd/zfs/zfs_main.c and lib/libzfs/libzfs_dataset.c have no condition on
//! FreeBSD except for `jail`, `unjail` and the property `xattr`, which are not among the commands; the
//! script removes the other differences, getopt(3) and the mode of `/dev/zfs`. So no answer is excepted.

use super::mask::masked;
use super::record::{Record, Transcript, commands};
use crate::case::root;
use crate::cases::compare;
use crate::host::{Call, Host, Status};
use std::path::PathBuf;

/// The releases of OpenZFS with a transcript.
pub(super) const RELEASES: [&str; 2] = ["2.1", "2.3"];

/// The directory of the commands and the transcripts.
pub(super) fn data() -> PathBuf {
    root().join("tests/calibration/zfs")
}

/// The files of commands, each run on a machine of its own, and the releases with a transcript of it.
pub(super) const RUNS: [(&str, &[&str]); 3] = [
    ("commands", &RELEASES),
    ("commands-groups", &["2.3"]),
    ("commands-volumes", &["2.3"]),
];

/// The transcript of a file of commands.
fn file(commands: &str, release: &str) -> PathBuf {
    let name = commands.replace("commands", "transcript");
    data().join(format!("{name}-{release}"))
}

/// The record of a file of commands.
fn record(commands: &str, release: &str) -> Transcript {
    let bytes = std::fs::read(file(commands, release)).expect("a transcript");
    Transcript::parse(&bytes)
}

/// The record of the first file of commands.
pub(super) fn transcript(release: &str) -> Transcript {
    record(RUNS[0].0, release)
}

/// A host with the pools that the commands are written for.
fn host(release: u32) -> Host {
    let mut host = Host::freebsd(release);
    host.state.datasets.remove("zroot/vm");
    for (pool, free) in [
        ("zroot", 96 << 30),
        ("tank", 96 << 30),
        ("small", 352 << 20),
    ] {
        host.state.pools.insert(pool.into(), free);
        let pool = host.add_dataset(pool, None);
        pool.local.insert("mountpoint".into(), "none".into());
    }
    host
}

/// Runs one line of the commands; a line that is not `zfs` changes the host in another way.
fn answer(host: &mut Host, asked: &Record) -> Record {
    let words = asked.words();
    let node = |volume: &str| format!("/dev/zvol/{volume}");
    let line = |text: String| text.lines().map(str::to_owned).collect();
    let answer = match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["zfs", ..] => host.run(&Call::new(&words).by_root()),
        ["user", ..] => host.run(&Call::new(&words[1..])),
        ["open", volume] => {
            let pid = host.add_process(0, 1, "holder", &["holder"]);
            let holder = host.state.processes.get_mut(&pid).expect("a process");
            holder.open.insert(node(volume).into());
            crate::host::Answer::ok()
        }
        ["close", _] => {
            let holders = &mut host.state.processes;
            holders.retain(|_, process| process.comm != "holder");
            crate::host::Answer::ok()
        }
        ["encrypt", dataset] => {
            let made = host.add_dataset(dataset, None);
            made.local.insert("keyformat".into(), "raw".into());
            crate::host::Answer::ok()
        }
        ["lock", dataset] => {
            host.state.locked.insert((*dataset).to_owned());
            crate::host::Answer::ok()
        }
        ["room", dataset] => crate::host::Answer::ok().and_out(room(host, dataset)),
        ["write", volume, _] => {
            host.install_on(&node(volume));
            crate::host::Answer::ok()
        }
        _ => panic!("the test cannot run {}", asked.line),
    };
    let Status::Exit(status) = answer.status else {
        panic!("{} does not end by itself", asked.line);
    };
    masked(&Record {
        line: asked.line.clone(),
        status,
        stdout: line(answer.stdout()),
        stderr: line(answer.stderr()),
    })
}

/// What `record-zfs.sh` prints of numbers of bytes: see there.
fn room(host: &mut Host, dataset: &str) -> String {
    let [used] = numbers(host, &["get", "-Hp", "-o", "value", "used", dataset])
        .try_into()
        .expect("one number");
    let pool = dataset.split('/').next().expect("a pool");
    let all = ["get", "-Hp", "-o", "value", "used,available", pool];
    let of = |host: &mut Host| -> i64 {
        let sum: u64 = numbers(host, &all).iter().sum();
        i64::try_from(sum).expect("a size")
    };
    let (before, now) = (of(&mut self::host(15)), of(host));
    format!(
        "used {}G, with what is available {}% more than before\n",
        (used + (1 << 29)) >> 30,
        (now - before) * 100 / now
    )
}

/// Compares all answers of a FreeBSD release with the transcripts of its OpenZFS.
fn compare_all(freebsd: u32, openzfs: &str) {
    for (commands, releases) in RUNS {
        if !releases.contains(&openzfs) {
            continue;
        }
        let mut host = host(freebsd);
        let records = record(commands, openzfs).records;
        let differences: Vec<String> = records
            .iter()
            .filter_map(|real| real.difference(&answer(&mut host, real)))
            .collect();
        assert!(
            differences.is_empty(),
            "{} of {} answers to {commands} differ from those of OpenZFS {openzfs}\n\n{}",
            differences.len(),
            records.len(),
            differences.join("\n")
        );
    }
}

#[test]
fn freebsd_13_answers_as_openzfs_2_1() {
    compare_all(13, "2.1");
}

#[test]
fn freebsd_15_answers_as_openzfs_2_3() {
    compare_all(15, "2.3");
}

/// What the lines `room` of the transcripts show at a few places: what a dataset uses is no longer
/// available, and a dataset uses what those below it use (zfsprops(7)).
#[test]
fn whatever_is_done_the_room_of_a_pool_stays_and_a_dataset_uses_what_is_below_it() {
    for (commands, _) in RUNS {
        let mut host = host(15);
        let pools: Vec<String> = host.state.pools.keys().cloned().collect();
        let room = |host: &mut Host, pool: &str| -> u64 {
            let numbers = numbers(host, &["get", "-Hp", "-o", "value", "used,available", pool]);
            numbers.iter().sum()
        };
        let rooms: Vec<u64> = pools.iter().map(|pool| room(&mut host, pool)).collect();
        for asked in record(commands, "2.3").records {
            answer(&mut host, &asked);
            for (pool, before) in pools.iter().zip(&rooms) {
                assert_eq!(
                    room(&mut host, pool),
                    *before,
                    "{pool} after {}",
                    asked.line
                );
                let used = ["list", "-Hp", "-d", "1", "-o", "used", pool];
                let used = numbers(&mut host, &used);
                let [of_pool, below @ ..] = used.as_slice() else {
                    panic!("{pool} is not listed");
                };
                assert!(*of_pool > below.iter().sum(), "{pool} after {}", asked.line);
            }
        }
    }
}

/// The numbers that zfs prints, one a line.
fn numbers(host: &mut Host, args: &[&str]) -> Vec<u64> {
    let words = std::iter::once(&"zfs").chain(args);
    let answer = host.run(&Call::new(words.copied()));
    let text = answer.stdout();
    let number = |line: &str| line.parse().unwrap_or_else(|_| panic!("{args:?}: {text}"));
    text.lines().map(number).collect()
}

#[test]
fn every_command_has_a_record() {
    for (file, releases) in RUNS {
        let text = std::fs::read_to_string(data().join(file)).expect("the commands");
        let commands = commands(&text);
        for release in releases {
            let records = record(file, release).records;
            let recorded: Vec<&str> = records.iter().map(|record| record.line.as_str()).collect();
            similar_asserts::assert_eq!(commands, recorded, "{file}, OpenZFS {release}");
        }
    }
}

#[test]
fn every_refusal_that_the_program_can_get_is_recorded() {
    let refusals = [
        "clones of previous snapshots exist",
        "dataset already exists",
        "dataset does not exist",
        "dataset is busy",
        "could not find any snapshots to destroy",
        "has children",
        "has dependent clones",
        "invalid character '+' in name",
        "invalid character % in name",
        "more recent snapshots or bookmarks exist",
        "multiple '@' and/or '#' delimiters in name",
        "name is too long",
        "no snapshots were created",
        "no such pool or dataset",
        "no such pool",
        "out of space",
        "parent does not exist",
        "permission denied",
        "source and target pools differ",
        "trailing slash in name",
        "volume size cannot be zero",
    ];
    for release in RELEASES {
        let records = transcript(release).records;
        let has = |text: &str| {
            let lines = records.iter().flat_map(|record| &record.stderr);
            lines.into_iter().any(|line| line.contains(text))
        };
        let missing: Vec<&str> = refusals.into_iter().filter(|text| !has(text)).collect();
        assert_eq!(missing, Vec::<&str>::new(), "OpenZFS {release}");
    }
}

/// Also how a new record comes in: `EB_ZFS_RECORDED` names it, `EB_ZFS_COMMANDS` the file of its commands,
/// and with `BLESS=1` it becomes the transcript of its release.
#[test]
fn a_transcript_has_nothing_in_it_that_no_two_runs_share() {
    let names = ["EB_ZFS_RECORDED", "EB_ZFS_COMMANDS"].map(std::env::var);
    let records: Vec<(String, Transcript)> = if let [Ok(recorded), Ok(commands)] = names {
        let bytes = std::fs::read(recorded).expect("a record");
        vec![(commands, Transcript::parse(&bytes))]
    } else {
        let runs = RUNS.iter();
        let each = runs.flat_map(|(file, releases)| {
            let one = |release: &&str| ((*file).to_owned(), record(file, release));
            releases.iter().map(one)
        });
        each.collect()
    };
    for (commands, mut transcript) in records {
        transcript.records = transcript.records.iter().map(masked).collect();
        let release = RELEASES.iter().find(|release| {
            let version = transcript.heading.strip_prefix("zfs-");
            version.is_some_and(|version| version.starts_with(&format!("{release}.")))
        });
        let release = release.unwrap_or_else(|| panic!("a record of {}", transcript.heading));
        let target = file(&commands, release);
        if let Err(difference) = compare(&target, &transcript.to_string()) {
            panic!("{}\n{difference}", target.display());
        }
    }
}
