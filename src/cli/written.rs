//! Files whose whole text comes from the program.

use crate::error::{Error, Result};
use crate::plan::FileChange;
use crate::vis;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The change that gives a file this text; none if it has the text.
///
/// # Errors
/// If the file exists and cannot be read.
pub(super) fn written(path: PathBuf, text: Vec<u8>) -> Result<Option<FileChange>> {
    match std::fs::read(&path) {
        Ok(before) if before == text => Ok(None),
        Ok(before) => Ok(Some(FileChange::Replace { path, before, text })),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(Some(FileChange::Write { path, text }))
        }
        Err(error) => Err(Error::host(format!(
            "could not read {}: {error}",
            vis::shown(&path)
        ))),
    }
}
