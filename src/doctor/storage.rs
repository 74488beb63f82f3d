//! The place of the disks: volroot, disks and images as `check` sees them, and the pool.

use super::answers::{Answers, NO_CONFIG};
use super::private::Name;
use super::{Row, Verdict};
use crate::config::Config;
use crate::finding::{Finding, FindingName};
use std::fmt::Write;

/// The findings of `check` that are rows of their own here.
pub(super) const NAMES: [FindingName; 3] = [
    FindingName::VolrootMissing,
    FindingName::DiskMissing,
    FindingName::ReadOnly,
];

/// From this share of its size on, in percent, a pool becomes slow; and there is soon no room.
const FULL: u8 = 80;
/// From this share on there is no room for what running guests write.
const OVERFULL: u8 = 95;

const SUBJECTS: [&str; 3] = ["disks", "pool", "space"];

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    if !answers.is_freebsd {
        return not_asked(SUBJECTS, "this host is not FreeBSD").to_vec();
    }
    let Ok(config) = answers.known.config else {
        return not_asked(SUBJECTS, NO_CONFIG).to_vec();
    };
    let mut rows = vec![volroot(answers, config)];
    rows.extend(answers.pool.iter().flat_map(|pool| match pool {
        Ok(pool) => vec![
            health(&pool.name, &pool.health),
            room(&pool.name, pool.used_percent),
        ],
        Err(why) => not_asked(["pool", "space"], why).to_vec(),
    }));
    rows
}

fn not_asked<const COUNT: usize>(subjects: [&'static str; COUNT], why: &str) -> [Row; COUNT] {
    subjects.map(|subject| Row::not_asked(subject, why))
}

fn volroot(answers: &Answers<'_>, config: &Config) -> Row {
    // Without their place no disk can be made.
    let is_first = |finding: &&Finding| finding.name == FindingName::VolrootMissing;
    let mut found: Vec<&Finding> = answers.findings(&NAMES).collect();
    found.sort_by_key(|finding| !is_first(finding));
    let Some(first) = found.first() else {
        let root = config.get("volroot").map_or(&[][..], |set| set.value);
        let root = String::from_utf8_lossy(root);
        let text = format!("those of all VMs exist; volroot is {root}");
        return Row::pass("disks", text).naming(Name::place(root.as_ref()));
    };
    let mut row = Row::of_finding("disks", first);
    if found.len() > 1 {
        let _ = write!(row.finding, ", and {} more", found.len() - 1);
    }
    if is_first(first) {
        row.verdict = Verdict::Fail;
    }
    row
}

/// zpoolconcepts(7): the pool works in the first two states.
fn health(pool: &str, health: &str) -> Row {
    let text = format!("{pool} is {health}");
    let remedy = format!("zpool status -x {pool}");
    let row = match health {
        "ONLINE" => Row::pass("pool", text),
        "DEGRADED" => Row::warn("pool", text, remedy),
        _ => Row::fail("pool", text, remedy),
    };
    row.naming(Name::pool(pool))
}

fn room(pool: &str, used: u8) -> Row {
    let text = format!("{used} % of {pool} is used");
    let remedy = "free space: destroy snapshots and volumes that are not needed; zfs list -o space shows them";
    let row = match used {
        OVERFULL.. => Row::fail("space", text, remedy),
        FULL.. => Row::warn("space", text, remedy),
        _ => Row::pass("space", text),
    };
    row.naming(Name::pool(pool))
}
