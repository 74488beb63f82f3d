//! VMs that are to end, and how.

use crate::error::{Error, Result};
use crate::model::Vm;
use crate::operation::wire::{self, Options};

/// How VMs are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By the power button; the guests shut themselves down.
    Button,
    /// By a power cut.
    Cut,
    /// By the power button, and after a time limit by a power cut.
    ButtonThenCut,
}

impl How {
    /// By the power button, or with `-f` by a power cut.
    pub fn of(force: bool) -> Self {
        if force { Self::Cut } else { Self::Button }
    }

    /// The word in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Cut => "cut",
            Self::ButtonThenCut => "button-then-cut",
        }
    }

    /// Parses the word of a request.
    ///
    /// # Errors
    /// If the word is missing or unknown.
    pub fn parse(options: &mut Options<'_>) -> Result<Self> {
        let typed = wire::needed("how", options.one("how")?)?;
        [Self::Button, Self::Cut, Self::ButtonThenCut]
            .into_iter()
            .find(|how| how.as_str() == typed)
            .ok_or_else(|| Error::usage(format!("how={typed} is unknown")))
    }
}

/// The process of a VM that must be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The guest, which handles its power button.
    Listening,
    /// The guest, which does not handle its power button, or not yet: it is still booting.
    Deaf,
    /// bhyve, which waits for a viewer and has no guest yet.
    Waiting,
    /// The loader.
    Loader,
    /// Only the supervisor: neither loader nor guest runs at this moment.
    Supervisor,
}

/// A VM that is to end.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'vm> {
    /// The VM.
    pub vm: &'vm Vm,
    /// The process that must be ended.
    pub target: Target,
    /// The pid of the supervisor, which frees the resources of the VM when it exits.
    pub supervisor: Option<u32>,
}

impl Ending<'_> {
    /// Whether the guest does not handle its power button, or not yet.
    pub(super) fn is_deaf(&self) -> bool {
        self.target == Target::Deaf
    }
}

/// The names of the VMs.
pub(super) fn list(endings: &[Ending<'_>]) -> String {
    let names: Vec<&str> = endings
        .iter()
        .map(|ending| ending.vm.name.as_str())
        .collect();
    names.join(", ")
}
