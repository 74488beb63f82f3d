//! Bracket expressions of patterns: characters, ranges and classes (`bin/sh/expand.c`).

use super::{Charset, Element, Marked};

/// The characters that a bracket expression matches.
///
/// Ranges compare character codes, as in the locales C and C.UTF-8.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::config::shell) struct Set {
    is_negated: bool,
    /// Members below 256.
    low: Box<[bool; 256]>,
    /// Ranges of other characters.
    ranges: Vec<(u32, u32)>,
    /// Classes; their members below 256 are in `low`.
    classes: Vec<&'static Class>,
    charset: Charset,
}

impl Set {
    fn new(charset: Charset) -> Self {
        Self {
            is_negated: false,
            low: Box::new([false; 256]),
            ranges: Vec::new(),
            classes: Vec::new(),
            charset,
        }
    }

    /// The number of steps of one lookup.
    pub(super) fn weight(&self) -> usize {
        1 + self.ranges.len() + self.classes.len()
    }

    /// Whether the set contains a character; none if no table knows.
    pub(super) fn accepts(&self, code: u32) -> Option<bool> {
        let is_low = |low: &[bool; 256]| low.get(code as usize).copied().unwrap_or_default();
        let holds =
            if is_low(&self.low) || self.ranges.iter().any(|(a, b)| (*a..=*b).contains(&code)) {
                Some(true)
            } else if self.charset == Charset::Bytes || code < 0x80 {
                Some(false)
            } else {
                self.classes_hold(char::from_u32(code)?)
            };
        holds.map(|holds| holds != self.is_negated)
    }

    fn classes_hold(&self, character: char) -> Option<bool> {
        let mut answer = Some(false);
        for class in &self.classes {
            match (class.beyond_ascii)(character) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => answer = None,
            }
        }
        answer
    }

    fn add(&mut self, first: u32, last: u32) {
        let low = self.low.get_mut(first as usize..=last.min(0xff) as usize);
        low.unwrap_or_default().fill(true);
        if last > 0xff {
            self.ranges.push((first, last));
        }
    }

    fn add_class(&mut self, class: &'static Class) {
        for (byte, entry) in (0..0x80).zip(self.low.iter_mut()) {
            *entry |= (class.ascii)(&byte);
        }
        self.classes.push(class);
    }
}

pub(super) struct Reader<'m> {
    marked: &'m Marked,
    charset: Charset,
    at: usize,
    /// Whether a range without an end matches nothing; otherwise its bracket is an ordinary byte.
    is_never: bool,
    /// Whether such a range was read: sh looks for its end beyond the pattern, or matches nothing.
    pub(super) is_endless: bool,
}

/// The kind of a position within brackets.
enum Member {
    /// A character or a class, which was added.
    Some,
    /// The end of the pattern: the bracket is not closed.
    End,
    /// A byte that is not a character: nothing matches.
    Never,
}

impl<'m> Reader<'m> {
    pub(super) fn new(marked: &'m Marked, charset: Charset, is_never: bool) -> Self {
        Self {
            marked,
            charset,
            at: 0,
            is_never,
            is_endless: false,
        }
    }

    fn peek(&self, ahead: usize) -> Option<(u8, bool)> {
        let at = self.at + ahead;
        let active = self.marked.active.get(at).copied().unwrap_or_default();
        Some((*self.marked.bytes.get(at)?, active))
    }

    /// Reads a byte, and whether it can be a wildcard.
    pub(super) fn next(&mut self) -> Option<(u8, bool)> {
        let next = self.peek(0);
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek(0) == Some((byte, true));
        self.at += usize::from(found);
        found
    }

    /// Reads the set after a `[`; without a `]` the bracket is an ordinary character.
    ///
    /// # Errors
    /// The reason, if the meaning is uncertain.
    pub(super) fn set(&mut self) -> Result<Element, &'static str> {
        let start = self.at;
        let mut set = Set::new(self.charset);
        set.is_negated = self.eat(b'!') || self.eat(b'^');
        loop {
            match self.member(&mut set)? {
                Member::Some => {}
                Member::End => {
                    self.at = start;
                    return Ok(Element::Byte(b'['));
                }
                Member::Never => {
                    self.at = self.marked.bytes.len();
                    return Ok(Element::Set(Set::new(self.charset)));
                }
            }
            if self.eat(b']') {
                return Ok(Element::Set(set));
            }
        }
    }

    /// Reads one member, which may be a `]`.
    fn member(&mut self, set: &mut Set) -> Result<Member, &'static str> {
        if self.peek(0) == Some((b'[', true))
            && self.peek(1) == Some((b':', true))
            && self.class(set)?
        {
            return Ok(Member::Some);
        }
        if self.peek(0).is_none() {
            return Ok(Member::End);
        }
        let Some(first) = self.character() else {
            return Ok(Member::Never);
        };
        if self.peek(0) != Some((b'-', true)) || self.peek(1) == Some((b']', true)) {
            set.add(first, first);
            return Ok(Member::Some);
        }
        self.at += 1;
        if self.peek(0).is_none() {
            self.is_endless = true;
            let end = if self.is_never {
                Member::Never
            } else {
                Member::End
            };
            return Ok(end);
        }
        let Some(last) = self.character() else {
            return Ok(Member::Never);
        };
        set.add(first, last);
        Ok(Member::Some)
    }

    fn character(&mut self) -> Option<u32> {
        let rest = self.marked.bytes.get(self.at..).unwrap_or_default();
        let (code, length) = self.charset.first(rest)?;
        self.at += length;
        Some(code)
    }

    /// Reads `[:name:]`, where an unknown name matches no character; returns whether it is a class.
    fn class(&mut self, set: &mut Set) -> Result<bool, &'static str> {
        let start = self.at + 2;
        let mut length = 0;
        let mut at = start;
        loop {
            let Some((byte, active)) = self.peek(at - self.at) else {
                return Ok(false);
            };
            if byte == b':' && self.peek(at + 1 - self.at) == Some((b']', true)) {
                length += usize::from(!active);
                break;
            }
            length += 1 + usize::from(is_marked(byte, active));
            at += 1;
        }
        if length == 0 || length >= LONGEST_NAME {
            return Ok(false);
        }
        let name = self.marked.bytes.get(start..at).unwrap_or_default();
        if OF_FREEBSD.contains(&name) {
            return Err("only FreeBSD has a class of this name");
        }
        let is_plain = self.peek(at - self.at) == Some((b':', true));
        let mut classes = CLASSES.iter();
        if let Some(class) = classes.find(|class| is_plain && class.name.as_bytes() == name) {
            set.add_class(class);
        }
        self.at = at + 2;
        Ok(true)
    }
}

