//! What a supervisor notes about its VM beside the lock: a hint, believed only where ps(1) agrees.

use crate::host::Look;
use crate::model::name::VmName;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The version of the file's form.
const SCHEMA: u32 = 1;

/// What is noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    schema: u32,
    /// The process that supervises.
    pub supervisor: u32,
    /// What it is doing.
    pub phase: Phase,
    /// The process of bhyve(8), if it has one.
    pub bhyve: Option<u32>,
    /// When the VM was started: local time, `YYYY-MM-DD HH:MM:SS`.
    pub since: String,
    /// How often the guest was started again since.
    pub restarts: u32,
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

impl State {
    /// The state of a VM that is being started by this process at this time.
    pub fn new(supervisor: u32, since: String) -> Self {
        Self {
            schema: SCHEMA,
            supervisor,
            phase: Phase::Network,
            bhyve: None,
            since,
            restarts: 0,
        }
    }

    /// As the file's content.
    pub fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// What is noted of a VM in this directory; none if that is nothing that can be read.
    pub fn of(look: &mut dyn Look, directory: &Path, vm: &VmName) -> Option<Self> {
        let text = look.read(&directory.join(format!("{vm}.json"))).ok()?;
        let state: Self = serde_json::from_slice(&text).ok()?;
        (state.schema == SCHEMA).then_some(state)
    }
}
