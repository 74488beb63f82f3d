//! Changes of files.

use super::{Form, Step, Test, Undo, When, serialize};
use crate::vis;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A change of one file of the user's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileChange {
    /// Makes a directory that only its owner can enter; one that exists is an error.
    MakeScratch(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// Makes a directory and those above it; one that exists is none.
    MakeDirectories(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// Writes a new file.
    Write {
        /// Where.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
        /// Its lines, each with its newline.
        #[serde(serialize_with = "serialize::bytes")]
        text: Vec<u8>,
    },
    /// Replaces a file by one with the same owner and mode, in one step.
    Replace {
        /// Where; no symbolic link.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
        /// What it must still hold.
        #[serde(skip)]
        before: Vec<u8>,
        /// What it is to hold.
        #[serde(serialize_with = "serialize::bytes")]
        text: Vec<u8>,
    },
    /// Removes a scratch directory and all in it; one that has gone is no failure.
    RemoveScratch(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// Makes a symbolic link; what exists there is an error.
    Link {
        /// What it points to.
        #[serde(serialize_with = "serialize::path")]
        target: PathBuf,
        /// Where it lies.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
    },
    /// Makes a symbolic link in the place of another, in one step.
    ReplaceLink {
        /// What it points to.
        #[serde(serialize_with = "serialize::path")]
        target: PathBuf,
        /// Where it lies.
        #[serde(serialize_with = "serialize::path")]
        path: PathBuf,
    },
    /// Removes one symbolic link; one that has gone is no failure.
    RemoveLink(#[serde(serialize_with = "serialize::path")] PathBuf),
}

impl FileChange {
    /// What it does, for a message: a phrase that a colon can follow.
    pub fn describe(&self) -> String {
        match self {
            Self::MakeScratch(path) | Self::MakeDirectories(path) => {
                format!("could not make the directory {}", vis::shown(&path))
            }
            Self::Write { path, .. } => format!("could not write {}", vis::shown(&path)),
            Self::Replace { path, .. } => format!("could not replace {}", vis::shown(&path)),
            Self::RemoveScratch(path) | Self::RemoveLink(path) => {
                format!("could not remove {}", vis::shown(&path))
            }
            Self::Link { path, .. } | Self::ReplaceLink { path, .. } => {
                format!("could not make the link {}", vis::shown(&path))
            }
        }
    }

    /// What it changes.
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

/// Makes a directory for scratch files, which goes at the end.
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
