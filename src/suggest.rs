//! Suggestions for misspelt words.

/// `known`, sorted by similarity to `typed`, the most similar first.
pub fn nearest_first<'word>(
    typed: &str,
    known: impl IntoIterator<Item = &'word str>,
) -> Vec<&'word str> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_by_cached_key(|word| distance(typed, word));
    known
}

/// The word that `typed` most probably is a misspelling of; none if no word is near.
pub fn near<'word>(typed: &str, known: impl IntoIterator<Item = &'word str>) -> Option<&'word str> {
    let nearest = nearest_first(typed, known).into_iter().next()?;
    is_near(typed, nearest).then_some(nearest)
}

/// Whether `typed` may be a misspelling of `word`: at most a third of the letters differ, swapped
/// letters and case counting as little as one letter. Words of up to two letters resemble no other.
pub fn is_near(typed: &str, word: &str) -> bool {
    let longer = typed.chars().count().max(word.chars().count());
    distance(typed, word) <= longer / 3
}

/// The number of letters that differ; neither case nor the order of two letters counts as more than one.
pub fn distance(typed: &str, word: &str) -> usize {
    // The cost is the product of both lengths; a longer text is no misspelling.
    let typed: String = typed.chars().take(LONGEST).collect();
    strsim::damerau_levenshtein(&typed.to_lowercase(), &word.to_lowercase())
}

const LONGEST: usize = 256;

/// Advice for the first character that only looks like an ASCII one, if there is any: full-width forms
/// and typographic quotes, which input methods and word processors write.
pub fn look_alike(text: &str) -> Option<String> {
    let (found, meant) = text.chars().find_map(|c| Some((c, meant_by(c)?)))?;
    let code = u32::from(found);
    Some(match meant {
        ' ' => format!(
            "the character U+{code:04X} is not a blank, and only looks like one: type a blank"
        ),
        meant => {
            format!("{found} (U+{code:04X}) is not {meant}, and only looks like it: type {meant}")
        }
    })
}

/// The ASCII character that a character looks like.
fn meant_by(c: char) -> Option<char> {
    match c {
        // Full-width forms are ASCII, shifted.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        '\u{3000}' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' => Some(' '),
        '\u{201c}'..='\u{201f}' | '\u{301d}'..='\u{301f}' => Some('"'),
        '\u{2018}'..='\u{201b}' => Some('\''),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{look_alike, near, nearest_first};

    #[test]
    fn the_nearest_comes_first_and_none_is_lost() {
        assert_eq!(
            nearest_first("boto", ["install", "boot", "clone"])[0],
            "boot"
        );
        assert_eq!(nearest_first("x", ["b", "a"]), ["b", "a"]);
    }

    #[test]
    fn only_a_near_word_is_suggested() {
        let verbs = ["install", "boot", "clone", "clean", "rollback"];
        for (typed, wanted) in [
            ("boto", Some("boot")),
            ("Boot", Some("boot")),
            ("rolback", Some("rollback")),
            ("frobnicate", None),
            ("destroy", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(near(typed, verbs), wanted, "{typed}");
        }
    }

    #[test]
    fn a_character_that_looks_like_ascii_is_named() {
        for (text, part) in [
            ("bridge＝bridge0", "＝ (U+FF1D) is not =,"),
            ("１G", "１ (U+FF11) is not 1,"),
            ("a\u{3000}b", "U+3000 is not a blank"),
            ("”/iso/a.iso”", "” (U+201D) is not \","),
            ("－d", "－ (U+FF0D) is not -,"),
            ("–d", "– (U+2013) is not -,"),
        ] {
            let advice = look_alike(text).unwrap();
            assert!(advice.contains(part), "{advice}");
        }
        assert_eq!(look_alike("日本語 ä ~"), None);
    }
}
