//! The words of grub's command language: grub-core/script/yylex.l.
//!
//! The longest match counts, the earlier rule among equal ones; so an apostrophe right behind a word
//! that begins with `#` opens a quote, while behind a blank it belongs to the comment.

use std::collections::VecDeque;

/// A token of the parser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// The end of the input.
    End,
    /// Input that the lexer drops.
    Bad,
    /// `\n`
    Newline,
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// `}`
    Close,
    /// `|`, `||`, `&`, `&&`, `;;`, `<`, `>`, `[[`, `]]`: reserved, and of no use.
    Reserved,
    /// A reserved word.
    Keyword(&'static str),
    /// A word that can be a name.
    Name(String),
    /// Any other word.
    Word(Word),
}

/// A word in its parts.
pub(super) type Word = Vec<Piece>;

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text without quotes.
    Text(String),
    /// Quoted text.
    Quoted(String),
    /// `$x`, whose value is split at blanks.
    Variable(String),
    /// `"$x"`
    QuotedVariable(String),
}

const KEYWORDS: [&str; 15] = [
    "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "select", "then",
    "until", "while", "function",
];

/// The lines that are still to be read.
pub(super) type Lines = VecDeque<String>;

/// Reads tokens from a line, and further lines while a construct is open.
pub(super) struct Lexer<'lines> {
    text: Vec<char>,
    at: usize,
    /// The lines behind it; `None` is a prompt, which asks for more input.
    more: &'lines mut Lines,
    /// How many constructs are open, so that the next line belongs to them.
    pub(super) open: usize,
    /// Whether an error was found: no further token is valid then.
    pub(super) failed: bool,
    /// Whether the input ended while a construct was open.
    pub(super) at_end: bool,
    /// The error messages.
    pub(super) said: Vec<String>,
}

