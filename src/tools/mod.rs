//! The host's programs: functions from typed arguments to a [`crate::command::Command`], and from output
//! text to a value. One file per program, without input or output.

pub mod bhyve;
pub mod bhyvectl;
pub mod bhyveload;
pub mod cu;
pub mod daemon;
pub mod file;
pub mod firmware;
pub mod fstat;
pub mod grub;
pub mod ifconfig;
pub mod kld;
pub mod line;
pub mod log;
pub mod manual;
pub mod pkg;
pub mod process;
pub mod route;
pub mod sysctl;
pub mod sysrc;
pub mod viewer;
pub mod workers;
pub mod zfs;
pub mod zpool;

use crate::model::Vm;
use std::ffi::OsString;

/// The option for wired memory: the loader and bhyve(8) share the memory, and must agree on it
/// (`lib/libvmmapi/vmmapi.c`).
fn wired(vm: &Vm) -> Vec<OsString> {
    vm.is_wired.then(|| "-S".into()).into_iter().collect()
}
