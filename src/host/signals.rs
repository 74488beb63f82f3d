//! Signals, noted instead of died of, and a stream that can be read when one has come.

use nix::libc::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, c_int};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What asks a program to stop.
const STOPPING: [c_int; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Signals since a moment.
#[derive(Debug)]
pub struct Signals {
    /// The last signal that asked to stop; 0: none.
    last: Arc<AtomicUsize>,
    heard: UnixStream,
    ringer: UnixStream,
    heeds: bool,
}

impl Signals {
    /// Hears of children that end.
    ///
    /// # Errors
    /// As the system says.
    pub fn of_children() -> io::Result<Self> {
        let (heard, ringer) = UnixStream::pair()?;
        heard.set_nonblocking(true)?;
        let signals = Self {
            last: Arc::default(),
            heard,
            ringer,
            heeds: false,
        };
        signals.hear(SIGCHLD)?;
        Ok(signals)
    }

    /// From now on notes SIGHUP, SIGINT and SIGTERM, too.
    ///
    /// # Errors
    /// As the system says.
    pub fn heed(&mut self) -> io::Result<()> {
        if self.heeds {
            return Ok(());
        }
        self.heeds = true;
        for number in STOPPING {
            let value = usize::try_from(number).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&self.last), value)?;
            self.hear(number)?;
        }
        Ok(())
    }

    fn hear(&self, number: c_int) -> io::Result<()> {
        low_level::pipe::register(number, self.ringer.try_clone()?)?;
        Ok(())
    }

    /// The signal that asked to stop, if one did.
    pub fn last(&self) -> Option<c_int> {
        let number = self.last.load(Ordering::Relaxed);
        c_int::try_from(number).ok().filter(|&number| number != 0)
    }

    /// Makes the stream silent until the next signal.
    pub fn hush(&mut self) {
        let mut heard = [0; 64];
        while matches!(self.heard.read(&mut heard), Ok(read) if read == heard.len()) {}
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.heard.as_fd()
    }
}
