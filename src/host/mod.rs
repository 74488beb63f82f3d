//! What the program needs of a host, as traits by purpose: questions ([`Look`]), time ([`Clock`]),
//! commands ([`Children`]), who has called ([`Caller`]), files ([`Change`]) and locks ([`Locks`]);
//! [`Host`] is all of them.
//!
//! Planning gets a `Look` only, so that a dry run cannot change anything.

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
pub mod liveness;
mod locks;
mod look;
pub mod programs;
mod replace;
pub mod scratch;
pub mod signals;
mod surroundings;
pub mod system;
pub mod terminal;

pub use caller::Caller;
pub use change::{Afterwards, Change, ChangeError};
pub use children::Children;
pub use clock::Clock;
pub use locks::{Lock, LockResult, Locks};
pub use look::Look;
use std::io;

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
    /// The program is asked to stop: see [`Caller::interrupted`].
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

/// Why a child did not start.
#[derive(Debug)]
pub enum SpawnError {
    /// No such program along the search path.
    NotFound,
    /// The system refused.
    Refused(io::Error),
}

/// All that the program needs of a host: questions, changes, and what goes with making them.
pub trait Host: Look + Children + Caller + Change + Locks {}

impl<T: Look + Children + Caller + Change + Locks> Host for T {}
