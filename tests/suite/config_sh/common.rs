//! What FreeBSD's sh(1) has in common with dash and bash.
//!
//! We read files as FreeBSD's does; its answers are recorded in `tests/calibration/freebsd-sh`. The
//! shells that are at hand may answer for it where a file has none of the forms below.

use easy_bhyve::config::shell::lexer::{Lexer, Token, TokenKind as K};

/// A way through a file's tokens.
#[derive(Default)]
struct Walk {
    /// For each `${…}` that is open: whether it stands between double quotes, and has a pattern.
    braces: Vec<Brace>,
    quoted: bool,
    /// What the line has so far.
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

    /// Goes on behind a token; says whether it makes a form that shells read in different ways.
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
                // Whether a pattern that is not needed is expanded.
                let is_in_pattern = self.is_in_pattern();
                if let Some(brace) = self.braces.last_mut() {
                    brace.is_pattern |= is_pattern;
                }
                return text == b"=" && is_in_pattern;
            }
            K::CloseBrace => self.quoted = self.braces.pop().is_some_and(|brace| brace.around),
            // Quotes that end the ones around the braces.
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

/// Whether a file has a form that FreeBSD's sh may read otherwise than another shell.
pub(super) fn differs(file: &[u8]) -> bool {
    let has_backslash = file.contains(&b'\\');
    let mut walk = Walk::default();
    let mut tokens = Lexer::new(file);
    tokens.any(|Token { kind, start, end }| walk.pass(kind, &file[start..end], has_backslash))
}