/// Whether sh keeps a mark before this byte, which lengthens a name.
fn is_marked(byte: u8, active: bool) -> bool {
    !active && b"!*?[]=~:/-^".contains(&byte) || matches!(byte, 0xc0 | 0xc1 | 0xf9..)
}

/// sh does not treat longer names as classes.
const LONGEST_NAME: usize = 20;

/// Names of classes that only FreeBSD has (wctype(3)).
const OF_FREEBSD: [&[u8]; 5] = [b"ideogram", b"number", b"phonogram", b"rune", b"special"];

#[derive(Debug)]
struct Class {
    name: &'static str,
    ascii: fn(&u8) -> bool,
    /// The result for characters outside ASCII; none where systems may differ.
    beyond_ascii: fn(char) -> Option<bool>,
}

impl PartialEq for Class {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Class {}

static CLASSES: [Class; 12] = [
    Class {
        name: "alnum",
        ascii: u8::is_ascii_alphanumeric,
        beyond_ascii: is_letter,
    },
    Class {
        name: "alpha",
        ascii: u8::is_ascii_alphabetic,
        beyond_ascii: is_letter,
    },
    Class {
        name: "blank",
        ascii: |byte| matches!(byte, b' ' | b'\t'),
        beyond_ascii: is_space,
    },
    Class {
        name: "cntrl",
        ascii: u8::is_ascii_control,
        beyond_ascii: is_control,
    },
    Class {
        name: "digit",
        ascii: u8::is_ascii_digit,
        beyond_ascii: |_| Some(false),
    },
    Class {
        name: "graph",
        ascii: u8::is_ascii_graphic,
        beyond_ascii: is_graphic,
    },
    Class {
        name: "lower",
        ascii: u8::is_ascii_lowercase,
        beyond_ascii: is_lower,
    },
    Class {
        name: "print",
        ascii: |byte| matches!(byte, b' '..=b'~'),
        beyond_ascii: is_graphic,
    },
    Class {
        name: "punct",
        ascii: u8::is_ascii_punctuation,
        beyond_ascii: is_punctuation,
    },
    Class {
        name: "space",
        ascii: |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        beyond_ascii: is_space,
    },
    Class {
        name: "upper",
        ascii: u8::is_ascii_uppercase,
        beyond_ascii: is_upper,
    },
    Class {
        name: "xdigit",
        ascii: u8::is_ascii_hexdigit,
        beyond_ascii: |_| Some(false),
    },
];

/// Whether a character is neither printable nor a space.
fn is_blank_or_control(character: char) -> bool {
    character.is_whitespace() || character.is_control()
}

fn is_letter(character: char) -> Option<bool> {
    let is_letter = character.is_alphabetic();
    (is_letter || is_blank_or_control(character)).then_some(is_letter)
}

fn is_graphic(character: char) -> Option<bool> {
    let is_known = character.is_alphabetic() || character.is_control();
    is_known.then_some(!character.is_control())
}

fn is_punctuation(character: char) -> Option<bool> {
    let is_known = character.is_alphabetic() || is_blank_or_control(character);
    is_known.then_some(false)
}

fn is_space(character: char) -> Option<bool> {
    (!character.is_whitespace()).then_some(false)
}

fn is_control(character: char) -> Option<bool> {
    let is_control = character.is_control();
    (is_control || !character.is_whitespace()).then_some(is_control)
}

fn is_lower(character: char) -> Option<bool> {
    let is_changed = character.to_uppercase().ne([character]);
    (is_changed == character.is_lowercase()).then_some(is_changed)
}

fn is_upper(character: char) -> Option<bool> {
    let is_changed = character.to_lowercase().ne([character]);
    (is_changed == character.is_uppercase()).then_some(is_changed)
}
