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
    /// Writes the line `NAME=PASSWORD` to a new file that only its owner can read, in place of one of that
    /// name. The plan has only the path of the file that holds the password.
    Secret {
        /// The path.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
        /// The name of the variable of bhyve_config(5).
        name: String,
        /// The file with the password: of root or of `owner`, and closed to others.
        #[serde(serialize_with = "serialize::path")]
        from: PathBuf,
        /// The user, by uid.
        owner: u32,
    },
    /// Removes the file of a `Secret`; a missing file is no failure.
    RemoveSecret(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// Removes a socket, but nothing else, from a directory that only root or `owner` may write to; a
    /// missing socket is no failure.
    RemoveSocket {
        /// The path.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
        /// The user, by uid.
        owner: u32,
    },
    /// Makes a user the owner of a socket.
    GiveSocket {
        /// The path.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
        /// The user, by uid.
        owner: u32,
    },
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
            Self::RemoveScratch(path)
            | Self::RemoveLink(path)
            | Self::RemoveSecret(path)
            | Self::RemoveSocket { path, .. } => {
                format!("could not remove {}", vis::shown(&path))
            }
            Self::Secret { from, .. } => {
                format!("could not use the password in {}", vis::shown(&from))
            }
            Self::GiveSocket { path, owner } => {
                format!("could not give {} to uid {owner}", vis::shown(&path))
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
            | Self::RemoveSecret(path)
            | Self::RemoveSocket { path, .. }
            | Self::GiveSocket { path, .. }
            | Self::Secret { path, .. }
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
