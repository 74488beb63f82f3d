//! Queries of the host.

use super::Finished;
use super::blank;
use super::child::{ended, tail};
use super::identity::{self, About, Entry, Identity};
use super::inspected;
use super::secret::{self, SecretError};
use super::system::System;
use super::{Clock, SpawnError};
use crate::command::Command;
use crate::inspect::report::Report;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that stays open under whatever name it gets.
pub struct OpenFile {
    /// The identity, by which another file of the same name is recognized.
    pub identity: Identity,
    /// The content from the current position on; after its end, what is appended later.
    pub content: Box<dyn Read>,
}

/// Queries, which do not change the host.
pub trait Look: Clock {
    /// Runs a query to its end and captures the output.
    ///
    /// # Errors
    /// If the command could not be started.
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError>;

    /// Whether `path` exists.
    ///
    /// # Errors
    /// The system's error.
    fn exists(&mut self, path: &Path) -> io::Result<bool>;

    /// The target of the symbolic link at `path`, unresolved; none if there is no link.
    ///
    /// # Errors
    /// The system's error.
    fn link_at(&mut self, path: &Path) -> io::Result<Option<PathBuf>>;

    /// The identity and properties of a disk or an image file.
    ///
    /// # Errors
    /// The system's error.
    fn about(&mut self, path: &Path) -> io::Result<About>;

    /// What stands at a path itself: a symbolic link is not followed. None if nothing does.
    ///
    /// # Errors
    /// The system's error.
    fn entry(&mut self, path: &Path) -> io::Result<Option<Entry>>;

    /// Whether a disk contains only zeros in its first and its last MiB, so that nothing is installed on
    /// it.
    ///
    /// # Errors
    /// The system's error; also if the path is neither a file nor a device with a size.
    fn is_blank(&mut self, path: &Path) -> io::Result<bool>;

    /// What is on a disk or an image file; a menu of grub is also looked for in `directory`.
    ///
    /// # Errors
    /// The system's error; also if the path is neither a file nor a device with a size, or the bytes
    /// could not be read within the limits.
    fn inspect(&mut self, path: &Path, directory: Option<&str>) -> io::Result<Report>;

    /// Whether a file begins as a store of UEFI variables does, with the header of a firmware volume
    /// (UEFI Platform Initialization Specification, volume 3).
    ///
    /// # Errors
    /// The system's error.
    fn is_uefi_store(&mut self, path: &Path) -> io::Result<bool>;

    /// The names in a directory; none if there is no such directory.
    ///
    /// Only for directories whose entries a lookup does not create (`/dev/vmm`, `/dev`): nmdm(4) and
    /// tap(4) nodes are never looked up by name.
    ///
    /// # Errors
    /// The system's error.
    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// The content of a small file.
    ///
    /// # Errors
    /// The system's error.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>>;

    /// Checks that a file has a password for bhyve(8), and is closed to everybody but root and this user.
    ///
    /// # Errors
    /// If it is not so; the error contains nothing of the file.
    fn check_secret(&mut self, path: &Path, owner: u32) -> Result<(), SecretError>;

    /// Opens a file that grows.
    ///
    /// # Errors
    /// The system's error.
    fn open(&mut self, path: &Path) -> io::Result<OpenFile>;

    /// The path of a program in the search path.
    fn find(&mut self, program: &str) -> Option<PathBuf>;

    /// The search path.
    fn search_path(&self) -> &str;
}

impl Look for System {
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError> {
        // A child leaves no status while SIGCHLD is ignored.
        self.signals().map_err(SpawnError::Refused)?;
        let output = self
            .prepare(question)?
            .output()
            .map_err(SpawnError::Refused)?;
        Ok(Finished {
            ended: ended(output.status),
            stdout: output.stdout,
            stderr: tail(output.stderr),
        })
    }

    fn exists(&mut self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn link_at(&mut self, path: &Path) -> io::Result<Option<PathBuf>> {
        match std::fs::symlink_metadata(path) {
            Ok(about) if about.is_symlink() => std::fs::read_link(path).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn about(&mut self, path: &Path) -> io::Result<About> {
        identity::about(path)
    }

    fn entry(&mut self, path: &Path) -> io::Result<Option<Entry>> {
        identity::entry(path)
    }

    fn is_blank(&mut self, path: &Path) -> io::Result<bool> {
        blank::is_blank(path)
    }

    fn inspect(&mut self, path: &Path, directory: Option<&str>) -> io::Result<Report> {
        // A child leaves no status while SIGCHLD is ignored.
        self.signals()?;
        inspected::inspect(&self.program, path, directory)
    }

    fn is_uefi_store(&mut self, path: &Path) -> io::Result<bool> {
        blank::is_uefi_store(path)
    }

    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>> {
        match std::fs::read_dir(directory) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn check_secret(&mut self, path: &Path, owner: u32) -> Result<(), SecretError> {
        secret::check(path, owner)
    }

    fn open(&mut self, path: &Path) -> io::Result<OpenFile> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        Ok(OpenFile {
            identity: Identity::File(about.dev(), about.ino()),
            content: Box::new(file),
        })
    }

    fn find(&mut self, program: &str) -> Option<PathBuf> {
        self.look_up(program)
    }

    fn search_path(&self) -> &str {
        &self.search_path
    }
}
