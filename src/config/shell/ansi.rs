//! The C escapes of `$'…'`, as FreeBSD's sh(1) reads them (`bin/sh/parser.c`).

use super::locale::Locale;

/// An invalid escape, at which sh would exit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BadEscape {
    /// Offset of the backslash within the quotes.
    pub(super) at: usize,
    pub(super) why: &'static str,
}

/// The decoded text between the quotes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// Offset of the first escape that becomes `?` unless sh runs in a UTF-8 locale.
    pub(super) by_locale: Option<usize>,
}

/// Decodes `body`, the text between the quotes, as sh does in this locale.
///
/// # Errors
/// If sh would exit with a syntax error.
pub(super) fn decode(body: &[u8], locale: Locale) -> Result<Decoded, BadEscape> {
    let mut decoded = Decoded {
        bytes: Vec::with_capacity(body.len()),
        by_locale: None,
    };
    let mut reader = Reader { body, at: 0 };
    while let Some(byte) = reader.next() {
        if byte != b'\\' {
            decoded.bytes.push(byte);
            continue;
        }
        let at = reader.at - 1;
        match reader.escape().map_err(|why| BadEscape { at, why })? {
            Escape::Nothing => {}
            // A NUL ends the text; sh skips the rest up to the quote.
            Escape::Byte(0) => break,
            Escape::Byte(byte) => decoded.bytes.push(byte),
            Escape::Character(character) => {
                decoded.by_locale = decoded.by_locale.or(Some(at));
                if locale == Locale::C {
                    decoded.bytes.push(b'?');
                    continue;
                }
                let encoded = &mut [0; 4];
                let encoded = character.encode_utf8(encoded).as_bytes();
                decoded.bytes.extend_from_slice(encoded);
            }
        }
    }
    Ok(decoded)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Escape {
    Nothing,
    Byte(u8),
    /// A character outside ASCII.
    Character(char),
}

struct Reader<'b> {
    body: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.body.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn escape(&mut self) -> Result<Escape, &'static str> {
        Ok(Escape::Byte(match self.next() {
            Some(b'\n') => return Ok(Escape::Nothing),
            Some(byte @ (b'\\' | b'\'' | b'"')) => byte,
            Some(b'a') => 0x07,
            Some(b'b') => 0x08,
            Some(b'e') => 0x1b,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 0x0b,
            Some(b'0'..=b'7') => {
                self.at -= 1;
                last_byte(self.digits(3, 8).0)
            }
            // Any number of digits.
            Some(b'x') => last_byte(self.digits(usize::MAX, 16).0),
            Some(b'c') => self.control()?,
            Some(b'u') => return self.unicode(4),
            Some(b'U') => return self.unicode(8),
            _ => return Err("unknown to sh"),
        }))
    }

    /// Up to `most` digits: the low 32 bits of their value, and their count.
    fn digits(&mut self, most: usize, radix: u32) -> (u32, usize) {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let digits = rest
            .iter()
            .take(most)
            .map_while(|byte| char::from(*byte).to_digit(radix));
        let folded = digits.fold((0_u32, 0), |(value, count), digit| {
            (value.wrapping_mul(radix).wrapping_add(digit), count + 1)
        });
        self.at += folded.1;
        folded
    }

    fn control(&mut self) -> Result<u8, &'static str> {
        match self.next() {
            Some(b'?') => Ok(0x7f),
            Some(b'\\') if self.next() == Some(b'\\') => Ok(0x1c),
            Some(letter @ (b'@'..=b'[' | b']'..=b'_' | b'a'..=b'z')) => Ok(letter & 0x1f),
            _ => Err("\\c needs a letter or one of @ [ \\\\ ] ^ _ ?"),
        }
    }

    fn unicode(&mut self, length: usize) -> Result<Escape, &'static str> {
        let (value, count) = self.digits(length, 16);
        if count < length {
            return Err("\\u needs four hexadecimal digits, \\U eight");
        }
        match (value, char::from_u32(value)) {
            (1..=0x7f, _) => Ok(Escape::Byte(last_byte(value))),
            (0x80.., Some(character)) => Ok(Escape::Character(character)),
            (0x11_0000.., None) => Ok(Escape::Byte(b'?')),
            _ => Err("no such character"),
        }
    }
}

/// sh keeps the low 8 bits of a larger number.
fn last_byte(value: u32) -> u8 {
    let [last, ..] = value.to_le_bytes();
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(body: &[u8]) -> Vec<u8> {
        decode(body, Locale::C).unwrap().bytes
    }

    #[test]
    fn escapes_are_decoded() {
        assert_eq!(
            bytes(br#"\n\t\\\'\"\a\b\e\f\r\v"#),
            b"\n\t\\'\"\x07\x08\x1b\x0c\r\x0b"
        );
        assert_eq!(bytes(br"\1012\x41g\cA\c?\c\\\cz"), b"A2Ag\x01\x7f\x1c\x1a");
        assert_eq!(bytes(br"\u0041\U0000007fx"), b"A\x7fx");
        assert_eq!(bytes(b"a\\\nb"), b"ab");
    }

    #[test]
    fn of_numbers_that_are_too_large_the_last_bits_count() {
        assert_eq!(bytes(br"\777\x414\x0041\xFFFFFFFFF42"), b"\xff\x14AB");
        assert_eq!(bytes(br"\U00110000\UFFFFFFFF"), b"??");
    }

    #[test]
    fn a_nul_ends_the_text_and_what_follows_is_not_read() {
        for body in [r"a\0\q", r"a\400b", r"a\x", r"a\x100-", r"a\c@\u", r"a\xg"] {
            assert_eq!(bytes(body.as_bytes()), b"a", "{body}");
        }
    }

    #[test]
    fn what_ends_sh_is_refused_at_its_backslash() {
        for (body, at) in [
            (r"ab\q", 2),
            (r"\8", 0),
            (r"\E", 0),
            (r"-\u41", 1),
            (r"\U0000004", 0),
            (r"\u0000", 0),
            (r"\ud800", 0),
            (r"\udfff", 0),
            (r"\c1", 0),
            (r"x\c`", 1),
            (r"\c\a", 0),
            (r"\c{", 0),
        ] {
            assert_eq!(
                decode(body.as_bytes(), Locale::C).unwrap_err().at,
                at,
                "{body}"
            );
        }
    }

    #[test]
    fn characters_beyond_ascii_depend_on_the_locale() {
        let body = br"\x41\u00e9\U0001F600\xe9";
        let decoded = decode(body, Locale::OTHERS[0]).unwrap();
        assert_eq!(decoded.bytes, [b"A", "é😀".as_bytes(), b"\xe9"].concat());
        assert_eq!(decoded.by_locale, Some(4));
        let decoded = decode(body, Locale::C).unwrap();
        assert_eq!(decoded.bytes, b"A??\xe9");
        assert_eq!(decoded.by_locale, Some(4));
        let decoded = decode(br"\u007f\xe9\U00110000", Locale::C).unwrap();
        assert_eq!(decoded.by_locale, None);
    }
}
