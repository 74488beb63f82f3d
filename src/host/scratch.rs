//! Scratch directories of the root side in `/var/run/easy-bhyve/scratch`, where only root can read or
//! create files.
//!
//! Each name begins with the VM's name, so that a later run finds the leftovers of a killed run.

use super::directory::Directory;
use crate::model::name::VmName;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fstat, mkdirat};
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The name of the parent of scratch directories, below the directory of locks.
const NAME: &str = "scratch";
/// The mode of the parent and of scratch directories.
const PRIVATE: Mode = Mode::S_IRWXU;

/// The parent of scratch directories, below the directory of locks.
pub fn directory(run: &Path) -> PathBuf {
    run.join(NAME)
}

/// The name of a scratch directory of a VM: `VM.TOKEN`.
pub fn name(vm: &VmName, token: &str) -> String {
    format!("{vm}.{token}")
}

/// Creates a scratch directory in root's parent directory, which is also created, or in the directory
/// of an image. An existing directory is an error.
///
/// # Errors
/// If users other than root can access the parent directory, or the system's error.
pub(super) fn make(run: &Path, path: &Path) -> io::Result<()> {
    let all = directory(run);
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let fd = if above == all {
        open(run, &all)?
    } else {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        nix::fcntl::open(above, flags, Mode::empty())?
    };
    Ok(mkdirat(&fd, name, PRIVATE)?)
}

/// Opens or creates the parent of scratch directories, without following links.
fn open(run: &Path, all: &Path) -> io::Result<OwnedFd> {
    let above = Directory::open(run)?;
    match mkdirat(&above, NAME, PRIVATE) {
        Err(Errno::EEXIST) | Ok(()) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let directory = openat(&above, NAME, flags, Mode::empty())?;
    let about = fstat(&directory)?;
    if about.st_uid != geteuid().as_raw() || about.st_mode & 0o077 != 0 {
        return Err(io::Error::other(format!(
            "{} must be owned by root and writable only by root",
            all.display()
        )));
    }
    Ok(directory)
}

/// Removes every scratch directory of a VM.
///
/// # Errors
/// The last error, after all removals were tried.
pub(super) fn sweep(run: &Path, vm: &VmName) -> io::Result<()> {
    let all = directory(run);
    let entries = match std::fs::read_dir(&all) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    open(run, &all)?;
    let mut result = Ok(());
    for entry in entries {
        let entry = entry?;
        if is_of(&entry.file_name(), vm) {
            result = std::fs::remove_dir_all(entry.path()).and(result);
        }
    }
    result
}

/// Whether a scratch directory of this name belongs to the VM. No VM name has a dot.
pub fn is_of(name: &OsStr, vm: &VmName) -> bool {
    let of = name.to_str().and_then(|name| name.split_once('.'));
    of.is_some_and(|(of, _)| of == vm.as_str())
}

#[cfg(test)]
mod tests {
    use super::{directory, make, name, sweep};
    use crate::model::name::VmName;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn vm(name: &str) -> VmName {
        VmName::parse(name).expect("a name")
    }

    #[test]
    fn a_scratch_directory_is_its_makers_alone_and_is_made_once() {
        let above = tempfile::tempdir().expect("a directory");
        let run = above.path().join("run");
        let path = directory(&run).join(name(&vm("web"), "abc"));
        make(&run, &path).expect("made");
        for private in [&path, &directory(&run)] {
            let mode = std::fs::metadata(private).expect("there").permissions();
            assert_eq!(mode.mode() & 0o7777, 0o700);
        }
        let again = make(&run, &path).expect_err("it is there");
        assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
        let beside = above.path().join(".web.abc");
        make(&run, &beside).expect("made");
        let mode = std::fs::metadata(&beside).expect("there").permissions();
        assert_eq!(mode.mode() & 0o7777, 0o700);
        make(&run, &beside).expect_err("it is there");
    }

    #[test]
    fn where_somebody_else_could_prepare_it_nothing_is_made() {
        let above = tempfile::tempdir().expect("a directory");
        let run = above.path().join("run");
        let all = directory(&run);
        let path = all.join("web.abc");
        std::fs::create_dir_all(&all).expect("made");
        std::fs::set_permissions(&all, PermissionsExt::from_mode(0o770)).expect("changed");
        make(&run, &path).expect_err("others can write there");
        std::fs::remove_dir(&all).expect("removed");
        let elsewhere = above.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).expect("made");
        symlink(&elsewhere, &all).expect("linked");
        make(&run, &path).expect_err("a link is not followed");
        sweep(&run, &vm("web")).expect_err("a link is not followed");
        assert!(!elsewhere.join("web.abc").exists());
    }

    #[test]
    fn what_a_run_has_left_is_swept_by_its_vms_whole_name() {
        let above = tempfile::tempdir().expect("a directory");
        let run = above.path().join("run");
        sweep(&run, &vm("web")).expect("there is nothing");
        for one in ["web.abc", "web.def", "web2.abc"] {
            make(&run, &directory(&run).join(one)).expect("made");
            let file = directory(&run).join(one).join("device.map");
            std::fs::write(file, "(hd0) /x\n").expect("written");
        }
        sweep(&run, &vm("web")).expect("swept");
        let left = std::fs::read_dir(directory(&run)).expect("there");
        let left: Vec<_> = left.map(|one| one.expect("an entry").file_name()).collect();
        assert_eq!(left, ["web2.abc"]);
    }
}
