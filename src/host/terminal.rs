//! The terminal's modes, saved before a child gets it and restored after.
//!
//! bhyve(8) and bhyveload(8) make it raw and restore it only at their own normal end; bhyve leaves
//! `O_NONBLOCK` on the open file, which is shared (`usr.sbin/bhyve/uart_backend.c`).

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use std::os::fd::AsFd;

/// What a terminal was like.
#[derive(Debug)]
pub struct Modes {
    termios: Termios,
    flags: OFlag,
}

impl Modes {
    /// Saves the modes of `terminal`; none if it is not one.
    pub fn save(terminal: impl AsFd) -> Option<Self> {
        let termios = tcgetattr(terminal.as_fd()).ok()?;
        let flags = OFlag::from_bits_truncate(fcntl(terminal, FcntlArg::F_GETFL).ok()?);
        Some(Self { termios, flags })
    }

    /// Puts them back; a terminal that has gone is no failure.
    pub fn restore(&self, terminal: impl AsFd) {
        let _ = tcsetattr(terminal.as_fd(), SetArg::TCSADRAIN, &self.termios);
        let _ = fcntl(terminal, FcntlArg::F_SETFL(self.flags));
    }
}
