//! A started child: its output and its end.

use super::liveness::Reader;
use super::terminal::Modes;
use super::{Ended, Event, Finished};
use crate::command::Streams;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// The size of the kept end of a command's standard error, in bytes.
const STDERR_KEPT: usize = 4096;

/// The minimum time between two reads of a child's output, which limits the cost of excessive output.
const READ_INTERVAL: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Running {
    pub(super) child: Child,
    /// The saved modes of its terminal.
    modes: Option<Modes>,
    /// The output, if relayed.
    relay: Option<Reader>,
    /// The earliest time of the next read.
    next_read: Option<Instant>,
    /// Whether its last event was output.
    pub(super) has_just_spoken: bool,
}

impl Running {
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
            next_read: None,
            has_just_spoken: false,
        })
    }

    pub(super) fn next_event(&mut self) -> io::Result<Option<Event>> {
        // Before the read: the last output is in the pipe when the child has ended.
        let status = self.child.try_wait()?;
        self.has_just_spoken = false;
        if status.is_some() {
            self.next_read = None;
        }
        if let Some(relay) = &mut self.relay
            && self.next_read.is_none_or(|until| Instant::now() >= until)
        {
            let mut said = relay.lines()?;
            self.next_read = Some(Instant::now() + READ_INTERVAL);
            if status.is_some() {
                said.append(&mut relay.all());
                // Other writers of the pipe are not children of this process.
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

    /// What to wait for in addition to the end: a descriptor to read, or the time of the next read.
    pub(super) fn awaited(&self) -> (Option<BorrowedFd<'_>>, Option<Instant>) {
        match &self.relay {
            // A pipe closed by all its writers is always readable.
            Some(relay) if !relay.is_closed() => match self.next_read {
                Some(until) if Instant::now() < until => (None, Some(until)),
                _ => (Some(relay.as_fd()), None),
            },
            _ => (None, None),
        }
    }
}

fn relay(mut prepared: std::process::Command) -> io::Result<(Child, Reader)> {
    let (relay, writer) = Reader::relay()?;
    prepared.stdout(writer.try_clone()?).stderr(writer);
    relay.is_shared(true)?;
    let child = prepared.spawn();
    relay.is_shared(false)?;
    Ok((child?, relay))
}

pub(super) fn ended(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exit(code),
        (None, Some(signal)) => Ended::Signal(signal),
        // wait(2) without WUNTRACED reports no other state.
        (None, None) => Ended::Exit(255),
    }
}

/// The end of `bytes`, from the start of a line.
pub(super) fn tail(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() > STDERR_KEPT {
        bytes.drain(..bytes.len() - STDERR_KEPT);
        if let Some(newline) = bytes.iter().position(|&byte| byte == b'\n') {
            bytes.drain(..=newline);
        }
    }
    bytes
}
