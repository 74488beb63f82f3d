//! Quoting of one word for sh(1).
//!
//! Works on bytes, because a path is bytes.

use crate::vis;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Appends `word` to `line` so that sh(1) reads it back as exactly this word.
///
/// A word that needs no quotes is left as it is. A word with characters that control a terminal is
/// written as `$'…'`, which FreeBSD's sh(1) and bash read.
pub fn push(line: &mut Vec<u8>, word: &OsStr) {
    if vis::is_plain(word.as_bytes()) {
        push_plain(line, word);
    } else {
        push_escaped(line, word);
    }
}

/// Like [`push`], for a file: uses quotes that every sh(1) reads, whatever the bytes are.
pub fn push_plain(line: &mut Vec<u8>, word: &OsStr) {
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

/// Appends `word` as `$'…'`: on one line, with octal escapes for all bytes that are not text.
fn push_escaped(line: &mut Vec<u8>, word: &OsStr) {
    line.extend_from_slice(b"$'");
    push_octal(line, word.as_bytes(), "\\");
    line.push(b'\'');
}

/// The words with which every printf(1) writes these bytes: `%b '…'`, on one line.
pub fn for_printf(bytes: &[u8]) -> Vec<u8> {
    let mut words = b"%b '".to_vec();
    push_octal(&mut words, bytes, "\\0");
    words.push(b'\'');
    words
}

/// Appends quoted text; `before` precedes the three digits of a byte that is not text.
fn push_octal(line: &mut Vec<u8>, bytes: &[u8], before: &str) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let mut buffer = [0; 4];
            let encoded = character.encode_utf8(&mut buffer).as_bytes();
            if !character.is_ascii() && vis::is_graphic(character) {
                line.extend_from_slice(encoded);
                continue;
            }
            for byte in encoded {
                push_byte(line, *byte, before);
            }
        }
        for byte in chunk.invalid() {
            push_byte(line, *byte, before);
        }
    }
}

fn push_byte(line: &mut Vec<u8>, byte: u8, before: &str) {
    match byte {
        b'\n' => line.extend_from_slice(b"\\n"),
        b'\t' => line.extend_from_slice(b"\\t"),
        b'\\' => line.extend_from_slice(b"\\\\"),
        b' '..=b'~' if byte != b'\'' => line.push(byte),
        _ => line.extend_from_slice(format!("{before}{byte:03o}").as_bytes()),
    }
}

/// The quoted form of `word` on one line, for a message.
pub fn shown(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let mut line = Vec::new();
    push_shown(&mut line, word);
    String::from_utf8_lossy(&line).into_owned()
}

/// Like [`push`], on one line and as text only.
pub fn push_shown(line: &mut Vec<u8>, word: &OsStr) {
    let text = std::str::from_utf8(word.as_bytes());
    if text.is_ok_and(|text| text.chars().all(vis::is_graphic)) {
        push_plain(line, word);
    } else {
        push_escaped(line, word);
    }
}

/// Whether sh(1) reads these bytes as one word without any quotes.
pub fn is_bare(bytes: &[u8]) -> bool {
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
            ("a\nb", "$'a\\nb'"),
            ("a\u{9b}\u{1b}'\\é", "$'a\\302\\233\\033\\047\\\\é'"),
        ] {
            assert_eq!(shown(word), quoted);
        }
    }

    /// A shell that reads `$'…'`, as FreeBSD's sh does; dash does not.
    fn shell() -> &'static str {
        let is_one = |shell: &&str| {
            let mut call = std::process::Command::new(shell);
            let call = call.args(["-c", "[ $'\\101' = A ]"]).status();
            call.is_ok_and(|status| status.success())
        };
        let mut shells = ["/bin/sh", "bash"].into_iter();
        shells.find(is_one).expect("a shell reads $'…'")
    }

    /// The words that a real sh reads from the quoted words.
    fn read_by(shell: &str, words: &[Vec<u8>], quote: fn(&mut Vec<u8>, &OsStr)) -> Vec<Vec<u8>> {
        let mut script = b"printf '%s\\0'".to_vec();
        for word in words {
            script.push(b' ');
            quote(&mut script, OsStr::from_bytes(word));
        }
        let output = std::process::Command::new(shell)
            .arg("-c")
            .arg(std::ffi::OsString::from_vec(script))
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

    /// The output of printf(1) of the system's sh.
    fn written(bytes: &[u8]) -> Vec<u8> {
        let script = [b"printf ".to_vec(), super::for_printf(bytes)].concat();
        let output = std::process::Command::new("/bin/sh")
            .arg("-c")
            .arg(std::ffi::OsString::from_vec(script))
            .output();
        output.expect("sh runs").stdout
    }

    proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn sh_reads_every_word_back(words in proptest::collection::vec(
            proptest::collection::vec(any::<u8>().prop_filter("an argument has no NUL", |byte| *byte != 0), 0..12), 1..20)
        ) {
            proptest::prop_assert_eq!(&read_by("/bin/sh", &words, super::push_plain), &words);
            for quote in [super::push, super::push_shown] {
                proptest::prop_assert_eq!(&read_by(shell(), &words, quote), &words);
            }
            proptest::prop_assert_eq!(written(&words.concat()), words.concat());
            for word in &words {
                let shown = shown(OsStr::from_bytes(word));
                proptest::prop_assert!(shown.chars().all(crate::vis::is_graphic), "{}", shown);
            }
        }
    }

    use proptest::strategy::Strategy;
}
