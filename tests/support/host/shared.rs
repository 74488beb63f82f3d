//! Files of a state directory that programs of root and of the user change in turn.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Gives a new file the required mode, whatever the umask.
///
/// # Errors
/// As the system says.
pub fn allow(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Creates a directory, and its parents, in which every user can create files.
///
/// # Errors
/// As the system says.
pub fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), make_directory)?;
    fs::create_dir(path)?;
    allow(path, 0o777)
}
