//! The console: cu(1) on the B side of an nmdm(4) pair.

use crate::command::{Command, Streams, args};
use crate::model::name::VmName;
use std::path::Path;

/// Connects the terminal to a line: `cu -l /dev/nmdmNB`.
pub fn connect(line: &Path) -> Command {
    Command::root("cu", args!["-l", line]).streams(Streams::Terminal)
}

/// How to leave a connection to the console of a VM: ssh(1) reads `~.` itself, and passes `~~.` on as
/// `~.`.
pub fn how_to_leave(vm: &VmName, is_over_ssh: bool) -> String {
    let leaves = format!("at the beginning of a line leaves the console of {vm}");
    if is_over_ssh {
        format!("~~. {leaves}; ~. would end the ssh session")
    } else {
        format!("~. {leaves}")
    }
}
