//! `easy-bhyve inspect` on the images of the fuzz target's corpus.

mod child;
mod hostile;
mod menus;
mod shown;
mod start;
mod systems;

use crate::case::root;
use std::path::PathBuf;

/// An image of the corpus.
fn image(name: &str) -> PathBuf {
    root().join("tests/fuzz/corpus/inspect").join(name)
}
