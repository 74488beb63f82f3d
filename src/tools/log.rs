//! The files of a log: cat(1), tail(1).

use crate::command::{Command, Privilege, Streams, args};
use std::ffi::OsString;
use std::path::Path;

/// Prints files, one after the other: `cat FILE…`.
pub fn print(files: &[&Path], privilege: Privilege) -> Command {
    Command {
        privilege,
        ..Command::question("cat", files.iter().map(OsString::from).collect())
    }
    .streams(Streams::Shown)
}

/// Prints what is added to the file of this name, also after another file has got the name:
/// `tail -n 0 -F FILE` (tail(1)).
pub fn follow(file: &Path, privilege: Privilege) -> Command {
    Command {
        privilege,
        ..Command::question("tail", args!["-n", "0", "-F", file])
    }
    .streams(Streams::Shown)
}
