//! What the program needs of a host: questions ([`Look`]) and changes ([`Host`]).
//!
//! Planning gets a `Look` only, so that a dry run cannot change anything.

pub mod elevate;
pub mod system;
pub mod terminal;

use crate::command::Command;
use crate::plan::FileChange;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It left with this status.
    Exit(i32),
    /// This signal ended it.
    Signal(i32),
}

/// What a child left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output, if it was captured.
    pub stdout: Vec<u8>,
    /// The end of its standard error (at most 4 KiB), if it was captured.
    pub stderr: Vec<u8>,
    /// Whether its process was once seen with the title that the command promises.
    pub titled: bool,
}

/// Why a child did not start.
#[derive(Debug)]
pub enum SpawnError {
    /// No such program along the search path.
    NotFound,
    /// The system refused.
    Refused(io::Error),
}

/// Questions: nothing here changes the host.
pub trait Look {
    /// Runs a question to its end, its output captured.
    ///
    /// # Errors
    /// If it could not be started.
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError>;

    /// Whether something is at `path`.
    ///
    /// # Errors
    /// If that cannot be told.
    fn exists(&mut self, path: &Path) -> io::Result<bool>;

    /// The names in a directory; none if there is no such directory.
    ///
    /// Only for directories whose entries are not created by looking (`/dev/vmm`, `/dev`): nmdm(4)
    /// and tap(4) nodes are never looked up by name.
    ///
    /// # Errors
    /// If that cannot be told.
    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Where a program is along the search path.
    fn find(&mut self, program: &str) -> Option<PathBuf>;

    /// The search path.
    fn search_path(&self) -> &str;
}

/// Changes, and all that goes with making them.
pub trait Host: Look {
    /// Runs a command to its end.
    ///
    /// # Errors
    /// If it could not be started.
    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError>;

    /// Changes a file of the user's own.
    ///
    /// # Errors
    /// As the system says.
    fn change(&mut self, change: &FileChange) -> io::Result<()>;

    /// From now on notes SIGHUP, SIGINT and SIGTERM for [`Self::interrupted`] instead of dying of them.
    ///
    /// # Errors
    /// As the system says.
    fn heed_signals(&mut self) -> io::Result<()>;

    /// The signal that asked the program to stop, if one did.
    fn interrupted(&mut self) -> Option<i32>;

    /// Lets time pass.
    fn pause(&mut self, time: Duration);

    /// Asks the person at the terminal; `None` if there is none.
    fn confirm(&mut self, question: &str) -> Option<bool>;
}
