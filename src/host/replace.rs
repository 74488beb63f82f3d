//! Replaces a file of the user without the loss of a concurrent change.
//!
//! The old file is kept until its content is checked: where the system supports this (renameat2(2) of
//! Linux), the old and the new file are exchanged atomically; elsewhere the old file is renamed first.
//! If its content is not the content that was read, the old file is restored.

use super::{Afterwards, ChangeError};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A moment between two steps, at which a test makes a concurrent change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The file is unchanged, and the new file exists in the same directory.
    Prepared,
    /// The file is renamed, and the path does not exist.
    Aside,
    /// The new file is in place, and the previous file is not checked yet.
    Placed,
    /// The concurrent version is in place again, and the new file is not checked yet.
    PutBack,
}

/// How a file replaces another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// An atomic exchange of both.
    Exchange,
    /// The other file is renamed first.
    Aside,
}

/// Replaces a file that still contains `before` by one of `text`, with the same owner, group and mode.
///
/// Of two concurrent replacements the second waits for the first and is refused.
///
/// # Errors
/// If another process has changed the file, whose version is kept, or the system's error.
pub(super) fn replace(
    path: &Path,
    before: &[u8],
    text: &[u8],
) -> Result<Option<Afterwards>, ChangeError> {
    let way = if cfg!(all(target_os = "linux", target_env = "gnu")) {
        Way::Exchange
    } else {
        Way::Aside
    };
    replace_by(way, path, before, text, &mut |_| {})
}

fn replace_by(
    way: Way,
    path: &Path,
    before: &[u8],
    text: &[u8],
    at: &mut dyn FnMut(Moment),
) -> Result<Option<Afterwards>, ChangeError> {
    // Opened for writing only as a check: a file that is not writable must not be replaced.
    let Some(file) = open(OpenOptions::new().read(true).write(true), path)? else {
        return Err(ChangeError::Meanwhile(Vec::new()));
    };
    lock(&file)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let new = successor(&file, path, text)?;
    let change = Change {
        path,
        before,
        text,
        new: &new,
    };
    let looked = is_same(&file, path).and_then(|same| Ok(same && holds(path, before)?));
    let result = match looked {
        Ok(true) => {
            at(Moment::Prepared);
            change.carry_out(way, at)
        }
        Ok(false) => Err(change.give_up(io::ErrorKind::NotFound.into())),
        Err(error) => Err(change.give_up(error)),
    };
    match result? {
        // A file system without fsync(2) of directories needs none.
        None => Ok(match File::open(directory).and_then(|it| it.sync_all()) {
            Err(error) if !is_unsupported(&error) => Some(Afterwards::NotSynced(error)),
            _ => None,
        }),
        after => Ok(after),
    }
}

/// Opens a regular file without blocking; none if the path is missing or something else.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<Option<File>> {
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY | nix::libc::O_NOFOLLOW;
    match options.custom_flags(flags).open(path) {
        Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error means that no regular file of that name exists any more.
fn is_gone(error: &io::Error) -> bool {
    use nix::libc::{EISDIR, ELOOP, EMLINK, ENOENT, ENXIO};
    let code = error.raw_os_error();
    // FreeBSD reports EMLINK for a symbolic link.
    code.is_some_and(|code| [EISDIR, ELOOP, EMLINK, ENOENT, ENXIO].contains(&code))
}

/// Whether a path still names this file.
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    let about = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((about.dev(), about.ino()) == (there.dev(), there.ino())),
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a regular file has exactly this content.
fn holds(path: &Path, content: &[u8]) -> io::Result<bool> {
    let Some(file) = open(OpenOptions::new().read(true), path)? else {
        return Ok(false);
    };
    let mut read = Vec::with_capacity(content.len() + 1);
    let most = u64::try_from(content.len()).unwrap_or(u64::MAX);
    file.take(most.saturating_add(1)).read_to_end(&mut read)?;
    Ok(read == content)
}

/// Makes the new file under a temporary name, with its final owner, group and mode.
fn successor(file: &File, path: &Path, text: &[u8]) -> Result<PathBuf, ChangeError> {
    let about = file.metadata()?;
    // The name shows the file to which a leftover belongs, as in a script.
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let mut fresh = tempfile::Builder::new()
        .prefix(&prefix)
        .tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    fresh.write_all(text)?;
    let made = fresh.as_file().metadata()?;
    // On FreeBSD a new file has the group of its directory.
    if (made.uid(), made.gid()) != (about.uid(), about.gid()) {
        fchown(fresh.as_file(), Some(about.uid()), Some(about.gid()))
            .map_err(ChangeError::Ownership)?;
    }
    // After fchown(2), which clears bits of the mode.
    fresh.as_file().set_permissions(about.permissions())?;
    fresh.as_file().sync_all()?;
    // From here on the name can belong to another version, so no automatic removal.
    let (_, path) = fresh.keep().map_err(|failed| failed.error)?;
    Ok(path)
}

struct Change<'change> {
    path: &'change Path,
    before: &'change [u8],
    text: &'change [u8],
    new: &'change Path,
}

