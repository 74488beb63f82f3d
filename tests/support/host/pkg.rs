//! pkg-which(8): only the package of one file.

use super::Host;
use super::call::{Answer, Call};
use super::firmware;
use std::path::Path;

/// Runs `pkg which -q PATH`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = call.words();
    let [command, quiet, path] = words.as_slice() else {
        panic!("not simulated: {words:?}");
    };
    assert!(
        command == "which" && quiet == "-q",
        "not simulated: {words:?}"
    );
    let path = Path::new(path);
    let is_of_package = path.starts_with(firmware::SHARE) && host.exists(path);
    match &host.state.firmware_package {
        Some(package) if is_of_package => Answer::out(format!("{package}\n")),
        // It says nothing with -q.
        _ => Answer::fail(1, ""),
    }
}
