//! Commands as children: start, wait, signal.

use super::child::Running;
use super::system::System;
use super::{Caller, Ended, Event, Finished, Follower, Look, SpawnError};
use crate::command::{Command, Streams};
use nix::unistd::Pid;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Commands that change the host, and their supervision.
pub trait Children {
    /// Starts a command; returns its pid.
    ///
    /// # Errors
    /// If the command could not be started.
    fn begin(&mut self, command: &Command) -> Result<u32, SpawnError>;

    /// Waits for the next event of a started child; [`Event::Ended`] is the last one.
    ///
    /// `is_interruptible`: whether an interruption ends the wait.
    ///
    /// # Errors
    /// The system's error.
    fn watch(
        &mut self,
        pid: u32,
        limit: Option<Duration>,
        is_interruptible: bool,
    ) -> io::Result<Event>;

    /// Runs a command to its end.
    ///
    /// # Errors
    /// If the command could not be started.
    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError>;

    /// Runs a command whose standard output and standard error are a report, with a liveness pipe as its
    /// standard input. Passes each line without its newline to `event` until the last writer closes the
    /// report, and no line at least `every` so often. An interruption closes the liveness pipe.
    ///
    /// # Errors
    /// If the command could not be started.
    fn follow(
        &mut self,
        command: &Command,
        every: Option<Duration>,
        event: &mut Follower<'_>,
    ) -> Result<Ended, SpawnError>;

    /// Lets the followed command continue from its [`await_go`](super::Caller::await_go).
    ///
    /// # Errors
    /// The system's error.
    fn go(&mut self) -> io::Result<()>;

    /// Sends a signal to a started child.
    ///
    /// # Errors
    /// The system's error.
    fn signal(&mut self, pid: u32, signal: i32) -> io::Result<()>;

    /// Keeps a serial line open from now on, so that its data is buffered for a reader.
    ///
    /// # Errors
    /// The system's error.
    fn hold(&mut self, line: &Path) -> io::Result<()>;

    /// Sets whether later children without the terminal get their own process groups, which do not
    /// receive signals of the terminal; if unset, an escalator can ask for a password at the terminal.
    fn shield(&mut self, is_shielded: bool);
}

impl Children for System {
    fn begin(&mut self, command: &Command) -> Result<u32, SpawnError> {
        self.signals().map_err(SpawnError::Refused)?;
        let prepared = self.prepare(command)?;
        let running = Running::begin(prepared, command.streams).map_err(SpawnError::Refused)?;
        let pid = running.child.id();
        self.children.insert(pid, running);
        Ok(pid)
    }

    fn watch(
        &mut self,
        pid: u32,
        limit: Option<Duration>,
        is_interruptible: bool,
    ) -> io::Result<Event> {
        let end = limit.map(|limit| Instant::now() + limit);
        loop {
            let Some(mut running) = self.children.remove(&pid) else {
                return Err(io::ErrorKind::NotFound.into());
            };
            let is_asked = is_interruptible && self.interrupted().is_some();
            let event = if is_asked && running.has_just_spoken {
                // A child that writes without pause must not block the interruption.
                None
            } else {
                running.next_event()?
            };
            if matches!(event, Some(Event::Ended(_))) {
                return event.ok_or_else(|| io::ErrorKind::Other.into());
            }
            let slept = if event.is_some() || is_asked {
                Ok(())
            } else {
                let (relay, read_at) = running.awaited();
                let files: Vec<BorrowedFd<'_>> = relay.into_iter().collect();
                let wakes = [end, read_at].into_iter().flatten().min();
                self.sleep(&files, wakes, is_interruptible)
            };
            self.children.insert(pid, running);
            slept?;
            if let Some(event) = event {
                return Ok(event);
            }
            if is_interruptible && self.interrupted().is_some() {
                return Ok(Event::Interrupted);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(Event::Overdue);
            }
        }
    }

    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError> {
        if command.streams == Streams::Captured {
            return self.ask(command);
        }
        let pid = self.begin(command)?;
        loop {
            match self.watch(pid, None, false).map_err(SpawnError::Refused)? {
                Event::Ended(finished) => return Ok(finished),
                Event::Said(_) | Event::Overdue | Event::Interrupted => {}
            }
        }
    }

    fn follow(
        &mut self,
        command: &Command,
        every: Option<Duration>,
        event: &mut Follower<'_>,
    ) -> Result<Ended, SpawnError> {
        let prepared = self.prepare(command)?;
        self.followed(prepared, every, event)
            .map_err(SpawnError::Refused)
    }

    fn go(&mut self) -> io::Result<()> {
        if let Some(liveness_writer) = &self.liveness_writer {
            nix::unistd::write(liveness_writer, b"\n")?;
        }
        Ok(())
    }

    fn signal(&mut self, pid: u32, signal: i32) -> io::Result<()> {
        if !self.children.contains_key(&pid) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        let signal = nix::sys::signal::Signal::try_from(signal)?;
        Ok(nix::sys::signal::kill(Pid::from_raw(pid), signal)?)
    }

    fn hold(&mut self, line: &Path) -> io::Result<()> {
        use nix::fcntl::OFlag;
        let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        self.lines.push(nix::fcntl::open(
            line,
            flags,
            nix::sys::stat::Mode::empty(),
        )?);
        Ok(())
    }

    fn shield(&mut self, is_shielded: bool) {
        self.is_shielded = is_shielded;
    }
}
