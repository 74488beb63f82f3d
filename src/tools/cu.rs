//! The console: cu(1) on the B side of an nmdm(4) pair.

use crate::command::{Command, Streams, args};
use std::path::Path;

/// Connects the terminal to a line: `cu -l /dev/nmdmNB`.
pub fn connect(line: &Path) -> Command {
    Command::root("cu", args!["-l", line]).streams(Streams::Terminal)
}
