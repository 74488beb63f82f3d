//! install(1), as far as it creates an empty file: usr.bin/xinstall/xinstall.c. An existing file is
//! removed first, unless `-S` is given.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

const USAGE: &str = "usage: install [-bCcpSsUv] [-f flags] [-g group] [-m mode] [-o owner]\n               \
     [-M log] [-D dest] [-h hash] [-T tags]\n               [-B suffix] [-l linkflags] [-N dbdir]\n               \
     file1 file2";

/// Runs `install [-m MODE] /dev/null FILE`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "m:") {
        Ok(words) => words,
        Err(error) => return Answer::fail(64, format!("install: {error}")).and_err(USAGE),
    };
    let text = words.last("m").unwrap_or("755");
    let Ok(mode) = u32::from_str_radix(text, 8) else {
        return Answer::fail(64, format!("install: invalid file mode: {text}"));
    };
    let [source, target] = words.operands.as_slice() else {
        return Answer::fail(64, USAGE);
    };
    if source != "/dev/null" {
        return Answer::fail(71, "install: only empty files can be made here");
    }
    match host.files_mut().install(Path::new(target), mode) {
        Ok(()) => Answer::ok(),
        Err(errno) => Answer::fail(71, format!("install: {target}: {}", errno.text())),
    }
}
