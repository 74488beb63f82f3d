//! Display of text from outside, so that a terminal shows the text and executes no escape sequence.
//!
//! As ps(1) shows arguments: strvis(3) with `VIS_TAB`, `VIS_NL` and `VIS_NOSLASH`, so that an
//! escape is `^[`, a newline `^J`, and a byte that is not text `M-x`. Text that was already
//! converted does not change. Quoting for sh(1) is in [`crate::quote`].

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;

/// Text from outside in its displayed form, on one line.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'text> {
    text: &'text [u8],
    /// Whether tabs are shown as blanks, as in the output of programs.
    has_tabs: bool,
}

/// A path, a name or a text from outside, for a message.
pub fn shown<T: AsRef<OsStr> + ?Sized>(text: &T) -> Shown<'_> {
    bytes(text.as_ref().as_bytes())
}

/// Bytes from outside, for a message.
pub fn bytes(text: &[u8]) -> Shown<'_> {
    Shown {
        text,
        has_tabs: false,
    }
}

/// The lines of a program's output, for a message, with blanks for tabs; on a terminal they end in
/// CR LF.
pub fn lines_of(said: &[u8]) -> impl Iterator<Item = Shown<'_>> {
    let lines = said.strip_suffix(b"\n").unwrap_or(said);
    let lines = (!said.is_empty()).then(|| lines.split(|&byte| byte == b'\n'));
    lines.into_iter().flatten().map(|line| Shown {
        text: line.strip_suffix(b"\r").unwrap_or(line),
        has_tabs: true,
    })
}

impl Shown<'_> {
    /// Whether no character is visible.
    pub fn is_blank(&self) -> bool {
        self.text.trim_ascii().is_empty()
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.text.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character == '\t' && self.has_tabs {
                    f.write_char(' ')?;
                } else if is_graphic(character) {
                    f.write_char(character)?;
                } else {
                    let encoded = character.encode_utf8(&mut [0; 4]).as_bytes().to_vec();
                    encoded.iter().try_for_each(|byte| code(f, *byte))?;
                }
            }
            chunk.invalid().iter().try_for_each(|byte| code(f, *byte))?;
        }
        Ok(())
    }
}

/// Writes a byte that is not shown literally (`contrib/libc-vis/vis.c`, `do_mbyte`).
fn code(f: &mut fmt::Formatter<'_>, byte: u8) -> fmt::Result {
    let low = byte & 0x7f;
    if low == b' ' {
        return write!(f, "\\{byte:03o}");
    }
    if byte != low {
        f.write_char('M')?;
    }
    match low {
        0x7f => f.write_str("^?"),
        0..=0x1f => write!(f, "^{}", char::from(low + b'@')),
        _ => write!(f, "-{}", char::from(low)),
    }
}

/// One line of text in its displayed form.
pub fn line(text: &str) -> Cow<'_, str> {
    if is_printable(text) || text.chars().all(is_graphic) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(bytes(text.as_bytes()).to_string())
}

/// Whether text is ASCII without control characters: a fast path, because most text is.
pub(crate) fn is_printable(text: &str) -> bool {
    // No early end, so that several bytes are compared at once.
    let bytes = text.bytes();
    bytes.fold(true, |is_so, byte| is_so & matches!(byte, b' '..=b'~'))
}

/// As [`is_printable`], for text of several lines.
fn are_printable(text: &str) -> bool {
    let bytes = text.bytes();
    bytes.fold(true, |is_so, byte| {
        is_so & matches!(byte, b' '..=b'~' | b'\n')
    })
}

/// Text of several lines in its displayed form, with its newlines kept.
pub fn lines(text: &str) -> Cow<'_, str> {
    let is_fine = |character| character == '\n' || is_graphic(character);
    if are_printable(text) || text.chars().all(is_fine) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(line).collect();
    Cow::Owned(lines.join("\n"))
}

/// JSON text in which characters that control a terminal are written as `\uXXXX`: the same data.
///
/// JSON itself requires this only for ASCII's control characters.
pub fn json(text: String) -> String {
    if text
        .chars()
        .all(|character| character == '\n' || is_graphic(character))
    {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if character == '\n' || is_graphic(character) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// Whether a terminal only shows these bytes, with tabs and newlines, also with a carriage return before
/// a newline. Bytes above 0xA0 that are not UTF-8 are letters of other encodings.
pub fn is_plain(bytes: &[u8]) -> bool {
    let mut chunks = bytes.utf8_chunks();
    let is_text = chunks.all(|chunk| {
        let is_fine = |character| matches!(character, '\n' | '\t' | '\r') || is_graphic(character);
        chunk.valid().chars().all(is_fine) && chunk.invalid().iter().all(|byte| *byte >= 0xa0)
    });
    let mut behind = bytes.iter().skip(1);
    is_text
        && bytes.iter().all(|byte| {
            let next = behind.next();
            *byte != b'\r' || next == Some(&b'\n')
        })
}

/// Whether a terminal only shows a character: not a control character, not one that changes the
/// direction of the text, and visible.
pub fn is_graphic(character: char) -> bool {
    let is_hidden = || {
        matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
    };
    !character.is_control() && (character.is_ascii() || !is_hidden())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn what_is_no_text_is_shown_as_ps_shows_it() {
        for (raw, text) in [
            (&b"plain text"[..], "plain text"),
            (b"\x1b]0;x\x07", "^[]0;x^G"),
            (b"a\nb\tc\r", "a^Jb^Ic^M"),
            (b"\0\x7f", "^@^?"),
            (b"\x9b\xe1\xff\xa0\x80", "M^[M-aM^?\\240M^@"),
            ("日本 é".as_bytes(), "日本 é"),
            ("\u{9b}".as_bytes(), "M-BM^["),
            ("a\u{202e}b".as_bytes(), "aM-bM^@M-.b"),
            ("\u{200b}".as_bytes(), "M-bM^@M^K"),
            (br"a\b", r"a\b"),
        ] {
            assert_eq!(bytes(raw).to_string(), text);
        }
        let said: Vec<String> = lines_of(b"\ta\x1b\r\n\nb")
            .map(|line| line.to_string())
            .collect();
        assert_eq!(said, [" a^[", "", "b"]);
        assert_eq!(lines("a\nb\x1b\n"), "a\nb^[\n");
        assert_eq!(
            json("\"\u{9b}\u{e0041}é\"\n".to_owned()),
            "\"\\u009b\\udb40\\udc41é\"\n"
        );
    }

    #[test]
    fn only_what_a_terminal_shows_is_plain() {
        for plain in [&b"a\tb\n"[..], b"a\r\n", b"\xa4\xa2", "é".as_bytes()] {
            assert!(is_plain(plain), "{plain:?}");
        }
        for other in [&b"a\rb"[..], b"\r", b"\x1b", b"\x9b", "\u{9b}".as_bytes()] {
            assert!(!is_plain(other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_a_terminal_obeys_and_nothing_is_shown_twice(
            raw in proptest::collection::vec(any::<u8>(), 0..40)
        ) {
            let once = bytes(&raw).to_string();
            proptest::prop_assert!(once.chars().all(is_graphic));
            proptest::prop_assert_eq!(shown(&once).to_string(), once.as_str());
        }
    }
}
