//! Places in the text of a configuration: byte ranges of one of its files; and parts of other files.

use std::ops::Range;
use std::path::PathBuf;

/// Identifies one file of a configuration.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId(pub(crate) u32);

/// A range of bytes in one file: from `start` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Span {
    /// The file of the bytes.
    pub file: FileId,
    /// Offset of the first byte, from 0.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span from the start of `self` to the end of `last`, in the file of `self`.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self {
            end: last.end.max(self.start),
            ..self
        }
    }

    /// The empty span at the start of `self`.
    #[must_use]
    pub fn front(self) -> Self {
        Self {
            end: self.start,
            ..self
        }
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The wrong part of a file that does not belong to the configuration, with its line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Excerpt {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub column: usize,
    /// The line without its newline.
    pub text: Vec<u8>,
    /// The wrong part of the line, in bytes.
    pub marked: Range<u32>,
}
