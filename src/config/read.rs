//! Reads a file of the configuration: a regular file and, if it was found by the search, one that
//! only trusted users can change.
//!
//! The checks use the opened file, so that the file cannot be replaced between check and use.

use super::source::Source;
use crate::vis;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The maximum size of a file, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The owners whose files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// All owners: the caller named the configuration.
    #[default]
    Named,
    /// Root and these users: the search found the configuration.
    Found {
        /// The caller.
        caller: u32,
        /// The user who became root by sudo(8) or doas(1), if any.
        behind: Option<u32>,
    },
}

impl Trust {
    fn is_owner(self, uid: u32) -> bool {
        match self {
            Self::Named => true,
            Self::Found { caller, behind } => uid == 0 || uid == caller || Some(uid) == behind,
        }
    }
}

/// A file or a directory that another user controls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The file or directory.
    pub path: PathBuf,
    /// Whether the path is a directory for every user, such as `/tmp`.
    pub is_sticky: bool,
    /// The user in control.
    pub by: Decider,
}

/// Who controls a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The owner.
    Owner(u32),
    /// Every user: others have write permission.
    Everybody,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = vis::shown(&self.path);
        match self.by {
            Decider::Owner(uid) => {
                write!(
                    f,
                    "{path} belongs to uid {uid}, who is neither you nor root"
                )
            }
            Decider::Everybody => write!(f, "every user may write {path}"),
        }
    }
}

impl Foreign {
    /// The command that corrects the mode, if that is sufficient.
    pub fn remedy(&self) -> Option<String> {
        let by_mode = self.by == Decider::Everybody && !self.is_sticky;
        by_mode.then(|| format!("chmod o-w {}", crate::quote::shown(&self.path)))
    }
}

/// Why a file of the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// An error of the system.
    #[error(transparent)]
    System(#[from] io::Error),
    /// Not a regular file: what it is instead.
    #[error("{0}, not a regular file")]
    NoFile(&'static str),
    /// Another user controls the content.
    #[error("{0}")]
    Foreign(Foreign),
}

/// The file read, and what its group may write: the file or its directory.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) shared: Option<PathBuf>,
}

impl From<Source> for Found {
    fn from(source: Source) -> Self {
        let shared = None;
        Self { source, shared }
    }
}

/// Reads a file; does not wait for a FIFO's writer.
pub(super) fn read(path: &Path, trust: Trust) -> Result<Found, Unread> {
    let Opened {
        file,
        about,
        mut shared,
    } = match trust {
        Trust::Named => open_any(path)?,
        Trust::Found { .. } => open_trusted(path, trust)?,
    };
    if about.st_mode & GROUP_WRITES != 0 {
        shared.get_or_insert_with(|| path.to_owned());
    }
    let size = u64::try_from(about.st_size).unwrap_or_default();
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MAX_FILE)).unwrap_or_default() + 1);
    File::from(file)
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        let error = io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 MiB");
        return Err(error.into());
    }
    let source = Source::new(path, bytes);
    Ok(Found { source, shared })
}

const GROUP_WRITES: nix::libc::mode_t = 0o020;
const EVERYBODY_WRITES: nix::libc::mode_t = 0o002;
const STICKY: nix::libc::mode_t = 0o1000;

/// Flags that open without waiting for a FIFO's writer or a device's line, and without acquiring a
/// controlling terminal.
fn flags(also: OFlag) -> OFlag {
    OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | also
}

/// Opens a file without checking who can change it.
fn open_any(path: &Path) -> Result<Opened, Unread> {
    let file = open(path, flags(OFlag::empty()), Mode::empty()).map_err(io::Error::from)?;
    let about = fstat(&file).map_err(io::Error::from)?;
    refuse_no_file(&about)?;
    Ok(Opened {
        file,
        about,
        shared: None,
    })
}

struct Opened {
    file: OwnedFd,
    about: FileStat,
    /// The directory of the file that the group may write, if any.
    shared: Option<PathBuf>,
}

/// Opens a trusted file in a trusted directory; for a link, the directory of the link must be
/// trusted too.
fn open_trusted(path: &Path, trust: Trust) -> Result<Opened, Unread> {
    let real = path.canonicalize()?;
    let (Some(above), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(Unread::NoFile("a directory"));
    };
    let mut shared = None;
    let mut open_judged = |directory: &Path| -> Result<OwnedFd, Unread> {
        let opened = open(directory, flags(OFlag::O_DIRECTORY), Mode::empty());
        let opened = opened.map_err(io::Error::from)?;
        let about = fstat(&opened).map_err(io::Error::from)?;
        refuse_foreign(directory, &about, trust)?;
        if about.st_mode & GROUP_WRITES != 0 {
            shared.get_or_insert_with(|| directory.to_owned());
        }
        Ok(opened)
    };
    let linked_in = path.parent().filter(|at| !at.as_os_str().is_empty());
    if let Some(directory) = linked_in.filter(|at| *at != above) {
        open_judged(directory)?;
    }
    let directory = open_judged(above)?;
    let file = openat(&directory, name, flags(OFlag::O_NOFOLLOW), Mode::empty());
    let file = file.map_err(io::Error::from)?;
    let about = fstat(&file).map_err(io::Error::from)?;
    refuse_no_file(&about)?;
    refuse_foreign(&real, &about, trust)?;
    Ok(Opened {
        file,
        about,
        shared,
    })
}

/// The sticky bit is insufficient: every user may create files in such a directory.
fn refuse_foreign(path: &Path, about: &FileStat, trust: Trust) -> Result<(), Unread> {
    let by = if !trust.is_owner(about.st_uid) {
        Decider::Owner(about.st_uid)
    } else if about.st_mode & EVERYBODY_WRITES != 0 {
        Decider::Everybody
    } else {
        return Ok(());
    };
    Err(Unread::Foreign(Foreign {
        path: path.to_owned(),
        is_sticky: about.st_mode & STICKY != 0,
        by,
    }))
}

fn refuse_no_file(about: &FileStat) -> Result<(), Unread> {
    let kind = SFlag::from_bits_truncate(about.st_mode & SFlag::S_IFMT.bits());
    Err(Unread::NoFile(match kind {
        SFlag::S_IFREG => return Ok(()),
        SFlag::S_IFDIR => "a directory",
        SFlag::S_IFIFO => "a FIFO",
        SFlag::S_IFSOCK => "a socket",
        _ => "a device",
    }))
}
