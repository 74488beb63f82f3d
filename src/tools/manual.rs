//! Formatters of manual pages: mandoc(1), which is part of FreeBSD, or the man(1) of man-db.

use crate::command::{Command, Streams, args};
use std::path::Path;

/// The programs that format a page, the preferred one first.
pub const FORMATTERS: [&str; 2] = ["mandoc", "man"];

/// The letters of a formatted page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// Those of the locale: the page itself is ASCII.
    OfLocale,
    /// UTF-8 in any locale.
    Utf8,
}

/// Formats the page in this file, on a terminal through the user's pager: `mandoc -a [-T utf8] FILE`,
/// or `man [-E UTF-8] -l FILE`.
pub fn format(formatter: &'static str, file: &Path, letters: Letters, streams: Streams) -> Command {
    let args = match (formatter, letters) {
        ("man", Letters::OfLocale) => args!["-l", file],
        ("man", Letters::Utf8) => args!["-E", "UTF-8", "-l", file],
        (_, Letters::OfLocale) => args!["-a", file],
        (_, Letters::Utf8) => args!["-a", "-T", "utf8", file],
    };
    Command::question(formatter, args).streams(streams)
}

/// Formatted text without the backspaces by which a formatter makes letters bold or underlined:
/// `_\bx` and `x\bx` are `x`.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '\u{8}' {
            plain.pop();
        } else {
            plain.push(letter);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Letters, format, plain};
    use crate::command::Streams;
    use std::path::Path;

    #[test]
    fn a_formatter_takes_the_page_as_a_file() {
        let (locale, utf8) = (Letters::OfLocale, Letters::Utf8);
        for (formatter, letters, line) in [
            ("mandoc", locale, "mandoc -a /tmp/x"),
            ("man", locale, "man -l /tmp/x"),
            ("mandoc", utf8, "mandoc -a -T utf8 /tmp/x"),
            ("man", utf8, "man -E UTF-8 -l /tmp/x"),
        ] {
            let command = format(formatter, Path::new("/tmp/x"), letters, Streams::Captured);
            assert_eq!(command.to_string(), line);
        }
    }

    #[test]
    fn letters_that_are_struck_twice_are_there_once() {
        assert_eq!(plain("N\u{8}NA\u{8}A_\u{8}x y\n\u{8}"), "NAx y");
        assert_eq!(plain("é\u{8}é"), "é");
    }
}
