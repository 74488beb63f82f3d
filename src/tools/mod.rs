//! The host's programs: functions from typed arguments to a [`crate::command::Command`], and from output
//! text to a value. One file per program, without input or output.

pub mod bhyve;
pub mod bhyvectl;
pub mod bhyveload;
pub mod cu;
pub mod daemon;
pub mod file;
pub mod fstat;
pub mod grub;
pub mod ifconfig;
pub mod kld;
pub mod line;
pub mod log;
pub mod manual;
pub mod process;
pub mod route;
pub mod sysctl;
pub mod workers;
pub mod zfs;
