//! Who has a file open: fstat(1).

use crate::command::{Command, args};
use crate::plan::Test;
use std::path::Path;

/// Whether a process has this device or file open: `fstat PATH`, asked by root, whose answer has a line
/// for each that ends with the path (`usr.bin/fstat/fstat.c`).
pub fn is_open(path: &Path) -> Test {
    Test::Mentions {
        command: Command::root("fstat", args![path]),
        text: path.to_string_lossy().into_owned(),
    }
}
