//! Takes and shows snapshots of a VM's first disk.

use super::Plan;
use crate::error::{Error, Result};
use crate::model::name::{Dataset, SnapName, Snapshot};
use crate::tools::zfs;
use chrono::NaiveDateTime;

/// The plan that shows the snapshots of a volume.
pub fn show(volume: &Dataset) -> Plan {
    Plan::new(vec![zfs::show(volume).into()])
}

/// The plan that takes one.
pub fn take(snapshot: &Snapshot) -> Plan {
    Plan::new(vec![zfs::snapshot(snapshot).into()])
}

/// The name of a snapshot taken at `now`, local time: `_YYYYMMDDHHMM-WORD_WORD`.
///
/// Differs: The words of a snapshot are taken as typed
///
/// # Errors
/// If ZFS would not take it.
pub fn name(now: NaiveDateTime, words: &[String]) -> Result<SnapName> {
    let words: Vec<&str> = words
        .iter()
        .flat_map(|word| word.split_ascii_whitespace())
        .collect();
    if words.is_empty() {
        return Err(Error::usage("a snapshot's words are blank")
            .help("say what it is for, or say nothing for the list"));
    }
    let label = words.join("_");
    SnapName::parse(&format!("{}-{label}", stamp(now)))
        .map_err(|error| Error::usage(error.to_string()))
}

/// `_YYYYMMDDHHMM`.
pub fn stamp(now: NaiveDateTime) -> String {
    now.format("_%Y%m%d%H%M").to_string()
}
