//! The patterns of `${x%p}` and `${x##p}`: bytes, as sh matches them in the C locale.
//!
//! Matching follows all alternatives at once, so it takes at most value times pattern steps.

/// Text with a mark for each byte: whether a wildcard would be one there.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    pub(super) bytes: Vec<u8>,
    pub(super) active: Vec<bool>,
}

/// A part of a value that a pattern can take away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trim {
    ShortestPrefix,
    LongestPrefix,
    ShortestSuffix,
    LongestSuffix,
}

/// A pattern that shells read in different ways; shown as the reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Unclear(pub(super) &'static str);

/// A pattern, ready to be matched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pattern(Vec<Element>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Element {
    Byte(u8),
    One,
    Run,
    Set(Box<[bool; 256]>),
}

impl Element {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => *own == byte,
            Self::One => true,
            Self::Run => false,
            Self::Set(set) => set.get(usize::from(byte)).copied().unwrap_or_default(),
        }
    }
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn parse(marked: &Marked) -> Result<Self, Unclear> {
        let mut reader = Reader { marked, at: 0 };
        let mut elements = Vec::new();
        while let Some((byte, active)) = reader.next() {
            elements.push(match byte {
                b'*' if active => Element::Run,
                b'?' if active => Element::One,
                b'\\' if active => Element::Byte(reader.escaped()?),
                b'[' if active => reader.set()?,
                _ => Element::Byte(byte),
            });
        }
        elements.dedup_by(|a, b| *a == Element::Run && *b == Element::Run);
        Ok(Self(elements))
    }

    /// Whether the pattern matches one text only.
    pub(super) fn is_literal(&self) -> bool {
        self.0
            .iter()
            .all(|element| matches!(element, Element::Byte(_)))
    }

    /// How many steps [`Self::trim`] takes at the most.
    pub(super) fn steps(&self, value: &[u8]) -> usize {
        if self.is_literal() {
            return value.len() + self.0.len();
        }
        (value.len() + 1).saturating_mul(self.0.len() + 1)
    }

    /// The value without the part that the pattern matches.
    pub(super) fn trim<'v>(&self, value: &'v [u8], trim: Trim) -> &'v [u8] {
        let prefix = matches!(trim, Trim::ShortestPrefix | Trim::LongestPrefix);
        let shortest = matches!(trim, Trim::ShortestPrefix | Trim::ShortestSuffix);
        let length = if self.is_literal() {
            self.literal(value, prefix)
        } else if prefix {
            matched(self.0.iter(), value.iter(), shortest)
        } else {
            matched(self.0.iter().rev(), value.iter().rev(), shortest)
        };
        match length {
            Some(length) if prefix => value.get(length..).unwrap_or_default(),
            Some(length) => value.get(..value.len() - length).unwrap_or_default(),
            None => value,
        }
    }

    /// The length of a pattern that matches one text only, if the value begins or ends with that.
    fn literal(&self, value: &[u8], prefix: bool) -> Option<usize> {
        let length = self.0.len();
        let part = if prefix {
            value.get(..length)?
        } else {
            value.get(value.len().checked_sub(length)?..)?
        };
        let mut pairs = self.0.iter().zip(part);
        pairs
            .all(|(element, byte)| element.takes(*byte))
            .then_some(length)
    }
}

