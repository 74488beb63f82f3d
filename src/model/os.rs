//! The operating system of a guest.

use super::name::{NameError, error, text_newtype};
use std::ffi::OsStr;
use std::fmt;

/// The name of an operating system's profile, which is also the name of a file: letters, digits, `-`, `_`
/// and `.`, the first of them a letter or a digit; at most 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OsName(String);
text_newtype!(OsName);

impl OsName {
    /// Parses a name.
    ///
    /// # Errors
    /// If the text is empty or too long, or contains another character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !text.starts_with(|first: char| first.is_ascii_alphanumeric())
            || !text.chars().all(is_allowed)
        {
            return Err(error(format!(
                "\"{text}\" is not the name of a profile: write letters, digits, \"-\", \"_\" and \".\", \
                 the first of them a letter or a digit"
            )));
        }
        if text.len() > 64 {
            return Err(error(
                "the name of a profile has at most 64 characters".to_owned(),
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::OsName;

    #[test]
    fn a_name_leads_to_no_other_directory() {
        for good in ["debian", "Debian12", "9front", "x_y-z.1"] {
            assert!(OsName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "", ".", "..", ".x", "-x", "a/b", "../x", "a b", "\u{e9}", &long,
        ] {
            assert!(OsName::parse(bad).is_err(), "{bad}");
        }
    }
}
