//! Processes without a terminal, or with a time limit: daemon(8), timeout(1).

use crate::command::{Command, args};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Detaches a program from the caller's terminal and directory: `daemon -c PROGRAM WORD…`.
///
/// Without a supervising flag daemon(8) becomes the program and exits with 0 after its fork; without
/// `-f` the program keeps the caller's streams, for its report.
pub fn detach(program: &Path, words: impl IntoIterator<Item = OsString>) -> Command {
    let mut all = args!["-c", program];
    all.extend(words);
    Command::root("daemon", all)
}

/// Ends a command at a time limit: `timeout -k 5 SECONDS COMMAND…` (timeout(1)): by SIGTERM, five
/// seconds later by SIGKILL. The exit status is then 124.
pub fn limited(command: &Command, limit: Duration) -> Command {
    command.prefixed("timeout", &["-k", "5", &limit.as_secs().to_string()])
}

#[cfg(test)]
mod tests {
    use super::{detach, limited};
    use crate::command::{Command, args};
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn a_detached_program_stands_behind_daemon() {
        let detached = detach(Path::new("/bin/a"), args!["b", "c=d e"]);
        assert_eq!(detached.to_string(), "daemon -c /bin/a b 'c=d e'");
    }

    #[test]
    fn a_limited_command_is_still_looked_for() {
        let command = Command::root("bhyveload", args!["-m", "1G", "a"]);
        let limited = limited(&command, Duration::from_secs(120));
        assert_eq!(limited.to_string(), "timeout -k 5 120 bhyveload -m 1G a");
        assert_eq!(
            limited.programs().collect::<Vec<_>>(),
            ["timeout", "bhyveload"]
        );
    }
}
