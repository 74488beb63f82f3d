//! The messages of the parser: what is refused, what sh would do, what to write instead.

use super::class::is_name;
use super::expand::OWN_OF_SHELL;
use super::lexer::{Token, TokenKind};
use super::parser::Parser;
use super::refused::Refused;
use crate::finding::{Finding, FindingName};
use crate::span::Span;
use crate::suggest;

const NOT_RUN: &str = "the configuration is read, never run: write the result as a plain value";

impl Parser<'_, '_, '_> {
    pub(super) fn refuse(
        &self,
        name: FindingName,
        at: Token,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Refused {
        let mut finding = Finding::new(name, self.span(at), message, help);
        // The rest of the word often holds the cause: `a＝1` has no `=`.
        let rest = self.bytes.get(at.start..).unwrap_or_default();
        let word = rest.split(|byte| b" \t\n;&|<>()".contains(byte)).next();
        let word = String::from_utf8_lossy(word.unwrap_or_default());
        finding.help.extend(suggest::look_alike(&word));
        Refused::from(finding)
    }

    pub(super) fn unterminated(&self, open: Token) -> Refused {
        let (what, close, length) = match (open.kind, self.text(open).first()) {
            (TokenKind::DoubleQuote, _) => ("quote", "\"", 1),
            (TokenKind::Dollar, _) => ("${", "}", 1),
            (_, Some(b'$')) => ("quote", "'", 2),
            _ => ("quote", "'", 1),
        };
        let at = Token {
            end: open.start + length,
            ..open
        };
        self.refuse(
            FindingName::Unterminated,
            at,
            format!("this {what} is never closed"),
            format!("add the missing {close}"),
        )
    }

    pub(super) fn command_substitution(&self, at: Token) -> Refused {
        let behind = self.bytes.get(at.start..).unwrap_or_default();
        if behind.starts_with(b"$((") {
            let message = "arithmetic is not supported";
            return self.refuse(FindingName::Arithmetic, at, message, NOT_RUN);
        }
        let message = "sh would run a command here";
        self.refuse(FindingName::CommandSubstitution, at, message, NOT_RUN)
    }

    /// Refuses `$1` and similar; the current token is the special character.
    pub(super) fn special(&self, dollar: Token) -> Refused {
        let sign = String::from_utf8_lossy(self.text(self.token));
        let at = dollar.to(self.token);
        let message = format!("${sign} has no value in a configuration");
        let help = "use a variable with a name, or write \\$ for a dollar sign";
        self.refuse(FindingName::SpecialParameter, at, message, help)
    }

    pub(super) fn bad_expansion(&self, dollar: Token) -> Refused {
        let at = Token {
            end: self.behind.max(dollar.end),
            ..dollar
        };
        let message = "this form of expansion is unknown to sh";
        let help = "the forms are ${x}, ${x-w}, ${x:-w}, ${x=w}, ${x:=w}, ${x+w}, ${x:+w}, ${#x}, \
                    ${x%p}, ${x%%p}, ${x#p}, ${x##p}";
        self.refuse(FindingName::BadExpansion, at, message, help)
    }

    pub(super) fn empty_statement(&self) -> Refused {
        let message = "there is nothing before this ;";
        self.refuse(
            FindingName::EmptyStatement,
            self.token,
            message,
            "remove the ;",
        )
    }

    /// Refuses the operator at the current token.
    pub(super) fn control(&self, behind_statement: bool) -> Refused {
        let sign = String::from_utf8_lossy(self.text(self.token)).into_owned();
        let what = match sign.as_str() {
            "(" if !behind_statement => {
                let message = "sh would start a subshell here";
                return self.refuse(FindingName::CompoundCommand, self.token, message, NOT_RUN);
            }
            "<" | ">" => "cannot redirect",
            _ => "cannot join commands",
        };
        let message = format!("an unquoted {sign} {what} in a configuration");
        let help =
            format!("if {sign} is part of the value, quote it: '{sign}'; begin a comment with #");
        self.refuse(FindingName::Operator, self.token, message, help)
    }

    /// Refuses `a=b c`; the current token begins `c`.
    pub(super) fn prefix_assignment(&self, first: Token) -> Refused {
        let name = String::from_utf8_lossy(self.text(first)).into_owned();
        let word = self.shown_word();
        let assigned = Token {
            end: self.behind,
            ..first
        };
        let value = self
            .bytes
            .get(assigned.start..assigned.end)
            .unwrap_or_default();
        if value.trim_ascii_end().ends_with(b"=") {
            return self.refuse(
                FindingName::BlankAroundEquals,
                self.token,
                format!("sh would run a command {word} here, because of the blank after the ="),
                format!("write {name}={word}"),
            );
        }
        let mut refused = self.refuse(
            FindingName::PrefixAssignment,
            self.token,
            format!("sh would run a command {word} here, and {name} would remain unset"),
            "quote a value that contains blanks; begin a comment with #",
        );
        let value = String::from_utf8_lossy(value);
        refused.0.help.extend(suggest::look_alike(&value));
        refused
    }

    /// The word at the current token as written, shortened if long.
    fn shown_word(&self) -> String {
        let rest = self.bytes.get(self.token.start..).unwrap_or_default();
        let word = rest.split(|byte| b" \t\r\n;&|<>()".contains(byte)).next();
        String::from_utf8_lossy(word.unwrap_or_default())
            .chars()
            .take(40)
            .collect()
    }

    pub(super) fn readonly(&self, name: Span, frozen: Span) -> Refused {
        let text = String::from_utf8_lossy(self.reading.store.sources.text(name)).into_owned();
        let place = self.reading.store.sources.place(frozen);
        let message = format!("{text} was made readonly at {place}");
        let help = "remove one of the two lines";
        Refused::from(Finding::new(FindingName::Readonly, name, message, help))
    }

    /// Refuses an assignment to a variable that the shell changes itself.
    pub(super) fn check_own_of_shell(&self, name: &[u8], at: Token) -> Result<(), Refused> {
        if !OWN_OF_SHELL.contains(&name) || name.starts_with(b"PS") || name == b"IFS" {
            return Ok(());
        }
        let message = format!(
            "{} belongs to the shell itself",
            String::from_utf8_lossy(name)
        );
        Err(self.refuse(
            FindingName::ShellVariable,
            at,
            message,
            "choose another name",
        ))
    }

    pub(super) fn array(&self, at: Token) -> Refused {
        let message = "sh has no arrays";
        let help = "use one variable for each value, or quote the parenthesis";
        self.refuse(FindingName::Array, at, message, help)
    }

    /// Refuses a statement that begins with `word`; the current token is the one after it.
    pub(super) fn refused_command(&mut self, word: &[u8], at: Token) -> Refused {
        let shown: String = String::from_utf8_lossy(word).chars().take(40).collect();
        if KEYWORDS.contains(&word) {
            let message = format!("{shown} makes assignments conditional");
            if OPENERS.contains(&word) {
                self.skip_compound();
            }
            return self.refuse(FindingName::CompoundCommand, at, message, NOT_RUN);
        }
        if let Some(equals) = word
            .iter()
            .position(|byte| *byte == b'=')
            .filter(|at| *at > 0)
        {
            return self.bad_assignment(word, equals, at);
        }
        self.skip_blanks();
        if self.token.kind == TokenKind::Control
            && self.text(self.token) == b"("
            && !word.is_empty()
        {
            self.skip_function();
            let message = format!("sh would define a function {shown} here");
            return self.refuse(FindingName::Function, at, message, NOT_RUN);
        }
        let next = self.text(self.token);
        if is_name(word) && self.token.kind == TokenKind::Text && next.starts_with(b"=") {
            return self.refuse(
                FindingName::BlankAroundEquals,
                at,
                format!("sh would run a command {shown} here, because of the blank before the ="),
                format!("write {shown}=value, without blanks around the ="),
            );
        }
        if word == b"\r" {
            let message = "sh would run a command named CR here";
            let help = "remove the CR: tr -d '\\r'";
            return self.refuse(FindingName::Command, at, message, help);
        }
        let message = if word.is_empty() {
            "sh would run a command here".to_owned()
        } else {
            format!("sh would run a command {shown} here")
        };
        let help = "only NAME=value, export, readonly and . FILE are read; begin a comment with #";
        self.refuse(FindingName::Command, at, message, help)
    }

    /// Refuses a word whose text before `=` is not a name.
    fn bad_assignment(&self, word: &[u8], equals: usize, at: Token) -> Refused {
        let name = word.get(..equals).unwrap_or_default();
        let shown = String::from_utf8_lossy(name);
        if let Some(name) = name.strip_suffix(b"+").filter(|name| is_name(name)) {
            let name = String::from_utf8_lossy(name);
            return self.refuse(
                FindingName::Append,
                at,
                "sh has no += (it would run a command of this name)",
                format!("write {name}=\"${{{name}}}…\""),
            );
        }
        let help = if word.starts_with(b"\xef\xbb\xbf") {
            "the file begins with a byte order mark: save it as UTF-8 without one"
        } else {
            "a name consists of letters, digits and _, and does not begin with a digit"
        };
        let message = format!("{shown} is not the name of a variable");
        self.refuse(FindingName::VariableName, at, message, help)
    }

    /// Skips a function's body, so that its lines are not reported.
    fn skip_function(&mut self) {
        use TokenKind as K;
        while matches!(
            self.token.kind,
            K::Control | K::Blank | K::Newline | K::Continuation
        ) {
            self.advance();
        }
        if self.token.kind == K::Text && self.text(self.token) == b"{" {
            self.advance();
            self.skip_compound();
        }
    }

    /// Skips the rest of an `if`, a loop or a group.
    fn skip_compound(&mut self) {
        let mut depth = 1_usize;
        // `if`, `while` and `{` precede a command; `for` and `case` precede a word that is not one.
        let mut begins = true;
        while depth > 0 && self.token.kind != TokenKind::End {
            let word = self.text(self.token);
            match self.token.kind {
                TokenKind::Newline | TokenKind::Semicolon | TokenKind::Control => begins = true,
                TokenKind::Blank | TokenKind::Continuation => {}
                TokenKind::Text if begins => {
                    begins = KEYWORDS.contains(&word);
                    if OPENERS.contains(&word) {
                        depth += 1;
                    } else if CLOSERS.contains(&word) {
                        depth -= 1;
                    }
                }
                _ => begins = false,
            }
            self.advance();
        }
    }
}

const OPENERS: [&[u8]; 6] = [b"if", b"case", b"for", b"while", b"until", b"{"];
const CLOSERS: [&[u8]; 4] = [b"fi", b"esac", b"done", b"}"];
const KEYWORDS: [&[u8]; 16] = [
    b"if", b"case", b"for", b"while", b"until", b"{", b"fi", b"esac", b"done", b"}", b"then",
    b"else", b"elif", b"do", b"in", b"!",
];
