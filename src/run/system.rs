//! What to do where the system refuses, as far as its error says so.

use crate::quote;
use std::io;
use std::path::Path;

/// What to do where something at this path was to be written or made; none where the error tells
/// nothing that would help.
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
