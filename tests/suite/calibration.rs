//! The simulated host against records of the real programs in `tests/calibration`.

mod freebsd_sh;
mod mask;
mod program;
mod record;
mod zfs;
