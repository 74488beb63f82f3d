//! The UEFI firmware of the package edk2-bhyve: its files, with the sizes of edk2-stable202502.

use super::Host;
use std::path::{Path, PathBuf};

/// The directory of the packages' files.
pub const SHARE: &str = "/usr/local/share";

/// The names and sizes of the files.
const FILES: [(&str, u64); 3] = [
    ("BHYVE_UEFI.fd", 3_653_632),
    ("BHYVE_UEFI_CODE.fd", 3_653_632),
    ("BHYVE_UEFI_VARS.fd", 540_672),
];

/// The paths of the files below the directory of the packages' files.
fn paths(share: &Path) -> impl Iterator<Item = (PathBuf, u64)> {
    let directory = share.join("edk2-bhyve");
    FILES
        .into_iter()
        .map(move |(name, size)| (directory.join(name), size))
}

impl Host {
    /// Installs the firmware below this directory.
    pub fn install_firmware(&mut self, share: &Path) {
        if self.real.is_none() {
            self.state.files.mkdir_all(&share.join("edk2-bhyve"));
        }
        for (path, size) in paths(share) {
            let _ = self
                .files_mut()
                .write(&path, b"the firmware of edk2-bhyve, stable202502\n");
            let _ = self.files_mut().set_len(&path, size);
        }
    }

    /// With a store of variables of this size, for root alone. Its directories are created, too.
    #[must_use]
    pub fn with_store(self, path: &str, size: u64) -> Self {
        let mut host = self.with_file(path, "");
        let _ = host.files_mut().install(Path::new(path), 0o600);
        let _ = host.files_mut().fill(Path::new(path), size);
        host
    }

    /// Removes the firmware.
    pub fn remove_firmware(&mut self) {
        for (path, _) in paths(Path::new(SHARE)) {
            let _ = self.files_mut().remove(&path);
        }
    }
}
