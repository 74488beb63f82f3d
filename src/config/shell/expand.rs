//! Parameter expansions: `$x`, `${x}`, defaults, alternatives, length and trimming.

use crate::finding::FindingName;
use std::borrow::Cow;

use super::lexer::{Token, TokenKind};
use super::locale::Lengths;
use super::output::{Context, Out, Until};
use super::parser::Parser;
use super::pattern::{self, Trim, Unclear};
use super::refused::Refused;
use crate::config::store::{Assigned, Piece, Value};

/// The maximum number of pattern steps (value bytes times pattern parts) in the whole
/// configuration: seconds at most.
pub(in crate::config) const MAX_STEPS: usize = 1 << 28;

impl<'a> Parser<'a, '_, '_> {
    /// Reads an expansion; the current token is its `$`.
    pub(super) fn parameter(&mut self, out: &mut Out, context: Context) -> Result<(), Refused> {
        let dollar = self.token;
        self.advance_joined();
        match self.token.kind {
            TokenKind::Name => {
                let first = self.token;
                let name = self.name();
                let value = self.readable(&name, dollar)?;
                let is_unset = value.is_none() && !out.is_dead();
                out.push(value.as_deref().unwrap_or_default(), context.quoted);
                self.note_unset(is_unset, first);
                Ok(())
            }
            TokenKind::OpenBrace => self.nested(|parser| parser.brace(dollar, out, context)),
            TokenKind::OpenParen => Err(self.command_substitution(dollar)),
            _ => Err(self.special(dollar)),
        }
    }

    /// Reads `${…}`; the current token is the `{`.
    fn brace(&mut self, dollar: Token, out: &mut Out, context: Context) -> Result<(), Refused> {
        self.advance_joined();
        let length = self.token.kind == TokenKind::Length;
        if length {
            self.advance_joined();
        }
        match self.token.kind {
            TokenKind::Name => {}
            TokenKind::Special => return Err(self.special(dollar)),
            TokenKind::End => return Err(self.unterminated(dollar)),
            _ => return Err(self.bad_expansion(dollar)),
        }
        let first = self.token;
        let name = self.name();
        let name_token = Token {
            end: self.behind,
            ..first
        };
        if self.token.kind == TokenKind::CloseBrace {
            let value = self.readable(&name, dollar)?;
            let is_unset = value.is_none() && !out.is_dead();
            let value = value.as_deref().unwrap_or_default();
            if !length {
                out.push(value, context.quoted);
            } else if !out.is_dead() {
                let lengths = Lengths::of(value);
                let length = self.length(lengths, dollar.to(self.token));
                out.push(length.to_string().as_bytes(), context.quoted);
            }
            self.note_unset(is_unset, name_token);
            self.advance();
            return Ok(());
        }
        let colon = self.token.kind == TokenKind::Colon;
        if colon {
            self.advance_joined();
        }
        let operator = self.token;
        if operator.kind == TokenKind::End {
            return Err(self.unterminated(dollar));
        }
        if length || operator.kind != TokenKind::Operator {
            return Err(self.bad_expansion(dollar));
        }
        let sign = self.text(operator).first().copied().unwrap_or_default();
        if sign == b'?' {
            return Err(self.refuse(
                FindingName::ErrorExpansion,
                dollar.to(operator),
                "sh would print a message and exit here",
                "give a default instead: ${name:-value}",
            ));
        }
        self.advance_joined();
        let value = self.readable(&name, dollar)?;
        if matches!(sign, b'%' | b'#') {
            let value = value.map(Cow::into_owned);
            return self.trimmed(dollar, sign, value, out, context);
        }
        let set = value
            .as_ref()
            .is_some_and(|value| !(colon && value.is_empty()));
        if set && sign != b'+' {
            out.push(value.as_deref().unwrap_or_default(), context.quoted);
        }
        let until = Until::Brace(dollar);
        match (sign, set) {
            (b'-', false) | (b'+', true) => self.word(out, until, context),
            (b'=', false) => {
                let name = (name, name_token);
                self.assigned(name, dollar, out, context)
            }
            _ => self.word(&mut Out::dead(), until, context),
        }
    }

    /// Notes an expansion of a variable that is not set.
    fn note_unset(&mut self, is_unset: bool, name: Token) {
        if is_unset {
            let span = self.span(name);
            self.reading.unset.push(span);
        }
    }

