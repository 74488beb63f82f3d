//! Disks and ISO images whose bytes matter: each has those of an image of the fuzz target's corpus.

use super::Fake;
use easy_bhyve::host::Look;
use easy_bhyve::inspect::{inspect, report::Report};
use std::io::{self, ErrorKind};
use std::path::Path;

impl Fake {
    /// What is on a disk or an ISO image.
    pub(super) fn inspected(&mut self, path: &Path, directory: Option<&str>) -> io::Result<Report> {
        // Who may not read the disk may not inspect it.
        self.is_blank(path)?;
        let image = self.host().state.written.get(path).cloned();
        let image = image.ok_or(ErrorKind::Unsupported)?;
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/inspect");
        let bytes = std::fs::read(corpus.join(image))?;
        inspect(&bytes.as_slice(), directory)
    }
}
