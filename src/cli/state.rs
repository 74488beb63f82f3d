//! The state of a VM, in one word.

use crate::host::Look;
use crate::model::name::VmName;
use crate::survey::Processes;
use crate::survey::record::{LastEnd, Record};
use crate::tools::process::Role;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// The record of the process that supervises a VM now.
pub(super) fn noted(
    look: &mut dyn Look,
    run: &Path,
    processes: &Processes,
    vm: &str,
) -> Option<Record> {
    Record::of_supervisor(look, run, processes, &VmName::parse(vm).ok()?)
}

/// The state of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum VmState {
    /// Nothing of the VM runs.
    Stopped,
    /// The VM has a node without a process.
    LeftOver,
    /// The loader runs.
    Loading,
    /// The VM is being set up, or bhyve(8) starts.
    Starting,
    /// The guest runs.
    Running,
    /// The resources of the VM are being freed.
    Ending,
    /// The guest runs without a supervisor.
    Orphan,
    /// Processes are hidden, and the VM may run.
    Unknown,
    /// The name is not valid for easy-bhyve: another program has started the VM.
    Foreign,
}

impl VmState {
    /// The state of a VM with a process of this role.
    pub(super) fn of(role: Role, processes: &Processes, vm: &str, noted: Option<&Record>) -> Self {
        match role {
            Role::Running if processes.supervisor(vm).is_none() => Self::Orphan,
            Role::Running => Self::Running,
            Role::Supervised if noted.is_some_and(|noted| noted.phase.is_over()) => Self::Ending,
            Role::Starting | Role::Supervised => Self::Starting,
            Role::Loading => Self::Loading,
        }
    }

    /// The word in a table.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::LeftOver => "left over",
            Self::Loading => "loading",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ending => "ending",
            Self::Orphan => "orphan",
            Self::Unknown => "unknown",
            Self::Foreign => "foreign",
        }
    }
}

/// The last end of a guest, as `--format json` shows it.
#[derive(Debug, Serialize)]
pub(super) struct End {
    when: String,
    /// Not known for an end before the host's last boot.
    seconds_ago: Option<u64>,
    status: Option<i32>,
    reason: String,
    pub(super) crashed: bool,
    #[serde(skip)]
    ago: String,
}

impl End {
    pub(super) fn of(end: &LastEnd, now: Duration) -> Self {
        Self {
            when: end.when.clone(),
            seconds_ago: end.seconds_ago(now),
            status: end.status,
            reason: end.reason.clone(),
            crashed: end.crashed,
            ago: end.ago(now),
        }
    }

    /// The state of a VM that does not run: `crashed 3 min ago`.
    pub(super) fn state(&self) -> Option<String> {
        self.crashed.then(|| format!("crashed {}", self.ago))
    }

    /// The end in words: `3 min ago the guest powered off (status 1)`.
    pub(super) fn told(&self) -> String {
        format!("{} the guest {}", self.ago, self.reason)
    }
}
