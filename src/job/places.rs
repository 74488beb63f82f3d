//! Looks for the files and devices of a VM.

use super::ground::Ground;
use crate::error::{Error, Result};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What is at a path.
#[derive(Debug)]
pub(super) enum There {
    /// A file, a device or a directory.
    Something,
    /// Nothing.
    Nothing,
    /// A symbolic link to this, where nothing is.
    Dangling(PathBuf),
    /// The caller may not enter a directory on the way: the root side looks.
    Hidden,
}

/// Looks what is at `path`.
///
/// # Errors
/// If it cannot be told, and nobody looks again who can.
pub(super) fn look_for(ground: &mut Ground<'_>, path: &Path) -> Result<There> {
    match ground.look.exists(path) {
        Ok(true) => Ok(There::Something),
        Ok(false) => Ok(match ground.look.link_at(path) {
            Ok(Some(target)) => There::Dangling(target),
            Ok(None) | Err(_) => There::Nothing,
        }),
        Err(error) if error.kind() == ErrorKind::PermissionDenied && ground.process.is_front() => {
            Ok(There::Hidden)
        }
        Err(error) => Err(Error::host(format!(
            "could not look for {}: {error}",
            path.display()
        ))),
    }
}

/// The refusal of a link that leads nowhere; `kind` says of what.
pub(super) fn dangling(kind: &str, path: &Path, target: &Path) -> Error {
    Error::host(format!(
        "{kind} {} is a link to {}, which does not exist",
        path.display(),
        target.display()
    ))
}
