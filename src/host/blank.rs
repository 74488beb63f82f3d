//! The content of a disk, and whether it was ever written to; whether a file is a store of UEFI variables.

use crate::inspect::Image;
use nix::libc::O_NONBLOCK;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// The size of each end of a disk that is read. Every partition table and every label of a file
/// system is in one of the ends.
const END: u64 = 1 << 20;
/// The largest sector: a device is read in whole sectors.
const SECTOR: u64 = 4096;

/// See [`super::Look::is_blank`].
pub(super) fn is_blank(path: &Path) -> io::Result<bool> {
    let (disk, size) = open(path)?;
    let last = size.saturating_sub(END) / SECTOR * SECTOR;
    Ok(is_zero(&disk, 0, size.min(END))? && is_zero(&disk, last, size - last)?)
}

/// See [`super::Look::is_uefi_store`].
pub(super) fn is_uefi_store(path: &Path) -> io::Result<bool> {
    const SIGNATURE: &[u8] = b"_FVH";
    const AT: usize = 40;
    let (file, _) = open(path)?;
    let mut header = [0; AT + SIGNATURE.len()];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => Ok(header.ends_with(SIGNATURE)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a disk or an image file for reading; also returns its size in bytes.
///
/// # Errors
/// The system's error; also if the path is neither a file nor a device with a size.
fn open(path: &Path) -> io::Result<(File, u64)> {
    // The open of a FIFO or of a terminal would wait.
    let mut disk = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path)?;
    let kind = disk.metadata()?.file_type();
    if !kind.is_file() && !kind.is_char_device() && !kind.is_block_device() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // The end of a disk device is its media size (`vn_seek()` in `sys/kern/vfs_vnops.c`).
    let size = disk.seek(SeekFrom::End(0))?;
    if size == 0 && !kind.is_file() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    Ok((disk, size))
}

/// A disk that is open for reading.
pub(super) struct OpenDisk {
    pub(super) file: File,
    size: u64,
}

impl OpenDisk {
    /// Opens a disk or an image file.
    ///
    /// # Errors
    /// The system's error; also if the path is neither a file nor a device with a size.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let (file, size) = open(path)?;
        Ok(Self { file, size })
    }

    /// A disk that is open already.
    ///
    /// # Errors
    /// The system's error.
    pub(super) fn of(mut file: File) -> io::Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, size })
    }
}

impl Image for OpenDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(into, at)
    }
}

fn is_zero(disk: &File, from: u64, length: u64) -> io::Result<bool> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut content = vec![0; length];
    disk.read_exact_at(&mut content, from)?;
    Ok(content.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::is_blank;
    use std::fs::File;
    use std::io::ErrorKind;
    use std::os::unix::fs::FileExt;
    use std::path::Path;

    #[test]
    fn a_byte_in_the_first_or_the_last_mib_is_content() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("disk");
        for size in [0, 1, 4096, (1 << 20) + 1, 5 << 20, (5 << 20) + 512, 1 << 34] {
            let disk = File::create(&path).expect("created");
            disk.set_len(size).expect("a sparse file");
            assert!(is_blank(&path).expect("readable"), "{size}");
            let Some(end) = size.checked_sub(1) else {
                continue;
            };
            let ends = [0, end.min((1 << 20) - 1), end - end.min((1 << 20) - 1), end];
            for at in ends {
                disk.write_all_at(b"x", at).expect("written");
                assert!(!is_blank(&path).expect("readable"), "{at} of {size}");
                disk.write_all_at(&[0], at).expect("written");
            }
        }
    }

    #[test]
    fn of_anything_but_a_disk_nothing_is_known() {
        for path in ["/dev/null", "/dev/zero", "/"] {
            let error = is_blank(Path::new(path)).expect_err(path);
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{path}");
        }
        let error = is_blank(Path::new("/none")).expect_err("missing");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
