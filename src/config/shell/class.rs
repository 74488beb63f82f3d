//! The class of each byte for the lexer.

/// Whether the bytes are a valid variable name.
pub(in crate::config) fn is_name(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| is(*first, NAME_START))
        && bytes.iter().all(|byte| is(*byte, NAME))
}

/// The first character of some bytes; none if they do not begin with UTF-8.
pub(super) fn first_character(bytes: &[u8]) -> Option<char> {
    let length = match bytes.first()? {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let text = std::str::from_utf8(bytes.get(..length)?).ok()?;
    text.chars().next()
}

/// Ends text at the top level.
pub(super) const TOP_STOP: u8 = 1;
/// Ends text between double quotes.
pub(super) const DOUBLE_STOP: u8 = 2;
/// Ends text in the word of `${…}`.
pub(super) const BRACE_STOP: u8 = 4;
/// Ends text in the word of `"${…}"`.
pub(super) const BRACE_IN_DOUBLE_STOP: u8 = 8;
/// Separates words.
pub(super) const BLANK: u8 = 16;
/// Begins a name.
pub(super) const NAME_START: u8 = 32;
/// Continues a name.
pub(super) const NAME: u8 = 64;
/// Names a special or positional parameter.
pub(super) const SPECIAL: u8 = 128;

static CLASSES: [u8; 256] = classes();

pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES
        .get(usize::from(byte))
        .is_some_and(|classes| classes & class != 0)
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        #[expect(clippy::cast_possible_truncation, reason = "the table has 256 entries")]
        let character = byte as u8;
        let mut class = match character {
            b'"' | b'\\' | b'$' | b'`' => {
                TOP_STOP | DOUBLE_STOP | BRACE_STOP | BRACE_IN_DOUBLE_STOP
            }
            b'\'' => TOP_STOP | BRACE_STOP,
            b'}' => BRACE_STOP | BRACE_IN_DOUBLE_STOP,
            b' ' | b'\t' => TOP_STOP | BLANK,
            b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => TOP_STOP,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => NAME_START | NAME,
            b'0'..=b'9' => NAME | SPECIAL,
            _ => 0,
        };
        if matches!(character, b'!' | b'#' | b'$' | b'*' | b'-' | b'?' | b'@') {
            class |= SPECIAL;
        }
        table[byte] = class;
        byte += 1;
    }
    table
}
