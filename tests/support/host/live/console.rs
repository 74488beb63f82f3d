//! The console of a guest or loader: the terminal of its caller, or one end of a null modem.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{self, SetArg, Termios};

/// How long a write waits for a reader: on a busy machine a reader may come late.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open console.
pub(super) struct Console {
    input: Option<File>,
    output: File,
    /// The modes of the terminal, restored at a normal end.
    modes: Option<Termios>,
}

impl Console {
    /// Opens `stdio`, which makes a terminal raw, or a device.
    pub(super) fn open(name: &str) -> io::Result<Self> {
        if name != "stdio" {
            let line = open_line(name)?;
            return Ok(Self {
                output: line.try_clone()?,
                input: Some(line),
                modes: None,
            });
        }
        let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let modes = make_raw(&input);
        Ok(Self {
            input: Some(input),
            output,
            modes,
        })
    }

    /// The file to wait for.
    pub(super) fn files(&self) -> Vec<BorrowedFd<'_>> {
        self.input.iter().map(AsFd::as_fd).collect()
    }

    /// The input; empty for ever after its end.
    pub(super) fn read(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let got = match &mut self.input {
            Some(input) => input.read(&mut bytes),
            None => Ok(0),
        };
        match got {
            Ok(0) => self.input = None,
            Ok(length) => {
                bytes.truncate(length);
                return bytes;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.input = None,
        }
        Vec::new()
    }

    /// Writes as much as the reader takes; without a reader the text is lost.
    pub(super) fn write(&mut self, text: &str) {
        let text = if self.output.is_terminal() {
            text.replace('\n', "\r\n")
        } else {
            text.to_owned()
        };
        let _ = write_patiently(&mut self.output, text.as_bytes());
    }

    /// Restores the modes, as the programs do at their own normal end only.
    pub(super) fn restore(&self) {
        if let Some(modes) = &self.modes {
            let _ = termios::tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, modes);
        }
    }
}

/// Makes the open files of the caller's terminal non-blocking, as bhyve does and the loaders do not
/// (usr.sbin/bhyve/uart_backend.c).
pub(super) fn unblock_terminal() -> io::Result<()> {
    set_non_blocking(&io::stdin())?;
    set_non_blocking(&io::stdout())
}

/// Opens one end of a null modem.
pub(super) fn open_line(path: &str) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .custom_flags((OFlag::O_NOCTTY | OFlag::O_NONBLOCK).bits())
        .open(path)
}

/// Makes a terminal raw; its previous modes, if it is a terminal.
pub(super) fn make_raw(terminal: &impl AsFd) -> Option<Termios> {
    let before = termios::tcgetattr(terminal).ok()?;
    let mut raw = before.clone();
    termios::cfmakeraw(&mut raw);
    termios::tcsetattr(terminal, SetArg::TCSANOW, &raw).ok()?;
    Some(before)
}

pub(super) fn set_non_blocking(file: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Writes the whole text, and waits a while for a slow reader.
pub(super) fn write_patiently(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    let start = Instant::now();
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock && start.elapsed() < PATIENCE =>
            {
                thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
