//! The locale in which sh(1) runs.

/// A locale for which files are read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::config) enum Locale {
    /// Characters are bytes.
    #[default]
    C,
    /// Characters are those of UTF-8.
    Utf8 {
        /// Whether a character is in a class on which systems may differ.
        unknown: bool,
    },
}

impl Locale {
    /// The locales to compare with the C locale.
    pub(super) const OTHERS: [Self; 2] =
        [Self::Utf8 { unknown: false }, Self::Utf8 { unknown: true }];
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) bytes: usize,
    pub(super) characters: usize,
}

impl Lengths {
    pub(super) fn of(value: &[u8]) -> Self {
        let begins = |byte: &&u8| !matches!(byte, 0x80..=0xbf);
        Self {
            bytes: value.len(),
            characters: value.iter().filter(begins).count(),
        }
    }
}
