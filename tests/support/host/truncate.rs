//! truncate(1): usr.bin/truncate/truncate.c. It silently truncates existing files.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call, Status};
use super::words::{Words, expand_number};

const USAGE: &str = "usage: truncate [-c] -s [+|-|%|/]size[K|k|M|m|G|g|T|t] file ...\n       \
     truncate [-c] -r rfile file ...\n       truncate [-c] -d [-o offset[K|k|M|m|G|g|T|t]] \
     -l length[K|k|M|m|G|g|T|t] file ...";

/// Runs `truncate [-c] -s SIZE file ...`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "cr:s:") {
        Ok(words) if !words.operands.is_empty() => words,
        Ok(_) => return Answer::fail(1, USAGE),
        Err(error) => return Answer::fail(1, format!("truncate: {error}")).and_err(USAGE),
    };
    let (relation, size) = match (words.last("s"), words.last("r")) {
        (Some(text), None) => {
            let relation = text.chars().next().filter(|sign| "+-%/".contains(*sign));
            let Some(size) = expand_number(text.trim_start_matches(['+', '-', '%', '/'])) else {
                return Answer::fail(1, format!("truncate: invalid size argument `{text}'"));
            };
            (relation, size)
        }
        (None, Some(file)) => match host.files().size(Path::new(file)) {
            Ok(size) => (None, size),
            Err(errno) => return Answer::fail(1, format!("truncate: {file}: {}", errno.text())),
        },
        _ => return Answer::fail(1, USAGE),
    };
    let mut answer = Answer::ok();
    for file in &words.operands {
        let path = Path::new(file);
        if words.has("c") && !host.files().exists(path) {
            continue;
        }
        let old = host.files().size(path).unwrap_or(0);
        let new = match relation {
            Some('+') => old.saturating_add(size),
            Some('-') => old.saturating_sub(size),
            Some('/') if size > 0 => old / size * size,
            Some('%') if size > 0 => old.div_ceil(size) * size,
            _ => size,
        };
        if new < old {
            host.harmed(format!("{file} was cut from {old} to {new} bytes"));
        }
        if let Err(errno) = host.files_mut().set_len(path, new) {
            answer = answer.and_err(format!("truncate: {file}: {}", errno.text()));
            answer.status = Status::Exit(1);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_truncated_silently() {
        let mut host = Host::freebsd(14).with_image("/vm/web", 8 << 30);
        assert_eq!(
            host.run(&Call::new(["truncate", "-s", "1g", "/vm/web"])),
            Answer::ok()
        );
        assert_eq!(host.files().size(Path::new("/vm/web")), Ok(1 << 30));
    }

    #[test]
    fn a_size_that_is_no_number_is_refused() {
        let mut host = Host::freebsd(14);
        assert_eq!(
            host.run(&Call::new(["truncate", "-s", "1.5G", "/vm/web"])),
            Answer::fail(1, "truncate: invalid size argument `1.5G'")
        );
        assert_eq!(
            host.run(&Call::new(["truncate", "-s", "1G", "/none/web"])),
            Answer::fail(1, "truncate: /none/web: No such file or directory")
        );
    }
}
