//! The C escapes of `$'…'`, as FreeBSD's sh(1) and bash both read them.

/// An escape that is none, or that the two shells read differently.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BadEscape {
    /// Offset of its backslash within the quotes.
    pub(super) at: usize,
    /// Why it is refused.
    pub(super) why: &'static str,
}

/// The bytes that stand for `body`, the text between the quotes.
pub(super) fn decode(body: &[u8]) -> Result<Vec<u8>, BadEscape> {
    let mut out = Vec::with_capacity(body.len());
    let mut reader = Reader { body, at: 0 };
    while let Some(byte) = reader.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let at = reader.at - 1;
        let escape = reader.escape().map_err(|why| BadEscape { at, why })?;
        // A NUL ends the text in sh; the rest up to the quote is skipped.
        if escape == Escape::Byte(0) {
            break;
        }
        match escape {
            Escape::Byte(byte) => out.push(byte),
            Escape::Character(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    Ok(out)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Escape {
    Byte(u8),
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
                let (value, _) = self.digits(3, 8);
                u8::try_from(value).map_err(|_| "an octal escape goes up to \\377")?
            }
            Some(b'x') => {
                let (value, count) = self.digits(2, 16);
                let value = (count > 0)
                    .then_some(value)
                    .and_then(|value| value.try_into().ok());
                value.ok_or("\\x needs hexadecimal digits")?
            }
            Some(b'c') => self.control()?,
            Some(b'u') => return self.unicode(4),
            Some(b'U') => return self.unicode(8),
            _ => return Err("sh knows no such escape"),
        }))
    }

    /// Up to `most` digits: their value and how many there were.
    fn digits(&mut self, most: usize, radix: u32) -> (u32, usize) {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let digits = rest
            .iter()
            .take(most)
            .map_while(|byte| char::from(*byte).to_digit(radix));
        let folded = digits.fold((0, 0), |(value, count), digit| {
            (value * radix + digit, count + 1)
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
        let character = char::from_u32(value).filter(|character| *character != '\0');
        character
            .map(Escape::Character)
            .ok_or("there is no such character")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded() {
        assert_eq!(
            decode(br#"\n\t\\\'\"\a\b\e\f\r\v"#).unwrap(),
            b"\n\t\\'\"\x07\x08\x1b\x0c\r\x0b"
        );
        assert_eq!(
            decode(br"\1012\x414\cA\c?\c\\").unwrap(),
            b"A2A4\x01\x7f\x1c"
        );
        assert_eq!(decode(br"\u00e9\U0001F600x").unwrap(), "é😀x".as_bytes());
        assert_eq!(decode(br"a\0bc").unwrap(), b"a");
    }

    #[test]
    fn what_shells_read_differently_is_refused_at_its_backslash() {
        for (body, at) in [
            (r"ab\q", 2),
            (r"\x", 0),
            (r"\400", 0),
            (r"-\u41", 1),
            (r"\ud800", 0),
        ] {
            assert_eq!(decode(body.as_bytes()).unwrap_err().at, at, "{body}");
        }
    }
}
