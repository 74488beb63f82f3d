//! Thousands of snapshots and clones: few processes, and work that grows with their number alone.

use crate::call::{Said, call};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use easy_bhyve::model::name::Dataset;
use easy_bhyve::tools::zfs::group::Details;
use easy_bhyve::tools::zfs::parse_lists;
use std::fmt::Write;

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm
a_id=1 a_freebsd=YES a_hd1=/dev/zvol/zroot/vm/ab
";

/// A host with this number of snapshots of both disks of `a`, and the first one with the name of its disk.
fn host(number: usize) -> Host {
    let mut host = Host::freebsd(14)
        .with_volume("zroot/vm/a", 1 << 30)
        .with_volume("zroot/vm/ab", 1 << 30);
    for at in 0..number {
        let name = format!("_20260101{:02}{:02}-s{at}", at / 60 % 24, at % 60);
        let line =
            format!("zfs snapshot -o easy-bhyve:disks=0,1 zroot/vm/a@{name} zroot/vm/ab@{name}");
        host = host.with_commands(&[&line]);
    }
    host.forget_calls();
    host
}

/// The commands of `zfs` that ran, by their subcommands.
fn ran(fake: &Fake, verb: &str) -> Vec<Vec<String>> {
    let host = fake.host();
    let calls = host.calls().iter().map(|call| call.argv.clone());
    calls
        .filter(|argv| argv.first().is_some_and(|word| word == "zfs"))
        .filter(|argv| argv.get(1).is_some_and(|word| word == verb))
        .collect()
}

fn snapshots(fake: &Fake, volume: &str) -> usize {
    fake.host().state.datasets[volume].snapshots.len()
}

fn ok(said: &Said) -> &Said {
    assert_eq!(said.status, 0, "{}", said.err);
    said
}

#[test]
fn a_thousand_snapshots_are_destroyed_by_few_commands() {
    let mut fake = Fake::new(host(1000), USER);
    let said = call(
        &mut fake,
        CONFIG,
        &["a-snapshot", "--prune", "keep=10", "-f"],
    );
    assert_eq!(
        ok(&said).err,
        "a-snapshot: destroyed 990 snapshots, and kept 10\n"
    );
    assert_eq!(snapshots(&fake, "zroot/vm/a"), 10);
    assert_eq!(snapshots(&fake, "zroot/vm/ab"), 10);
    assert_eq!(ran(&fake, "destroy").len(), 20);
    assert_eq!(ran(&fake, "list").len() + ran(&fake, "get").len(), 4);
}

#[test]
fn a_rollback_over_a_thousand_snapshots_shows_each_and_destroys_them_by_name() {
    let mut fake = Fake::new(host(1000), USER);
    fake.answer = Some(true);
    let first = "_202601010000-s0";
    let said = call(&mut fake, CONFIG, &["a-rollback", first]);
    let shown = ok(&said)
        .err
        .lines()
        .filter(|line| line.starts_with("  the snapshot "));
    assert_eq!(shown.count(), 2 * 999);
    assert_eq!(snapshots(&fake, "zroot/vm/a"), 1);
    assert_eq!(snapshots(&fake, "zroot/vm/ab"), 1);
    let destroyed = ran(&fake, "destroy");
    assert_eq!(destroyed.len(), 20);
    let names = destroyed.iter().flat_map(|argv| argv[2].split(','));
    assert_eq!(names.count(), 2 * 999);
    assert_eq!(ran(&fake, "rollback").len(), 2);
}

#[test]
fn a_tree_of_a_thousand_volumes_takes_two_questions() {
    let mut host = host(1);
    for at in 0..999 {
        let line = format!("zfs clone zroot/vm/a@_202601010000-s0 zroot/vm/clone{at}");
        host = host.with_commands(&[&line]);
    }
    host.forget_calls();
    let mut fake = Fake::new(host, USER);
    let said = call(&mut fake, CONFIG, &["a-history", "--tree", "--disk", "0"]);
    let clones = ok(&said).out.lines().filter(|line| line.contains("clone"));
    assert_eq!(clones.count(), 999);
    assert_eq!(fake.host().calls().len(), 2);
}

/// What takes quadratic time takes minutes here.
#[test]
fn a_list_of_many_snapshots_is_read_to_its_end() {
    const MANY: usize = 20_000;
    let (mut list, mut details) = (String::new(), String::new());
    let volumes: Vec<Dataset> = (0..16)
        .map(|at| Dataset::parse(&format!("zroot/vm/a{at}")).expect("a dataset"))
        .collect();
    for volume in &volumes {
        for at in 0..MANY {
            writeln!(list, "{volume}@s{at}\t-\t\t0\t1\t1700000000\t{at}\t0").unwrap();
            writeln!(details, "{volume}@s{at}\twritten\t1\t-").unwrap();
            writeln!(details, "{volume}@s{at}\teasy-bhyve:disks\t0,1\tlocal").unwrap();
        }
    }
    let volumes: Vec<&Dataset> = volumes.iter().collect();
    let found = parse_lists(&volumes, &list);
    let details = Details::parse(&details);
    assert!(found.iter().all(|one| one.snapshots.len() == MANY));
    assert!(details.of("zroot/vm/a15@s0").is_some());
}