impl Change<'_> {
    fn carry_out(
        &self,
        way: Way,
        at: &mut dyn FnMut(Moment),
    ) -> Result<Option<Afterwards>, ChangeError> {
        if way == Way::Exchange {
            match exchange(self.new, self.path) {
                Ok(()) => return self.check_exchanged(at),
                Err(error) if is_unsupported(&error) => {}
                Err(error) => return Err(self.give_up(error)),
            }
        }
        self.aside(at)
    }

    /// The failure before any change; removes the new file.
    fn give_up(&self, error: io::Error) -> ChangeError {
        let _ = fs::remove_file(self.new);
        if error.kind() == io::ErrorKind::NotFound {
            return ChangeError::Meanwhile(Vec::new());
        }
        error.into()
    }

    /// Checks the exchanged file, and exchanges both again if its content is not the content that was
    /// read.
    fn check_exchanged(
        &self,
        at: &mut dyn FnMut(Moment),
    ) -> Result<Option<Afterwards>, ChangeError> {
        at(Moment::Placed);
        if holds(self.new, self.before).unwrap_or(false) {
            return Ok(remove(self.new));
        }
        if exchange(self.new, self.path).is_ok() {
            at(Moment::PutBack);
            if !holds(self.new, self.text).unwrap_or(false) {
                // The new file was overwritten in the meantime: that version is the newest.
                let _ = exchange(self.new, self.path);
            }
        }
        Err(ChangeError::Meanwhile(self.keep_versions([self.new])))
    }

    /// Keeps all versions: removes files with the new or the previous text, moves another version to the
    /// path if the path is free, and returns the remaining files.
    fn keep_versions<'file>(
        &self,
        versions: impl IntoIterator<Item = &'file Path>,
    ) -> Vec<PathBuf> {
        let mut kept = Vec::new();
        for version in versions {
            let is = |content| holds(version, content).unwrap_or(false);
            if is(self.text) {
                let _ = fs::remove_file(version);
            } else if version.symlink_metadata().is_ok()
                && !put(version, self.path).unwrap_or(false)
            {
                // A newer version is at the path.
                if is(self.before) {
                    let _ = fs::remove_file(version);
                } else {
                    kept.push(version.to_owned());
                }
            }
        }
        kept
    }

    /// Renames the file, and moves the new file to the path if the content of the old file is the
    /// content that was read. Between these steps the path does not exist.
    fn aside(&self, at: &mut dyn FnMut(Moment)) -> Result<Option<Afterwards>, ChangeError> {
        let mut name = self.new.as_os_str().to_owned();
        name.push(".old");
        let old = PathBuf::from(name);
        fs::rename(self.path, &old).map_err(|error| self.give_up(error))?;
        at(Moment::Aside);
        let mut placed = Ok(false);
        if holds(&old, self.before).unwrap_or(false) {
            placed = put(self.new, self.path);
        }
        if matches!(placed, Ok(true)) {
            at(Moment::Placed);
            if holds(&old, self.before).unwrap_or(false) {
                return Ok(remove(&old));
            }
            // Another process wrote to the open file. Ignore the error if the new file is missing.
            let _ = fs::rename(self.path, self.new);
            at(Moment::PutBack);
        }
        let kept = self.keep_versions([self.new, &old]);
        placed?;
        Err(ChangeError::Meanwhile(kept))
    }
}

/// Removes the previous file after the change.
fn remove(old: &Path) -> Option<Afterwards> {
    let failed = fs::remove_file(old).err()?;
    Some(Afterwards::OldStays(old.to_owned(), failed))
}

/// Renames a file to `path`, unless that exists.
fn put(file: &Path, path: &Path) -> io::Result<bool> {
    match fs::hard_link(file, path) {
        Ok(()) => {
            fs::remove_file(file)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // Not every file system has links.
        Err(_) if path.symlink_metadata().is_err() => fs::rename(file, path).map(|()| true),
        Err(error) => Err(error),
    }
}

/// Exchanges two files atomically.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    let exchanged = renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE);
    Ok(exchanged?)
}

/// Fails: this system has no atomic exchange.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(nix::errno::Errno::ENOSYS.into())
}

/// Whether the system or the file system does not support an operation.
fn is_unsupported(error: &io::Error) -> bool {
    use nix::libc::{EINVAL, ENOSYS, EOPNOTSUPP};
    let code = error.raw_os_error();
    code.is_some_and(|code| [EINVAL, ENOSYS, EOPNOTSUPP].contains(&code))
}

/// The longest wait for the lock of another process.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// Locks a file, with a time limit: any reader can hold the lock (flock(2)).
fn lock(file: &File) -> Result<(), ChangeError> {
    let until = Instant::now() + LOCK_LIMIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                return Err(ChangeError::Locked);
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
#[path = "replace_tests.rs"]
mod tests;
