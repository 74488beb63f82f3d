//! What can come of a change of a file.

use crate::vis;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a file was not changed.
#[derive(Debug)]
pub enum ChangeError {
    /// As the system says.
    System(io::Error),
    /// The new file cannot be given the owner and the group of the former one.
    Ownership(io::Error),
    /// Somebody else keeps it locked.
    Locked,
    /// Somebody else has changed it since it was read, and theirs is in its place. Where several have,
    /// their older versions lie in these files.
    Meanwhile(Vec<PathBuf>),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::Ownership(error) => {
                write!(f, "a new file cannot have its owner and group: {error}")
            }
            Self::Locked => f.write_str("somebody else has it locked"),
            Self::Meanwhile(_) => f.write_str("it has changed since it was read"),
        }
    }
}

impl std::error::Error for ChangeError {}

impl From<io::Error> for ChangeError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// What was not to be had behind a change that is made all the same.
#[derive(Debug)]
pub enum Afterwards {
    /// Whether it survives a power failure is not sure.
    NotSynced(io::Error),
    /// The former text could not be removed.
    OldStays(PathBuf, io::Error),
}

impl fmt::Display for Afterwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSynced(error) => {
                write!(f, "but a power failure could undo that: {error}")
            }
            Self::OldStays(path, error) => {
                let path = vis::shown(path);
                write!(f, "but its former text stays in {path}: {error}")
            }
        }
    }
}
