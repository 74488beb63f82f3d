//! Who has called this process: what is said to them, and what they ask.

use super::signals::Signals;
use super::system::System;
use super::{Interruption, liveness, surroundings};
use crate::vis;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

/// What goes between this process and who has called it: a report, a question, a signal to stop.
pub trait Caller {
    /// Writes a line to standard output at once, for a caller who [follows](super::Children::follow).
    ///
    /// # Errors
    /// As the system says; that the caller has gone.
    fn report(&mut self, line: &[u8]) -> io::Result<()>;

    /// Lets go of all three standard streams, so that who follows sees their end.
    ///
    /// # Errors
    /// As the system says.
    fn let_go(&mut self) -> io::Result<()>;

    /// Waits until the caller who follows says that it may go on.
    ///
    /// # Errors
    /// If the caller has gone, or the program is asked to stop.
    fn await_go(&mut self) -> io::Result<()>;

    /// Asks the person at the terminal; `None` if there is none.
    fn confirm(&mut self, question: &str) -> Option<bool>;

    /// From now on notes SIGHUP, SIGINT and SIGTERM for [`Self::interrupted`] instead of dying of them.
    ///
    /// # Errors
    /// As the system says.
    fn catch_signals(&mut self) -> io::Result<()>;

    /// From now on the end of standard input, which is a liveness pipe, is an interruption, too: that
    /// of a caller who [follows](super::Children::follow).
    fn watch_reader(&mut self);

    /// What asked the program to stop, if something did; once it was asked it stays so, but for a
    /// reader who has gone, once the program has let go of the caller.
    fn interrupted(&mut self) -> Option<Interruption>;

    /// Gives this process, as the root side, surroundings of its own in place of its caller's.
    ///
    /// # Errors
    /// As the system says.
    fn isolate(&mut self) -> io::Result<()>;
}

impl Caller for System {
    fn report(&mut self, line: &[u8]) -> io::Result<()> {
        // Not through the program's own buffer, which belongs to what it says for people.
        let mut rest = line;
        while !rest.is_empty() {
            let written = nix::unistd::write(io::stdout(), rest)?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn let_go(&mut self) -> io::Result<()> {
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        dup2_stdin(&null)?;
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        self.has_liveness_pipe = false;
        Ok(())
    }

    fn await_go(&mut self) -> io::Result<()> {
        loop {
            if self.signals()?.last().is_some() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let stdin = io::stdin();
            if !liveness::is_readable(stdin.as_fd()) {
                self.sleep(&[stdin.as_fd()], None, false)?;
                continue;
            }
            let mut word = [0];
            return match nix::unistd::read(stdin.as_fd(), &mut word)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(()),
            };
        }
    }

    fn confirm(&mut self, question: &str) -> Option<bool> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        write!(io::stderr(), "{} [y/N] ", vis::line(question)).ok()?;
        let mut answer = String::new();
        stdin.read_line(&mut answer).ok()?;
        Some(answer.trim() == "y")
    }

    fn catch_signals(&mut self) -> io::Result<()> {
        self.signals()?.catch()
    }

    fn watch_reader(&mut self) {
        self.has_liveness_pipe = true;
    }

    fn interrupted(&mut self) -> Option<Interruption> {
        let signal = self.signals.as_ref().and_then(Signals::last);
        if let Some(signal) = signal {
            return Some(Interruption::Signal(signal));
        }
        (self.has_liveness_pipe && liveness::is_readable(io::stdin().as_fd()))
            .then_some(Interruption::ReaderGone)
    }

    fn isolate(&mut self) -> io::Result<()> {
        surroundings::isolate()
    }
}
