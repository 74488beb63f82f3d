//! A VM that is to end.

use crate::model::Vm;

/// The process of a VM that must be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The guest, which handles its power button.
    Listening,
    /// The guest, which does not handle its power button, or not yet: it is still booting.
    Deaf,
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
