//! The way in which commands become root.

use super::name::{NameError, error};

/// The `privilege` setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// None for uid 0, else doas if it is installed, else sudo.
    #[default]
    Auto,
    /// No prefix.
    None,
    /// doas(1).
    Doas,
    /// sudo(8).
    Sudo,
    /// mdo(1).
    Mdo,
}

impl Choice {
    const WORDS: [(&str, Self); 5] = [
        ("auto", Self::Auto),
        ("none", Self::None),
        ("doas", Self::Doas),
        ("sudo", Self::Sudo),
        ("mdo", Self::Mdo),
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
