//! Places in the text of a configuration: bytes of one of its files.

/// Names one file among those of a configuration.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileId(pub(crate) u32);

/// A run of bytes in one file: from `start` up to, and without, `end`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Span {
    /// The file that the bytes stand in.
    pub file: FileId,
    /// Offset of the first byte, from 0.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// Reaches from the start of `self` to the end of `last`, in the file of `self`.
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
