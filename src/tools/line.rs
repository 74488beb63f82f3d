//! A VM's serial line, the console of loader and bhyve(8).

use crate::command::Streams;
use crate::model::Vm;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The backend of the VM's first serial line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Console {
    /// The caller's terminal.
    Stdio,
    /// The A side of the VM's nmdm(4) pair.
    Nmdm(PathBuf),
}

impl Console {
    /// The VM's own nmdm(4) pair.
    pub fn of(vm: &Vm, devices: &Path) -> Self {
        Self::Nmdm(side_of_vm(vm.id, devices))
    }

    /// The argument of loader and bhyve(8) for this backend.
    pub fn backend(&self) -> &OsStr {
        match self {
            Self::Stdio => OsStr::new("stdio"),
            Self::Nmdm(path) => path.as_os_str(),
        }
    }

    /// The standard streams of a program with this console.
    pub fn streams(&self) -> Streams {
        match self {
            Self::Stdio => Streams::Terminal,
            Self::Nmdm(_) => Streams::Relayed,
        }
    }
}

/// The side of the pair that loader and bhyve(8) open: `/dev/nmdmNA`, N the VM's id (nmdm(4)).
pub fn side_of_vm(id: u16, devices: &Path) -> PathBuf {
    devices.join(format!("nmdm{id}A"))
}

/// The user's side of the pair: `/dev/nmdmNB`.
pub fn side_of_person(vm: &Vm, devices: &Path) -> PathBuf {
    devices.join(format!("nmdm{}B", vm.id))
}
