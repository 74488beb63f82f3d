//! Any bytes are inspected within the limits.

use super::image;
use crate::inspected;
use easy_bhyve::inspect::{inspect, report::Report};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use proptest::sample::Index;
use std::fs;

fn corpus() -> Vec<Vec<u8>> {
    let directory = fs::read_dir(image("")).expect("the corpus");
    let mut paths: Vec<_> = { directory }
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("an image"))
        .collect()
}

#[test]
fn the_images_of_the_corpus_and_their_beginnings_are_inspected() {
    let all = corpus();
    assert!(all.len() >= 15);
    for image in &all {
        inspected::check(image);
        for step in [509, 4096, 65536] {
            for end in (0..image.len()).step_by(step * 7) {
                inspected::check(&image[..end]);
            }
        }
    }
}

#[test]
fn a_report_is_the_same_behind_a_pipe() {
    for image in corpus() {
        let report = inspect(&image.as_slice(), None).expect("readable");
        let written = serde_json::to_vec(&report).expect("JSON");
        let read: Report = serde_json::from_slice(&written).expect("a report");
        assert_eq!(read, report);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_are_inspected(bytes in vec(any::<u8>(), 0..80_000)) {
        inspected::check(&bytes);
    }

    /// Changes hit the bytes that are not zero, which are those of the tables and superblocks.
    #[test]
    fn changed_images_are_inspected(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<[u8; 4]>(), 1..5_usize), 1..12),
    ) {
        let all = corpus();
        let mut bytes = which.get(&all).clone();
        let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        prop_assert!(!used.is_empty());
        for (at, new, length) in changes {
            let at = *at.get(&used);
            let end = bytes.len().min(at + length);
            bytes[at..end].copy_from_slice(&new[..end - at]);
        }
        inspected::check(&bytes);
    }
}

#[test]
fn extreme_numbers_in_every_field_are_inspected() {
    for image in corpus() {
        let used: Vec<usize> = (0..image.len() - 8).filter(|at| image[*at] != 0).collect();
        for at in used.iter().step_by(used.len().div_ceil(400)) {
            for value in [0_u64, u64::MAX, 1 << 63, 0x7fff_ffff_7fff_ffff] {
                let mut bytes = image.clone();
                bytes[*at..at + 8].copy_from_slice(&value.to_le_bytes());
                inspected::check(&bytes);
            }
        }
    }
}
