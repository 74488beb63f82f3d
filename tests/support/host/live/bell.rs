//! Waits for signals, files and a time at once.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use signal_hook::{flag, low_level};

use super::alive::{self, TOLD};
use crate::host::program::KEEPER;

/// How often a waiting process checks whether the host still exists.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// Wakes a process: to read the state of the host again, or to end.
pub(crate) struct Bell {
    signals: UnixStream,
    ringer: UnixStream,
    /// SIGTERM ends the process as any other that has no handler.
    is_mortal: Arc<AtomicBool>,
    is_asked: Arc<AtomicBool>,
    directory: PathBuf,
    checked: Instant,
}

/// Why a wait has ended.
pub(super) struct Woken {
    /// A signal has arrived.
    pub(super) is_rung: bool,
    /// These files can be read.
    pub(super) ready: Vec<bool>,
}

impl Bell {
    /// From now on wakes the process when it is told to read the state of the host in this directory, and
    /// when it gets SIGTERM: a SIGTERM is only recorded until its meaning is decided.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let (signals, ringer) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        let bell = Self {
            signals,
            ringer,
            is_mortal: Arc::new(AtomicBool::new(false)),
            is_asked: Arc::new(AtomicBool::new(false)),
            directory: directory.to_owned(),
            checked: Instant::now(),
        };
        bell.hear(TOLD)?;
        flag::register_conditional_default(Signal::SIGTERM as i32, Arc::clone(&bell.is_mortal))?;
        bell.ask_by(Signal::SIGTERM)?;
        Ok(bell)
    }

    /// Wakes the process on this signal, too.
    pub(super) fn hear(&self, signal: Signal) -> io::Result<()> {
        low_level::pipe::register(signal as i32, self.ringer.try_clone()?)?;
        Ok(())
    }

    /// Takes this signal for a request to end.
    pub(super) fn ask_by(&self, signal: Signal) -> io::Result<()> {
        flag::register(signal as i32, Arc::clone(&self.is_asked))?;
        self.hear(signal)
    }

    /// Whether a signal has requested the end since the last call.
    pub(super) fn was_asked(&self) -> bool {
        self.is_asked.swap(false, Ordering::Relaxed)
    }

    /// From now on SIGTERM ends the process at once, even one that has arrived already.
    pub(super) fn be_mortal(&self) -> io::Result<()> {
        self.is_mortal.store(true, Ordering::Relaxed);
        if self.was_asked() {
            low_level::emulate_default_handler(Signal::SIGTERM as i32)?;
        }
        Ok(())
    }

    /// Waits until a signal arrives, one of the files can be read, or this time has passed.
    ///
    /// # Errors
    /// If the host was removed, with its directory or with the process that keeps it.
    pub(super) fn wait(
        &mut self,
        files: &[BorrowedFd<'_>],
        limit: Option<Duration>,
    ) -> io::Result<Woken> {
        let end = limit.map(|limit| Instant::now() + limit);
        let own = [self.signals.as_fd()];
        let mut all: Vec<PollFd<'_>> = own
            .iter()
            .chain(files)
            .map(|file| PollFd::new(*file, PollFlags::POLLIN))
            .collect();
        loop {
            if self.checked.elapsed() >= HOUSEKEEPING {
                self.checked = Instant::now();
                refuse_without_keeper(&self.directory)?;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            match poll(&mut all, timeout(left)) {
                Ok(0) if left.is_none_or(|left| !left.is_zero()) => {}
                Err(Errno::EINTR) => {}
                Ok(_) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        let mut ready = all.iter().map(|file| file.any().unwrap_or_default());
        let is_rung = ready.next().unwrap_or_default();
        let ready = ready.collect();
        if is_rung {
            let mut signals = [0; 64];
            let _ = (&self.signals).read(&mut signals)?;
        }
        Ok(Woken { is_rung, ready })
    }
}

/// Rounded up: an event is due at the end of its millisecond.
fn timeout(left: Option<Duration>) -> PollTimeout {
    let left = left.map_or(HOUSEKEEPING, |left| left.min(HOUSEKEEPING));
    PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::ZERO)
}

fn refuse_without_keeper(directory: &Path) -> io::Result<()> {
    match alive::noted(&directory.join(KEEPER)) {
        Some(_) => Ok(()),
        None => Err(io::Error::other(
            "the process that keeps the host has exited",
        )),
    }
}
