//! The value of a word: quotes removed, `$name` and `~` expanded; nothing is split or globbed.

use super::ansi;
use super::finding::{FindingName, Refused};
use super::lexer::{Token, TokenKind};
use super::parser::Parser;
use super::pattern::Marked;

/// Where the text of a word goes.
#[derive(Debug, Default)]
pub(super) struct Out {
    text: Marked,
    marked: bool,
    dead: bool,
    full: bool,
}

impl Out {
    /// Collects bytes only, in memory that was used before.
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

    /// Forgets everything: for a word that sh would skip.
    pub(super) fn dead() -> Self {
        Self {
            dead: true,
            ..Self::default()
        }
    }

    /// The same kind of collector for a word within this one, bytes only.
    pub(super) fn inner(&self) -> Self {
        Self {
            dead: self.dead,
            ..Self::default()
        }
    }

    pub(super) fn is_marked(&self) -> bool {
        self.marked
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

/// The longest value, in bytes.
pub(super) const MAX_VALUE: usize = 64 * 1024;

/// What ends a word, and what was opened there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// A blank, a newline, `;` or an operator.
    WordEnd,
    /// The `"` that closes this one.
    Quote(Token),
    /// The `}` that closes the expansion that begins here.
    Brace(Token),
}

/// How a word is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Whether it stands between double quotes.
    pub(super) quoted: bool,
    /// Whether a `~` counts also behind a `:`, as in assignments.
    pub(super) colon: bool,
}

/// Whether a `~` here would be somebody's home.
#[derive(Debug)]
enum Tilde {
    No,
    Here,
    User(Vec<u8>),
}

impl<'a> Parser<'a, '_, '_> {
    /// Reads a word up to, and without, what ends it; a closing quote or brace is taken.
    pub(super) fn word(
        &mut self,
        out: &mut Out,
        until: Until,
        context: Context,
    ) -> Result<(), Refused> {
        let quoted = context.quoted;
        let mut tilde = if quoted { Tilde::No } else { Tilde::Here };
        loop {
            let token = self.token;
            let text = self.text(token);
            if !matches!(token.kind, TokenKind::Text | TokenKind::Continuation) {
                let ends = matches!(until, Until::WordEnd) && ends_word(token.kind)
                    || matches!(until, Until::Brace(_)) && token.kind == TokenKind::CloseBrace;
                if matches!(tilde, Tilde::User(_)) && token.kind == TokenKind::Dollar {
                    self.check_tilde(token, until)?;
                }
                self.settle(out, &mut tilde, ends);
            }
            match (token.kind, until) {
                (TokenKind::Text, _) if quoted => out.push(text, true),
                (TokenKind::Text, _) => {
                    if !context.colon && matches!(until, Until::Brace(_)) {
                        self.check_colon(token)?;
                    }
                    let braced = matches!(until, Until::Brace(_));
                    self.open_text(out, &mut tilde, token, context.colon, braced)?;
                }
                (TokenKind::Continuation, _) => {}
                (TokenKind::Escaped, Until::Quote(_)) if text == b"\\}" => {
                    return Err(self.refuse(
                        FindingName::Escape,
                        token,
                        r"shells do not agree on \} between double quotes within ${…}",
                        "put this text into a variable of its own",
                    ));
                }
                (TokenKind::Escaped, _) => out.push(text.get(1..).unwrap_or_default(), true),
                (TokenKind::SingleQuoted, _) => out.push(inside(text, 1), true),
                (TokenKind::AnsiQuoted, _) => {
                    let decoded = ansi::decode(inside(text, 2));
                    let decoded = decoded.map_err(|bad| self.bad_escape(token, bad))?;
                    out.push(&decoded, true);
                }
                (TokenKind::DoubleQuote, Until::Quote(_))
                | (TokenKind::CloseBrace, Until::Brace(_)) => {
                    self.advance();
                    return Ok(());
                }
                (TokenKind::DoubleQuote, _) => {
                    self.advance();
                    let inner = Context {
                        quoted: true,
                        ..context
                    };
                    self.nested(|parser| parser.word(out, Until::Quote(token), inner))?;
                    continue;
                }
                (TokenKind::Dollar, _) => {
                    self.parameter(out, context)?;
                    continue;
                }
                (TokenKind::Backquote, _) => return Err(self.command_substitution(token)),
                (TokenKind::Unterminated, _) => return Err(self.unterminated(token)),
                (_, Until::WordEnd) => return Ok(()),
                (_, Until::Quote(open) | Until::Brace(open)) => {
                    return Err(self.unterminated(open));
                }
            }
            self.advance();
        }
    }

