//! The processes of VMs, in tests and as receivers of signals.

use crate::command::Command;
use crate::model::name::VmName;
use serde::Serialize;

/// The work of processes for a VM, in sh(1) and JSON as in [`Work::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// bhyve(8) under its title.
    Running,
    /// bhyve(8), with or without its title, whose guest does not handle its power button.
    Deaf,
    /// bhyve(8), with or without its title.
    Bhyve,
    /// bhyveload(8) or grub-bhyve.
    Loader,
    /// Any of these.
    Any,
}

impl Work {
    /// The word in sh(1) and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Deaf => "deaf",
            Self::Bhyve => "bhyve",
            Self::Loader => "loader",
            Self::Any => "any",
        }
    }
}

/// The processes of VMs with a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workers {
    /// The query that lists all processes.
    pub command: Command,
    /// The work.
    pub work: Work,
    /// The VMs.
    pub vms: Vec<VmName>,
}

/// A signal to the processes of VMs, looked up just before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signal {
    /// The command, without the pids as its last arguments.
    pub by: Command,
    /// The receivers.
    pub to: Workers,
}

/// The features of a known process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// The process is the supervisor of this VM.
    Supervisor(VmName),
    /// The real uid, jail and arguments in the output of ps(1).
    Shown(String),
}
