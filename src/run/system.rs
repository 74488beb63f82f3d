//! Remedies for errors of the system.

use crate::quote;
use std::io;
use std::path::Path;

/// The remedy for a failed write or creation at `path`, if known.
pub fn remedy(error: &io::Error, path: &Path) -> Option<String> {
    let above = path.parent().filter(|at| !at.as_os_str().is_empty());
    let at = quote::shown(above.unwrap_or(Path::new(".")));
    match error.kind() {
        io::ErrorKind::StorageFull => Some(format!(
            "the file system is full: see df -h {at} and df -i {at}; free space"
        )),
        io::ErrorKind::QuotaExceeded => Some(format!(
            "the quota is exceeded: see quota -v and df -h {at}; free space"
        )),
        io::ErrorKind::ReadOnlyFilesystem => Some(format!(
            "the file system is mounted read-only: find it with df {at}, and make it writable with mount -uw"
        )),
        _ => None,
    }
}
