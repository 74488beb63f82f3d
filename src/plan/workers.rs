//! Who works for VMs, as a question and as whom to signal.

use crate::command::Command;
use crate::model::name::VmName;
use serde::Serialize;

/// What processes do for a VM, in sh(1) and JSON as in [`Work::as_str`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// bhyve(8) under its title.
    Running,
    /// bhyve(8), also one that is just starting.
    Bhyve,
    /// bhyveload(8) or grub-bhyve.
    Loader,
    /// Any of these.
    Any,
}

impl Work {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Bhyve => "bhyve",
            Self::Loader => "loader",
            Self::Any => "any",
        }
    }
}

/// What works for VMs in some way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workers {
    /// The question that shows all processes.
    pub command: Command,
    /// What they do.
    pub work: Work,
    /// For which VMs.
    pub vms: Vec<VmName>,
}

/// A signal for what works for VMs, each looked for just before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signal {
    /// The command, without the numbers behind it.
    pub by: Command,
    /// Who gets it.
    pub to: Workers,
}

/// What a process that was seen before is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// It supervises this VM.
    Supervisor(VmName),
    /// ps(1) shows it so: real uid, jail, arguments.
    Shown(String),
}
