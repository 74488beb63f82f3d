//! A partition as its table gives it.

use super::image::Part;

/// The most partitions that are looked at.
pub(super) const MOST: usize = 128;

/// A partition as its table gives it.
pub(super) struct Slot<'disk> {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) label: Option<String>,
    pub(super) part: Part<'disk>,
}
