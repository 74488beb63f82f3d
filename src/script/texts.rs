//! Text that a script contains and writes.

use super::lines::Lines;
use crate::{quote, vis};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

impl Lines<'_> {
    /// After `before`, writes `text` to the redirection `to`, and continues with `behind`.
    ///
    /// By a here-document, unless the text contains control characters for a terminal.
    pub(super) fn text(&mut self, mut before: Vec<u8>, to: &[u8], text: &[u8], behind: &[u8]) {
        let is_plain = vis::is_plain(text);
        // A here-document always ends with a newline.
        if is_plain && (text.is_empty() || text.ends_with(b"\n")) {
            before.extend_from_slice(b"cat");
            before.extend_from_slice(to);
            return self.here_document(before, text, behind);
        }
        before.extend_from_slice(b"printf ");
        if is_plain {
            before.extend_from_slice(b"%s ");
            quote::push(&mut before, OsStr::from_bytes(text));
        } else {
            before.extend_from_slice(&quote::for_printf(text));
        }
        before.extend_from_slice(to);
        before.extend_from_slice(behind);
        self.line(before);
    }

    /// `COMMAND <<'END'` and `behind` on one line, and the text below it, for any text.
    pub(super) fn here_document(&mut self, mut line: Vec<u8>, text: &[u8], behind: &[u8]) {
        let mut end = "END".to_owned();
        while text
            .split(|&byte| byte == b'\n')
            .any(|line| line == end.as_bytes())
        {
            end.push('_');
        }
        line.extend_from_slice(format!(" <<'{end}'").as_bytes());
        line.extend_from_slice(behind);
        self.line(line);
        self.text.extend_from_slice(text);
        self.text.extend_from_slice(end.as_bytes());
        self.text.push(b'\n');
    }
}
