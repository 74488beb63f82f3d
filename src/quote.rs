//! Quoting of one word for sh(1).
//!
//! Works on bytes, because a path is bytes. Touches nothing else.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Appends `word` to `line` so that sh(1) reads it back as exactly this word.
///
/// A word that means the same with and without quotes stays bare.
pub fn push(line: &mut Vec<u8>, word: &OsStr) {
    let bytes = word.as_bytes();
    if is_bare(bytes) {
        line.extend_from_slice(bytes);
        return;
    }
    line.push(b'\'');
    for &byte in bytes {
        if byte == b'\'' {
            line.extend_from_slice(b"'\\''");
        } else {
            line.push(byte);
        }
    }
    line.push(b'\'');
}

/// The quoted form of `word`, for text that is only shown.
pub fn shown(word: impl AsRef<OsStr>) -> String {
    let mut line = Vec::new();
    push(&mut line, word.as_ref());
    String::from_utf8_lossy(&line).into_owned()
}

fn is_bare(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::shown;
    use proptest::prelude::{any, proptest};
    use std::ffi::OsStr;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    #[test]
    fn plain_words_stay_bare() {
        for word in [
            "ifconfig",
            "-s",
            "0:0,hostbridge",
            "/dev/zvol/zroot/vm/a",
            "a=b",
            "z@_1-x",
        ] {
            assert_eq!(shown(word), word);
        }
    }

    #[test]
    fn every_other_word_is_quoted() {
        for (word, quoted) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("$HOME", "'$HOME'"),
            ("it's", "'it'\\''s'"),
            ("~", "'~'"),
            ("*", "'*'"),
            ("(hd0)", "'(hd0)'"),
            ("a\nb", "'a\nb'"),
        ] {
            assert_eq!(shown(word), quoted);
        }
    }

    /// What a real sh makes of the quoted words.
    fn read_by_sh(words: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut script = b"printf '%s\\0'".to_vec();
        for word in words {
            script.push(b' ');
            super::push(&mut script, OsStr::from_bytes(word));
        }
        let output = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(std::ffi::OsString::from_vec(script))
            .env_clear()
            .output()
            .expect("sh runs");
        let mut read: Vec<_> = output
            .stdout
            .split(|&byte| byte == 0)
            .map(<[u8]>::to_vec)
            .collect();
        read.pop();
        read
    }

    proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn sh_reads_every_word_back(words in proptest::collection::vec(
            proptest::collection::vec(any::<u8>().prop_filter("an argument has no NUL", |byte| *byte != 0), 0..12), 1..20)
        ) {
            proptest::prop_assert_eq!(read_by_sh(&words), words);
        }
    }

    use proptest::strategy::Strategy;
}
