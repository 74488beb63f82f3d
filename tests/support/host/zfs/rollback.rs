//! `zfs rollback`.

use std::path::Path;

use super::super::Host;
use super::super::call::{Answer, Call};
use super::super::process::Process;
use super::super::state::State;
use super::denied;
use super::destroy::destroy_one;
use super::name::{self, Types};
use super::property::Property;
use super::relation::{bookmarks, dependents, snapshots};
use super::usage::{options, wrong};

/// At most this many newer snapshots are named (zfs_main.c, rollback_check).
const NAMED: usize = 32;

/// `zfs rollback [-rRf] dataset@name`. It is permitted while a VM runs on the volume.
pub(super) fn rollback(host: &mut Host, call: &Call, args: &[String]) -> Result<Answer, Answer> {
    let state = &host.state;
    let words = options(state, "rollback", "rRf", args)?;
    let full = match words.operands.as_slice() {
        [full] => full,
        [] => return Err(wrong(state, "rollback", "missing dataset argument")),
        _ => return Err(wrong(state, "rollback", "too many arguments")),
    };
    name::open(state, full, Types::SNAPSHOT).map_err(|line| Answer::fail(1, line))?;
    let Some((base, label)) = full.split_once('@') else {
        return Ok(Answer::ok());
    };
    let newer = newer(state, base, full);
    let cannot = format!("cannot rollback to '{full}'");
    if !newer.is_empty() && !words.has("r") && !words.has("R") {
        let mut lines = vec![
            format!("{cannot}: more recent snapshots or bookmarks exist"),
            "use '-r' to force deletion of the following snapshots and bookmarks:".into(),
        ];
        lines.extend(newer.iter().take(NAMED).cloned());
        if newer.len() >= NAMED {
            lines.push(format!("Output limited to {NAMED} snapshots/bookmarks"));
        }
        return Err(Answer::fail(1, lines.join("\n")));
    }
    let clones: Vec<String> = newer
        .iter()
        .flat_map(|newer| dependents(state, newer))
        .collect();
    if !clones.is_empty() && !words.has("R") {
        let text = format!(
            "{cannot}: clones of previous snapshots exist\nuse '-R' to force deletion of the \
             following clones and dependents:\n{}",
            clones.join("\n")
        );
        return Err(Answer::fail(1, text));
    }
    let mut failed: Option<Answer> = None;
    for one in clones.iter().chain(&newer) {
        if let Err(answer) = destroy_one(host, call, one) {
            let before = failed.take().unwrap_or_else(|| Answer::exit(1));
            failed = Some(before.and_err(answer.stderr()));
        }
    }
    if let Some(answer) = failed {
        return Err(answer);
    }
    if let Some(answer) = denied(call, &format!("cannot rollback '{base}'")) {
        return Err(answer);
    }
    let node = Path::new("/dev/zvol").join(base);
    let in_use = |process: &Process| process.open.contains(&node);
    if host.state.processes.values().any(in_use) {
        // module/zfs/zfs_ioctl.c: the volume is suspended, swapped and resumed.
        host.harmed(format!("{base} was rolled back under a VM"));
    }
    if let Some(dataset) = host.state.datasets.get_mut(base)
        && let Some(snapshot) = dataset.snapshots.get(label)
        && let (Some(now), Some(then)) = (&mut dataset.volume, &snapshot.volume)
    {
        // The reservation stays, whatever the previous size was.
        now.volsize = then.volsize;
        now.blank = then.blank;
    }
    Ok(Answer::ok())
}

/// Snapshots and bookmarks that are newer than a snapshot of the same dataset.
fn newer(state: &State, base: &str, full: &str) -> Vec<String> {
    let born = |full: &str| -> Option<u64> {
        let value = Property::named("createtxg")?.value(state, full)?;
        value.parse().ok()
    };
    let target = born(full);
    snapshots(state, base)
        .into_iter()
        .chain(bookmarks(state, base))
        .filter(|one| born(one) > target)
        .collect()
}
