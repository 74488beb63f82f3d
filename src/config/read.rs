//! Reads a file of the configuration: an ordinary file, and if it was only found, one that nobody
//! else decides.
//!
//! What is judged is what was opened, so that nobody can change the one for the other in between.

use super::source::Source;
use crate::vis;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Whose files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Anybody's: the caller has named the configuration.
    #[default]
    Named,
    /// Root's and these users': the configuration was found.
    Found {
        /// The caller.
        caller: u32,
        /// Who has become root by sudo(8) or doas(1) to call.
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

/// A file or a directory that somebody else decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Which.
    pub path: PathBuf,
    /// Whether it is a directory that is meant for everybody, such as `/tmp`.
    pub is_sticky: bool,
    /// Who decides.
    pub by: Decider,
}

/// Who decides what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The user to whom it belongs.
    Owner(u32),
    /// Everybody: they may write it.
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
            Decider::Everybody => write!(f, "everybody may write {path}"),
        }
    }
}

impl Foreign {
    /// What settles it, where that is no more than a mode.
    pub fn remedy(&self) -> Option<String> {
        let by_mode = self.by == Decider::Everybody && !self.is_sticky;
        by_mode.then(|| format!("chmod o-w {}", crate::quote::shown(&self.path)))
    }
}

/// Why a file of the configuration is not read.
#[derive(Debug)]
pub enum Unread {
    /// As the system says.
    System(io::Error),
    /// It is no file: what it is instead.
    NoFile(&'static str),
    /// Somebody else decides what is in it.
    Foreign(Foreign),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::NoFile(what) => write!(f, "it is {what}, and no file"),
            Self::Foreign(foreign) => foreign.fmt(f),
        }
    }
}

impl std::error::Error for Unread {}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// What was read, and what of it the group may write, too: the file, or its directory.
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

/// Reads a file; waits for no writer of one that is none.
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
        let error = io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB");
        return Err(error.into());
    }
    let source = Source::new(path, bytes);
    Ok(Found { source, shared })
}

/// The mode bits by which others than the owner may write.
const GROUP_WRITES: nix::libc::mode_t = 0o020;
const EVERYBODY_WRITES: nix::libc::mode_t = 0o002;
const STICKY: nix::libc::mode_t = 0o1000;

/// Opens without waiting for a FIFO's writer or a device's line, and gets no terminal by it.
fn flags(also: OFlag) -> OFlag {
    OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | also
}

/// Opens a file, whoever may change it.
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

/// A file that was opened and judged.
struct Opened {
    file: OwnedFd,
    about: FileStat,
    /// What of its directories the group may write, too.
    shared: Option<PathBuf>,
}

/// Opens a file in its directory, both of them trusted, and where a link has led there, the directory
/// of the link, too.
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

/// A directory with the sticky bit is no better: everybody may put a file there.
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