impl<'lines> Lexer<'lines> {
    pub(super) fn new(line: &str, more: &'lines mut Lines) -> Self {
        Self {
            text: format!("{line}\n").chars().collect(),
            at: 0,
            more,
            open: 0,
            failed: false,
            at_end: false,
            said: Vec::new(),
        }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Token {
        if self.failed {
            return Token::Bad;
        }
        loop {
            while matches!(self.peek(0), Some(' ' | '\t')) {
                self.at += 1;
            }
            let Some(first) = self.peek(0) else {
                if self.open == 0 {
                    return Token::End;
                }
                if !self.read_line() {
                    return Token::End;
                }
                continue;
            };
            let Ok(length) = self.measure() else {
                // A quote or a backslash at the end of the line: the next line belongs to the word.
                if self.read_line() {
                    continue;
                }
                return Token::End;
            };
            if first == '#' {
                let comment = self.text[self.at..]
                    .iter()
                    .take_while(|letter| **letter != '\n');
                let comment = comment.count();
                if comment >= length {
                    self.at += comment;
                    continue;
                }
            }
            if length == 0 {
                return self.special(first);
            }
            let text: String = self.text[self.at..self.at + length].iter().collect();
            self.at += length;
            return classify(&text);
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    /// Adds the next line; at the end of the input the message is that of a lack of memory, as in grub.
    fn read_line(&mut self) -> bool {
        if let Some(line) = self.more.pop_front() {
            self.text.extend(line.chars());
            self.text.push('\n');
            return true;
        }
        self.said.push("out of memory".into());
        self.at = self.text.len();
        self.failed = true;
        self.at_end = true;
        false
    }

    /// The length of the word that begins here; an error if the word continues in the next line.
    fn measure(&self) -> Result<usize, ()> {
        let mut length = 0;
        loop {
            let rest = &self.text[self.at + length..];
            length += match rest {
                [] => return Ok(length),
                ['\\'] | ['\\', '\n'] => return Err(()),
                ['\\', ..] => 2,
                ['\'', ..] => quoted(rest, '\'').ok_or(())?,
                ['"', ..] => quoted(rest, '"').ok_or(())?,
                ['$', '"', ..] => 1 + quoted(&rest[1..], '"').ok_or(())?,
                ['$', ..] => match variable(rest) {
                    Some((_, length)) => length,
                    None => return Ok(length),
                },
                [
                    '{' | '}' | '|' | '&' | ';' | '<' | '>' | ' ' | '\t' | '\n',
                    ..,
                ] => {
                    return Ok(length);
                }
                _ => 1,
            };
        }
    }

    fn special(&mut self, first: char) -> Token {
        self.at += 1;
        let doubled = self.peek(0) == Some(first);
        match first {
            '\n' => Token::Newline,
            ';' if !doubled => Token::Semicolon,
            '{' => Token::Open,
            '}' => Token::Close,
            '|' | '&' | ';' if doubled => {
                self.at += 1;
                Token::Reserved
            }
            '|' | '&' | '<' | '>' => Token::Reserved,
            other => {
                self.said.push(other.into());
                self.failed = true;
                Token::Bad
            }
        }
    }
}

/// The length of a quoted part with its quotes, if it ends.
fn quoted(rest: &[char], quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        match rest.get(at)? {
            '\\' if quote == '"' => {
                rest.get(at + 1)?;
                at += 2;
            }
            letter if *letter == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The name of a variable and the length with its `$`.
fn variable(rest: &[char]) -> Option<(String, usize)> {
    let (braced, from) = match rest {
        ['$', '{', ..] => (true, 2),
        _ => (false, 1),
    };
    let first = *rest.get(from)?;
    let matches: fn(&char) -> bool = match first {
        '?' | '#' | '*' | '@' => |_| false,
        '0'..='9' => char::is_ascii_digit,
        'a'..='z' | 'A'..='Z' | '_' => |letter| letter.is_ascii_alphanumeric() || *letter == '_',
        _ => return None,
    };
    let more = rest[from + 1..]
        .iter()
        .take_while(|letter| matches(letter))
        .count();
    let end = from + 1 + more;
    if braced && rest.get(end) != Some(&'}') {
        return None;
    }
    let name = rest[from..end].iter().collect();
    Some((name, end + usize::from(braced)))
}

fn classify(text: &str) -> Token {
    if let Some(keyword) = KEYWORDS.iter().find(|keyword| **keyword == text) {
        return Token::Keyword(keyword);
    }
    if text == "[[" || text == "]]" {
        return Token::Reserved;
    }
    let mut letters = text.chars();
    let is_name = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_name {
        return Token::Name(text.into());
    }
    Token::Word(split(&text.chars().collect::<Vec<_>>()))
}

/// A word in its parts.
fn split(text: &[char]) -> Word {
    let mut word = Word::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(letter) = text.get(at) {
        let rest = &text[at..];
        match letter {
            '\\' => {
                plain.extend(rest.get(1).filter(|next| **next != '\n'));
                at += 2;
                continue;
            }
            '\'' | '"' => {}
            '$' => {
                // Without a name, `$"` is a text to translate.
                let mut length = 1;
                if let Some((name, whole)) = variable(rest) {
                    push_text(&mut word, &mut plain);
                    word.push(Piece::Variable(name));
                    length = whole;
                }
                at += length;
                continue;
            }
            other => {
                plain.push(*other);
                at += 1;
                continue;
            }
        }
        push_text(&mut word, &mut plain);
        let length = quoted(rest, *letter).unwrap_or(rest.len());
        let inner = &rest[1..length.max(2) - 1];
        if *letter == '\'' {
            word.push(Piece::Quoted(inner.iter().collect()));
        } else {
            double_quoted(inner, &mut word);
        }
        at += length;
    }
    push_text(&mut word, &mut plain);
    word
}

fn push_text(word: &mut Word, plain: &mut String) {
    if !plain.is_empty() {
        word.push(Piece::Text(std::mem::take(plain)));
    }
}

fn double_quoted(inner: &[char], word: &mut Word) {
    let mut text = String::new();
    let mut at = 0;
    while let Some(letter) = inner.get(at) {
        match (letter, inner.get(at + 1)) {
            ('\\', Some(next @ ('$' | '\\' | '"'))) => {
                text.push(*next);
                at += 2;
            }
            ('\\', Some('\n')) => at += 2,
            ('$', _) => {
                if let Some((name, length)) = variable(&inner[at..]) {
                    word.push(Piece::Quoted(std::mem::take(&mut text)));
                    word.push(Piece::QuotedVariable(name));
                    at += length;
                } else {
                    text.push('$');
                    at += 1;
                }
            }
            (other, _) => {
                text.push(*other);
                at += 1;
            }
        }
    }
    word.push(Piece::Quoted(text));
}
