//! Lines that need no tokens: a fast path, because most lines of a configuration are such ones.

use super::class::{NAME, NAME_START, TOP_STOP, is};
use super::lexer::{Lexer, Token, TokenKind};
use super::output::MAX_VALUE;
use super::parser::{MAX_MADE, Parser};
use super::refused::Refused;
use crate::config::store::{Assigned, Piece, Value};

/// A whole line that is `name=text`, `name=${variable}` or `name=${variable}text`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct PlainLine {
    /// The assigned variable.
    name: Token,
    /// The variable whose value begins the value.
    variable: Option<Token>,
    /// The text behind it.
    text: Token,
}

impl PlainLine {
    /// The value as written.
    fn value(&self) -> Token {
        Token {
            start: self.name.end + 1,
            ..self.text
        }
    }
}

impl Lexer<'_> {
    /// The line that begins here, if it is a [`PlainLine`].
    fn plain_line(&self) -> Option<PlainLine> {
        let name = self.plain_name(self.at)?;
        if self.byte(name.end)? != b'=' {
            return None;
        }
        let value = name.end + 1;
        let (mut variable, mut start) = (None, value);
        if self.rest(value).starts_with(b"${") {
            let expanded = self.plain_name(value + 2)?;
            if self.byte(expanded.end)? != b'}' {
                return None;
            }
            (variable, start) = (Some(expanded), expanded.end + 1);
        }
        let end = self.run(start, TOP_STOP, false);
        if end == value || self.byte(end)? != b'\n' {
            return None;
        }
        let text = Token {
            kind: TokenKind::Text,
            start,
            end,
        };
        Some(PlainLine {
            name,
            variable,
            text,
        })
    }

    /// Takes this line and its newline.
    fn take_line(&mut self, line: &PlainLine) {
        self.at = line.text.end + 1;
    }

    fn plain_name(&self, start: usize) -> Option<Token> {
        let kind = TokenKind::Name;
        is(self.byte(start)?, NAME_START).then(|| Token {
            kind,
            start,
            end: self.run(start, NAME, true),
        })
    }
}

impl Parser<'_, '_, '_> {
    /// Reads the plain lines behind a newline as [`Self::assignments`] would.
    pub(super) fn plain_lines(&mut self) -> Result<(), Refused> {
        while let Some(line) = self.lexer.plain_line() {
            let Some(value) = self.plain_value(&line) else {
                break;
            };
            self.lexer.take_line(&line);
            self.check_own_of_shell(self.text(line.name), line.name)?;
            let name = self.span(line.name);
            self.assign(Assigned {
                name: Piece::Source(name),
                name_span: name,
                value,
                value_span: self.span(line.value()),
            })?;
        }
        Ok(())
    }

    /// The value of a plain line, if it needs no further processing.
    fn plain_value(&mut self, line: &PlainLine) -> Option<Value> {
        if !self.is_plain(line.text) {
            return None;
        }
        let Some(variable) = line.variable else {
            return Some(Value::AsWritten);
        };
        let (name, text) = (self.text(variable), self.text(line.text));
        let store = &mut self.reading.store;
        let most = MAX_VALUE.min(MAX_MADE.checked_sub(store.made())?);
        store.make_with(name, text, most).map(Value::Made)
    }
}

#[cfg(test)]
#[path = "plain_line_tests.rs"]
mod tests;
