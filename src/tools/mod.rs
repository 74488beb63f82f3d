//! The host's programs: typed arguments in, a [`crate::command::Command`] out; output text in,
//! a value out. One file per program, no input or output of its own.

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
pub mod process;
pub mod sysctl;
pub mod workers;
pub mod zfs;
