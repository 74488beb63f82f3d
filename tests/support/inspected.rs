//! What must hold when any bytes are inspected as a disk, for the fuzz target and the suite.

use easy_bhyve::inspect::judge::{grub_reads, loaders};
use easy_bhyve::inspect::report::Report;
use easy_bhyve::inspect::start::{Wanted, begin};
use easy_bhyve::inspect::{Image, MOST, inspect};
use easy_bhyve::model::loader::{BootPart, GrubDir};
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
    let report = inspect(&disk, Some("/further"));
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
    begins(&report);
    let again = inspect(&bytes, Some("/further")).ok();
    assert_eq!(again.as_ref(), Some(&report), "again the same");
}

/// Finds where grub begins.
fn begins(report: &Report) {
    let directories = [GrubDir::auto(), GrubDir::default()];
    for (directory, needs_menu) in directories
        .iter()
        .flat_map(|one| [(one, true), (one, false)])
    {
        for part in ["auto", "none", "msdos1", "gpt02"] {
            let part = BootPart::parse(part).expect("a partition");
            let wanted = Wanted {
                part: &part,
                directory,
                needs_menu,
            };
            match begin(report, wanted) {
                Ok(start) => {
                    assert!(!start.part.is_auto() && !start.directory.is_auto());
                    let fault = start.fault.as_ref();
                    assert!(fault.is_none_or(|fault| !fault.why.is_empty()));
                }
                Err(fault) => assert!(part.is_auto() && !fault.why.is_empty()),
            }
        }
    }
}
