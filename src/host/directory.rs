//! The directory of locks and states, and the directory of logs: root's alone, no link followed.
//!
//! A lock is flock(2)'s, so the kernel keeps it as long as one process has it open: who made it, or
//! a loader or bhyve(8) that inherited it.

use super::identity::{self, Identity};
use super::{Lock, LockResult};
use crate::model::name::VmName;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl, open, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{Group, UnlinkatFlags, fchown, geteuid, unlinkat};
use std::fs::{DirBuilder, File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// The longest log, in bytes; then it becomes the old one.
const LOG_LIMIT: u64 = 256 * 1024;
/// The most that a lock or a state is expected to hold, in bytes.
const NOTE_LIMIT: u64 = 4096;
/// The mode of the directories: others may look.
const OPEN: Mode = Mode::from_bits_truncate(0o755);
/// What a umask makes of that by which everything is hidden.
const PRIVATE_DIRECTORY: Mode = Mode::S_IRWXU;
/// A mode that others can read and only root can change.
const READABLE: Mode = Mode::from_bits_truncate(0o644);
/// The mode of a lock: who can read a file can lock it (flock(2)).
const PRIVATE: Mode = Mode::from_bits_truncate(0o600);
/// The mode of a log, whose lines are a guest's and its loader's.
const LOGGED: Mode = Mode::from_bits_truncate(0o640);
/// The group that may read logs, besides root.
const READERS: &str = "operator";

/// A directory that only this user, who is root, can change.
#[derive(Debug)]
pub struct Directory {
    directory: OwnedFd,
}

impl Directory {
    /// Opens it; makes it if it is not there. One that nobody else may enter is opened to all.
    ///
    /// # Errors
    /// If it cannot be had, or somebody else can change it.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Others may look, and are refused below if they may do more.
        match DirBuilder::new().mode(0o755).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory = open(path, flags, Mode::empty())?;
        let about = fstat(&directory)?;
        if about.st_uid != geteuid().as_raw() || about.st_mode & 0o022 != 0 {
            return Err(io::Error::other(format!(
                "{} is not root's alone",
                path.display()
            )));
        }
        if Mode::from_bits_truncate(about.st_mode) == PRIVATE_DIRECTORY {
            // Made by somebody whose umask hides everything.
            fchmod(&directory, OPEN)?;
        }
        Ok(Self { directory })
    }

    /// Opens a file of it, which has this mode afterwards, whoever has made it.
    fn file(&self, name: &str, flags: OFlag, mode: Mode) -> io::Result<File> {
        let flags = flags | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&self.directory, name, flags, mode)?;
        if Mode::from_bits_truncate(fstat(&file)?.st_mode) != mode {
            fchmod(&file, mode)?;
        }
        Ok(File::from(file))
    }

    /// Locks a file of it and notes who has it; children that are started from now on inherit it,
    /// but for the network's.
    ///
    /// # Errors
    /// As the system says.
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

    /// Replaces a file of it in one step.
    ///
    /// # Errors
    /// As the system says.
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

    /// Removes a file of it; one that is not there is none.
    ///
    /// # Errors
    /// As the system says.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::ENOENT) | Ok(()) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Adds to a log in it; one that would become too long is kept as `NAME.0` until the next does.
    ///
    /// # Errors
    /// As the system says.
    pub fn append(&self, name: &str, text: &str) -> io::Result<()> {
        let mut file = self.log(name)?;
        let length = file.metadata()?.len();
        let added = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if length > 0 && length.saturating_add(added) > LOG_LIMIT {
            let old = format!("{name}.0");
            renameat(&self.directory, name, &self.directory, old.as_str())?;
            file = self.log(name)?;
        }
        file.write_all(text.as_bytes())
    }

    /// Opens a log; one that is new belongs to those who may read it.
    fn log(&self, name: &str) -> io::Result<File> {
        let file = self.file(name, OFlag::O_WRONLY | OFlag::O_APPEND, LOGGED)?;
        if file.metadata()?.len() == 0
            && let Ok(Some(readers)) = Group::from_name(READERS)
        {
            // Where it cannot be theirs it stays with the group of root.
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

/// The name of a VM's state, in the directory of locks.
pub fn state_of(vm: &VmName) -> String {
    format!("{vm}.json")
}

/// The name of the file that is locked. A disk goes by what it is, whatever path leads to it.
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
        Lock::Network => "host-network.pid".to_owned(),
    })
}

/// The name of the file that is locked for a disk that is about to be made: it goes by what leads to
/// it, as far as that is there, and the rest of its path.
fn name_of_place(path: &Path) -> io::Result<String> {
    for above in path.ancestors().skip(1) {
        let about = match std::fs::metadata(above) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        // The same for everybody, and short whatever the path is.
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
