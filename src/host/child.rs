//! A child that was begun: what it says, and how it ends.

use super::liveness::Reader;
use super::terminal::Modes;
use super::{Ended, Event, Finished};
use crate::command::Streams;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How much of a command's standard error is kept, in bytes.
const STDERR_KEPT: usize = 4096;

/// The shortest time between two reads of what a child says: so a flood costs little.
const BREATH: Duration = Duration::from_millis(10);

/// A child that was begun.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) child: Child,
    /// What the terminal was like that it has.
    modes: Option<Modes>,
    /// What it says, where that is relayed.
    relay: Option<Reader>,
    /// Before that it is not read again.
    rests_until: Option<Instant>,
    /// Whether the last that happened to it was that it said something.
    pub(super) has_just_spoken: bool,
}

impl Running {
    /// Starts a child with these streams.
    pub(super) fn begin(mut prepared: std::process::Command, streams: Streams) -> io::Result<Self> {
        let modes = (streams == Streams::Terminal)
            .then(|| Modes::save(io::stdin()))
            .flatten();
        let (child, relay) = if streams == Streams::Relayed {
            let (child, relay) = relay(prepared)?;
            (child, Some(relay))
        } else {
            (prepared.spawn()?, None)
        };
        Ok(Self {
            child,
            modes,
            relay,
            rests_until: None,
            has_just_spoken: false,
        })
    }

    /// What has happened to a child, if something has.
    pub(super) fn look_after(&mut self) -> io::Result<Option<Event>> {
        // In this order: what it said last is there when it has ended.
        let status = self.child.try_wait()?;
        self.has_just_spoken = false;
        if status.is_some() {
            self.rests_until = None;
        }
        if let Some(relay) = &mut self.relay
            && self.rests_until.is_none_or(|until| Instant::now() >= until)
        {
            let mut said = relay.lines()?;
            self.rests_until = Some(Instant::now() + BREATH);
            if status.is_some() {
                said.append(&mut relay.all());
                // Whoever else has the pipe is no child of ours.
                self.relay = None;
            }
            if !said.is_empty() {
                self.has_just_spoken = true;
                return Ok(Some(Event::Said(said)));
            }
        }
        Ok(status.map(|status| {
            if let Some(modes) = self.modes.take() {
                modes.restore(io::stdin());
            }
            Event::Ended(Finished {
                ended: ended(status),
                stdout: Vec::new(),
                stderr: Vec::new(),
            })
        }))
    }

    /// What there is to wait for besides its end: that it says something, or may be read again.
    pub(super) fn awaited(&self) -> (Option<BorrowedFd<'_>>, Option<Instant>) {
        match &self.relay {
            // Where all have closed it, it would wake us for ever.
            Some(relay) if !relay.is_closed() => match self.rests_until {
                Some(until) if Instant::now() < until => (None, Some(until)),
                _ => (Some(relay.as_fd()), None),
            },
            _ => (None, None),
        }
    }
}

/// Spawns a child whose output is relayed.
fn relay(mut prepared: std::process::Command) -> io::Result<(Child, Reader)> {
    let (relay, writer) = Reader::relay()?;
    prepared.stdout(writer.try_clone()?).stderr(writer);
    relay.is_shared(true)?;
    let child = prepared.spawn();
    relay.is_shared(false)?;
    Ok((child?, relay))
}

/// How a process has ended.
pub(super) fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exit(code),
        (None, Some(signal)) => Ended::Signal(signal),
        // wait(2) without WUNTRACED reports nothing else.
        (None, None) => Ended::Exit(255),
    }
}

/// The end of `bytes`, from a whole line on.
pub(super) fn tail(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() > STDERR_KEPT {
        bytes.drain(..bytes.len() - STDERR_KEPT);
        if let Some(newline) = bytes.iter().position(|&byte| byte == b'\n') {
            bytes.drain(..=newline);
        }
    }
    bytes
}
