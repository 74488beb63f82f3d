//! The identity of a disk, by which two paths to one disk are recognized.
//!
//! A file has a device and an inode, but a nullfs mount has another device (nullfs(5)). A file on
//! such a mount is looked up in the mounted directory, whose path statfs(2) reports.

use rustix::fs::{StatVfsMountFlags, statvfs};
use std::fmt;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A disk or an image file, independent of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// A device node, by its device number, which is the same in every `/dev`.
    Device(u64),
    /// A file, by the device of its file system and its inode there.
    File(u64, u64),
}

/// Facts about a disk or an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// The identity.
    pub identity: Identity,
    /// Whether another path to the same file could have another identity.
    pub is_unsure: bool,
    /// Whether the file system is read-only.
    pub is_read_only: bool,
    /// The size of a file, in bytes.
    pub size: u64,
    /// The bytes that all files of the file system can have together.
    pub room: u64,
    /// Whether the path is a directory in which every user may rename files of others.
    pub is_everybodys: bool,
}

/// What stands at a path itself: a symbolic link is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its kind.
    pub kind: EntryKind,
    /// The uid of its owner.
    pub owner: u32,
    /// Whether others than its owner may write to it.
    pub is_others: bool,
    /// Whether only the owner of a file in this directory may rename it, as in `/tmp`.
    pub is_sticky: bool,
    /// The size of a file, in bytes.
    pub size: u64,
}

/// The kind of an [`Entry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, a FIFO or a socket.
    Other,
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Other => "a device, a FIFO or a socket",
        })
    }
}

/// Examines what stands at a path itself; none if nothing does.
///
/// # Errors
/// The system's error.
pub fn entry(path: &Path) -> io::Result<Option<Entry>> {
    let about = match std::fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let kind = about.file_type();
    Ok(Some(Entry {
        kind: if kind.is_file() {
            EntryKind::File
        } else if kind.is_dir() {
            EntryKind::Directory
        } else if kind.is_symlink() {
            EntryKind::Link
        } else {
            EntryKind::Other
        },
        owner: about.uid(),
        is_others: about.mode() & (GROUP_WRITES | OTHERS_WRITE) != 0,
        is_sticky: about.mode() & STICKY != 0,
        size: about.len(),
    }))
}

/// The write permission of the group.
const GROUP_WRITES: u32 = 0o020;
/// The write permission of others.
const OTHERS_WRITE: u32 = 0o002;
/// The sticky bit of a directory, as of `/tmp`: only an owner may rename.
const STICKY: u32 = 0o1000;

/// Examines a disk or an image file.
///
/// # Errors
/// The system's error.
pub fn about(path: &Path) -> io::Result<About> {
    let (identity, is_unsure) = identity(path, &mut mount_of)?;
    let system = statvfs(path)?;
    let metadata = std::fs::metadata(path)?;
    let others = metadata.mode() & (OTHERS_WRITE | STICKY);
    Ok(About {
        identity,
        is_unsure,
        is_read_only: system.f_flag.contains(StatVfsMountFlags::RDONLY),
        size: metadata.len(),
        room: system.f_blocks.saturating_mul(system.f_frsize),
        is_everybodys: metadata.is_dir() && others == OTHERS_WRITE,
    })
}

/// A mount of another directory.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    from: PathBuf,
    /// The mount point.
    on: PathBuf,
}

/// The limit of nested mounts.
const MOST_MOUNTS: usize = 16;

/// The identity of a path, and whether it is unsure.
fn identity(
    path: &Path,
    mount_of: &mut dyn FnMut(&Path) -> io::Result<Option<Shown>>,
) -> io::Result<(Identity, bool)> {
    let about = std::fs::metadata(path)?;
    if about.file_type().is_char_device() || about.file_type().is_block_device() {
        return Ok((Identity::Device(about.rdev()), false));
    }
    let own = file(&about);
    let mut real = std::fs::canonicalize(path)?;
    for _ in 0..MOST_MOUNTS {
        let Some(shown) = mount_of(&real)? else {
            // Another mount may hide the directory, or in a jail the path may name another file.
            return Ok(match std::fs::metadata(&real) {
                Ok(lies) if lies.ino() == about.ino() => (file(&lies), false),
                _ => (own, true),
            });
        };
        match real.strip_prefix(&shown.on) {
            Ok(below) => real = shown.from.join(below),
            Err(_) => break,
        }
    }
    Ok((own, true))
}

fn file(about: &Metadata) -> Identity {
    Identity::File(about.dev(), about.ino())
}

