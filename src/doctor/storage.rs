//! The place of the disks: volroot, disks and images as `check` sees them, and the pool.

use super::answers::Answers;
use super::{Row, Verdict};
use crate::finding::{Finding, FindingName, Severity};

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

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let mut rows = vec![volroot(answers)];
    rows.extend(answers.pool.iter().flat_map(|pool| match pool {
        Ok(pool) => vec![
            health(&pool.name, &pool.health),
            room(&pool.name, pool.used_percent),
        ],
        Err(why) => vec![Row::not_asked("pool", why), Row::not_asked("space", why)],
    }));
    rows
}

fn volroot(answers: &Answers<'_>) -> Row {
    if !answers.is_freebsd {
        return Row::not_asked("disks", "this host is not FreeBSD");
    }
    let Ok(config) = answers.known.config else {
        return Row::not_asked("disks", "there is no configuration");
    };
    // Without their place no disk can be made.
    let is_first = |finding: &&Finding| finding.name == FindingName::VolrootMissing;
    let mut found: Vec<&Finding> = answers.findings(&NAMES).collect();
    found.sort_by_key(|finding| !is_first(finding));
    let Some(first) = found.first() else {
        let root = config.get("volroot");
        let root = root.map(|set| String::from_utf8_lossy(set.value).into_owned());
        let root = root.unwrap_or_default();
        return Row::pass(
            "disks",
            format!("those of all VMs exist; volroot is {root}"),
        );
    };
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Row {
        verdict: match first.severity {
            Severity::Warning if !is_first(first) => Verdict::Warn,
            _ => Verdict::Fail,
        },
        remedy: first.help.first().cloned(),
        ..Row::pass("disks", format!("{}{more}", first.message))
    }
}

/// zpoolconcepts(7): the pool works in the first two states.
fn health(pool: &str, health: &str) -> Row {
    let text = format!("{pool} is {health}");
    let remedy = format!("zpool status -x {pool}");
    match health {
        "ONLINE" => Row::pass("pool", text),
        "DEGRADED" => Row::warn("pool", text, remedy),
        _ => Row::fail("pool", text, remedy),
    }
}

fn room(pool: &str, used: u8) -> Row {
    let text = format!("{used} % of {pool} is used");
    let remedy = "free space: destroy snapshots and volumes that are not needed; zfs list -o space shows them";
    match used {
        OVERFULL.. => Row::fail("space", text, remedy),
        FULL.. => Row::warn("space", text, remedy),
        _ => Row::pass("space", text),
    }
}
