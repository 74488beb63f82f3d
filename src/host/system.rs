//! The real host.

use super::child::Running;
use super::liveness;
use super::signals::Signals;
use super::{Lock, SpawnError};
use crate::command::{Command, Streams};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

/// The real host: programs in a fixed search path, and the caller's files.
#[derive(Debug)]
pub struct System {
    pub(super) search_path: String,
    pub(super) run: PathBuf,
    pub(super) logs: PathBuf,
    /// This program's file, which runs as a child to inspect a disk as root.
    pub(super) program: PathBuf,
    pub(super) signals: Option<Signals>,
    pub(super) children: BTreeMap<u32, Running>,
    /// Locks last until this process and the children that inherited them end.
    pub(super) locks: BTreeMap<Lock, File>,
    /// Serial lines kept open.
    pub(super) lines: Vec<OwnedFd>,
    /// Whether standard input is a liveness pipe.
    pub(super) has_liveness_pipe: bool,
    pub(super) is_shielded: bool,
    /// The writing end of the liveness pipe to the followed command.
    pub(super) liveness_writer: Option<OwnedFd>,
    /// The divisor of the real clock for waiting; above 1, the host's clock is slower.
    pub(super) pace: u32,
}

impl System {
    /// A host with the search path `search_path` (directories separated by colons), locks and states in
    /// `run`, and logs in `logs`.
    pub fn new(
        search_path: impl Into<String>,
        run: impl Into<PathBuf>,
        logs: impl Into<PathBuf>,
    ) -> Self {
        Self {
            search_path: search_path.into(),
            run: run.into(),
            logs: logs.into(),
            program: PathBuf::new(),
            signals: None,
            children: BTreeMap::new(),
            locks: BTreeMap::new(),
            lines: Vec::new(),
            has_liveness_pipe: false,
            is_shielded: false,
            liveness_writer: None,
            pace: 1,
        }
    }

    /// The same host for this program's file.
    #[must_use]
    pub fn of_program(self, program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        Self { program, ..self }
    }

    /// The same host with its clock slowed down by this factor.
    #[must_use]
    pub fn at_pace(self, pace: u32) -> Self {
        Self {
            pace: pace.max(1),
            ..self
        }
    }

    pub(super) fn prepare(&self, command: &Command) -> Result<std::process::Command, SpawnError> {
        let program = self.look_up(command.program).ok_or(SpawnError::NotFound)?;
        let mut prepared = std::process::Command::new(program);
        prepared
            .arg0(command.program)
            .args(&command.args)
            .env("PATH", &self.search_path);
        if command.streams != Streams::Terminal {
            prepared.stdin(Stdio::null());
            if self.is_shielded {
                // Signals of the terminal are for its foreground group.
                prepared.process_group(0);
            }
        }
        if command.streams == Streams::Captured {
            prepared.stdout(Stdio::piped()).stderr(Stdio::piped());
        }
        if command.streams == Streams::Captured || command.fills.is_some() {
            // Output for a parser must not depend on the caller's language.
            prepared.env("LC_ALL", "C");
        }
        Ok(prepared)
    }

    pub(super) fn look_up(&self, program: &str) -> Option<PathBuf> {
        which::which_in(program, Some(&self.search_path), "/").ok()
    }

    pub(super) fn signals(&mut self) -> io::Result<&mut Signals> {
        if self.signals.is_none() {
            self.signals = Some(Signals::of_children()?);
        }
        self.signals
            .as_mut()
            .ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Sleeps until a signal, input on a file, or `end`.
    pub(super) fn sleep(
        &mut self,
        files: &[BorrowedFd<'_>],
        end: Option<Instant>,
        is_interruptible: bool,
    ) -> io::Result<()> {
        let has_liveness_pipe = self.has_liveness_pipe;
        let signals = self.signals()?;
        let stdin = io::stdin();
        let mut all = vec![signals.as_fd()];
        all.extend(files);
        if has_liveness_pipe && is_interruptible {
            all.push(stdin.as_fd());
        }
        liveness::wait(&all, end)?;
        signals.drain();
        Ok(())
    }
}
