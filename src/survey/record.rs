//! The record that a supervisor writes about its VM: a hint, used only if ps(1) confirms it. After the
//! end of the VM the record keeps that end, until the host boots again and empties `/var/run`.
//!
//! A pid alone is insufficient, because another process may have the same pid later. ps(1) must list
//! the process as root's, in no jail, as the supervisor of this VM, and as older than the record. The
//! record contains its time in seconds since boot, which is compared with the elapsed time of the
//! process (`etimes` of ps(1)). Neither changes when the clock is set; `lstart` does, and also depends
//! on the caller's time zone and language.

use super::Processes;
use crate::error::Result;
use crate::host::{Ended, Look};
use crate::model::name::{Snapshot, VmName};
use crate::run::{no_answer, not_started};
use crate::tools::zfs::{self, parse_snapshot};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// The version of the file's format. Version 1 is read, too: its writer may run during an update.
const SCHEMA: u32 = 2;

/// The content of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    schema: u32,
    /// The pid of the supervisor.
    pub supervisor: u32,
    /// The phase.
    pub phase: Phase,
    /// The pid of bhyve(8), if there is one.
    pub bhyve: Option<u32>,
    /// When the VM was started: local time, `YYYY-MM-DD HH:MM:SS`.
    pub since: String,
    /// The same moment in seconds since the host's boot.
    pub uptime: u64,
    /// How often the guest was started again since then.
    pub restarts: u32,
    /// The cpus of the guest, as given to bhyve(8), whose title hides its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// The memory of the guest, as given to bhyve(8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mem: Option<String>,
    /// The snapshots of this temporary run, and the leftover snapshots of earlier runs: `VOLUME@NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temp: Vec<String>,
    /// The last end of the guest, of this run or an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_end: Option<LastEnd>,
}

/// An end of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEnd {
    /// When the guest ended: local time, `YYYY-MM-DD HH:MM:SS`.
    pub when: String,
    /// The same moment in seconds since the host's boot.
    pub uptime: u64,
    /// The exit status of bhyve(8), if it has run and no signal has ended it.
    pub status: Option<i32>,
    /// How the guest ended, in words that follow "the guest".
    pub reason: String,
    /// Whether the guest crashed: bhyve(8) failed, or a signal ended bhyve, and nobody had asked for it.
    pub crashed: bool,
}

impl LastEnd {
    /// The seconds since then; `None` for an end before the host's last boot.
    pub fn seconds_ago(&self, now: Duration) -> Option<u64> {
        now.as_secs().checked_sub(self.uptime)
    }

    /// The time since then in its largest unit, for a message.
    pub fn ago(&self, now: Duration) -> String {
        match self.seconds_ago(now) {
            None => format!("on {}", self.when),
            Some(0) => "just now".to_owned(),
            Some(seconds) => format!("{} ago", length(seconds)),
        }
    }
}

/// A number of seconds in its largest unit, for a message.
pub fn length(seconds: u64) -> String {
    let units = [(86400, "d"), (3600, "h"), (60, "min")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length);
    let (length, unit) = unit.unwrap_or((1, "s"));
    format!("{} {unit}", seconds / length)
}

/// The phase of a supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The network is being set up.
    Network,
    /// The guest is being loaded.
    Loader,
    /// bhyve(8) is starting.
    Starting,
    /// The guest runs.
    Running,
    /// The VM has ended, and its resources are being freed, or a snapshot of its run is left.
    Ending,
    /// The VM has ended, and its resources are free.
    Ended,
}

impl Phase {
    /// Whether the VM has ended; its supervisor may exist a moment longer.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ending | Self::Ended)
    }
}

impl Record {
    /// The record of a VM that this process starts at this time.
    pub fn new(supervisor: u32, since: String, uptime: Duration) -> Self {
        Self {
            schema: SCHEMA,
            supervisor,
            phase: Phase::Network,
            bhyve: None,
            since,
            uptime: uptime.as_secs(),
            restarts: 0,
            cpu: None,
            mem: None,
            temp: Vec::new(),
            last_end: None,
        }
    }

    /// Whether nothing of the run is left but this record.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// The content of the file.
    pub fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// The record of a VM in this directory, if its writer is the supervisor that ps(1) shows now;
    /// `None` if not, or if the record cannot be read.
    pub fn of_supervisor(
        look: &mut dyn Look,
        directory: &Path,
        processes: &Processes,
        vm: &VmName,
    ) -> Option<Self> {
        let state = Self::of(look, directory, vm)?;
        let supervisor = processes.supervisor(vm.as_str())?;
        let began = look.uptime().as_secs().saturating_sub(supervisor.seconds);
        // Both times are rounded to seconds.
        let was_there = began <= state.uptime.saturating_add(1);
        (state.supervisor == supervisor.who.pid && was_there).then_some(state)
    }

    /// The record of a VM in this directory, by any writer; `None` if the record cannot be read.
    pub fn of(look: &mut dyn Look, directory: &Path, vm: &VmName) -> Option<Self> {
        let text = look.read(&directory.join(format!("{vm}.json"))).ok()?;
        let state: Self = serde_json::from_slice(&text).ok()?;
        (state.schema <= SCHEMA).then_some(state)
    }

    /// The recorded snapshots that exist; no query if there are none.
    ///
    /// # Errors
    /// If a query fails.
    pub fn left(&self, look: &mut dyn Look) -> Result<Vec<Snapshot>> {
        there(
            look,
            self.temp.iter().filter_map(|text| parse_snapshot(text)),
        )
    }
}

/// Those of the snapshots that exist.
///
/// # Errors
/// If a question fails.
pub fn there(
    look: &mut dyn Look,
    snapshots: impl Iterator<Item = Snapshot>,
) -> Result<Vec<Snapshot>> {
    let mut there = Vec::new();
    for snapshot in snapshots {
        let question = zfs::list(&snapshot.dataset);
        let finished = look
            .ask(&question)
            .map_err(|error| not_started(&question, &error))?;
        match finished.ended {
            Ended::Exit(0) => {
                let listed = String::from_utf8_lossy(&finished.stdout);
                let found = zfs::parse_list(&snapshot.dataset, &listed);
                let is_there = found.snapshots.iter().any(|one| one.name == snapshot.name);
                there.extend(is_there.then_some(snapshot));
            }
            Ended::Exit(1) if zfs::is_missing(&finished.stderr) => {}
            _ => return Err(no_answer(&question, &finished)),
        }
    }
    Ok(there)
}

#[cfg(test)]
mod tests {
    use super::LastEnd;
    use std::time::Duration;

    #[test]
    fn the_time_since_an_end_has_one_unit() {
        let end = LastEnd {
            when: "2026-11-23 12:00:00".to_owned(),
            uptime: 1000,
            status: Some(1),
            reason: "powered off".to_owned(),
            crashed: false,
        };
        for (passed, ago) in [
            (0, "just now"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (7199, "1 h ago"),
            (200_000, "2 d ago"),
        ] {
            assert_eq!(end.ago(Duration::from_secs(1000 + passed)), ago);
        }
        // The host has booted since, and its clock may be another.
        let now = Duration::from_secs(999);
        assert_eq!(end.ago(now), "on 2026-11-23 12:00:00");
        assert_eq!(end.seconds_ago(now), None);
    }
}
