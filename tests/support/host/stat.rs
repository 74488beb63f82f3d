//! stat(1) of the size of one file: usr.bin/stat/stat.c.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

const USAGE: &str =
    "usage: stat [-FHhLnq] [-f format | -l | -r | -s | -x] [-t timefmt] [file|handle ...]";

/// Runs `stat -L -f FORMAT FILE`, where the format has `%z`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "f:L") {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("stat: {error}")).and_err(USAGE),
    };
    let ([file], Some(format)) = (words.operands.as_slice(), words.last("f")) else {
        panic!("not simulated: {:?}", call.words());
    };
    assert!(words.has("L") && format.contains("%z"), "not simulated");
    match host.files().size(Path::new(file)) {
        Ok(size) => Answer::ok().and_out(format!("{}\n", format.replace("%z", &size.to_string()))),
        Err(errno) => Answer::fail(1, format!("stat: {file}: stat: {}", errno.text())),
    }
}
