//! ln(1) of one file to one name: bin/ln/ln.c.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

const USAGE: &str = "usage: ln [-s [-F] | -L | -P] [-f | -i] [-hnv] source_file [target_file]\n       \
     ln [-s [-F] | -L | -P] [-f | -i] [-hnv] source_file ... target_dir";

/// Runs `ln FILE NAME`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "") {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("ln: {error}")).and_err(USAGE),
    };
    let [file, name] = words.operands.as_slice() else {
        return Answer::fail(1, USAGE);
    };
    let mut target = Path::new(name).to_owned();
    if host.files().is_dir(&target) {
        target.push(Path::new(file).file_name().unwrap_or_default());
    }
    match host.files_mut().link(Path::new(file), &target) {
        Ok(()) => Answer::ok(),
        Err(errno) => Answer::fail(1, format!("ln: {}: {}", target.display(), errno.text())),
    }
}
