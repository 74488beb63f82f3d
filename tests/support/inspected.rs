//! What must hold when any bytes are inspected as a disk, for the fuzz target and the suite.

use easy_bhyve::inspect::judge::{grub_reads, loaders};
use easy_bhyve::inspect::{Image, MOST, inspect};
use std::cell::Cell;
use std::io;

/// A disk, which refuses what a device of FreeBSD refuses, and counts what is read.
struct Counted<'bytes> {
    bytes: &'bytes [u8],
    read: Cell<u64>,
}

impl Image for Counted<'_> {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        assert!(at.is_multiple_of(4096) && into.len().is_multiple_of(4096));
        let read = self.bytes.read_at(into, at)?;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}

/// Inspects the bytes.
///
/// # Panics
/// If an invariant does not hold.
pub(crate) fn check(bytes: &[u8]) {
    let disk = Counted {
        bytes,
        read: Cell::new(0),
    };
    let report = inspect(&disk);
    assert!(disk.read.get() <= MOST);
    let Ok(report) = report else {
        return;
    };
    assert_eq!(report.size, bytes.len() as u64);
    assert!(report.partitions.len() <= 128);
    for part in &report.partitions {
        assert!(part.size > 0 && !part.name.is_empty() && !part.kind.is_empty());
        let end = part.start.checked_add(part.size);
        assert!(end.is_some_and(|end| end <= report.size), "{part:?}");
    }
    for (_, content) in report.contents() {
        assert!(!content.name().is_empty());
        let _ = grub_reads(content);
    }
    let loaders = loaders(&report);
    for verdict in [loaders.bhyveload, loaders.grub, loaders.uefi] {
        assert!(!verdict.why.is_empty());
    }
    assert_eq!(inspect(&bytes).ok(), Some(report), "again the same");
}
