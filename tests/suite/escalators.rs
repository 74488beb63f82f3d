//! The program with an ordinary user and the system's own doas(1) and sudo(8).
//!
//! The commands behind them run on the simulated host. The result of a run with the real one must equal
//! that with the simulated one ([`runs`]); [`calibration`] compares single calls.

mod calibration;
pub(crate) mod ground;
mod meetings;
mod runs;
mod surroundings;
mod terminal;
mod typed;

use crate::host::Host;
use ground::Rules;

/// A VM for each loader.
const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES
deb0_id=2 deb0_grub_boot='linux (hd0,msdos1)/vmlinuz'
";

/// Everything without a password.
const ALL: Rules = Rules {
    doas: Some("permit nopass user as root"),
    sudo: Some("user ALL=(root) NOPASSWD: ALL"),
};

/// Everything with a password.
const PASSWORD: Rules = Rules {
    doas: Some("permit user as root"),
    sudo: Some("user ALL=(root) ALL"),
};

/// A freshly booted host with the disks of both.
fn host() -> Host {
    let mut host = Host::freebsd(14)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
        .with_volume("zroot/vm/deb0", 1 << 30);
    host.state.guest.title_ms = 0;
    host.state.guest.loader_ms = 0;
    host
}