/// How many of the first bytes the elements match, all of the elements being used.
fn matched<'a>(
    elements: impl Iterator<Item = &'a Element>,
    bytes: impl Iterator<Item = &'a u8>,
    shortest: bool,
) -> Option<usize> {
    let elements: Vec<&Element> = elements.collect();
    // One mark per element: the elements before it are used up. The last one is the end.
    let mut reached = vec![false; elements.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    let mut found = None;
    let mut bytes = bytes.zip(1..);
    let mut length = 0;
    loop {
        skip_runs(&elements, &mut reached);
        if reached.last() == Some(&true) {
            found = Some(length);
            if shortest {
                return found;
            }
        }
        let Some((byte, next)) = bytes.next() else {
            return found;
        };
        length = next;
        if !step(&elements, &mut reached, *byte) {
            return found;
        }
    }
}

/// A run may match nothing: whatever stands before it can also stand behind it.
fn skip_runs(elements: &[&Element], reached: &mut [bool]) {
    let mut before = false;
    for (mark, element) in reached
        .iter_mut()
        .zip(elements.iter().map(Some).chain([None]))
    {
        *mark |= before;
        before = *mark && element.is_some_and(|element| **element == Element::Run);
    }
}

/// Takes one byte; says whether anything is still possible.
fn step(elements: &[&Element], reached: &mut [bool], byte: u8) -> bool {
    let mut before = false;
    let mut possible = false;
    for (mark, element) in reached
        .iter_mut()
        .zip(elements.iter().map(Some).chain([None]))
    {
        let stays = *mark && element.is_some_and(|element| **element == Element::Run);
        let moves = *mark && element.is_some_and(|element| element.takes(byte));
        *mark = stays || before;
        possible |= *mark;
        before = moves;
    }
    possible
}

struct Reader<'m> {
    marked: &'m Marked,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<(u8, bool)> {
        let at = self.at + ahead;
        let byte = self.marked.bytes.get(at)?;
        Some((
            *byte,
            self.marked.active.get(at).copied().unwrap_or_default(),
        ))
    }

    fn next(&mut self) -> Option<(u8, bool)> {
        let next = self.peek(0);
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek(0) == Some((byte, true));
        self.at += usize::from(found);
        found
    }

    /// The byte behind a backslash; the backslash if it is the last.
    fn escaped(&mut self) -> Result<u8, Unclear> {
        match self.next() {
            Some((byte, true)) => Ok(byte),
            Some(_) => Err(Unclear("a backslash of a variable meets quoted text")),
            None => Ok(b'\\'),
        }
    }

    /// The next byte with a backslash before it taken away.
    fn character(&mut self) -> Result<Option<u8>, Unclear> {
        match self.next() {
            Some((b'\\', true)) => self.escaped().map(Some),
            next => Ok(next.map(|(byte, _)| byte)),
        }
    }

    /// What stands behind a `[`; without a `]` the bracket is an ordinary character.
    fn set(&mut self) -> Result<Element, Unclear> {
        let start = self.at;
        if self.peek(0) == Some((b'^', true)) {
            return Err(Unclear(
                "some shells negate with [^, others do not: write [! or [\\^",
            ));
        }
        let negated = self.eat(b'!');
        let mut set = Box::new([negated; 256]);
        let first = self.at;
        loop {
            if self.at > first && self.eat(b']') {
                return Ok(Element::Set(set));
            }
            if self.peek(0).is_none() {
                self.at = start;
                return Ok(Element::Byte(b'['));
            }
            self.member(&mut set, !negated)?;
        }
    }

    fn member(&mut self, set: &mut [bool; 256], value: bool) -> Result<(), Unclear> {
        if self.peek(0) == Some((b'[', true)) {
            match self.peek(1) {
                Some((b':', true)) => {
                    let class = self.class()?;
                    (0..=u8::MAX)
                        .filter(class)
                        .for_each(|byte| put(set, byte, value));
                    return Ok(());
                }
                Some((b'.' | b'=', true)) => {
                    return Err(Unclear("not every sh knows [. .] and [= =] in brackets"));
                }
                _ => {}
            }
        }
        let Some(low) = self.character()? else {
            return Ok(());
        };
        let range = self.peek(0) == Some((b'-', true)) && self.peek(1) != Some((b']', true));
        if range && self.peek(1).is_none() {
            return Err(Unclear("the range has no end"));
        }
        if !range {
            put(set, low, value);
            return Ok(());
        }
        self.at += 1;
        if self.peek(0) == Some((b'[', true)) {
            return Err(Unclear("a range cannot end at an unquoted ["));
        }
        let high = self.character()?.unwrap_or(low);
        if !(low.is_ascii() && high.is_ascii()) {
            return Err(Unclear("the order of characters outside ASCII differs"));
        }
        (low..=high).for_each(|byte| put(set, byte, value));
        Ok(())
    }

    fn class(&mut self) -> Result<impl Fn(&u8) -> bool + use<>, Unclear> {
        let rest = self.marked.bytes.get(self.at..).unwrap_or_default();
        for (name, class) in CLASSES {
            let active = self.marked.active.get(self.at..self.at + name.len());
            if rest.starts_with(name.as_bytes()) && active.is_some_and(|a| a.iter().all(|a| *a)) {
                self.at += name.len();
                return Ok(class);
            }
        }
        Err(Unclear("there is no character class of this name"))
    }
}