/// The nullfs mount that holds a path; none for a missing path.
#[cfg(target_os = "freebsd")]
fn mount_of(path: &Path) -> io::Result<Option<Shown>> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let mount = match rustix::fs::statfs(path) {
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        mount => mount?,
    };
    let is_null = text(mount.f_fstypename.iter().flat_map(|one| one.to_ne_bytes())) == b"nullfs";
    let place = |name: Vec<u8>| PathBuf::from(OsStr::from_bytes(&name));
    Ok(is_null.then(|| Shown {
        from: place(text(
            mount.f_mntfromname.iter().flat_map(|one| one.to_ne_bytes()),
        )),
        on: place(text(
            mount.f_mntonname.iter().flat_map(|one| one.to_ne_bytes()),
        )),
    }))
}

/// The bytes before a NUL.
#[cfg(target_os = "freebsd")]
fn text(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    bytes.take_while(|&byte| byte != 0).collect()
}

/// Other systems have no such mounts: a bind mount of Linux keeps the device.
#[cfg(not(target_os = "freebsd"))]
#[expect(clippy::unnecessary_wraps, reason = "as on FreeBSD")]
fn mount_of(_path: &Path) -> io::Result<Option<Shown>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::{EntryKind, Identity, Shown, about, entry, identity};
    use std::fs;
    use std::io;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    #[test]
    fn every_name_of_a_file_is_one_disk() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("a"), "x").unwrap();
        fs::write(at("b"), "x").unwrap();
        fs::hard_link(at("a"), at("hard")).unwrap();
        symlink(at("a"), at("soft")).unwrap();
        let of = |name: &str| about(&at(name)).unwrap();
        assert_eq!(of("a"), of("hard"));
        assert_eq!(of("a"), of("soft"));
        assert_ne!(of("a").identity, of("b").identity);
        assert!(!of("a").is_unsure && !of("a").is_read_only);
        assert!(matches!(
            about(Path::new("/dev/null")).unwrap().identity,
            Identity::Device(_)
        ));
        assert!(about(&at("none")).is_err());
    }

    #[test]
    fn an_entry_is_what_stands_there_itself() {
        use EntryKind::{Directory, File, Link, Other};
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("file"), "xyz").unwrap();
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o620)).unwrap();
        fs::create_dir(at("directory")).unwrap();
        fs::set_permissions(at("directory"), fs::Permissions::from_mode(0o1777)).unwrap();
        symlink(at("file"), at("link")).unwrap();
        symlink(at("none"), at("dangling")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        let of = |name: &str| entry(&at(name)).unwrap().unwrap();
        let kinds = ["file", "directory", "link", "dangling", "fifo"].map(|name| of(name).kind);
        assert_eq!(kinds, [File, Directory, Link, Link, Other]);
        let owner = nix::unistd::getuid().as_raw();
        assert!(of("file").owner == owner && of("file").size == 3);
        assert!(of("file").is_others && !of("file").is_sticky && !of("fifo").is_others);
        assert!(of("directory").is_others && of("directory").is_sticky);
        assert_eq!(entry(&at("none")).unwrap(), None);
        assert!(entry(&at("file/below")).is_err());
    }

    /// The file below `on` is the one below `from`, as on nullfs: with the same inode.
    #[test]
    fn a_mount_that_shows_another_directory_is_looked_through() {
        let place = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(place.path()).unwrap();
        for directory in ["vm/sub", "jail/sub", "other/sub", "gone"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        fs::write(root.join("vm/sub/a"), "x").unwrap();
        for shown in ["jail/sub/a", "other/sub/a", "gone/a"] {
            fs::hard_link(root.join("vm/sub/a"), root.join(shown)).unwrap();
        }
        let shows = |from: &str, on: &str| Shown {
            from: root.join(from),
            on: root.join(on),
        };
        let mut mount_of = |path: &Path| -> io::Result<Option<Shown>> {
            let below = |directory: &str| path.starts_with(root.join(directory));
            Ok(match () {
                () if below("other") => Some(shows("jail", "other")),
                () if below("jail") => Some(shows("vm", "jail")),
                () if below("gone") => Some(shows("nowhere", "gone")),
                () => None,
            })
        };
        let mut of = |path: &str| identity(&root.join(path), &mut mount_of).unwrap();
        let lies = of("vm/sub/a");
        assert!(!lies.1);
        assert_eq!(of("jail/sub/a"), lies);
        assert_eq!(of("other/sub/a"), lies);
        // The mounted directory is not visible.
        assert!(of("gone/a").1);
        let mut round = |_: &Path| Ok(Some(shows("vm", "vm")));
        assert!(identity(&root.join("vm/sub/a"), &mut round).unwrap().1);
    }
}
