//! What the program needs of a host: questions ([`Look`]) and changes ([`Host`]).
//!
//! Planning gets a `Look` only, so that a dry run cannot change anything.

mod change;
mod child;
pub mod elevate;
mod files;
mod follow;
pub mod identity;
pub mod lease;
pub mod lock;
mod look;
mod replace;
pub mod scratch;
pub mod signals;
mod surroundings;
pub mod system;
pub mod terminal;

use crate::command::Command;
use crate::model::name::VmName;
use crate::plan::FileChange;
pub use change::{Afterwards, ChangeError};
use identity::About;
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
}

/// What happens to a child that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It has ended, and has said all.
    Ended(Finished),
    /// It has said this, whole lines, where its streams are relayed.
    Said(Vec<u8>),
    /// The time is over.
    Overdue,
    /// The program is asked to stop: see [`Host::interrupted`].
    Interrupted,
}

/// What asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// This signal.
    Signal(i32),
    /// Who waits for the report has gone.
    ReaderGone,
}

/// What only one process of all may work on at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// This VM.
    Vm(VmName),
    /// This disk: a device or an image file; or, where there is none, the place for it.
    Disk(PathBuf),
    /// The network that all VMs share: modules, sysctls, bridges.
    Network,
}

/// Whether a claim was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It is ours, and, but for [`Claim::Network`], that of every child which is started from now on,
    /// until the last has ended.
    Granted,
    /// Somebody else has it, who has noted this.
    Held(String),
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

    /// Where the symbolic link at `path` leads, as it says; none if there is no link.
    ///
    /// # Errors
    /// If that cannot be told.
    fn link_at(&mut self, path: &Path) -> io::Result<Option<PathBuf>>;

    /// What a disk or an image file is, whatever its name.
    ///
    /// # Errors
    /// If that cannot be told.
    fn about(&mut self, path: &Path) -> io::Result<About>;

    /// The names in a directory; none if there is no such directory.
    ///
    /// Only for directories whose entries are not created by looking (`/dev/vmm`, `/dev`): nmdm(4)
    /// and tap(4) nodes are never looked up by name.
    ///
    /// # Errors
    /// If that cannot be told.
    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// The content of a small file.
    ///
    /// # Errors
    /// As the system says.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>>;

    /// Where a program is along the search path.
    fn find(&mut self, program: &str) -> Option<PathBuf>;

    /// The search path.
    fn search_path(&self) -> &str;

    /// The time since some moment that stays the same: since boot, in the terms of ps(1).
    fn uptime(&mut self) -> Duration;
}

/// Changes, and all that goes with making them.
pub trait Host: Look {
    /// Gives this process, as the root side, surroundings of its own in place of its caller's.
    ///
    /// # Errors
    /// As the system says.
    fn settle(&mut self) -> io::Result<()>;

    /// Starts a command; answers its pid.
    ///
    /// # Errors
    /// If it could not be started.
    fn begin(&mut self, command: &Command) -> Result<u32, SpawnError>;

    /// Waits until something happens to a child that was begun; after [`Event::Ended`] it is none
    /// any more.
    ///
    /// `heeds`: whether an interruption ends the wait.
    ///
    /// # Errors
    /// As the system says.
    fn watch(&mut self, pid: u32, limit: Option<Duration>, heeds: bool) -> io::Result<Event>;

    /// Runs a command to its end.
    ///
    /// # Errors
    /// If it could not be started.
    fn run(&mut self, command: &Command) -> Result<Finished, SpawnError>;

    /// Runs a command whose both outputs are a report, and whose input ends when this process does:
    /// hands over each line as it comes, without its newline, until the last writer has closed it.
    /// An interruption ends the command's input.
    ///
    /// # Errors
    /// If it could not be started.
    fn follow(
        &mut self,
        command: &Command,
        line: &mut dyn FnMut(&mut dyn Host, &[u8]),
    ) -> Result<Ended, SpawnError>;

    /// Tells the command that is followed to go on, which [waits for that](Self::await_go).
    ///
    /// # Errors
    /// As the system says.
    fn go(&mut self) -> io::Result<()>;

    /// Waits until the caller who follows says that it may go on.
    ///
    /// # Errors
    /// If the caller has gone, or the program is asked to stop.
    fn await_go(&mut self) -> io::Result<()>;

    /// Keeps a line open from now on, so that what comes on it waits for a reader.
    ///
    /// # Errors
    /// As the system says.
    fn hold(&mut self, line: &Path) -> io::Result<()>;

    /// Sends a signal to a child that was begun.
    ///
    /// # Errors
    /// As the system says.
    fn signal(&mut self, pid: u32, signal: i32) -> io::Result<()>;

    /// Changes a file of the user's own; answers what was not to be had behind that.
    ///
    /// # Errors
    /// As the system says, or if somebody else has changed it.
    fn change(&mut self, change: &FileChange) -> Result<Option<Afterwards>, ChangeError>;

    /// From now on notes SIGHUP, SIGINT and SIGTERM for [`Self::interrupted`] instead of dying of them.
    ///
    /// # Errors
    /// As the system says.
    fn heed_signals(&mut self) -> io::Result<()>;

    /// From now on the end of standard input is an interruption, too: that of a caller who
    /// [follows](Self::follow).
    fn heed_reader(&mut self);

    /// Writes a line to standard output at once, for a caller who [follows](Self::follow).
    ///
    /// # Errors
    /// As the system says; that the caller has gone.
    fn report(&mut self, line: &[u8]) -> io::Result<()>;

    /// Lets go of all three standard streams, so that who follows sees their end.
    ///
    /// # Errors
    /// As the system says.
    fn let_go(&mut self) -> io::Result<()>;

    /// From now on, what is started in any way but on the terminal is hit by no key of the terminal
    /// and by no loss of it; or it is again, so that an escalator can ask there for a password.
    fn shield(&mut self, is_shielded: bool);

    /// What asked the program to stop, if something did; once it was asked it stays so, but for a
    /// reader who has gone, once the program has let go of the caller.
    fn interrupted(&mut self) -> Option<Interruption>;

    /// Lets time pass.
    fn pause(&mut self, time: Duration);

    /// Asks the person at the terminal; `None` if there is none.
    fn confirm(&mut self, question: &str) -> Option<bool>;

    /// Claims something for this process, without waiting; `note` says to others who has it. What is
    /// ours already is granted again.
    ///
    /// # Errors
    /// As the system says, or if the directory of the locks is not root's alone.
    fn claim(&mut self, claim: &Claim, note: &str) -> io::Result<Grant>;

    /// Gives up a claim that was granted; one that was not is none.
    fn give_up(&mut self, claim: &Claim);

    /// Writes the state of a VM beside its lock, or removes it.
    ///
    /// # Errors
    /// As the system says.
    fn record(&mut self, vm: &VmName, state: Option<&[u8]>) -> io::Result<()>;

    /// Removes what earlier runs have left of a VM's scratch files: only while nothing works for it.
    ///
    /// # Errors
    /// As the system says, or if the directory of all scratch files is not root's alone.
    fn sweep(&mut self, vm: &VmName) -> io::Result<()>;

    /// Adds to the log of a VM, which is kept small.
    ///
    /// # Errors
    /// As the system says.
    fn log(&mut self, vm: &VmName, text: &str) -> io::Result<()>;
}
