//! The processes that have a file open: fstat(1).

use crate::command::{Command, args};
use crate::plan::Test;
use std::path::Path;

/// Whether a process has this device or file open: `fstat PATH`, run by root, which prints a line for
/// each open descriptor that ends with the path (`usr.bin/fstat/fstat.c`).
pub fn is_open(path: &Path) -> Test {
    Test::Mentions {
        command: Command::root("fstat", args![path]),
        text: path.to_string_lossy().into_owned(),
    }
}
