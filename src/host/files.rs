//! Changes of the user's own files, without a process.

use crate::plan::FileChange;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

/// Makes one change.
///
/// # Errors
/// As the system says.
pub(super) fn change(change: &FileChange) -> io::Result<()> {
    match change {
        FileChange::MakeScratch(path) => DirBuilder::new().mode(0o700).create(path),
        FileChange::MakeDirectories(path) => std::fs::create_dir_all(path),
        FileChange::Write { path, text } => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(path)?
            .write_all(text.as_bytes()),
        FileChange::Replace { path, before, text } => replace(path, before, text),
        FileChange::RemoveScratch(path) => unless_gone(std::fs::remove_dir_all(path)),
        FileChange::Link { target, path } => symlink(target, path),
        FileChange::ReplaceLink { target, path } => replace_link(target, path),
        FileChange::RemoveLink(path) => unless_gone(std::fs::remove_file(path)),
    }
}

/// What is not there needs not be removed.
fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes the new content beside the file and renames it, so that there is always one of the two.
///
/// Two that replace the same file at once do it one behind the other, and the second is refused.
fn replace(path: &Path, before: &[u8], text: &[u8]) -> io::Result<()> {
    // Not for writing to it: what cannot be written to is not to be replaced either.
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    lock(&file)?;
    let about = file.metadata()?;
    let there = std::fs::metadata(path)?;
    let is_same = (about.dev(), about.ino()) == (there.dev(), there.ino());
    if !is_same || std::fs::read(path)? != before {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "it has changed since it was read",
        ));
    }
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::Builder::new()
        .prefix(".easy-bhyve")
        .tempfile_in(directory)?;
    fresh.write_all(text)?;
    let made = fresh.as_file().metadata()?;
    if (made.uid(), made.gid()) != (about.uid(), about.gid()) {
        fchown(fresh.as_file(), Some(about.uid()), Some(about.gid()))?;
    }
    // Behind the owner, whose change takes bits away.
    fresh.as_file().set_permissions(about.permissions())?;
    fresh.as_file().sync_all()?;
    fresh.persist(path).map_err(|failed| failed.error)?;
    File::open(directory)?.sync_all()
}

/// How long somebody else may have the file locked.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// Locks a file. Whoever can read it can lock it (flock(2)), so nobody is waited for without end.
fn lock(file: &File) -> io::Result<()> {
    let until = Instant::now() + LOCK_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "somebody else has it locked",
                ));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Makes the link under another name and renames it, so that there is always one.
fn replace_link(target: &Path, path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let fresh = tempfile::Builder::new()
        .prefix(".easy-bhyve")
        .make_in(directory, |name| symlink(target, name))?;
    fresh
        .into_temp_path()
        .persist(path)
        .map_err(|failed| failed.error)
}
