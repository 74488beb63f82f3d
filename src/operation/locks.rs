//! What a job locks, and the terminal of its process.

use crate::model::name::VmName;
use std::path::PathBuf;

/// What a job locks against other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// Nothing. While a VM runs, its supervisor holds the lock until the supervisor exits.
    Nothing,
    /// The VM.
    Vm,
    /// The VM, all of its disks, and the store of its UEFI variables.
    VmAndDisks,
    /// The VM, and the store of its UEFI variables.
    VmAndStore,
    /// The VM, and the path of the disk with this number, which the job makes.
    VmAndNewDisk(u8),
    /// The path of the disk with this number, which the job makes, also while the VM runs.
    NewDisk(u8),
    /// The size of the disk with this number, also while the VM runs.
    Size(u8),
    /// The VM, all of its disks, and the size of the one with this number.
    VmAndSize(u8),
}

/// What a job makes or gives a name, and locks before it exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewNames {
    /// The VMs.
    pub vms: Vec<VmName>,
    /// The paths of disks and of stores of UEFI variables.
    pub files: Vec<PathBuf>,
}

/// The terminal of the process of the root side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// On the caller's terminal, until the job is done.
    Caller,
    /// On the caller's terminal, as the supervisor: ps(1) must list it as a process of the root side.
    Supervisor,
    /// In the background, as the supervisor: the caller waits until the guest runs.
    Background,
}
