//! Bytes to tokens: the words, quotes and expansions that sh(1) would see.
//!
//! Pure and lossless: the tokens of a file, joined, are the file. The lexer refuses nothing: text that
//! the parser refuses is a token like any other. Takes linear time and cannot fail.

use super::class::{BLANK, NAME, NAME_START, SPECIAL, TOP_STOP, first_character, is};
use super::level::{Level, Open};

/// The kind of a [`Token`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TokenKind {
    /// Unquoted spaces and tabs.
    Blank,
    /// An unquoted newline.
    Newline,
    /// From `#` at the start of a word to the end of the line.
    Comment,
    /// A backslash and the newline after it.
    Continuation,
    /// A variable's name, before `=` or in an expansion; a continuation can split it.
    Name,
    /// The `=` after a name at the start of a word.
    Equals,
    /// Characters without a special meaning.
    Text,
    /// A backslash and the character that it quotes.
    Escaped,
    /// `'…'`.
    SingleQuoted,
    /// `$'…'`; a continuation can follow the `$`.
    AnsiQuoted,
    /// `"`, opening or closing.
    DoubleQuote,
    /// A `$` that begins an expansion.
    Dollar,
    /// `@`, `#`, `1` and the like after `$` or `${`.
    Special,
    /// The `{` of `${`.
    OpenBrace,
    /// The `#` of `${#name}`.
    Length,
    /// The `:` of `${name:-word}`.
    Colon,
    /// One of `- = + ? % #` after the name in `${…}`; `%%` is two tokens.
    Operator,
    /// The `}` that ends `${…}`.
    CloseBrace,
    /// The `(` of `$(`.
    OpenParen,
    /// A backquote.
    Backquote,
    /// An unquoted `;`.
    Semicolon,
    /// One of `& | < > ( )`, unquoted.
    Control,
    /// `'…` or `$'…` without an end: the rest of the file.
    Unterminated,
    /// The end of the file; never produced by the iterator.
    End,
}

/// A kind and the bytes that it covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Token {
    /// What the token is.
    pub kind: TokenKind,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Token {
    /// The same token, extended to the end of `last`.
    pub(super) fn to(self, last: Self) -> Self {
        Self {
            end: last.end,
            ..self
        }
    }
}

/// The token that the lexer expects after the previous bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Word,
    AssignedName,
    Parameter,
    ParameterName,
    BraceStart,
    BraceName,
    AfterName,
    AfterColon,
    AfterTrim(u8),
}

/// Yields the tokens of a file.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
    level: Level,
    /// The levels around the current level, the top level first.
    outer: Vec<Level>,
    state: State,
    word_start: bool,
}

