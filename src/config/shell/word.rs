//! The value of a word: quotes removed, `$name` and `~` expanded, without splitting or globbing.

use super::ansi;
use super::lexer::{Token, TokenKind};
use super::output::{Context, Out, Until, ends_word};
use super::parser::Parser;
use super::refused::Refused;
use super::tilde::Tilde;
use crate::finding::FindingName;

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
            let message = "sh replaces this character by ? unless started in a UTF-8 locale";
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
            format!("invalid escape: {}", bad.why),
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

/// The text between two single quotes, the second of which is at the end.
fn inside(text: &[u8]) -> &[u8] {
    let quote = text.iter().position(|byte| *byte == b'\'');
    let inside = quote.and_then(|quote| text.get(quote + 1..text.len() - 1));
    inside.unwrap_or_default()
}
