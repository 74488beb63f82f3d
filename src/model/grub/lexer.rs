//! The words of grub's command language (grub2-bhyve: `grub-core/script/yylex.l`). Expands nothing.

use super::Fault;

/// A token of a text, with its place in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'text> {
    /// The end of a line.
    Newline,
    /// `;`
    Semicolon,
    /// `{`, anywhere; its offset.
    Open(usize),
    /// `}`; its offset.
    Close(usize),
    /// A word.
    Word(Word<'text>),
}

/// A word as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'text> {
    /// The text, with its quotes.
    pub(super) text: &'text str,
    /// The offset of its start.
    pub(super) at: usize,
}

impl Word<'_> {
    pub(super) fn end(&self) -> usize {
        self.at + self.text.len()
    }

    /// The value, unless the value depends on a variable.
    pub(super) fn literal(&self) -> Option<String> {
        let mut literal = String::new();
        let mut quote = None;
        let mut rest = self.text.chars();
        while let Some(letter) = rest.next() {
            match (letter, quote) {
                ('$', None | Some('"')) => return None,
                ('\\', None | Some('"')) => {
                    literal.extend(rest.next().filter(|next| *next != '\n'));
                }
                ('\'' | '"', None) => quote = Some(letter),
                (closing, Some(open)) if closing == open => quote = None,
                _ => literal.push(letter),
            }
        }
        Some(literal)
    }
}

/// Reads all tokens.
///
/// # Errors
/// If a quote or a line is not closed, or a character makes grub skip its line.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'text> {
    text: &'text str,
    at: usize,
}

impl<'text> Lexer<'text> {
    fn rest(&self, ahead: usize) -> &'text [u8] {
        self.text
            .as_bytes()
            .get(self.at + ahead..)
            .unwrap_or_default()
    }

    fn next(&mut self) -> Result<Option<Token<'text>>, Fault> {
        loop {
            // A carriage return counts as a blank.
            while let [b' ' | b'\t' | b'\r', ..] = self.rest(0) {
                self.at += 1;
            }
            let [first, behind @ ..] = self.rest(0) else {
                return Ok(None);
            };
            let at = self.at;
            let token = match first {
                b'#' if !self.is_word_behind_hash()? => {
                    let comment = self.rest(0).iter().position(|&byte| byte == b'\n');
                    self.at += comment.unwrap_or(self.rest(0).len());
                    continue;
                }
                b'\n' => Token::Newline,
                b';' if behind.first() != Some(&b';') => Token::Semicolon,
                b'{' => Token::Open(at),
                b'}' => Token::Close(at),
                b'|' | b'&' | b';' | b'<' | b'>' => {
                    return Err(Fault::Reserved(char::from(*first), line_at(self.text, at)));
                }
                _ => {
                    let length = self.word(at)?;
                    self.at += length;
                    let text = self.text.get(at..at + length).unwrap_or_default();
                    if text == "[[" || text == "]]" {
                        return Err(Fault::Reserved('[', line_at(self.text, at)));
                    }
                    return Ok(Some(Token::Word(Word { text, at })));
                }
            };
            self.at += 1;
            return Ok(Some(token));
        }
    }

    /// Whether this `#` begins a word: a quote after it may open a string, and the longer match wins.
    fn is_word_behind_hash(&self) -> Result<bool, Fault> {
        let line = self.rest(0).iter().position(|&byte| byte == b'\n');
        let line = line.unwrap_or(self.rest(0).len());
        let is_plain = |byte: &u8| !matches!(byte, b' ' | b'\t' | b'\n' | b'\'' | b'"');
        let quote = self.rest(0).iter().position(|byte| !is_plain(byte));
        match quote.and_then(|at| self.rest(at).first()) {
            Some(b'\'' | b'"') => Ok(self.word(self.at)? > line),
            _ => Ok(false),
        }
    }

    /// The length of the word at this offset.
    fn word(&self, at: usize) -> Result<usize, Fault> {
        let mut length = 0;
        loop {
            let rest = self.rest(length);
            length += match rest {
                []
                | [
                    b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'}' | b'|' | b'&' | b';' | b'<' | b'>',
                    ..,
                ] => {
                    return Ok(length);
                }
                [b'\\'] | [b'\\', b'\n'] => return Err(Fault::Backslash),
                [b'\\', ..] => 2,
                [quote @ (b'\'' | b'"'), ..] => {
                    let open = || {
                        Fault::Quote(
                            char::from(*quote),
                            self.text.get(at..).unwrap_or_default().to_owned(),
                        )
                    };
                    quoted(rest, *quote).ok_or_else(open)?
                }
                [b'$', b'"', ..] => 1,
                [b'$', ..] => {
                    variable(rest).ok_or_else(|| Fault::Reserved('$', line_at(self.text, at)))?
                }
                _ => 1,
            };
        }
    }
}

pub(super) fn line_at(text: &str, at: usize) -> String {
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
    let before = before.rsplit('\n').next().unwrap_or_default();
    let behind = behind.split('\n').next().unwrap_or_default();
    format!("{before}{behind}")
}

/// The length of a quoted part with its quotes, if it is closed.
fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        match rest.get(at)? {
            b'\\' if quote == b'"' => {
                rest.get(at + 1)?;
                at += 2;
            }
            byte if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The length of a variable with its `$`.
fn variable(rest: &[u8]) -> Option<usize> {
    let from = if rest.get(1) == Some(&b'{') { 2 } else { 1 };
    let name = rest.get(from..)?;
    let length = match name.first()? {
        b'?' | b'#' | b'*' | b'@' => 1,
        b'0'..=b'9' => name.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => name
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count(),
        _ => return None,
    };
    match (from, name.get(length)) {
        (1, _) => Some(1 + length),
        (_, Some(b'}')) => Some(3 + length),
        _ => None,
    }
}
