//! Changes of files.

use super::{Form, Step, Test, Undo, When, serialize};
use crate::vis;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A change of one file of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileChange {
    /// Creates a directory that only its owner can enter; an existing directory is an error.
    MakeScratch(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// Creates a directory and its parents; existing directories are no error.
    MakeDirectories(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// Writes a new file.
    Write {
        /// The path.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
        /// The text.
        #[serde(serialize_with = "serialize::bytes")]
        text: Vec<u8>,
    },
    /// Replaces a file atomically, keeping owner and mode.
    Replace {
        /// The path; not a symbolic link.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
        /// The content that the file must still have.
        #[serde(skip)]
        before: Vec<u8>,
        /// The new content.
        #[serde(serialize_with = "serialize::bytes")]
        text: Vec<u8>,
    },
    /// Removes a scratch directory and its content; a missing directory is no failure.
    RemoveScratch(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// Creates a symbolic link; an existing path is an error.
    Link {
        /// The target.
        #[serde(serialize_with = "serialize::path")]
        target: PathBuf,
        /// The path of the link.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
    },
    /// Replaces a symbolic link atomically.
    ReplaceLink {
        /// The target.
        #[serde(serialize_with = "serialize::path")]
        target: PathBuf,
        /// The path of the link.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
    },
    /// Removes one symbolic link; a missing link is no failure.
    RemoveLink(#[serde(serialize_with = "serialize::path")] PathBuf),
}

impl FileChange {
    /// The failure, for a message: a phrase that a colon can follow.
    pub fn describe(&self) -> String {
        match self {
            Self::MakeScratch(path) | Self::MakeDirectories(path) => {
                format!("could not create the directory {}", vis::shown(&path))
            }
            Self::Write { path, .. } => format!("could not write {}", vis::shown(&path)),
            Self::Replace { path, .. } => format!("could not replace {}", vis::shown(&path)),
            Self::RemoveScratch(path) | Self::RemoveLink(path) => {
                format!("could not remove {}", vis::shown(&path))
            }
            Self::Link { path, .. } | Self::ReplaceLink { path, .. } => {
                format!("could not create the link {}", vis::shown(&path))
            }
        }
    }

    /// The changed path.
    pub fn path(&self) -> &Path {
        match self {
            Self::MakeScratch(path)
            | Self::MakeDirectories(path)
            | Self::RemoveScratch(path)
            | Self::RemoveLink(path)
            | Self::Write { path, .. }
            | Self::Replace { path, .. }
            | Self::Link { path, .. }
            | Self::ReplaceLink { path, .. } => path,
        }
    }
}

/// Creates a directory for scratch files, which is removed at the end.
pub fn scratch_directory(scratch: &Path) -> Vec<Form> {
    let remove = FileChange::RemoveScratch(scratch.to_owned());
    vec![
        FileChange::MakeScratch(scratch.to_owned()).into(),
        // Differs: An interrupted loader leaves no file in `/tmp`
        Undo {
            forms: vec![
                Step::from(remove)
                    .only_if(Test::Exists(scratch.to_owned()))
                    .into(),
            ],
            when: When::End,
            what: scratch.display().to_string(),
        }
        .into(),
    ]
}
