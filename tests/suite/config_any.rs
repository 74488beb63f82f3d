//! Any text as a configuration: the reader never panics, and every place is right.
//!
//! The invariants are in [`crate::invariants`]; the fuzz target below `tests/fuzz` uses the same ones.
//! This test applies them to the corpus, which has a file for every fault that was found in this way,
//! and to generated text: bytes, pieces of sh, and examples with mistakes.

use crate::case::root;
use crate::config_sh::tangled;
use crate::invariants::check;
use proptest::prelude::*;
use std::path::PathBuf;

fn files_of(directory: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(directory)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The directory of the files that may be included.
fn included() -> PathBuf {
    root().join("tests/fuzz/included")
}

#[test]
fn every_file_of_the_corpus_keeps_the_invariants() {
    let files = files_of("tests/fuzz/corpus/config");
    assert!(files.len() >= 10, "the corpus is incomplete");
    for file in files {
        println!("{}", file.display());
        check(&std::fs::read(&file).unwrap(), &included());
    }
}

/// The examples, and the configurations of a few cases.
fn examples() -> Vec<Vec<u8>> {
    let examples = files_of("examples");
    let is_conf = |path: &PathBuf| path.extension().is_some_and(|end| end == "conf");
    let examples = examples.into_iter().filter(is_conf);
    let more = ["tests/cases/vms.conf", "tests/cases/faults.conf"].map(|file| root().join(file));
    let all = examples.chain(more);
    all.map(|path| std::fs::read(path).unwrap()).collect()
}

/// One mistake: where, how many bytes are removed, and the bytes that replace them.
type Mistake = (prop::sample::Index, usize, Vec<u8>);

fn mistake() -> impl Strategy<Value = Mistake> {
    let piece = prop_oneof![
        Just(Vec::new()),
        tangled(),
        proptest::collection::vec(any::<u8>(), 1..4),
    ];
    (any::<prop::sample::Index>(), 0_usize..6, piece)
}

fn with_mistakes(mut text: Vec<u8>, mistakes: Vec<Mistake>) -> Vec<u8> {
    for (at, gone, piece) in mistakes {
        let start = at.index(text.len() + 1);
        let end = (start + gone).min(text.len());
        text.splice(start..end, piece);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        check(&bytes, &included());
    }

    #[test]
    fn any_mixture_of_tokens_is_read(bytes in tangled()) {
        check(&bytes, &included());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_example_with_mistakes_is_read(
        text in prop::sample::select(examples()),
        mistakes in proptest::collection::vec(mistake(), 1..6),
    ) {
        check(&with_mistakes(text, mistakes), &included());
    }
}
