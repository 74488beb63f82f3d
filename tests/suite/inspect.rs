//! `easy-bhyve inspect` on the images of the fuzz target's corpus.

mod hostile;
mod shown;

use crate::case::root;
use std::path::PathBuf;

/// An image of the corpus.
fn image(name: &str) -> PathBuf {
    root().join("tests/fuzz/corpus/inspect").join(name)
}
