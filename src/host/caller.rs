//! The calling process: reports, questions and requests to stop.

use super::signals::Signals;
use super::system::System;
use super::{Interruption, liveness, surroundings};
use crate::vis;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

/// The exchange with the caller: a report, a question, a signal to stop.
pub trait Caller {
    /// Writes a line to standard output, unbuffered, for a [follower](super::Children::follow).
    ///
    /// # Errors
    /// The system's error; also if the caller has exited.
    fn report(&mut self, line: &[u8]) -> io::Result<()>;

    /// Closes the three standard streams so that the follower reads end of file.
    ///
    /// # Errors
    /// The system's error.
    fn let_go(&mut self) -> io::Result<()>;

    /// Waits for the follower's [permission to continue](super::Children::go).
    ///
    /// # Errors
    /// If the caller has exited, or the program was asked to stop.
    fn await_go(&mut self) -> io::Result<()>;

    /// Asks the user at the terminal; `None` without a terminal. A signal that asks to stop ends the
    /// question at once, as if the answer were no.
    fn confirm(&mut self, question: &str) -> Option<bool> {
        let answer = self.type_in(&format!("{question} [y/N]"))?;
        let mut yes = ["y", "yes"].iter();
        Some(yes.any(|yes| answer.eq_ignore_ascii_case(yes)))
    }

    /// Asks the user at the terminal for a word, without blanks at its ends; `None` without a terminal. A
    /// signal that asks to stop ends the question at once, with an empty word.
    fn type_in(&mut self, question: &str) -> Option<String>;

    /// Catches SIGHUP, SIGINT and SIGTERM from now on and records them for [`Self::interrupted`].
    ///
    /// # Errors
    /// The system's error.
    fn catch_signals(&mut self) -> io::Result<()>;

    /// Treats end of file on standard input, a liveness pipe from a caller that
    /// [follows](super::Children::follow), as an interruption from now on.
    fn watch_reader(&mut self);

    /// The request to stop, if any. A signal remains recorded; [`Interruption::ReaderGone`] is no longer
    /// returned after [`Self::let_go`].
    fn interrupted(&mut self) -> Option<Interruption>;

    /// Resets the process attributes that the root side inherited from its caller.
    ///
    /// # Errors
    /// The system's error.
    fn isolate(&mut self) -> io::Result<()>;
}

impl Caller for System {
    fn report(&mut self, line: &[u8]) -> io::Result<()> {
        // The program's buffered writer is for text to the user.
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

    fn type_in(&mut self, question: &str) -> Option<String> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        write!(io::stderr(), "{} ", vis::lines(question)).ok()?;
        // Once signals are caught, a signal does not end `read_line`.
        while !liveness::is_readable(stdin.as_fd()) {
            self.sleep(&[stdin.as_fd()], None, false).ok()?;
            if self.signals.as_ref().and_then(Signals::last).is_some() {
                let _ = writeln!(io::stderr());
                return Some(String::new());
            }
        }
        let mut answer = String::new();
        stdin.read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
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
