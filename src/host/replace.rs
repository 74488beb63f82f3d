//! Replaces a file of the user's own, and loses nothing that somebody else saves meanwhile.
//!
//! Whatever is at the path at the moment of the change is kept until it was looked at: it is exchanged
//! for the new file where the system can do that in one step (renameat2(2) of Linux), and moved aside
//! elsewhere. If it is not what was read, it goes back.

use super::{Afterwards, ChangeError};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A moment between two steps, at which a test lets somebody else do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// The file was found as it was read, and its successor lies beside it.
    Prepared,
    /// The file is aside, and nothing is in its place.
    Aside,
    /// The new file is in its place, and what was there is not looked at yet.
    Placed,
    /// What somebody else has saved is in its place again, and the new file not looked at yet.
    PutBack,
}

/// How a file takes the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Both are exchanged in one step.
    Exchange,
    /// The other is moved aside first.
    Aside,
}

/// Replaces a file that still holds `before` by one of `text`, with the same owner, group and mode.
///
/// Two that replace the same file at once do it one behind the other, and the second is refused.
///
/// # Errors
/// If somebody else has changed the file, or the system refuses; the file is theirs, or as it was.
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
    // Not for writing to it: what cannot be written to is not to be replaced either.
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
        Ok(false) => Err(change.given_up(io::ErrorKind::NotFound.into())),
        Err(error) => Err(change.given_up(error)),
    };
    match result? {
        // A file system that does not know it has nothing to be synchronised.
        None => Ok(match File::open(directory).and_then(|it| it.sync_all()) {
            Err(error) if !is_unknown(&error) => Some(Afterwards::NotSynced(error)),
            _ => None,
        }),
        after => Ok(after),
    }
}

/// Opens an ordinary file, and waits for nobody; none if there is something else by now, or nothing.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<Option<File>> {
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY | nix::libc::O_NOFOLLOW;
    match options.custom_flags(flags).open(path) {
        Ok(file) => Ok(file.metadata()?.is_file().then_some(file)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an error says that there is no file of that name any more.
fn is_gone(error: &io::Error) -> bool {
    use nix::libc::{EISDIR, ELOOP, EMLINK, ENOENT, ENXIO};
    let code = error.raw_os_error();
    // What FreeBSD says of a symbolic link is EMLINK.
    code.is_some_and(|code| [EISDIR, ELOOP, EMLINK, ENOENT, ENXIO].contains(&code))
}

/// Whether a path still leads to a file.
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    let about = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((about.dev(), about.ino()) == (there.dev(), there.ino())),
        Err(error) if is_gone(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an ordinary file has exactly this content.
fn holds(path: &Path, content: &[u8]) -> io::Result<bool> {
    let Some(file) = open(OpenOptions::new().read(true), path)? else {
        return Ok(false);
    };
    let mut read = Vec::with_capacity(content.len() + 1);
    let most = u64::try_from(content.len()).unwrap_or(u64::MAX);
    file.take(most.saturating_add(1)).read_to_end(&mut read)?;
    Ok(read == content)
}

/// Makes the file that is to be the next one, as far as all but its name goes.
fn successor(file: &File, path: &Path, text: &[u8]) -> Result<PathBuf, ChangeError> {
    let about = file.metadata()?;
    // As a script names it: by what it is to be, so that who misses that knows what has been left.
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
    // Behind the owner, whose change takes bits away.
    fresh.as_file().set_permissions(about.permissions())?;
    fresh.as_file().sync_all()?;
    // From now on its name can be that of somebody else's file.
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
                Ok(()) => return self.look_after(at),
                Err(error) if is_unknown(&error) => {}
                Err(error) => return Err(self.given_up(error)),
            }
        }
        self.aside(at)
    }

    /// The failure before anything was changed: the new file goes.
    fn given_up(&self, error: io::Error) -> ChangeError {
        let _ = fs::remove_file(self.new);
        if error.kind() == io::ErrorKind::NotFound {
            return ChangeError::Meanwhile(Vec::new());
        }
        error.into()
    }

    /// Looks at what was exchanged for the new file, and exchanges both again if it is not what was
    /// read.
    fn look_after(&self, at: &mut dyn FnMut(Moment)) -> Result<Option<Afterwards>, ChangeError> {
        at(Moment::Placed);
        if holds(self.new, self.before).unwrap_or(false) {
            return Ok(remove(self.new));
        }
        if exchange(self.new, self.path).is_ok() {
            at(Moment::PutBack);
            if !holds(self.new, self.text).unwrap_or(false) {
                // Somebody has saved over the new file since: that is the newest.
                let _ = exchange(self.new, self.path);
            }
        }
        Err(ChangeError::Meanwhile(self.settle([self.new])))
    }

    /// Makes sure that nothing is lost of these files: what nobody needs goes, another takes the file's
    /// place if that is free, and what is left over is answered.
    fn settle<'file>(&self, versions: impl IntoIterator<Item = &'file Path>) -> Vec<PathBuf> {
        let mut kept = Vec::new();
        for version in versions {
            let is = |content| holds(version, content).unwrap_or(false);
            if is(self.text) {
                let _ = fs::remove_file(version);
            } else if version.symlink_metadata().is_ok()
                && !put(version, self.path).unwrap_or(false)
            {
                // Somebody has saved a newer one.
                if is(self.before) {
                    let _ = fs::remove_file(version);
                } else {
                    kept.push(version.to_owned());
                }
            }
        }
        kept
    }

    /// Moves the file aside and gives its place to the new one, if it is what was read. For a moment
    /// nothing is there.
    fn aside(&self, at: &mut dyn FnMut(Moment)) -> Result<Option<Afterwards>, ChangeError> {
        let mut name = self.new.as_os_str().to_owned();
        name.push(".old");
        let old = PathBuf::from(name);
        fs::rename(self.path, &old).map_err(|error| self.given_up(error))?;
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
            // Whoever had it open has written since. The new one goes; one that has gone is none.
            let _ = fs::rename(self.path, self.new);
            at(Moment::PutBack);
        }
        let kept = self.settle([self.new, &old]);
        placed?;
        Err(ChangeError::Meanwhile(kept))
    }
}

/// Removes the former text, once the change is made.
fn remove(old: &Path) -> Option<Afterwards> {
    let failed = fs::remove_file(old).err()?;
    Some(Afterwards::OldStays(old.to_owned(), failed))
}

/// Gives a file the name `path`, unless something has it.
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

/// Exchanges two files in one step.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
    let exchanged = renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE);
    Ok(exchanged?)
}

/// Exchanges two files in one step, which this system cannot.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(nix::errno::Errno::ENOSYS.into())
}

/// Whether the system or the file system does not know what was asked for.
fn is_unknown(error: &io::Error) -> bool {
    use nix::libc::{EINVAL, ENOSYS, EOPNOTSUPP};
    let code = error.raw_os_error();
    code.is_some_and(|code| [EINVAL, ENOSYS, EOPNOTSUPP].contains(&code))
}

/// How long somebody else may have the file locked.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// Locks a file. Whoever can read it can lock it (flock(2)), so nobody is waited for without end.
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
