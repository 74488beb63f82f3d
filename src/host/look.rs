//! What the real host is asked, and how it is looked at.

use super::Finished;
use super::child::{ended, tail};
use super::identity::{self, About};
use super::system::System;
use super::{Clock, SpawnError};
use crate::command::Command;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Questions: nothing here changes the host.
pub trait Look: Clock {
    /// Runs a question to its end, its output captured.
    ///
    /// # Errors
    /// If it could not be started.
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError>;

    /// Whether something is at `path`.
    ///
    /// # Errors
    /// If that cannot be told.
    fn exists(&mut self, path: &Path) -> io::Result<bool>;

    /// Where the symbolic link at `path` leads, as it says; none if there is no link.
    ///
    /// # Errors
    /// If that cannot be told.
    fn link_at(&mut self, path: &Path) -> io::Result<Option<PathBuf>>;

    /// What a disk or an image file is, whatever its name.
    ///
    /// # Errors
    /// If that cannot be told.
    fn about(&mut self, path: &Path) -> io::Result<About>;

    /// The names in a directory; none if there is no such directory.
    ///
    /// Only for directories whose entries are not created by looking (`/dev/vmm`, `/dev`): nmdm(4)
    /// and tap(4) nodes are never looked up by name.
    ///
    /// # Errors
    /// If that cannot be told.
    fn names_in(&mut self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// The content of a small file.
    ///
    /// # Errors
    /// As the system says.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>>;

    /// Where a program is along the search path.
    fn find(&mut self, program: &str) -> Option<PathBuf>;

    /// The search path.
    fn search_path(&self) -> &str;
}

impl Look for System {
    fn ask(&mut self, question: &Command) -> Result<Finished, SpawnError> {
        // Where SIGCHLD is ignored a child leaves no status.
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

    fn find(&mut self, program: &str) -> Option<PathBuf> {
        self.look_up(program)
    }

    fn search_path(&self) -> &str {
        &self.search_path
    }
}
