//! The locale in which sh(1) runs.

/// A locale to read files for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::config) enum Locale {
    /// Characters are bytes.
    #[default]
    C,
    /// Characters are those of UTF-8.
    Utf8 {
        /// Whether a character is in a class where systems may differ about it.
        unknown: bool,
    },
}

impl Locale {
    /// Those that are compared with the first.
    pub(super) const OTHERS: [Self; 2] =
        [Self::Utf8 { unknown: false }, Self::Utf8 { unknown: true }];
}

/// How long a value is.
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
