//! Sockets in the file system, and files that are closed to others.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::Host;
use super::errno::Errno;

/// The type of a socket and its permissions under the usual umask (sys/stat.h).
const SOCKET: u32 = 0o140_755;
/// The bits of the type.
const TYPE: u32 = 0o170_000;

impl Host {
    /// With a file that only its owner can read.
    #[must_use]
    pub fn with_closed_file(self, path: &str, content: &str) -> Self {
        let mut host = self.with_file(path, "");
        let path = Path::new(path);
        let _ = host.files_mut().install(path, 0o600);
        let _ = host.files_mut().write(path, content.as_bytes());
        host
    }

    /// The permissions of a file.
    pub fn mode_of(&self, path: &Path) -> u32 {
        if self.real.is_some() {
            return path
                .metadata()
                .map_or(0, |about| about.permissions().mode() & 0o7777);
        }
        let file = self.state.files.nodes.get(path).and_then(Option::as_ref);
        file.map_or(0, |file| file.mode.unwrap_or(0o644) & !TYPE)
    }

    /// Whether a path is a socket; `None`: it does not exist.
    pub fn is_socket(&self, path: &Path) -> Option<bool> {
        if self.real.is_some() {
            let about = path.symlink_metadata().ok()?;
            return Some(about.file_type().is_socket());
        }
        let file = self.state.files.nodes.get(path)?.as_ref();
        Some(file.is_some_and(|file| file.mode.is_some_and(|mode| mode & TYPE == SOCKET & TYPE)))
    }

    /// Makes a socket, as bind(2) does. In a real directory it stays, although nobody listens.
    pub(super) fn bind_socket(&mut self, path: &Path) -> Result<(), Errno> {
        if self.real.is_some() {
            return UnixListener::bind(path)
                .map(drop)
                .map_err(|_| Errno::Access);
        }
        self.files_mut().install(path, SOCKET)
    }

    /// Makes a user the owner of a file; that of a real directory stays.
    pub fn give(&mut self, path: &Path, owner: u32) {
        if let Some(Some(file)) = self.state.files.nodes.get_mut(path) {
            file.owner = Some(owner);
        }
    }

    /// The user to whom a file was given.
    pub fn owner_of(&self, path: &Path) -> Option<u32> {
        self.state.files.nodes.get(path)?.as_ref()?.owner
    }
}
