//! The directory of locks and states, and the directory of logs: owned and writable only by root;
//! links are not followed.
//!
//! A lock is a flock(2): the kernel keeps the lock until the last process closes the file. Loader and
//! bhyve(8) inherit the lock.

use super::identity::{self, Identity};
use super::{Lock, LockResult};
use crate::model::name::VmName;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{Group, fchown, geteuid};
use std::fs::{DirBuilder, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The largest size of a log before rotation, in bytes.
const LOG_LIMIT: u64 = 256 * 1024;
/// The largest size read of a lock, in bytes.
const NOTE_LIMIT: u64 = 4096;
/// The mode of the directories: others may read.
const OPEN: Mode = Mode::from_bits_truncate(0o755);
/// The mode of a directory that was created under umask 077.
const PRIVATE_DIRECTORY: Mode = Mode::S_IRWXU;
/// The mode of a state: others may read.
const READABLE: Mode = Mode::from_bits_truncate(0o644);
/// The mode of a lock: read access is enough to lock a file (flock(2)).
const PRIVATE: Mode = Mode::from_bits_truncate(0o600);
/// The mode of a log, which contains output of a guest and its loader.
const LOGGED: Mode = Mode::from_bits_truncate(0o640);
/// The group that, in addition to root, may read logs.
const READERS: &str = "operator";

/// A directory that only this user, root, can change.
#[derive(Debug)]
pub struct Directory {
    directory: OwnedFd,
}

impl Directory {
    /// Opens a directory, or creates a missing one. Mode 0700 becomes 0755.
    ///
    /// # Errors
    /// If the directory cannot be opened or created, or another user can change it.
    pub fn open(path: &Path) -> io::Result<Self> {
        // The check below refuses a directory that others may change.
        match DirBuilder::new().mode(0o755).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory = open(path, flags, Mode::empty())?;
        let about = fstat(&directory)?;
        if about.st_uid != geteuid().as_raw() || about.st_mode & 0o022 != 0 {
            return Err(io::Error::other(format!(
                "{} must be owned by root and writable only by root",
                path.display()
            )));
        }
        if Mode::from_bits_truncate(about.st_mode) == PRIVATE_DIRECTORY {
            // The directory was created under umask 077.
            fchmod(&directory, OPEN)?;
        }
        Ok(Self { directory })
    }

    /// Opens or creates a file in the directory and sets its mode to `mode`.
    fn file(&self, name: &str, flags: OFlag, mode: Mode) -> io::Result<File> {
        let flags = flags | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&self.directory, name, flags, mode)?;
        if Mode::from_bits_truncate(fstat(&file)?.st_mode) != mode {
            fchmod(&file, mode)?;
        }
        Ok(File::from(file))
    }

    /// Locks a file in the directory and writes `note`, the owner, into the file. Children started
    /// afterwards inherit the lock, except that of the network.
    ///
    /// # Errors
    /// The system's error.
    pub fn lock(&self, lock: &Lock, note: &str) -> io::Result<(LockResult, Option<File>)> {
        let mut file = self.file(&name_of(lock)?, OFlag::O_RDWR, PRIVATE)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                writeln!(file, "{note}")?;
                if *lock != Lock::Network {
                    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))?;
                }
                Ok((LockResult::Acquired, Some(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut held = String::new();
                file.take(NOTE_LIMIT).read_to_string(&mut held)?;
                Ok((LockResult::Held(held.trim_end().to_owned()), None))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Replaces a file in the directory atomically.
    ///
    /// # Errors
    /// The system's error.
    pub fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let fresh = format!("{name}.new");
        self.file(&fresh, OFlag::O_WRONLY | OFlag::O_TRUNC, READABLE)?
            .write_all(content)?;
        Ok(renameat(
            &self.directory,
            fresh.as_str(),
            &self.directory,
            name,
        )?)
    }

    /// Appends to a log in the directory; a log that would exceed the limit is renamed to `NAME.0` first.
    ///
    /// # Errors
    /// The system's error.
    pub fn append(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = self.log(name)?;
        let length = file.metadata()?.len();
        let added = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if length > 0 && length.saturating_add(added) > LOG_LIMIT {
            let old = rotated(Path::new(name));
            renameat(&self.directory, name, &self.directory, &old)?;
            file = self.log(name)?;
        }
        file.write_all(text.as_bytes())
    }

    /// Opens a log; a new one gets the group [`READERS`].
    fn log(&self, name: &str) -> io::Result<File> {
        let file = self.file(name, OFlag::O_WRONLY | OFlag::O_APPEND, LOGGED)?;
        if file.metadata()?.len() == 0
            && let Ok(Some(readers)) = Group::from_name(READERS)
        {
            // If this fails, the log keeps the group of root.
            let _ = fchown(&file, None, Some(readers.gid));
        }
        Ok(file)
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// The name of a VM's log, in the directory of logs.
pub fn log_of(vm: &VmName) -> String {
    format!("{vm}.log")
}

/// The file to which a full log is renamed: `NAME.0`.
pub fn rotated(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(".0");
    name.into()
}

/// The name of a VM's state, in the directory of locks.
pub fn state_of(vm: &VmName) -> String {
    format!("{vm}.json")
}

/// The name of the file to lock. A disk is named by its identity, not by its path.
fn name_of(lock: &Lock) -> io::Result<String> {
    Ok(match lock {
        Lock::Vm(vm) => format!("{vm}.pid"),
        // No VM name has a hyphen.
        Lock::Disk(path) => match identity::about(path) {
            Ok(about) => match about.identity {
                Identity::Device(device) => format!("disk-{device:x}.pid"),
                Identity::File(device, inode) => format!("disk-{device:x}-{inode:x}.pid"),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => name_of_place(path)?,
            Err(error) => return Err(error),
        },
        Lock::Size(path) => format!("size-{}", name_of(&Lock::Disk(path.clone()))?),
        Lock::Network => "host-network.pid".to_owned(),
    })
}

/// The name of the file to lock for a disk that does not exist yet: the identity of the nearest
/// existing directory and a hash of the rest of the path.
fn name_of_place(path: &Path) -> io::Result<String> {
    for above in path.ancestors().skip(1) {
        let about = match std::fs::metadata(above) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        // The same in every process, and of limited length.
        let mut rest = DefaultHasher::new();
        path.strip_prefix(above).unwrap_or(path).hash(&mut rest);
        return Ok(format!(
            "disk-{:x}-{:x}-{:x}.pid",
            about.dev(),
            about.ino(),
            rest.finish()
        ));
    }
    Err(io::ErrorKind::NotFound.into())
}
