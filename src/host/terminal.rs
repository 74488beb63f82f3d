//! The modes of the terminal, saved before a child uses it and restored after.
//!
//! bhyve(8) and bhyveload(8) set raw mode and restore it only at a normal exit; bhyve leaves
//! `O_NONBLOCK` on the shared open file (`usr.sbin/bhyve/uart_backend.c`).

use console::Term;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use std::os::fd::AsFd;

/// The modes and flags of a terminal.
#[derive(Debug)]
pub struct Modes {
    termios: Termios,
    flags: OFlag,
}

impl Modes {
    /// Saves the modes of `terminal`; none if it is not a terminal.
    pub fn save(terminal: impl AsFd) -> Option<Self> {
        let termios = tcgetattr(terminal.as_fd()).ok()?;
        let flags = OFlag::from_bits_truncate(fcntl(terminal, FcntlArg::F_GETFL).ok()?);
        Some(Self { termios, flags })
    }

    /// Restores the modes; errors are ignored, because the terminal may be closed.
    pub fn restore(&self, terminal: impl AsFd) {
        let _ = tcsetattr(terminal.as_fd(), SetArg::TCSADRAIN, &self.termios);
        let _ = fcntl(terminal, FcntlArg::F_SETFL(self.flags));
    }
}

/// The columns of a terminal, if it is one and they are known.
pub fn columns(terminal: &Term) -> Option<usize> {
    let (_, columns) = terminal.size_checked()?;
    Some(usize::from(columns))
}
