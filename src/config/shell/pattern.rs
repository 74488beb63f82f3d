//! The patterns of `${x%p}` and `${x##p}`, as FreeBSD's sh(1) matches them (`bin/sh/expand.c`):
//! bytes in the C locale, characters in a UTF-8 locale.
//!
//! Matching follows all alternatives in parallel, so it takes at most value times pattern steps.

mod bracket;

use super::class::first_character;
use super::locale::Locale;
use bracket::{Reader, Set};

/// Text with a mark for each byte: whether a wildcard character is active there.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    pub(super) bytes: Vec<u8>,
    pub(super) active: Vec<bool>,
}

impl Marked {
    /// Whether the pattern matches only itself, in every locale.
    fn is_literal(&self) -> bool {
        let mut pairs = self.bytes.iter().zip(&self.active);
        pairs.all(|(byte, active)| !(*active && b"*?[".contains(byte)))
    }
}

/// The part of a value that a pattern removes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trim {
    ShortestPrefix,
    LongestPrefix,
    ShortestSuffix,
    LongestSuffix,
}

impl Trim {
    fn is_prefix(self) -> bool {
        matches!(self, Self::ShortestPrefix | Self::LongestPrefix)
    }

    fn is_shortest(self) -> bool {
        matches!(self, Self::ShortestPrefix | Self::ShortestSuffix)
    }

    /// The value without `length` bytes of this part.
    fn without(self, value: &[u8], length: Option<usize>) -> &[u8] {
        let length = length.unwrap_or_default();
        let rest = if self.is_prefix() {
            value.get(length..)
        } else {
            value.get(..value.len().saturating_sub(length))
        };
        rest.unwrap_or_default()
    }
}

/// Why a pattern has no result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unclear {
    /// The meaning in sh is not certain; the reason.
    Pattern(&'static str),
    /// Matching takes more steps than are left.
    Steps,
}

/// The unit of one pattern step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Charset {
    /// Bytes: the C locale.
    Bytes,
    /// Characters, and bytes that are not part of one: a UTF-8 locale.
    Utf8,
}

impl Charset {
    /// The first character and its length in bytes.
    pub(super) fn first(self, bytes: &[u8]) -> Option<(u32, usize)> {
        match self {
            Self::Bytes => Some((u32::from(*bytes.first()?), 1)),
            Self::Utf8 => first_character(bytes).map(|it| (u32::from(it), it.len_utf8())),
        }
    }

    /// The last character and its length in bytes.
    fn last(self, bytes: &[u8]) -> Option<(u32, usize)> {
        let mut lengths = 1..=4;
        lengths.find_map(|length| {
            let tail = bytes.get(bytes.len().checked_sub(length)?..)?;
            self.first(tail).filter(|(_, own)| *own == length)
        })
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Element {
    Byte(u8),
    One,
    Run,
    Set(Set),
}

/// The longest pattern with wildcards, in bytes.
const MAX_WILD: usize = 1024;

/// The value without the part that the pattern matches, and whether another locale gives another
/// result, which is not checked if `locale` is given. `steps` is the number of steps left.
///
/// # Errors
/// If the pattern has no certain result.
pub(super) fn trim<'v>(
    value: &'v [u8],
    pattern: &Marked,
    trim: Trim,
    locale: Option<Locale>,
    steps: &mut usize,
) -> Result<(&'v [u8], bool), Unclear> {
    if value.is_empty() {
        return Ok((value, false));
    }
    if pattern.is_literal() {
        spend(steps, value.len() + pattern.bytes.len())?;
        return Ok((literal(value, &pattern.bytes, trim), false));
    }
    if pattern.bytes.len() > MAX_WILD {
        return Err(Unclear::Pattern("longer than 1024 bytes"));
    }
    let mut within = |locale| {
        let (charset, unknown) = match locale {
            Locale::C => (Charset::Bytes, false),
            Locale::Utf8 { unknown } => (Charset::Utf8, unknown),
        };
        let (read, is_endless) = Pattern::read(pattern, charset, charset == Charset::Utf8)?;
        let rest = read.trim(value, trim, unknown, steps)?;
        if is_endless && charset == Charset::Bytes {
            let (read, _) = Pattern::read(pattern, charset, true)?;
            if read.trim(value, trim, unknown, steps)? != rest {
                return Err(Unclear::Pattern("the range has no end"));
            }
        }
        Ok(rest)
    };
    let rest = within(locale.unwrap_or_default())?;
    let mut depends = false;
    if locale.is_none() && !(value.is_ascii() && pattern.bytes.is_ascii()) {
        for other in Locale::OTHERS {
            depends |= within(other)? != rest;
        }
    }
    Ok((rest, depends))
}

fn spend(steps: &mut usize, spent: usize) -> Result<(), Unclear> {
    *steps = steps.checked_sub(spent).ok_or(Unclear::Steps)?;
    Ok(())
}

fn literal<'v>(value: &'v [u8], text: &[u8], trim: Trim) -> &'v [u8] {
    let rest = if trim.is_prefix() {
        value.strip_prefix(text)
    } else {
        value.strip_suffix(text)
    };
    rest.unwrap_or(value)
}

