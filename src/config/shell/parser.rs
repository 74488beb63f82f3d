//! Tokens to assignments: statement by statement, as sh(1) processes a file.
//!
//! Everything that sh would run is refused, with its place; reading continues afterwards, so that
//! one pass finds all errors.

use crate::finding::FindingName;
use crate::span::{FileId, Span};

use super::lexer::{Lexer, Token, TokenKind};
use super::output::{Context, MAX_VALUE, Out, Until, ends_word};
use super::refused::Refused;
use crate::config::Reading;
use crate::config::source::Source;
use crate::config::store::{Assigned, Piece, Value};

/// The maximum nesting of expansions and of included files.
pub(super) const MAX_DEPTH: usize = 64;

/// The maximum bytes of constructed values in the whole configuration.
pub(super) const MAX_MADE: usize = 64 * 1024 * 1024;

/// The parser of one file. `'a` is its text.
pub(super) struct Parser<'a, 'r, 'o> {
    pub(super) bytes: &'a [u8],
    pub(super) reading: &'r mut Reading<'o>,
    pub(super) token: Token,
    /// The end of the token before the current one.
    pub(super) behind: usize,
    pub(super) lexer: Lexer<'a>,
    file: FileId,
    depth: usize,
}

/// Reads one file of the sources.
pub(in crate::config) fn parse(reading: &mut Reading<'_>, file: FileId) {
    let Some(text) = reading.store.sources.source(file).map(Source::text) else {
        return;
    };
    let text = text.clone();
    let bytes = text.bytes();
    let start = Token {
        kind: TokenKind::Newline,
        start: 0,
        end: 0,
    };
    let mut parser = Parser {
        bytes,
        reading,
        token: start,
        behind: 0,
        lexer: Lexer::new(bytes),
        file,
        depth: 0,
    };
    let assignments = bytes.len() / BYTES_OF_ASSIGNMENT;
    parser.reading.store.expect(assignments.min(MAX_EXPECTED));
    parser.check_nul();
    parser.advance();
    parser.statements();
}