    /// Takes unquoted text, in which a `~` may name somebody's home.
    fn open_text(
        &mut self,
        out: &mut Out,
        tilde: &mut Tilde,
        token: Token,
        colon: bool,
        braced: bool,
    ) -> Result<(), Refused> {
        let text = self.text(token);
        if !text.contains(&b'~') && !matches!(tilde, Tilde::User(_)) {
            out.push(text, false);
            let here = colon && text.ends_with(b":");
            *tilde = if here { Tilde::Here } else { Tilde::No };
            return Ok(());
        }
        for byte in text {
            match tilde {
                Tilde::Here if *byte == b'~' => {
                    *tilde = Tilde::User(Vec::new());
                    continue;
                }
                Tilde::User(_) if *byte == b':' && (!colon || braced) => {
                    return Err(self.unclear_tilde(token, "with a : behind it"));
                }
                Tilde::User(user) if *byte != b'/' && *byte != b':' => {
                    user.push(*byte);
                    continue;
                }
                Tilde::User(_) => self.settle(out, tilde, true),
                Tilde::Here | Tilde::No => {}
            }
            out.push(&[*byte], false);
            *tilde = if colon && *byte == b':' {
                Tilde::Here
            } else {
                Tilde::No
            };
        }
        Ok(())
    }

    /// Refuses `~$x` in braces: dash loses its way there when it skips the word.
    fn check_tilde(&self, dollar: Token, until: Until) -> Result<(), Refused> {
        if matches!(until, Until::Brace(_)) {
            return Err(self.unclear_tilde(dollar, "with a $ behind it"));
        }
        Ok(())
    }

    /// Refuses `:~` in braces that assign nothing: bash makes a home of it where braces around them
    /// do assign, and dash does not.
    fn check_colon(&self, text: Token) -> Result<(), Refused> {
        if self.text(text).windows(2).any(|pair| pair == b":~") {
            return Err(self.unclear_tilde(text, "with a : before it"));
        }
        Ok(())
    }

    fn unclear_tilde(&self, at: Token, how: &str) -> Refused {
        let message = format!("shells do not agree on a ~ {how} in this place");
        let help = "write \\~ for the character, ${HOME} for your home directory";
        self.refuse(FindingName::Tilde, at, message, help)
    }

    /// Ends a `~user` that was begun: with the home if it is `whole`, else as it stands.
    fn settle(&mut self, out: &mut Out, tilde: &mut Tilde, whole: bool) {
        let Tilde::User(user) = std::mem::replace(tilde, Tilde::No) else {
            return;
        };
        if out.is_dead() || out.is_full() {
            return;
        }
        if let Some(home) = whole.then(|| self.home(&user)).flatten() {
            out.push(&home, true);
        } else {
            out.push(b"~", false);
            out.push(&user, false);
        }
    }

    fn home(&self, user: &[u8]) -> Option<Vec<u8>> {
        if user.is_empty() {
            return self.lookup(b"HOME").map(std::borrow::Cow::into_owned);
        }
        self.reading.outside.home(user)
    }

    fn bad_escape(&self, token: Token, bad: ansi::BadEscape) -> Refused {
        let at = Token {
            start: (token.start + 2 + bad.at).min(token.end),
            ..token
        };
        self.refuse(
            FindingName::Escape,
            at,
            format!("cannot read this escape: {}", bad.why),
            "write the character itself, or one of \\n \\t \\\\ \\' \\\" \\nnn \\xHH \\uXXXX",
        )
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

/// The text between an opening of `length` bytes and a closing quote.
fn inside(text: &[u8], length: usize) -> &[u8] {
    text.get(length..text.len() - 1).unwrap_or_default()
}