    /// Reads the word of `${name=word}`, which is assigned to the variable too.
    fn assigned(
        &mut self,
        (name, token): (Cow<'a, [u8]>, Token),
        dollar: Token,
        out: &mut Out,
        context: Context,
    ) -> Result<(), Refused> {
        let start = self.token;
        let mut word = out.inner();
        let inner = Context {
            assigned: false,
            ..context
        };
        self.word(&mut word, Until::Brace(dollar), inner)?;
        self.check_full(&word, dollar)?;
        if !out.is_dead() {
            let name = self.piece(&name, token);
            let value = Value::Made(self.reading.store.make(word.bytes()));
            let close = Token {
                end: self.behind - 1,
                ..start
            };
            let name_span = self.span(token);
            self.assign(Assigned {
                name,
                name_span,
                value,
                value_span: self.span(close),
            })?;
        }
        out.push(word.bytes(), context.quoted);
        Ok(())
    }

    /// Reads the pattern of `${name%pattern}` and similar, and removes the matching part.
    fn trimmed(
        &mut self,
        dollar: Token,
        sign: u8,
        value: Option<Vec<u8>>,
        out: &mut Out,
        context: Context,
    ) -> Result<(), Refused> {
        let longest = self.token.kind == TokenKind::Operator;
        if longest {
            self.advance_joined();
        }
        let start = self.token;
        // sh skips the pattern of an unset variable.
        let value = value.filter(|_| !out.is_dead());
        let mut word = if value.is_some() {
            Out::marked()
        } else {
            Out::dead()
        };
        let open = Context {
            quoted: false,
            assigned: false,
        };
        self.word(&mut word, Until::Brace(dollar), open)?;
        self.check_full(&word, dollar)?;
        let trim = match (sign, longest) {
            (b'#', false) => Trim::ShortestPrefix,
            (b'#', true) => Trim::LongestPrefix,
            (_, false) => Trim::ShortestSuffix,
            (_, true) => Trim::LongestSuffix,
        };
        let value = value.unwrap_or_default();
        let mut steps = self.reading.steps;
        let rest = pattern::trim(&value, word.text(), trim, self.locale(), &mut steps);
        self.reading.steps = steps;
        let at = Token {
            end: self.behind - 1,
            ..start
        };
        let help = "write the resulting value without a pattern";
        let (rest, depends) = rest.map_err(|unclear| match unclear {
            Unclear::Pattern(why) => {
                let message = format!("the meaning of this pattern in sh is uncertain: {why}");
                self.refuse(FindingName::Pattern, at, message, help)
            }
            Unclear::Steps => {
                let message = "all patterns of the configuration together take too long";
                self.refuse(FindingName::TooLarge, at, message, help)
            }
        })?;
        if depends {
            let message = "sh removes a different part in a UTF-8 locale than in the C locale";
            self.depends(at, message, help);
        }
        out.push(rest, context.quoted);
        Ok(())
    }

    /// Reads the name at the current token.
    pub(super) fn name(&mut self) -> Cow<'a, [u8]> {
        let mut name = Cow::Borrowed(self.text(self.token));
        self.advance_joined();
        while self.token.kind == TokenKind::Name {
            name.to_mut().extend_from_slice(self.text(self.token));
            self.advance_joined();
        }
        name
    }

    /// The name as a stored piece: a reference to its place, if it is contiguous.
    pub(super) fn piece(&mut self, name: &[u8], token: Token) -> Piece {
        if self.text(token) == name {
            return Piece::Source(self.span(token));
        }
        Piece::Made(self.reading.store.make(name))
    }

    /// The value of a variable, from the files or else from the environment.
    pub(super) fn lookup(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        if let Some(value) = self.reading.store.value(name) {
            return Some(Cow::Borrowed(value));
        }
        let name = std::str::from_utf8(name).ok()?;
        self.reading.outside.variable(name).map(Cow::Owned)
    }

    fn readable(&self, name: &[u8], dollar: Token) -> Result<Option<Cow<'_, [u8]>>, Refused> {
        if OWN_OF_SHELL.contains(&name) && self.reading.store.value(name).is_none() {
            let name = String::from_utf8_lossy(name);
            return Err(self.refuse(
                FindingName::ShellVariable,
                dollar,
                format!("the shell itself sets {name}"),
                "write the value out",
            ));
        }
        Ok(self.lookup(name))
    }
}

/// Variables that sh sets itself, whatever the environment contains.
pub(super) const OWN_OF_SHELL: [&[u8]; 9] = [
    b"IFS", b"LINENO", b"OPTIND", b"PPID", b"PS1", b"PS2", b"PS4", b"_", b"RANDOM",
];
