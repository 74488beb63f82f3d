//! The interface to a host, one trait per purpose: queries ([`Look`]), time ([`Clock`]), commands
//! ([`Children`]), the calling process ([`Caller`]), files ([`Change`]) and locks ([`Locks`]);
//! [`Host`] combines them.
//!
//! Planning gets only a `Look`, so a dry run cannot change the host.

mod blank;
mod caller;
mod change;
mod child;
mod children;
mod clock;
pub mod directory;
pub mod elevate;
mod files;
mod follow;
pub mod identity;
pub mod inspected;
pub mod liveness;
mod locks;
mod look;
pub mod programs;
mod replace;
pub mod scratch;
pub mod secret;
pub mod signals;
mod socket;
mod surroundings;
pub mod system;
pub mod terminal;

pub use caller::Caller;
pub use change::{Afterwards, Change, ChangeError};
pub use children::Children;
pub use clock::Clock;
pub use locks::{Lock, LockResult, Locks};
pub use look::{Look, OpenFile};
use std::io;

/// The number of cpus that this process may use; 1 if it is unknown.
pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The child exited with this status.
    Exit(i32),
    /// This signal terminated the child.
    Signal(i32),
}

/// The result of a child that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How the child ended.
    pub ended: Ended,
    /// The standard output, if it was captured.
    pub stdout: Vec<u8>,
    /// The end of its standard error (at most 4 KiB), if it was captured.
    pub stderr: Vec<u8>,
}

/// An event of a watched child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The child has ended, and all of its output was read.
    Ended(Finished),
    /// The child wrote these whole lines; only of relayed streams.
    Said(Vec<u8>),
    /// The time limit is reached.
    Overdue,
    /// The program was asked to stop: see [`Caller::interrupted`].
    Interrupted,
}

/// A request to stop the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// This signal.
    Signal(i32),
    /// The reader of the report has exited.
    ReaderGone,
}

/// The error of a child that did not start.
#[derive(Debug)]
pub enum SpawnError {
    /// No such program in the search path.
    NotFound,
    /// The system refused.
    Refused(io::Error),
}

/// Receives each line of a followed report, and no line from time to time.
pub type Follower<'follower> = dyn FnMut(&mut dyn Host, Option<&[u8]>) + 'follower;

/// All traits of a host.
pub trait Host: Look + Children + Caller + Change + Locks {}

impl<T: Look + Children + Caller + Change + Locks> Host for T {}
