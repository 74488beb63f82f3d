//! The common behaviour of FreeBSD's sh(1), dash and bash.
//!
//! We read files as FreeBSD's sh does; its answers are recorded in `tests/calibration/freebsd-sh`. The
//! installed shells can stand in for it if a file has none of the forms below.

use easy_bhyve::config::shell::lexer::{Lexer, Token, TokenKind as K};

/// The state of a walk through a file's tokens.
#[derive(Default)]
struct Walk {
    /// For each open `${…}`: whether it stands between double quotes, and has a pattern.
    braces: Vec<Brace>,
    quoted: bool,
    /// The kinds of words on the line so far.
    assignments: usize,
    expands: bool,
    /// Whether the last text ends in `=`.
    is_behind_equals: bool,
}

struct Brace {
    around: bool,
    is_pattern: bool,
}

impl Walk {
    fn is_in_pattern(&self) -> bool {
        self.braces.iter().any(|brace| brace.is_pattern)
    }

    /// Takes the next token; whether it completes a form that shells read in different ways.
    fn pass(&mut self, kind: K, text: &[u8], has_backslash: bool) -> bool {
        let has = |form: &[u8]| text.windows(form.len()).any(|part| part == form);
        let was_equals = std::mem::take(&mut self.is_behind_equals);
        match kind {
            K::Newline | K::Semicolon => (self.assignments, self.expands) = (0, false),
            K::Equals => self.assignments += 1,
            K::Continuation => self.is_behind_equals = was_equals,
            K::OpenBrace => self.braces.push(Brace {
                around: self.quoted,
                is_pattern: false,
            }),
            K::Operator => {
                let is_pattern = matches!(text, b"%" | b"#");
                if is_pattern {
                    self.quoted = false;
                }
                // Whether a pattern is expanded although it is not needed.
                let is_in_pattern = self.is_in_pattern();
                if let Some(brace) = self.braces.last_mut() {
                    brace.is_pattern |= is_pattern;
                }
                return text == b"=" && is_in_pattern;
            }
            K::CloseBrace => self.quoted = self.braces.pop().is_some_and(|brace| brace.around),
            // Quotes that end the quotes around the braces.
            K::DoubleQuote => {
                self.quoted = !self.quoted;
                let mut braces = self.braces.iter();
                return braces.any(|brace| brace.around && !brace.is_pattern);
            }
            // A value with a backslash, as a pattern.
            K::Dollar if self.is_in_pattern() && has_backslash => return true,
            K::Dollar => self.expands = true,
            K::Text if !self.quoted => {
                self.is_behind_equals = text.ends_with(b"=");
                let is_negation =
                    self.is_in_pattern() && (has(b"[^") || has(b"[[.") || has(b"[[="));
                let is_home = has(b"=~") || was_equals && text.starts_with(b"~");
                let is_home_in_braces = has(b"~") && !self.braces.is_empty();
                return is_negation || is_home || is_home_in_braces;
            }
            _ => {}
        }
        // dash and bash assign one by one.
        self.assignments > 1 && self.expands
    }
}

/// Whether a file has a form that FreeBSD's sh may read differently from other shells.
pub(super) fn differs(file: &[u8]) -> bool {
    let has_backslash = file.contains(&b'\\');
    let mut walk = Walk::default();
    let mut tokens = Lexer::new(file);
    tokens.any(|Token { kind, start, end }| walk.pass(kind, &file[start..end], has_backslash))
}
