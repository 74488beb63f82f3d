//! The record that a supervisor writes about its VM: a hint, used only if ps(1) confirms it.
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

/// The version of the file's format.
const SCHEMA: u32 = 1;

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
    /// The VM has ended, and its resources are being freed.
    Ending,
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
        }
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
        (state.schema == SCHEMA).then_some(state)
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
