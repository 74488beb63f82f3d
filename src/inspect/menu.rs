//! The menu of grub: in which directories of a file system a `grub.cfg` is.

use std::io;

/// The directories in which a menu is looked for: those of the distributions, then those of a file system
/// that is mounted on `/boot`.
pub const DIRECTORIES: [&str; 4] = ["/boot/grub", "/boot/grub2", "/grub", "/grub2"];

/// The name of a menu.
const MENU: &str = "grub.cfg";

/// The most bytes of a directory that are read.
pub(super) const MOST: u64 = 256 << 10;

/// What a name in a directory stands for.
pub(super) enum Entry<Directory> {
    /// A directory.
    Directory(Directory),
    /// A file.
    File,
}

/// A file system whose directories are read.
pub(super) trait Tree {
    /// Where a directory is.
    type Directory;

    /// The root directory.
    fn root(&self) -> Self::Directory;

    /// The entry of this name; none if there is none.
    ///
    /// # Errors
    /// If the directory cannot be read, is damaged or too large, or the name is a symbolic link to
    /// what may be a directory.
    fn entry(
        &self,
        directory: &Self::Directory,
        name: &str,
    ) -> io::Result<Option<Entry<Self::Directory>>>;
}

/// The directories of these in which there is a menu; none if a directory could not be read.
pub(super) fn menus<T: Tree>(tree: &T, directories: &[&str]) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for directory in directories {
        if has_menu(tree, directory).ok()? {
            found.push((*directory).to_owned());
        }
    }
    Some(found)
}

fn has_menu<T: Tree>(tree: &T, path: &str) -> io::Result<bool> {
    let mut directory = tree.root();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        match tree.entry(&directory, name)? {
            Some(Entry::Directory(below)) => directory = below,
            Some(Entry::File) | None => return Ok(false),
        }
    }
    Ok(matches!(tree.entry(&directory, MENU)?, Some(Entry::File)))
}

/// The error for a directory that is damaged, or of a form that is not read.
pub(super) fn unread() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
