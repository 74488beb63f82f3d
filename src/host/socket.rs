//! The socket of a screen: removed before bhyve(8) makes it anew, and given to the user.
//!
//! No link is followed, and nobody else may be able to exchange the socket: the directory must belong to
//! root or the user, and no other user may write to it.

use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{Uid, UnlinkatFlags, fchownat, unlinkat};
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The permissions of others to write to a directory.
const OTHERS_WRITE: nix::libc::mode_t = 0o022;

/// Removes a socket; a missing one is no failure.
///
/// # Errors
/// If something else has the name, other users may write to the directory, or the system's error.
pub(super) fn remove(path: &Path, owner: u32) -> io::Result<()> {
    let (directory, name) = directory(path, owner)?;
    match about(&directory, name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir)?),
    }
}

/// Makes a user the owner of a socket.
///
/// # Errors
/// If it is no socket, other users may write to the directory, or the system's error.
pub(super) fn give(path: &Path, owner: u32) -> io::Result<()> {
    let (directory, name) = directory(path, owner)?;
    about(&directory, name)?;
    let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
    Ok(fchownat(
        &directory,
        name,
        Some(Uid::from_raw(owner)),
        None,
        flags,
    )?)
}

/// What the name is; an error if it is something else than a socket.
fn about(directory: &OwnedFd, name: &OsStr) -> io::Result<FileStat> {
    let about = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let kind = SFlag::from_bits_truncate(about.st_mode & SFlag::S_IFMT.bits());
    if kind == SFlag::S_IFSOCK {
        return Ok(about);
    }
    Err(io::Error::other("it is not a socket"))
}

/// The open directory of a path, and the name in it.
fn directory(path: &Path, owner: u32) -> io::Result<(OwnedFd, &OsStr)> {
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = open(above, flags, Mode::empty())?;
    let about = fstat(&directory)?;
    if ![0, owner].contains(&about.st_uid) || about.st_mode & OTHERS_WRITE != 0 {
        return Err(io::Error::other(format!(
            "its directory {} must belong to root or to you, and be one that only its owner may write to",
            above.display()
        )));
    }
    Ok((directory, name))
}

#[cfg(test)]
mod tests {
    use super::{give, remove};
    use nix::unistd::geteuid;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_a_socket_is_removed_or_given() {
        let at = tempfile::tempdir().unwrap();
        fs::set_permissions(at.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let me = geteuid().as_raw();
        let path = at.path().join("vnc");
        remove(&path, me).expect("there is none");
        give(&path, me).expect_err("there is none");
        drop(UnixListener::bind(&path).unwrap());
        let user = if me == 0 { 12345 } else { me };
        give(&path, user).expect("given");
        assert_eq!(fs::symlink_metadata(&path).unwrap().uid(), user);
        remove(&path, me).expect("removed");
        assert!(!path.exists());
        // Planted: a file, and links to a file and to a socket.
        let (file, other) = (at.path().join("file"), at.path().join("other"));
        fs::write(&file, "theirs").unwrap();
        drop(UnixListener::bind(&other).unwrap());
        for target in [&file, &other] {
            symlink(target, &path).unwrap();
            for refused in [remove(&path, me), give(&path, me)] {
                let error = refused.expect_err("a link is no socket");
                assert_eq!(error.to_string(), "it is not a socket");
            }
            fs::remove_file(&path).unwrap();
            assert_eq!(fs::symlink_metadata(target).unwrap().uid(), me);
        }
        remove(&file, me).expect_err("a file is no socket");
        assert_eq!(fs::read(&file).unwrap(), b"theirs");
    }

    #[test]
    fn a_directory_in_which_others_may_rename_holds_no_socket() {
        let at = tempfile::tempdir().unwrap();
        let me = geteuid().as_raw();
        let path = at.path().join("vnc");
        drop(UnixListener::bind(&path).unwrap());
        for mode in [0o1777, 0o775, 0o757] {
            fs::set_permissions(at.path(), PermissionsExt::from_mode(mode)).unwrap();
            for refused in [remove(&path, me), give(&path, me)] {
                let error = refused.expect_err("others can write there").to_string();
                assert!(error.contains("only its owner may write to"), "{error}");
            }
        }
        assert!(path.exists());
    }
}
