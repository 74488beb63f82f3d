//! Remedies for errors of the system.

use crate::quote;
use std::io;
use std::path::Path;

/// The remedy for a failed write or creation at `path`; none for an error without a known one.
pub fn remedy(error: &io::Error, path: &Path) -> Option<String> {
    let above = path.parent().filter(|at| !at.as_os_str().is_empty());
    let at = quote::shown(above.unwrap_or(Path::new(".")));
    match error.kind() {
        io::ErrorKind::StorageFull => Some(format!(
            "the file system is full: df -h {at} and df -i {at} show it; make room there"
        )),
        io::ErrorKind::QuotaExceeded => Some(format!(
            "the quota is used up: see quota -v, and df -h {at}; make room there"
        )),
        io::ErrorKind::ReadOnlyFilesystem => Some(format!(
            "the file system is mounted read-only: df {at} names it, and mount -uw makes it writable"
        )),
        _ => None,
    }
}
