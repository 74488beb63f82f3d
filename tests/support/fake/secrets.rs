//! Passwords of screens, in files of the simulated host.

use super::error;
use crate::host::Host;
use easy_bhyve::host::secret::{self, SecretError};
use std::path::Path;

/// The password in a file; it must be one that only its owner can read.
pub(super) fn of(host: &Host, path: &Path) -> Result<Vec<u8>, SecretError> {
    let text = host.files().read(path).map_err(error)?;
    match host.mode_of(path) {
        0o600 | 0o400 => secret::parse(&text).map(<[u8]>::to_vec),
        mode => Err(SecretError::NotClosed(mode)),
    }
}

/// Writes the file for bhyve.
pub(super) fn write(
    host: &mut Host,
    path: &Path,
    name: &str,
    from: &Path,
) -> Result<(), SecretError> {
    let line = secret::line(name, &of(host, from)?);
    let files = host.files_mut();
    files.install(path, 0o600).map_err(error)?;
    Ok(files.write(path, &line).map_err(error)?)
}
