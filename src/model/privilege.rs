//! The ways in which commands become root.

use super::name::{NameError, error};
use serde::Serialize;

/// A way to become root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Elevation {
    /// Commands run without an escalator.
    None,
    /// doas(1).
    Doas,
    /// sudo(8).
    Sudo,
    /// mdo(1).
    Mdo,
}

impl Elevation {
    /// The name of the escalator's program, if any.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Doas => Some("doas"),
            Self::Sudo => Some("sudo"),
            Self::Mdo => Some("mdo"),
        }
    }
}

/// The `privilege` setting; `None` is `auto`: nothing for uid 0, else doas if it is installed, else
/// sudo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice(pub Option<Elevation>);

impl Choice {
    const WORDS: [(&str, Self); 5] = [
        ("auto", Self(None)),
        ("none", Self(Some(Elevation::None))),
        ("doas", Self(Some(Elevation::Doas))),
        ("sudo", Self(Some(Elevation::Sudo))),
        ("mdo", Self(Some(Elevation::Mdo))),
    ];

    /// Parses the word.
    ///
    /// # Errors
    /// If the text is another word.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let found = Self::WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words = Self::WORDS.map(|(word, _)| word);
            error(format!("\"{text}\" is not one of {}", words.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Choice;

    #[test]
    fn a_choice_is_one_word_as_it_is_written() {
        for (word, choice) in Choice::WORDS {
            assert_eq!(Choice::parse(word), Ok(choice));
        }
        assert!(Choice::parse("Doas").is_err() && Choice::parse("").is_err());
    }
}
