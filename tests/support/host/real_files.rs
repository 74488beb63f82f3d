//! Regular files on a disk.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::errno::Errno;
use super::files::Files;

/// The real file system, without its `/var/db`, in which a simulation by root would leave the stores of
/// UEFI variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealFiles {
    /// The directory in the place of `/var/db`.
    db: PathBuf,
}

impl RealFiles {
    /// Those of a host whose devices are in this directory.
    pub fn beside(dev: &Path) -> Self {
        Self {
            db: dev.with_file_name("db"),
        }
    }

    /// The real path of a path of the host.
    fn at<'path>(&self, path: &'path Path) -> Cow<'path, Path> {
        match path.strip_prefix("/var/db") {
            Ok(below) => self.db.join(below).into(),
            Err(_) => path.into(),
        }
    }
}

/// Above this size a file is extended instead of filled, so that a test never fills a real disk.
const FILL_LIMIT: u64 = 64 << 20;

impl Files for RealFiles {
    fn exists(&self, path: &Path) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.at(path).is_dir()
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        use std::io::Read;
        let mut content = Vec::new();
        fs::File::open(self.at(path))
            .and_then(|file| file.take(FILL_LIMIT).read_to_end(&mut content))
            .map_err(|error| errno(&error))?;
        Ok(content)
    }

    fn write(&mut self, path: &Path, content: &[u8]) -> Result<(), Errno> {
        fs::write(self.at(path), content).map_err(|error| errno(&error))
    }

    fn mkdir(&mut self, path: &Path) -> Result<(), Errno> {
        fs::create_dir(self.at(path)).map_err(|error| errno(&error))
    }

    fn remove(&mut self, path: &Path) -> Result<(), Errno> {
        let path = self.at(path);
        let removed = if path.is_dir() {
            fs::remove_dir(path)
        } else {
            fs::remove_file(path)
        };
        removed.map_err(|error| errno(&error))
    }

    fn size(&self, path: &Path) -> Result<u64, Errno> {
        self.at(path)
            .metadata()
            .map(|metadata| metadata.len())
            .map_err(|error| errno(&error))
    }

    fn set_len(&mut self, path: &Path, size: u64) -> Result<(), Errno> {
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.at(path))
            .and_then(|file| file.set_len(size))
            .map_err(|error| errno(&error))
    }

    fn fill(&mut self, path: &Path, size: u64) -> Result<(), Errno> {
        let filled = fs::File::create(self.at(path)).and_then(|mut file| {
            if size > FILL_LIMIT {
                return file.set_len(size);
            }
            io::copy(&mut io::Read::take(io::repeat(0), size), &mut file).map(|_| ())
        });
        filled.map_err(|error| errno(&error))
    }

    fn install(&mut self, path: &Path, mode: u32) -> Result<(), Errno> {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let path = self.at(path);
        let opened = match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(path),
        };
        opened
            .and_then(|file| file.set_permissions(fs::Permissions::from_mode(mode)))
            .map_err(|error| errno(&error))
    }

    fn link(&mut self, path: &Path, name: &Path) -> Result<(), Errno> {
        let (from, to) = (self.at(path), self.at(name));
        // easy-bhyve itself looks into the real directory, so that a store is missing there each time.
        if matches!(to, Cow::Owned(_)) && to.exists() {
            return Ok(());
        }
        fs::hard_link(from, to).map_err(|error| errno(&error))
    }

    fn stamp(&mut self, path: &Path, content: &[u8]) -> Result<(), Errno> {
        fs::OpenOptions::new()
            .write(true)
            .open(self.at(path))
            .and_then(|mut file| file.write_all(content))
            .map_err(|error| errno(&error))
    }

    fn list_dir(&self, path: &Path) -> Result<Vec<String>, Errno> {
        let entries = fs::read_dir(self.at(path)).map_err(|error| errno(&error))?;
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        Ok(names)
    }
}

fn errno(error: &io::Error) -> Errno {
    match error.kind() {
        io::ErrorKind::NotFound => Errno::NoEntry,
        io::ErrorKind::PermissionDenied => Errno::Access,
        io::ErrorKind::AlreadyExists => Errno::Exists,
        io::ErrorKind::NotADirectory => Errno::NotDirectory,
        io::ErrorKind::IsADirectory => Errno::IsDirectory,
        io::ErrorKind::FileTooLarge => Errno::TooLarge,
        io::ErrorKind::InvalidInput => Errno::Invalid,
        _ => Errno::InputOutput,
    }
}
