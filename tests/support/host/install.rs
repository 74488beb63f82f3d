//! install(1) of one file, and of directories: usr.bin/xinstall/xinstall.c. An existing file is removed
//! first, unless `-S` is given.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call};
use super::errno::Errno;
use super::words::Words;

const USAGE: &str = "usage: install [-bCcpSsUv] [-f flags] [-g group] [-m mode] [-o owner]\n               \
     [-M log] [-D dest] [-h hash] [-T tags]\n               [-B suffix] [-l linkflags] [-N dbdir]\n               \
     file1 file2";

/// Runs `install [-m MODE] FILE COPY` or `install -d [-m MODE] DIRECTORY`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "dm:") {
        Ok(words) => words,
        Err(error) => return Answer::fail(64, format!("install: {error}")).and_err(USAGE),
    };
    let text = words.last("m").unwrap_or("755");
    let Ok(mode) = u32::from_str_radix(text, 8) else {
        return Answer::fail(64, format!("install: invalid file mode: {text}"));
    };
    if words.has("d") {
        let is_done = words
            .operands
            .iter()
            .all(|path| make(host, Path::new(path)));
        return if is_done {
            Answer::ok()
        } else {
            Answer::fail(71, "install: mkdir")
        };
    }
    let [source, target] = words.operands.as_slice() else {
        return Answer::fail(64, USAGE);
    };
    let copied = match source.as_str() {
        "/dev/null" => host.files_mut().install(Path::new(target), mode),
        _ => copy(host, Path::new(source), Path::new(target), mode),
    };
    match copied {
        Ok(()) => Answer::ok(),
        Err(errno) => Answer::fail(71, format!("install: {target}: {}", errno.text())),
    }
}

/// Makes a directory and its parents.
fn make(host: &mut Host, path: &Path) -> bool {
    if host.files().is_dir(path) {
        return true;
    }
    path.parent().is_none_or(|parent| make(host, parent)) && host.files_mut().mkdir(path).is_ok()
}

fn copy(host: &mut Host, from: &Path, to: &Path, mode: u32) -> Result<(), Errno> {
    let (size, content) = (host.files().size(from)?, host.files().read(from)?);
    let files = host.files_mut();
    files.install(to, mode)?;
    files.fill(to, size)?;
    files.stamp(to, &content)
}
