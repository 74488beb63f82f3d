//! Suggestions for misspelt words.

/// `known`, sorted by similarity to `typed`, the most similar first.
pub fn nearest_first<'word>(
    typed: &str,
    known: impl IntoIterator<Item = &'word str>,
) -> Vec<&'word str> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_by_cached_key(|word| strsim::damerau_levenshtein(typed, word));
    known
}

#[cfg(test)]
mod tests {
    use super::nearest_first;

    #[test]
    fn the_nearest_comes_first_and_none_is_lost() {
        assert_eq!(
            nearest_first("boto", ["install", "boot", "clone"])[0],
            "boot"
        );
        assert_eq!(nearest_first("x", ["b", "a"]), ["b", "a"]);
    }
}
