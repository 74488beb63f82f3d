//! What a change of a file is about.

use super::FileChange;
use crate::vis;
use std::path::Path;

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
