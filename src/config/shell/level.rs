//! The open quotes and braces at a position of a file (`bin/sh/parser.c`).

use super::class::{BRACE_IN_DOUBLE_STOP, BRACE_STOP, DOUBLE_STOP};

/// What is open at a position.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Open {
    /// Nothing: a file's top level.
    #[default]
    Nothing,
    /// A `${…}` whose word continues the quotes around it: in `"${a-"b"}"` the `b` is unquoted.
    Word,
    /// A `${…}` whose word is a pattern, with its own quotes.
    Pattern,
}

/// The top level, or one `${…}`, and whether the position is between two `"` of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Level {
    pub(super) open: Open,
    pub(super) quoted: bool,
}

impl Level {
    /// Whether a `}` here ends the `${…}` within `outer`: not between quotes that are part of it.
    pub(super) fn closes(self, outer: Option<&Self>) -> bool {
        let around = match self.open {
            Open::Nothing => None,
            Open::Word => outer.map(|outer| outer.quoted),
            Open::Pattern => Some(false),
        };
        around == Some(self.quoted)
    }

    /// The class of the bytes at which text ends, below the top level or between quotes.
    pub(super) fn stop(self) -> u8 {
        match (self.open, self.quoted) {
            (Open::Nothing, _) => DOUBLE_STOP,
            (_, false) => BRACE_STOP,
            (_, true) => BRACE_IN_DOUBLE_STOP,
        }
    }
}