#[derive(Clone, Debug)]
struct Pattern {
    elements: Vec<Element>,
    charset: Charset,
}

impl Pattern {
    /// Reads a pattern, and whether a range has no end, which matches nothing if `is_never`.
    fn read(marked: &Marked, charset: Charset, is_never: bool) -> Result<(Self, bool), Unclear> {
        let mut reader = Reader::new(marked, charset, is_never);
        let mut elements = Vec::new();
        while let Some((byte, active)) = reader.next() {
            elements.push(match byte {
                b'*' if active => Element::Run,
                b'?' if active => Element::One,
                b'[' if active => reader.set().map_err(Unclear::Pattern)?,
                _ => Element::Byte(byte),
            });
        }
        elements.dedup_by(|a, b| *a == Element::Run && *b == Element::Run);
        Ok((Self { elements, charset }, reader.is_endless))
    }

    /// The value without the match; a set contains a character of unknown class if `unknown`.
    fn trim<'v>(
        &self,
        value: &'v [u8],
        trim: Trim,
        unknown: bool,
        steps: &mut usize,
    ) -> Result<&'v [u8], Unclear> {
        let weight = |element: &Element| match element {
            Element::Set(set) => set.weight(),
            _ => 1,
        };
        let cost: usize = self.elements.iter().map(weight).sum();
        spend(steps, (value.len() + 1).saturating_mul(cost + 1))?;
        let elements: Vec<&Element> = if trim.is_prefix() {
            self.elements.iter().collect()
        } else {
            self.elements.iter().rev().collect()
        };
        let mut matcher = Matcher {
            rows: std::array::from_fn(|_| vec![false; elements.len() + 1]),
            elements,
            unknown,
            ahead: 0,
        };
        let length = matcher.run(value, trim, self.charset);
        Ok(trim.without(value, length))
    }
}

/// A mark at each of the next positions for each element: all elements before it match there.
///
/// The last mark is the end. A character has up to four bytes, so marks reach up to four positions.
struct Matcher<'p> {
    elements: Vec<&'p Element>,
    rows: [Vec<bool>; 5],
    /// How many of the positions after this one may have marks.
    ahead: usize,
    unknown: bool,
}

impl Matcher<'_> {
    /// The length of the part that the whole pattern matches.
    fn run(&mut self, value: &[u8], trim: Trim, charset: Charset) -> Option<usize> {
        let mut found = None;
        if let Some(first) = self.rows.first_mut().and_then(|row| row.first_mut()) {
            *first = true;
        }
        for length in 0..=value.len() {
            self.skip_runs();
            let ended = self.rows.first().and_then(|row| row.last()) == Some(&true);
            if ended {
                found = Some(length);
            }
            if ended && trim.is_shortest() {
                break;
            }
            let rest = trim.without(value, Some(length));
            let (byte, character) = if trim.is_prefix() {
                (rest.first(), charset.first(rest))
            } else {
                (rest.last(), charset.last(rest))
            };
            let Some(byte) = byte else { break };
            if !self.step(*byte, character) {
                break;
            }
        }
        found
    }

    /// A run may match nothing, so a mark before it also applies after it.
    fn skip_runs(&mut self) {
        let [here, ..] = &mut self.rows;
        let mut before = false;
        let elements = self.elements.iter().map(Some).chain([None]);
        for (mark, element) in here.iter_mut().zip(elements) {
            *mark |= before;
            before = *mark && element.is_some_and(|element| **element == Element::Run);
        }
    }

    /// Advances by one position; returns whether a match is still possible.
    fn step(&mut self, byte: u8, character: Option<(u32, usize)>) -> bool {
        let [here, ahead @ ..] = &mut self.rows;
        for (at, element) in self.elements.iter().enumerate() {
            if !std::mem::take(here.get_mut(at).unwrap_or(&mut false)) {
                continue;
            }
            let (target, length) = match element {
                Element::Run => (at, 1),
                Element::Byte(own) if *own == byte => (at + 1, 1),
                Element::Byte(_) => continue,
                Element::One | Element::Set(_) => {
                    let taken = character.filter(|(code, _)| element.accepts(*code, self.unknown));
                    let Some((_, length)) = taken else { continue };
                    (at + 1, length)
                }
            };
            let row = ahead.get_mut(length - 1);
            if let Some(mark) = row.and_then(|row| row.get_mut(target)) {
                *mark = true;
                self.ahead = self.ahead.max(length);
            }
        }
        if let Some(end) = here.last_mut() {
            *end = false;
        }
        self.rows.rotate_left(1);
        let is_possible = self.ahead > 0;
        self.ahead = self.ahead.saturating_sub(1);
        is_possible
    }
}

impl Element {
    fn accepts(&self, code: u32, unknown: bool) -> bool {
        match self {
            Self::Set(set) => set.accepts(code).unwrap_or(unknown),
            _ => *self == Self::One,
        }
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
