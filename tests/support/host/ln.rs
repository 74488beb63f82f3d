//! ln(1) of one file to one name, and its symbolic links on a real file system: bin/ln/ln.c.

use std::path::Path;

use super::Host;
use super::call::{Answer, Call};
use super::words::Words;

const USAGE: &str = "usage: ln [-s [-F] | -L | -P] [-f | -i] [-hnv] source_file [target_file]\n       \
     ln [-s [-F] | -L | -P] [-f | -i] [-hnv] source_file ... target_dir";

/// Runs `ln [-P] FILE NAME`, which without `-P` follows a symbolic link, or `ln -s [-f] [-n] TARGET NAME`.
pub(super) fn run(host: &mut Host, call: &Call) -> Answer {
    let words = match Words::parse(&call.words(), "fnPs") {
        Ok(words) => words,
        Err(error) => return Answer::fail(1, format!("ln: {error}")).and_err(USAGE),
    };
    let [file, name] = words.operands.as_slice() else {
        return Answer::fail(1, USAGE);
    };
    if words.has("s") {
        return symbolic(host, file, name, words.has("f"));
    }
    let mut target = Path::new(name).to_owned();
    if host.files().is_dir(&target) {
        target.push(Path::new(file).file_name().unwrap_or_default());
    }
    // linkat(2) with AT_SYMLINK_FOLLOW: the new name is one of the link's target.
    let source = Path::new(file);
    let odd = host.state.odd.get(source).copied().unwrap_or_default();
    let real = Some(source).filter(|_| host.real.is_some() && !words.has("P"));
    let real = real.and_then(|source| source.canonicalize().ok());
    match host
        .files_mut()
        .link(real.as_deref().unwrap_or(source), &target)
    {
        Ok(()) => {
            if odd.link && words.has("P") {
                host.state.odd.insert(target, odd);
            }
            Answer::ok()
        }
        Err(errno) => Answer::fail(1, format!("ln: {}: {}", target.display(), errno.text())),
    }
}

/// Creates a symbolic link; with `-f` it replaces an existing one.
fn symbolic(host: &Host, target: &str, name: &str, by_force: bool) -> Answer {
    if host.real.is_none() {
        return Answer::fail(1, "ln: there are no symbolic links in memory");
    }
    if by_force && Path::new(name).is_symlink() {
        // If the old link cannot be removed, the next call fails.
        let _ = std::fs::remove_file(name);
    }
    match std::os::unix::fs::symlink(target, name) {
        Ok(()) => Answer::ok(),
        Err(error) => Answer::fail(1, format!("ln: {name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbolic_link_is_followed_without_an_option() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let word = |name: &str| at(name).display().to_string();
        std::fs::write(at("file"), "x").expect("written");
        std::os::unix::fs::symlink("file", at("link")).expect("linked");
        let mut host = Host::freebsd(14).on_disk(at("dev"));
        for (words, name, is_link) in [(&["ln"][..], "a", false), (&["ln", "-P"], "b", true)] {
            let argv = words.iter().map(|word| (*word).to_owned());
            let argv = argv.chain([word("link"), word(name)]);
            assert_eq!(host.run(&Call::new(argv)), Answer::ok());
            assert_eq!(at(name).is_symlink(), is_link);
        }
    }
}