impl Parser<'_, '_, '_> {
    pub(super) fn advance(&mut self) {
        self.behind = self.token.end;
        let end = self.bytes.len();
        let none = Token {
            kind: TokenKind::End,
            start: end,
            end,
        };
        self.token = self.lexer.next().unwrap_or(none);
    }

    /// Advances to the next token that is not a continuation.
    pub(super) fn advance_joined(&mut self) {
        self.advance();
        while self.token.kind == TokenKind::Continuation {
            self.advance();
        }
    }

    pub(super) fn span(&self, token: Token) -> Span {
        // Sources larger than an offset are refused.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start: offset(token.start),
            end: offset(token.end),
        }
    }

    pub(super) fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        if self.depth >= MAX_DEPTH {
            let message = "expansions are nested too deeply";
            let help = "assign the parts to separate variables";
            return Err(self.refuse(FindingName::TooLarge, self.token, message, help));
        }
        self.depth += 1;
        let done = read(self);
        self.depth -= 1;
        done
    }

    fn check_nul(&mut self) {
        // `contains` is far faster than `position`, and nearly no file has a NUL.
        if self.bytes.contains(&0) {
            let start = self
                .bytes
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or_default();
            let token = Token {
                kind: TokenKind::Text,
                start,
                end: start + 1,
            };
            let help = "write the file as plain text";
            let finding = self.refuse(
                FindingName::Nul,
                token,
                "the file contains a NUL byte",
                help,
            );
            self.reading.findings.push(*finding.0);
        }
    }

    fn statements(&mut self) {
        while self.token.kind != TokenKind::End && self.reading.findings.len() < MAX_FINDINGS {
            self.depth = 0;
            if let Err(finding) = self.statement() {
                self.reading.findings.push(*finding.0);
                self.skip_line();
            }
        }
    }

    fn skip_line(&mut self) {
        while !matches!(self.token.kind, TokenKind::Newline | TokenKind::End) {
            self.advance();
        }
    }

    fn statement(&mut self) -> Result<(), Refused> {
        match self.token.kind {
            TokenKind::Newline => {
                self.plain_lines()?;
                self.advance();
                return Ok(());
            }
            TokenKind::Blank | TokenKind::Comment | TokenKind::Continuation => {
                self.advance();
                return Ok(());
            }
            TokenKind::Name => self.assignments()?,
            TokenKind::Semicolon => return Err(self.empty_statement()),
            TokenKind::Control => return Err(self.control(false)),
            TokenKind::Unterminated => return Err(self.unterminated(self.token)),
            TokenKind::Backquote => return Err(self.command_substitution(self.token)),
            _ => self.command()?,
        }
        self.statement_end()
    }

    /// Reads the `;` after a statement, or checks that its line ends here.
    fn statement_end(&mut self) -> Result<(), Refused> {
        match self.token.kind {
            TokenKind::Semicolon => {
                self.advance_joined();
                if self.token.kind == TokenKind::Semicolon {
                    return Err(self.empty_statement());
                }
                Ok(())
            }
            TokenKind::Control => Err(self.control(true)),
            _ => Ok(()),
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        while matches!(self.token.kind, TokenKind::Blank | TokenKind::Continuation) {
            self.advance();
        }
    }

    pub(super) fn at_end(&self) -> bool {
        ends_word(self.token.kind)
    }

    fn assignments(&mut self) -> Result<(), Refused> {
        let first = self.token;
        let mut last = self.assignment()?;
        // sh expands all values before it assigns the first one (`bin/sh/eval.c`).
        let mut waiting = Vec::new();
        self.skip_blanks();
        while self.token.kind == TokenKind::Name {
            waiting.push(std::mem::replace(&mut last, self.assignment()?));
            self.skip_blanks();
        }
        if !self.at_end() {
            return Err(self.prefix_assignment(first));
        }
        let mut all = waiting.into_iter().chain([last]);
        all.try_for_each(|one| self.assign(one))
    }

    /// Reads `name=value`.
    pub(super) fn assignment(&mut self) -> Result<Assigned, Refused> {
        let (name, name_span) = self.assigned_name()?;
        let (value, value_span) = self.value()?;
        Ok(Assigned {
            name,
            name_span,
            value,
            value_span,
        })
    }

    /// Reads `name=`.
    fn assigned_name(&mut self) -> Result<(Piece, Span), Refused> {
        let first = self.token;
        let name = self.name();
        let whole = Token {
            end: self.behind,
            ..first
        };
        self.check_own_of_shell(&name, whole)?;
        let piece = self.piece(&name, first);
        // The lexer gives a name here only if an `=` follows.
        self.advance();
        Ok((piece, self.span(whole)))
    }

    /// Reads the value after an `=`.
    fn value(&mut self) -> Result<(Value, Span), Refused> {
        let first = self.token;
        if first.kind == TokenKind::Text && self.is_plain(first) {
            self.advance();
            let span = self.span(first);
            return Ok((Value::AsWritten, span));
        }
        if first.kind == TokenKind::Control && self.text(first) == b"(" {
            return Err(self.array(first));
        }
        let mut out = Out::reusing(std::mem::take(&mut self.reading.scratch));
        let context = Context {
            quoted: false,
            assigned: true,
        };
        self.word(&mut out, Until::WordEnd, context)?;
        let whole = Token {
            end: self.behind.max(first.start),
            ..first
        };
        self.check_full(&out, whole)?;
        let made = self.reading.store.make(out.bytes());
        self.reading.scratch = out.into_bytes();
        Ok((Value::Made(made), self.span(whole)))
    }

    /// Whether a text is a whole value that needs no processing.
    pub(super) fn is_plain(&self, text: Token) -> bool {
        let behind = self.bytes.get(text.end);
        let ends = matches!(behind, None | Some(b'\n' | b' ' | b'\t' | b';'));
        ends && !self.text(text).contains(&b'~') && text.end - text.start <= MAX_VALUE
    }

    pub(super) fn check_full(&self, out: &Out, at: Token) -> Result<(), Refused> {
        if out.is_full() || self.reading.store.made() > MAX_MADE {
            let message = "the value exceeds 64 KiB, or all values together exceed 64 MiB";
            let help = "shorten the parts of the value";
            return Err(self.refuse(FindingName::TooLarge, at, message, help));
        }
        Ok(())
    }

    pub(super) fn assign(&mut self, one: Assigned) -> Result<(), Refused> {
        let assigned = self.reading.store.assign(one);
        assigned.map_err(|frozen| self.readonly(one.name_span, frozen))
    }
}

/// The maximum number of findings; reading stops there.
pub(super) const MAX_FINDINGS: usize = 100;

/// The usual length of an assignment.
const BYTES_OF_ASSIGNMENT: usize = 20;

/// The maximum number of assignments per file to reserve memory for.
const MAX_EXPECTED: usize = 1 << 16;
