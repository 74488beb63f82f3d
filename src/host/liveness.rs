//! Pipes to children: the report that a caller follows, with the liveness pipe by which the reporter
//! sees the caller exit, and the relay of a child's output.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{pipe2, read};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// The longest line, in bytes; a longer one is split.
const LINE_LIMIT: usize = 4096;

/// The limit of buffered input, in bytes: the size of a pipe.
const READ_LIMIT: usize = 64 * 1024;

/// Waits until a file is readable or closed at its other end, or until `end`.
///
/// # Errors
/// The system's error.
pub fn wait(files: &[BorrowedFd<'_>], end: Option<Instant>) -> io::Result<()> {
    let mut polled: Vec<PollFd<'_>> = files
        .iter()
        .map(|file| PollFd::new(*file, PollFlags::POLLIN))
        .collect();
    let left = end.map(|end| end.saturating_duration_since(Instant::now()));
    match poll(&mut polled, timeout(left)) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Rounds up, so that no wait ends early.
fn timeout(left: Option<Duration>) -> PollTimeout {
    left.map_or(PollTimeout::NONE, |left| {
        PollTimeout::try_from(left.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX)
    })
}

/// Whether a liveness pipe is readable: its writer has exited, or has written the permission to
/// continue, the only data on such a pipe.
pub fn is_readable(pipe: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(pipe, PollFlags::POLLIN)];
    matches!(poll(&mut polled, PollTimeout::ZERO), Ok(1..))
}

/// The reading end of a pipe, and an incomplete line.
#[derive(Debug)]
pub struct Reader {
    pipe: OwnedFd,
    rest: Vec<u8>,
    is_closed: bool,
}

impl Reader {
    /// Makes a pipe: its reader and its writing end.
    ///
    /// # Errors
    /// The system's error.
    pub fn pipe() -> io::Result<(Self, OwnedFd)> {
        let (pipe, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let reader = Self {
            pipe,
            rest: Vec::new(),
            is_closed: false,
        };
        Ok((reader, writer))
    }

    /// Makes a pipe whose writer never blocks and gets no SIGPIPE after this process has exited: see
    /// [`Self::is_shared`].
    ///
    /// # Errors
    /// The system's error.
    pub fn relay() -> io::Result<(Self, OwnedFd)> {
        let (reader, writer) = Self::pipe()?;
        fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok((reader, writer))
    }

    /// Sets whether children started afterwards inherit the reading end.
    ///
    /// # Errors
    /// The system's error.
    pub fn is_shared(&self, is_shared: bool) -> io::Result<()> {
        let flags = if is_shared {
            FdFlag::empty()
        } else {
            FdFlag::FD_CLOEXEC
        };
        fcntl(&self.pipe, FcntlArg::F_SETFD(flags))?;
        Ok(())
    }

    /// Whether every writer has closed the pipe.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The whole lines received, with their newlines; at most the size of a pipe.
    ///
    /// # Errors
    /// The system's error.
    pub fn lines(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = [0; LINE_LIMIT];
        while self.rest.len() < READ_LIMIT {
            match read(&self.pipe, &mut chunk) {
                Ok(0) => {
                    self.is_closed = true;
                    break;
                }
                Ok(length) => self
                    .rest
                    .extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(errno) => return Err(errno.into()),
            }
        }
        let whole = self.rest.iter().rposition(|&byte| byte == b'\n');
        let length = whole.map_or(0, |last| last + 1);
        if length == 0 && self.rest.len() >= LINE_LIMIT {
            return Ok(self.all());
        }
        Ok(self.rest.drain(..length).collect())
    }

    /// The rest of the input, with a newline.
    pub fn all(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() && !rest.ends_with(b"\n") {
            rest.push(b'\n');
        }
        rest
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
