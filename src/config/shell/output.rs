//! The collector of a word, and how the word is read.

use super::lexer::{Token, TokenKind};
use super::pattern::Marked;

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

    /// Collects bytes, and marks those that are subject to wildcards and splitting.
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

#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) quoted: bool,
    /// Whether a `~` also expands after a `:` and a `=`, as in assignments.
    pub(super) assigned: bool,
}

/// Whether an unquoted word ends before a token of this kind.
pub(super) fn ends_word(kind: TokenKind) -> bool {
    use TokenKind as K;
    matches!(
        kind,
        K::Blank | K::Newline | K::Comment | K::Semicolon | K::Control | K::End
    )
}