impl<'a> Lexer<'a> {
    /// Begins at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            level: Level::default(),
            outer: Vec::new(),
            state: State::Word,
            word_start: true,
        }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(super) fn rest(&self, at: usize) -> &'a [u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The first offset at or after `at` that is not within a continuation.
    fn after_continuations(&self, mut at: usize) -> usize {
        while self.byte(at) == Some(b'\\') && self.byte(at + 1) == Some(b'\n') {
            at += 2;
        }
        at
    }

    /// The first offset from `at` whose byte is not (`wanted`), or is (`!wanted`), in `class`.
    pub(super) fn run(&self, at: usize, class: u8, wanted: bool) -> usize {
        let rest = self.rest(at);
        let length = rest.iter().position(|byte| is(*byte, class) != wanted);
        length.map_or(self.bytes.len(), |length| at + length)
    }

    fn take(&mut self, length: usize, kind: TokenKind) -> TokenKind {
        self.at = (self.at + length).min(self.bytes.len());
        kind
    }

    fn take_to(&mut self, end: usize, kind: TokenKind) -> TokenKind {
        self.at = end;
        kind
    }

    fn next_kind(&mut self, first: u8) -> TokenKind {
        if first == b'\\' && self.byte(self.at + 1) == Some(b'\n') {
            return self.take(2, TokenKind::Continuation);
        }
        let state = std::mem::replace(&mut self.state, State::Word);
        match state {
            State::AssignedName if first == b'=' => self.take(1, TokenKind::Equals),
            State::AssignedName | State::ParameterName | State::BraceName if is(first, NAME) => {
                self.name(state)
            }
            State::Parameter => self.parameter(first),
            State::BraceStart => self.brace_start(first),
            State::BraceName | State::AfterName => self.after_name(first),
            State::AfterColon if matches!(first, b'-' | b'=' | b'+' | b'?') => {
                self.take(1, TokenKind::Operator)
            }
            State::AfterTrim(operator) if first == operator => self.take(1, TokenKind::Operator),
            _ => self.word(first),
        }
    }

    fn name(&mut self, state: State) -> TokenKind {
        self.state = state;
        self.take_to(self.run(self.at, NAME, true), TokenKind::Name)
    }

    fn parameter(&mut self, first: u8) -> TokenKind {
        match first {
            b'{' => {
                self.outer.push(self.level);
                self.level.open = Open::Word;
                self.state = State::BraceStart;
                self.take(1, TokenKind::OpenBrace)
            }
            b'(' => self.take(1, TokenKind::OpenParen),
            _ if is(first, NAME_START) => self.name(State::ParameterName),
            _ => self.take(1, TokenKind::Special),
        }
    }

    fn brace_start(&mut self, first: u8) -> TokenKind {
        let next = self.byte(self.after_continuations(self.at + 1));
        if first == b'#' && next.is_some_and(|next| is(next, NAME_START)) {
            self.state = State::BraceName;
            return self.take(1, TokenKind::Length);
        }
        if is(first, NAME_START) {
            return self.name(State::BraceName);
        }
        if is(first, SPECIAL) {
            self.state = State::AfterName;
            return self.take(1, TokenKind::Special);
        }
        self.word(first)
    }

    fn after_name(&mut self, first: u8) -> TokenKind {
        match first {
            b':' => {
                self.state = State::AfterColon;
                self.take(1, TokenKind::Colon)
            }
            b'-' | b'=' | b'+' | b'?' => self.take(1, TokenKind::Operator),
            b'%' | b'#' => {
                self.level = Level {
                    open: Open::Pattern,
                    quoted: false,
                };
                self.state = State::AfterTrim(first);
                self.take(1, TokenKind::Operator)
            }
            _ => self.word(first),
        }
    }

    fn word(&mut self, first: u8) -> TokenKind {
        let Level { open, quoted } = self.level;
        if open == Open::Nothing && !quoted {
            return self.top(first);
        }
        match first {
            b'}' if self.level.closes(self.outer.last()) => {
                self.level = self.outer.pop().unwrap_or(self.level);
                self.take(1, TokenKind::CloseBrace)
            }
            b'\\' if quoted => {
                let next = self.byte(self.at + 1).unwrap_or_default();
                let quotes = matches!(next, b'$' | b'`' | b'"' | b'\\')
                    || next == b'}' && open == Open::Word;
                if quotes {
                    self.take(2, TokenKind::Escaped)
                } else {
                    self.take(1, TokenKind::Text)
                }
            }
            _ => self.common(first).unwrap_or_else(|| self.text()),
        }
    }

    /// Reads ordinary characters, at least one.
    fn text(&mut self) -> TokenKind {
        let stop = self.level.stop();
        self.take_to(self.run(self.at + 1, stop, false), TokenKind::Text)
    }

    /// Reads a token that is the same at the top level and in braces.
    fn common(&mut self, first: u8) -> Option<TokenKind> {
        let quoted = self.level.quoted;
        Some(match first {
            b'\'' if !quoted => self.single_quoted(),
            b'"' => {
                self.level.quoted = !quoted;
                self.take(1, TokenKind::DoubleQuote)
            }
            b'\\' if self.at + 1 < self.bytes.len() => {
                let quoted = first_character(self.rest(self.at + 1));
                self.take(1 + quoted.map_or(1, char::len_utf8), TokenKind::Escaped)
            }
            b'`' => self.take(1, TokenKind::Backquote),
            b'$' => self.dollar(),
            _ => return None,
        })
    }

    fn top(&mut self, first: u8) -> TokenKind {
        let word_start = std::mem::replace(&mut self.word_start, false);
        if !is(first, TOP_STOP) {
            if word_start && first == b'#' {
                let rest = self.rest(self.at);
                let length = rest.iter().position(|byte| *byte == b'\n');
                return self.take(length.unwrap_or(rest.len()), TokenKind::Comment);
            }
            if word_start && is(first, NAME_START) && self.is_assignment() {
                return self.name(State::AssignedName);
            }
            return self.take_to(self.run(self.at, TOP_STOP, false), TokenKind::Text);
        }
        let kind = match first {
            b' ' | b'\t' => self.take_to(self.run(self.at, BLANK, true), TokenKind::Blank),
            b'\n' => self.take(1, TokenKind::Newline),
            b';' => self.take(1, TokenKind::Semicolon),
            b'&' | b'|' | b'<' | b'>' | b'(' | b')' => self.take(1, TokenKind::Control),
            _ => {
                let common = self.common(first);
                return common.unwrap_or_else(|| self.take(1, TokenKind::Text));
            }
        };
        self.word_start = true;
        kind
    }

    /// Whether the word at this position is a name directly followed by `=`.
    fn is_assignment(&self) -> bool {
        let mut at = self.at;
        loop {
            at = self.run(at, NAME, true);
            match self.byte(at) {
                Some(b'=') => return true,
                Some(b'\\') if self.byte(at + 1) == Some(b'\n') => at += 2,
                _ => return false,
            }
        }
    }

    fn single_quoted(&mut self) -> TokenKind {
        match self
            .rest(self.at + 1)
            .iter()
            .position(|byte| *byte == b'\'')
        {
            Some(length) => self.take(length + 2, TokenKind::SingleQuoted),
            None => self.take_to(self.bytes.len(), TokenKind::Unterminated),
        }
    }

    /// Reads `$'…'`; `text` is the offset of the text after the quote.
    fn ansi_quoted(&mut self, text: usize) -> TokenKind {
        let mut at = text;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\'' => return self.take_to(at + 1, TokenKind::AnsiQuoted),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
        self.take_to(self.bytes.len(), TokenKind::Unterminated)
    }

    fn dollar(&mut self) -> TokenKind {
        let behind = self.after_continuations(self.at + 1);
        match self.byte(behind) {
            Some(b'\'') if !self.level.quoted => self.ansi_quoted(behind + 1),
            Some(next) if is(next, NAME_START | SPECIAL) || matches!(next, b'{' | b'(') => {
                self.state = State::Parameter;
                self.take(1, TokenKind::Dollar)
            }
            _ => self.take(1, TokenKind::Text),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        let kind = self.next_kind(self.byte(start)?);
        Some(Token {
            kind,
            start,
            end: self.at,
        })
    }
}

#[cfg(test)]
#[path = "lexer_tests.rs"]
mod tests;
