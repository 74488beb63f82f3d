//! Waits for signals, files and time at once.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::alive::{self, TOLD};
use crate::host::program::KEEPER;

/// How often somebody who waits looks whether the host is still there.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// What wakes a process up.
pub(crate) struct Bell {
    signals: UnixStream,
    ringer: UnixStream,
    directory: PathBuf,
}

impl Bell {
    /// Rings from now on when the process is told to look at the host of this directory.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let (signals, ringer) = UnixStream::pair()?;
        signals.set_nonblocking(true)?;
        let bell = Self {
            signals,
            ringer,
            directory: directory.to_owned(),
        };
        bell.hear(TOLD as i32)?;
        Ok(bell)
    }

    /// Rings for this signal of the real machine, too.
    pub(super) fn hear(&self, signal: i32) -> io::Result<()> {
        signal_hook::low_level::pipe::register(signal, self.ringer.try_clone()?)?;
        Ok(())
    }

    /// Waits until it rings, one of the files can be read, or this time has passed; which of the
    /// files can be read.
    ///
    /// # Errors
    /// If the host has gone, with its directory or with the process that keeps it.
    pub(super) fn wait(
        &mut self,
        files: &[BorrowedFd<'_>],
        limit: Option<Duration>,
    ) -> io::Result<Vec<bool>> {
        let limit = limit.unwrap_or(HOUSEKEEPING).min(HOUSEKEEPING);
        // Rounded up: what is due is due then.
        let limit =
            PollTimeout::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::ZERO);
        let own = [self.signals.as_fd()];
        let mut all: Vec<PollFd<'_>> = own
            .iter()
            .chain(files)
            .map(|file| PollFd::new(*file, PollFlags::POLLIN))
            .collect();
        let ready = match poll(&mut all, limit) {
            Ok(0) => {
                self.refuse_without_host()?;
                vec![false; files.len()]
            }
            Ok(_) => all
                .iter()
                .skip(1)
                .map(|file| file.any().unwrap_or_default())
                .collect(),
            Err(Errno::EINTR) => vec![false; files.len()],
            Err(errno) => return Err(errno.into()),
        };
        let mut signals = [0; 64];
        // There is none if it has not rung.
        let _ = self.signals.read(&mut signals);
        Ok(ready)
    }

    fn refuse_without_host(&self) -> io::Result<()> {
        let keeper = std::fs::read_to_string(self.directory.join(KEEPER))?;
        let lives = keeper.parse().is_ok_and(|pid| alive::birth(pid).is_some());
        if lives {
            return Ok(());
        }
        Err(io::Error::other("nobody keeps the host any more"))
    }
}
