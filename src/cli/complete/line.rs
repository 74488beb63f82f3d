//! The words of a line that a shell has not taken apart, and the names of files on it.

use crate::process::Process;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The words of a line up to the cursor, without their quotes; the last is empty behind a blank.
pub(super) fn words(line: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_begun = false;
    let mut quote = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => (quote, is_begun) = (Some(c), true),
            (None, '\\') => {
                word.extend(rest.next());
                is_begun = true;
            }
            (Some('"'), '\\') => match rest.next() {
                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                next => word.extend([c].into_iter().chain(next)),
            },
            (None, _) if c.is_whitespace() => {
                if is_begun {
                    words.push(std::mem::take(&mut word).into());
                }
                is_begun = false;
            }
            _ => {
                word.push(c);
                is_begun = true;
            }
        }
    }
    words.push(word.into());
    words
}

/// The names of files that begin with this text, a directory with its slash; hidden ones only behind a
/// period.
pub(super) fn files(process: &Process, text: &str) -> Vec<String> {
    let (directory, begun) = text.rsplit_once('/').map_or(("", text), |(above, begun)| {
        (text.get(..=above.len()).unwrap_or_default(), begun)
    });
    let place = process.directory.join(at_home(process, directory));
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let is_meant =
            name.starts_with(begun) && (begun.starts_with('.') || !name.starts_with('.'));
        // A link to a directory is one.
        let is_directory = is_meant && entry.path().is_dir();
        is_meant.then(|| format!("{directory}{name}{}", if is_directory { "/" } else { "" }))
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The directory behind `~/` or `$HOME/`.
fn at_home(process: &Process, directory: &str) -> PathBuf {
    let home = process.variable("HOME").map(Path::new);
    let mut heads = ["~/", "$HOME/"].into_iter();
    match (heads.find_map(|head| directory.strip_prefix(head)), home) {
        (Some(below), Some(home)) => home.join(below),
        _ => directory.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_are_read_as_the_shells_read_them() {
        for (line, expected) in [
            ("a b", &["a", "b"][..]),
            ("a  b ", &["a", "b", ""]),
            ("", &[""]),
            (r#"a "b c" 'd e"#, &["a", "b c", "d e"]),
            (r#"a "b""#, &["a", "b"]),
            (r"a b\ c\'d", &["a", r"b c'd"]),
            (r#"a --config="b c/d\"\e"#, &["a", r#"--config=b c/d"\e"#]),
            (r#"a "" b"#, &["a", "", "b"]),
            (r"a 'b\' \", &["a", r"b\", ""]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }
}
