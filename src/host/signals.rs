//! Signals, noted instead of died of, and a stream that can be read when one has come.

use nix::libc::c_int;
use nix::sys::signal::{SigSet, Signal};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What asks a program to stop.
const STOPPING: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// Signals since a moment.
#[derive(Debug)]
pub struct Signals {
    /// The last signal that asked to stop; 0: none.
    last: Arc<AtomicUsize>,
    heard: UnixStream,
    ringer: UnixStream,
    is_catching: bool,
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
            is_catching: false,
        };
        signals.hear(Signal::SIGCHLD)?;
        Ok(signals)
    }

    /// From now on notes SIGHUP, SIGINT and SIGTERM, too.
    ///
    /// # Errors
    /// As the system says.
    pub fn catch(&mut self) -> io::Result<()> {
        if self.is_catching {
            return Ok(());
        }
        self.is_catching = true;
        for signal in STOPPING {
            let number = signal as c_int;
            let value = usize::try_from(number).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&self.last), value)?;
            self.hear(signal)?;
        }
        Ok(())
    }

    /// Hears of a signal, also where the caller has let this process ignore or block it.
    fn hear(&self, signal: Signal) -> io::Result<()> {
        low_level::pipe::register(signal as c_int, self.ringer.try_clone()?)?;
        Ok(SigSet::from_iter([signal]).thread_unblock()?)
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
