//! Whether VMs share a file: another VM of the configuration names it, too.

use crate::config::Config;
use crate::config::resolve::{self, Wanted};
use crate::error::{Error, Result};
use crate::host::Look;
use crate::host::identity::{About, Identity};
use crate::model::Vm;
use crate::model::name::VmName;
use crate::model::named::Role;
use crate::span::Span;
use crate::vis;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A file that another VM names.
#[derive(Clone, Debug)]
pub(crate) struct Other {
    vm: VmName,
    role: Role,
    path: PathBuf,
    origin: Option<Span>,
}

impl Other {
    /// What the file is for the other VM, as words after "it is".
    pub(crate) fn is(&self) -> String {
        self.role.of(&self.vm)
    }

    /// The error with the place of the setting that names the file.
    pub(crate) fn place(&self, error: Error) -> Error {
        match self.role {
            Role::Argument => error.of_settings(vec![format!("{}_bhyve_args", self.vm)]),
            _ => error.at(self.origin),
        }
    }
}

/// The files that the other VMs of the configuration name.
///
/// # Errors
/// If those of one are unknown.
pub(crate) fn of_others(config: &Config, wanted: Wanted<'_>, vm: &VmName) -> Result<Vec<Other>> {
    let mut found = Vec::new();
    for other in resolve::all(config, wanted)? {
        let other = other?;
        if other.name != *vm {
            let files = other.named_files().into_iter();
            found.extend(files.map(|file| Other {
                vm: other.name.clone(),
                role: file.role,
                path: file.path.into_owned(),
                origin: file.origin,
            }));
        }
    }
    Ok(found)
}

/// Whether two paths name one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    /// They do not, as far as they exist.
    No,
    /// A nullfs mount hides the real path of one.
    Unsure,
    /// They do.
    Yes,
}

/// The first of these that is the file at a path, by the path, or by device and inode; never one with
/// [`Same::No`].
///
/// # Errors
/// If a file cannot be accessed.
pub(crate) fn sharer<'o>(
    look: &mut dyn Look,
    path: &Path,
    others: &'o [Other],
) -> Result<Option<(&'o Other, Same)>> {
    if let Some(other) = others.iter().find(|other| other.path == path) {
        return Ok(Some((other, Same::Yes)));
    }
    let Some(own) = about(look, path)? else {
        return Ok(None);
    };
    for other in others {
        let Some(theirs) = about(look, &other.path)? else {
            continue;
        };
        match compared(&own, &theirs) {
            Same::No => {}
            same => return Ok(Some((other, same))),
        }
    }
    Ok(None)
}

/// Whether two VMs cannot run at the same time, because they share a file that is written. A missing or
/// unreadable file equals no other.
pub(super) fn exclude_each_other(look: &mut dyn Look, one: &Vm, other: &Vm) -> bool {
    let theirs = other.named_files();
    one.named_files().iter().any(|own| {
        let mut shared = theirs.iter().filter(|other| is_pair(own.role, other.role));
        shared.any(|other| is_one(look, &own.path, &other.path))
    })
}

/// Whether both guests have the file when they run, and one of them alone may have it.
fn is_pair(own: Role, other: Role) -> bool {
    own.is_attached() && other.is_attached() && (own.is_own() || other.is_own())
}

/// Whether two paths name the same file. A missing or unreadable file equals no other.
pub(super) fn is_one(look: &mut dyn Look, one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    let mut of = |path: &Path| look.about(path).ok();
    of(one).is_some_and(|one| of(other).is_some_and(|other| one.identity == other.identity))
}

fn compared(one: &About, other: &About) -> Same {
    let is_file = |about: &About| matches!(about.identity, Identity::File(..));
    if one.identity == other.identity {
        Same::Yes
    } else if (one.is_unsure || other.is_unsure) && is_file(one) && is_file(other) {
        Same::Unsure
    } else {
        Same::No
    }
}

/// The identity of a file; none if the file does not exist.
fn about(look: &mut dyn Look, path: &Path) -> Result<Option<About>> {
    match look.about(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Error::host(format!(
            "could not determine whether VMs share {}: {error}",
            vis::shown(path)
        ))),
        // Nothing can share what does not exist.
        Err(_) => Ok(None),
    }
}
