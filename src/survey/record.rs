//! What a supervisor notes about its VM beside the lock: a hint, believed only where ps(1) agrees.
//!
//! A number alone is not believed: another process can have it by now. ps(1) must show that process
//! as root's, in no jail, supervising this VM, and as one that was there already when the note was
//! begun. That moment is noted as the time since boot, and compared with the time for which ps(1)
//! says that the process has run (`etimes`): neither changes when the clock is set, as `lstart` does,
//! which depends on the caller's time zone and language, too.

use super::Processes;
use crate::error::Result;
use crate::host::{Ended, Look};
use crate::model::name::{Snapshot, VmName};
use crate::run::{no_answer, not_started};
use crate::tools::zfs::{self, parse_snapshot};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// The version of the file's form.
const SCHEMA: u32 = 1;

/// What is noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    schema: u32,
    /// The process that supervises.
    pub supervisor: u32,
    /// What it is doing.
    pub phase: Phase,
    /// The process of bhyve(8), if it has one.
    pub bhyve: Option<u32>,
    /// When the VM was started: local time, `YYYY-MM-DD HH:MM:SS`.
    pub since: String,
    /// The same moment in seconds since the host's boot.
    pub uptime: u64,
    /// How often the guest was started again since.
    pub restarts: u32,
    /// The snapshots of runs without a trace, this one and those that have left theirs: `VOLUME@NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temp: Vec<String>,
}

/// What a supervisor is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It makes the network.
    Network,
    /// It loads the guest.
    Loader,
    /// bhyve(8) starts.
    Starting,
    /// The guest runs.
    Running,
    /// It has ended, and everything is freed.
    Ending,
}

impl Record {
    /// The state of a VM that is being started by this process at this time.
    pub fn new(supervisor: u32, since: String, uptime: Duration) -> Self {
        Self {
            schema: SCHEMA,
            supervisor,
            phase: Phase::Network,
            bhyve: None,
            since,
            uptime: uptime.as_secs(),
            restarts: 0,
            temp: Vec::new(),
        }
    }

    /// As the file's content.
    pub fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// What is noted of a VM in this directory by the process that supervises it as ps(1) shows it
    /// now; none if that is another, or nothing that can be read.
    pub fn of_supervisor(
        look: &mut dyn Look,
        directory: &Path,
        processes: &Processes,
        vm: &VmName,
    ) -> Option<Self> {
        let state = Self::of(look, directory, vm)?;
        let supervisor = processes.supervisor(vm.as_str())?;
        let began = look.uptime().as_secs().saturating_sub(supervisor.seconds);
        // Both are rounded to seconds.
        let was_there = began <= state.uptime.saturating_add(1);
        (state.supervisor == supervisor.who.pid && was_there).then_some(state)
    }

    /// What is noted of a VM in this directory, by whomever; none if that is nothing that can be read.
    pub fn of(look: &mut dyn Look, directory: &Path, vm: &VmName) -> Option<Self> {
        let text = look.read(&directory.join(format!("{vm}.json"))).ok()?;
        let state: Self = serde_json::from_slice(&text).ok()?;
        (state.schema == SCHEMA).then_some(state)
    }

    /// Those of its snapshots that are there; asks for none where none are noted.
    ///
    /// # Errors
    /// If a question fails.
    pub fn left(&self, look: &mut dyn Look) -> Result<Vec<Snapshot>> {
        there(
            look,
            self.temp.iter().filter_map(|text| parse_snapshot(text)),
        )
    }
}

/// Those of the snapshots that are there.
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
