//! The value of a word: quotes removed, `$name` and `~` expanded, without splitting or globbing.

use super::ansi;
use super::lexer::{Token, TokenKind};
use super::parser::Parser;
use super::pattern::Marked;
use super::refused::Refused;
use super::tilde::Tilde;
use crate::finding::FindingName;

/// The collector of a word's text.
#[derive(Debug, Default)]
pub(super) struct Out {
    text: Marked,
    marked: bool,
    dead: bool,
    full: bool,
}

impl Out {
    /// Collects bytes only, in reused memory.
    pub(super) fn reusing(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        let active = Vec::new();
        Self {
            text: Marked { bytes, active },
            ..Self::default()
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.text.bytes
    }

    /// Collects bytes, and which of them are open to wildcards and splitting.
    pub(super) fn marked() -> Self {
        Self {
            marked: true,
            ..Self::default()
        }
    }

    /// Discards everything: for a word that sh would skip.
    pub(super) fn dead() -> Self {
        Self {
            dead: true,
            ..Self::default()
        }
    }

    /// A collector of the same kind for a word within this one, bytes only.
    pub(super) fn inner(&self) -> Self {
        Self {
            dead: self.dead,
            ..Self::default()
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.text.bytes
    }

    pub(super) fn text(&self) -> &Marked {
        &self.text
    }

    pub(super) fn push(&mut self, bytes: &[u8], quoted: bool) {
        self.full |= self.text.bytes.len() + bytes.len() > MAX_VALUE;
        if self.dead || self.full {
            return;
        }
        self.text.bytes.extend_from_slice(bytes);
        if self.marked {
            self.text.active.resize(self.text.bytes.len(), !quoted);
        }
    }
}

/// The maximum length of a value, in bytes.
pub(super) const MAX_VALUE: usize = 64 * 1024;

/// The end of a word, and what it closes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// A blank, a newline, `;` or an operator.
    WordEnd,
    /// The `}` that closes the expansion that begins at this token.
    Brace(Token),
}

/// The context in which a word is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Whether the word is between double quotes.
    pub(super) quoted: bool,
    /// Whether a `~` also expands after a `:` and a `=`, as in assignments.
    pub(super) assigned: bool,
}

impl<'a> Parser<'a, '_, '_> {
    /// Reads a word up to its end, which is not read, except for a closing brace.
    pub(super) fn word(
        &mut self,
        out: &mut Out,
        until: Until,
        context: Context,
    ) -> Result<(), Refused> {
        let mut quoted = context.quoted;
        // The innermost open quote of this word.
        let mut quote = None;
        let mut tilde = Tilde::new(until, context);
        loop {
            let token = self.token;
            let text = self.text(token);
            if !matches!(token.kind, TokenKind::Text | TokenKind::Continuation) {
                let ends = ends_word(token.kind) || token.kind == TokenKind::CloseBrace;
                self.settle(out, &mut tilde, ends);
            }
            match token.kind {
                TokenKind::Text if quoted => out.push(text, true),
                TokenKind::Text => self.open_text(out, &mut tilde, text),
                TokenKind::Continuation => {}
                TokenKind::Escaped => out.push(text.get(1..).unwrap_or_default(), true),
                TokenKind::SingleQuoted => out.push(inside(text), true),
                TokenKind::AnsiQuoted => self.ansi(out, token)?,
                TokenKind::DoubleQuote => {
                    quoted = !quoted;
                    quote = quoted.then_some(token);
                }
                TokenKind::CloseBrace => {
                    self.advance();
                    return Ok(());
                }
                TokenKind::Dollar => {
                    let context = Context { quoted, ..context };
                    self.parameter(out, context)?;
                    continue;
                }
                TokenKind::Backquote => return Err(self.command_substitution(token)),
                TokenKind::Unterminated => return Err(self.unterminated(token)),
                _ => {
                    return match (quote, until) {
                        (Some(open), _) | (None, Until::Brace(open)) => {
                            Err(self.unterminated(open))
                        }
                        (None, Until::WordEnd) => Ok(()),
                    };
                }
            }
            self.advance();
        }
    }

    /// Reads the text of `$'…'`.
    fn ansi(&mut self, out: &mut Out, token: Token) -> Result<(), Refused> {
        let locale = self.reading.locale;
        let decoded = ansi::decode(inside(self.text(token)), locale);
        let decoded = decoded.map_err(|bad| self.bad_escape(token, bad))?;
        if let Some(at) = decoded.by_locale.filter(|_| !out.is_dead()) {
            let message = "sh replaces this character by ? unless it is started in a UTF-8 locale";
            let at = self.escape(token, at);
            self.depends(at, message, "write the character itself");
        }
        out.push(&decoded.bytes, true);
        Ok(())
    }

    fn bad_escape(&self, token: Token, bad: ansi::BadEscape) -> Refused {
        self.refuse(
            FindingName::Escape,
            self.escape(token, bad.at),
            format!("cannot read this escape: {}", bad.why),
            "write the character itself, or one of \\n \\t \\\\ \\' \\\" \\nnn \\xHH",
        )
    }

    /// The rest of `$'…'` from an escape on.
    fn escape(&self, token: Token, at: usize) -> Token {
        let opening = self.text(token).len() - inside(self.text(token)).len() - 1;
        Token {
            start: (token.start + opening + at).min(token.end),
            ..token
        }
    }

    pub(super) fn text(&self, token: Token) -> &'a [u8] {
        self.bytes.get(token.start..token.end).unwrap_or_default()
    }
}

/// Whether an unquoted word ends before a token of this kind.
pub(super) fn ends_word(kind: TokenKind) -> bool {
    use TokenKind as K;
    matches!(
        kind,
        K::Blank | K::Newline | K::Comment | K::Semicolon | K::Control | K::End
    )
}

/// The text between two single quotes, the second of which is at the end.
fn inside(text: &[u8]) -> &[u8] {
    let quote = text.iter().position(|byte| *byte == b'\'');
    let inside = quote.and_then(|quote| text.get(quote + 1..text.len() - 1));
    inside.unwrap_or_default()
}
