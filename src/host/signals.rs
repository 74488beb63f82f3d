//! Caught signals, and a stream that becomes readable when one arrives.

use nix::libc::c_int;
use nix::sys::signal::{SigSet, Signal};
use signal_hook::{flag, low_level};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The signals that ask a program to stop.
const STOPPING: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// The caught signals.
#[derive(Debug)]
pub struct Signals {
    /// The last signal that asked to stop; 0 for none.
    last: Arc<AtomicUsize>,
    heard: UnixStream,
    ringer: UnixStream,
    is_catching: bool,
}

impl Signals {
    /// Catches SIGCHLD.
    ///
    /// # Errors
    /// The system's error.
    pub fn of_children() -> io::Result<Self> {
        let (heard, ringer) = UnixStream::pair()?;
        heard.set_nonblocking(true)?;
        let signals = Self {
            last: Arc::default(),
            heard,
            ringer,
            is_catching: false,
        };
        signals.catch_one(Signal::SIGCHLD)?;
        Ok(signals)
    }

    /// Also catches SIGHUP, SIGINT and SIGTERM from now on.
    ///
    /// # Errors
    /// The system's error.
    pub fn catch(&mut self) -> io::Result<()> {
        if self.is_catching {
            return Ok(());
        }
        self.is_catching = true;
        for signal in STOPPING {
            let number = signal as c_int;
            let value = usize::try_from(number).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&self.last), value)?;
            self.catch_one(signal)?;
        }
        Ok(())
    }

    /// Catches a signal, even if the caller ignored or blocked the signal.
    fn catch_one(&self, signal: Signal) -> io::Result<()> {
        low_level::pipe::register(signal as c_int, self.ringer.try_clone()?)?;
        Ok(SigSet::from_iter([signal]).thread_unblock()?)
    }

    /// The last signal that asked to stop, if any.
    pub fn last(&self) -> Option<c_int> {
        let number = self.last.load(Ordering::Relaxed);
        c_int::try_from(number).ok().filter(|&number| number != 0)
    }

    /// Drains the stream.
    pub fn drain(&mut self) {
        let mut heard = [0; 64];
        while matches!(self.heard.read(&mut heard), Ok(read) if read == heard.len()) {}
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.heard.as_fd()
    }
}
