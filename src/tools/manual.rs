//! Formatters of manual pages: mandoc(1), which is part of FreeBSD, or the man(1) of man-db.

use crate::command::{Command, Streams, args};
use std::path::Path;

/// The programs that format a page, the preferred one first.
pub const FORMATTERS: [&str; 2] = ["mandoc", "man"];

/// Formats the page in this file, on a terminal through the user's pager: `mandoc -a FILE`, or
/// `man -l FILE`.
pub fn format(formatter: &'static str, file: &Path, streams: Streams) -> Command {
    let option = if formatter == "man" { "-l" } else { "-a" };
    Command::question(formatter, args![option, file]).streams(streams)
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
    use super::{format, plain};
    use crate::command::Streams;
    use std::path::Path;

    #[test]
    fn a_formatter_takes_the_page_as_a_file() {
        for (formatter, line) in [("mandoc", "mandoc -a /tmp/x"), ("man", "man -l /tmp/x")] {
            let command = format(formatter, Path::new("/tmp/x"), Streams::Captured);
            assert_eq!(command.to_string(), line);
        }
    }

    #[test]
    fn letters_that_are_struck_twice_are_there_once() {
        assert_eq!(plain("N\u{8}NA\u{8}A_\u{8}x y\n\u{8}"), "NAx y");
        assert_eq!(plain("é\u{8}é"), "é");
    }
}
