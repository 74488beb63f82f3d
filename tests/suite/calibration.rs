//! The simulated host against records of the real programs in `tests/calibration`.

mod bhyve;
mod bootrom;
mod filesystems;
mod filesystems_anew;
mod freebsd_sh;
mod grub;
mod grub_commands;
mod grub_disks;
mod mask;
mod program;
mod record;
mod zfs;
