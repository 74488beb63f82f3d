//! Processes without a terminal: daemon(8).

use crate::command::{Command, Streams};

/// Detaches a command: `daemon -c -f COMMAND…`.
///
/// Without a supervising flag daemon(8) leaves with 0 as soon as it has forked, so the command's
/// own success must be seen in another way. `-f` keeps no stream of the caller's open, `-c` no
/// directory.
pub fn detach(command: &Command) -> Command {
    command
        .behind("daemon", &["-c", "-f"])
        .streams(Streams::Captured)
}
