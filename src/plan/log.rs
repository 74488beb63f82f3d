//! The display of a log.

use crate::command::Command;
use serde::Serialize;
use std::path::PathBuf;

/// Prints the end of a log, and optionally the lines that are added later, until a signal arrives.
///
/// The program reads the files itself; a script uses the commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    /// The file to which lines are added.
    #[serde(serialize_with = "super::serialize::path")]
    pub file: PathBuf,
    /// The file to which a full one is renamed.
    #[serde(serialize_with = "super::serialize::path")]
    pub rotated: PathBuf,
    /// The number of lines, counted from the end of `file` back into `rotated`; without it all lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<usize>,
    /// The command that prints all lines.
    pub shown: Command,
    /// The command that prints the lines that are added later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followed: Option<Command>,
}
