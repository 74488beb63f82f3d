//! The UEFI firmware of the package edk2-bhyve: its files, with the sizes of edk2-stable202502.

use super::Host;
use super::errno::Errno;
use std::path::{Path, PathBuf};

/// The directory of the packages' files.
pub const SHARE: &str = "/usr/local/share";

/// The names and sizes of the files.
const FILES: [(&str, u64); 3] = [
    ("BHYVE_UEFI.fd", 3_653_632),
    ("BHYVE_UEFI_CODE.fd", 3_653_632),
    ("BHYVE_UEFI_VARS.fd", 540_672),
];

/// What the firmware writes behind that, before the name of the VM.
const WRITTEN: &[u8] = b"the variables of ";

/// The beginning of a store of variables: the header of a firmware volume up to its signature.
pub const STORE: [u8; 44] = {
    let mut header = [0; 44];
    let (_, signature) = header.split_at_mut(40);
    signature.copy_from_slice(b"_FVH");
    header
};

/// The content of a store in which the firmware of this VM has written.
pub fn written_by(vm: &str) -> Vec<u8> {
    [&STORE[..], WRITTEN, vm.as_bytes()].concat()
}

/// Whether the firmware of a VM has written in a store of this content.
pub fn is_written(content: &[u8]) -> bool {
    content
        .strip_prefix(&STORE)
        .is_some_and(|variables| variables.starts_with(WRITTEN))
}

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
            if path.ends_with("BHYVE_UEFI_VARS.fd") {
                let _ = self.files_mut().write(&path, &STORE);
            }
            let _ = self.files_mut().set_len(&path, size);
        }
    }

    /// With a store of variables of this size, for root alone. Its directories are created, too.
    #[must_use]
    pub fn with_store(self, path: &str, size: u64) -> Self {
        let mut host = self.with_file(path, "");
        let _ = host.files_mut().install(Path::new(path), 0o600);
        let _ = host.files_mut().fill(Path::new(path), size);
        let _ = host.files_mut().stamp(Path::new(path), &STORE);
        host
    }

    /// Whether a file is a store of variables.
    ///
    /// # Errors
    /// If it is missing.
    pub fn is_store(&self, path: &Path) -> Result<bool, Errno> {
        Ok(self.files().read(path)?.starts_with(&STORE))
    }

    /// Removes the firmware.
    pub fn remove_firmware(&mut self) {
        for (path, _) in paths(Path::new(SHARE)) {
            let _ = self.files_mut().remove(&path);
        }
    }
}
