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

#[cfg(test)]
mod tests {
    use super::detach;
    use crate::command::{Command, Streams, args};

    #[test]
    fn a_detached_command_keeps_no_stream_and_is_still_looked_for() {
        let command = Command::root("bhyve", args!["-c", "1", "a"]).streams(Streams::Terminal);
        let detached = detach(&command);
        assert_eq!(detached.to_string(), "daemon -c -f bhyve -c 1 a");
        assert_eq!(detached.streams, Streams::Captured);
        assert_eq!(detached.programs().collect::<Vec<_>>(), ["daemon", "bhyve"]);
    }
}
