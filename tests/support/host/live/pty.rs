//! Pseudo-terminals that no child inherits.

use std::io;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{OpenptyResult, Winsize, openpty};

/// Opens a pseudo-terminal of the usual size.
///
/// # Errors
/// If there is none left.
pub fn open() -> io::Result<OpenptyResult> {
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None)?;
    for end in [&pty.master, &pty.slave] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    Ok(pty)
}