fn put(set: &mut [bool; 256], byte: u8, value: bool) {
    if let Some(entry) = set.get_mut(usize::from(byte)) {
        *entry = value;
    }
}

type Class = fn(&u8) -> bool;

const CLASSES: [(&str, Class); 12] = [
    ("[:alnum:]", u8::is_ascii_alphanumeric),
    ("[:alpha:]", u8::is_ascii_alphabetic),
    ("[:blank:]", |byte| matches!(byte, b' ' | b'\t')),
    ("[:cntrl:]", u8::is_ascii_control),
    ("[:digit:]", u8::is_ascii_digit),
    ("[:graph:]", u8::is_ascii_graphic),
    ("[:lower:]", u8::is_ascii_lowercase),
    ("[:print:]", |byte| matches!(byte, b' '..=b'~')),
    ("[:punct:]", u8::is_ascii_punctuation),
    ("[:space:]", |byte| matches!(byte, b' ' | b'\t'..=b'\r')),
    ("[:upper:]", u8::is_ascii_uppercase),
    ("[:xdigit:]", u8::is_ascii_hexdigit),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn trim(value: &str, pattern: &str, trim: Trim) -> String {
        let bytes = pattern.as_bytes().to_vec();
        let active = vec![true; bytes.len()];
        let pattern = Pattern::parse(&Marked { bytes, active }).unwrap();
        String::from_utf8_lossy(pattern.trim(value.as_bytes(), trim)).into_owned()
    }

    #[test]
    fn trims_the_shortest_and_the_longest_match() {
        assert_eq!(trim("a/b/c", "*/", Trim::ShortestPrefix), "b/c");
        assert_eq!(trim("a/b/c", "*/", Trim::LongestPrefix), "c");
        assert_eq!(trim("a/b/c", "/*", Trim::ShortestSuffix), "a/b");
        assert_eq!(trim("a/b/c", "/*", Trim::LongestSuffix), "a");
        assert_eq!(trim("abc", "x", Trim::LongestSuffix), "abc");
        assert_eq!(trim("abc", "", Trim::ShortestPrefix), "abc");
        assert_eq!(trim("abc", "**", Trim::LongestPrefix), "");
    }

    #[test]
    fn brackets_hold_ranges_classes_and_their_own_ends() {
        assert_eq!(trim("]x", "[]]", Trim::ShortestPrefix), "x");
        assert_eq!(trim("b7", "[!a][[:digit:]]", Trim::ShortestPrefix), "");
        assert_eq!(trim("-x", "[a-]", Trim::ShortestPrefix), "x");
        assert_eq!(trim("[ax", "[a", Trim::ShortestPrefix), "x");
        assert_eq!(trim("q-", "[!a-p]\\-", Trim::ShortestPrefix), "");
    }

    #[test]
    fn many_runs_take_no_more_than_value_times_pattern_steps() {
        let value = "a".repeat(20_000);
        assert_eq!(
            trim(&value, &"*a".repeat(50).repeat(2), Trim::LongestPrefix),
            ""
        );
        assert_eq!(
            trim(
                &value,
                &format!("{}b", "*a".repeat(50)),
                Trim::LongestPrefix
            ),
            value
        );
    }
}
