//! Changes of the user's files, without a process.

use super::replace::replace;
use super::{Afterwards, ChangeError};
use super::{secret, socket};
use crate::plan::FileChange;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::Path;

/// Makes one change; returns a warning if a later step failed.
///
/// # Errors
/// The system's error, or if another process has changed the file.
pub(super) fn change(change: &FileChange) -> Result<Option<Afterwards>, ChangeError> {
    let made = match change {
        // `System::change` makes scratch directories.
        FileChange::MakeScratch(_) => Err(io::ErrorKind::Unsupported.into()),
        FileChange::MakeDirectories(path) => std::fs::create_dir_all(path),
        FileChange::Write { path, text } => OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(path)?
            .write_all(text),
        FileChange::Replace { path, before, text } => return replace(path, before, text),
        FileChange::RemoveScratch(path) => missing_is_ok(std::fs::remove_dir_all(path)),
        FileChange::Secret {
            path,
            name,
            from,
            owner,
        } => {
            secret::write(path, name, from, *owner)?;
            Ok(())
        }
        FileChange::RemoveSocket { path, owner } => socket::remove(path, *owner),
        FileChange::GiveSocket { path, owner } => socket::give(path, *owner),
        FileChange::Link { target, path } => symlink(target, path),
        FileChange::ReplaceLink { target, path } => replace_link(target, path),
        FileChange::RemoveSecret(path) | FileChange::RemoveLink(path) => {
            missing_is_ok(std::fs::remove_file(path))
        }
    };
    made?;
    Ok(None)
}

/// Checks that this process may replace a file, or make or remove a link; all else is not checked.
///
/// # Errors
/// The system's error, or if a new file could not get the owner of the old one.
pub(super) fn may_change(change: &FileChange) -> Result<(), ChangeError> {
    match change {
        FileChange::Replace { path, .. } => {
            // As `replace` opens it.
            let file = OpenOptions::new().read(true).write(true).open(path)?;
            let (owner, own) = (file.metadata()?.uid(), nix::unistd::geteuid());
            if !own.is_root() && own.as_raw() != owner {
                return Err(ChangeError::Ownership(
                    io::ErrorKind::PermissionDenied.into(),
                ));
            }
        }
        FileChange::Link { .. } | FileChange::ReplaceLink { .. } | FileChange::RemoveLink(_) => {}
        _ => return Ok(()),
    }
    // A directory that does not exist is made below the next one that does.
    let mut above = change.path().ancestors().skip(1);
    let directory = above.find(|directory| directory.is_dir());
    let permission = Access::WRITE_OK | Access::EXEC_OK;
    let may_write = |directory| accessat(CWD, directory, permission, AtFlags::EACCESS);
    Ok(directory
        .map_or(Ok(()), may_write)
        .map_err(io::Error::from)?)
}

fn missing_is_ok(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Creates the link under another name and renames the link, so that `path` always exists.
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

#[cfg(test)]
mod tests {
    use super::change;
    use crate::plan::FileChange;

    #[test]
    fn a_missing_file_counts_as_removed_and_a_remaining_one_is_reported() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one");
        for of in [FileChange::RemoveLink, FileChange::RemoveScratch] {
            change(&of(path.clone())).expect("there is none");
        }
        std::fs::create_dir(&path).expect("made");
        change(&FileChange::RemoveLink(path.clone())).expect_err("it is a directory");
        change(&FileChange::RemoveScratch(path.clone())).expect("removed");
        std::fs::write(&path, "").expect("written");
        change(&FileChange::RemoveScratch(path)).expect_err("it is a file");
    }
}
