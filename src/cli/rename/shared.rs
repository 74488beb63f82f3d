//! Files of a VM that is renamed, and that another VM names, too.

use crate::config::settings::Need;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::operation::context::Context;
use crate::operation::others::{Other, Same, of_others, sharer};
use crate::vis;
use std::path::{Path, PathBuf};

/// A file that gets another path.
pub(super) struct Moved {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

/// Refuses to give a file another path if another VM names the file, or the new path. Returns notes about
/// what could not be determined.
///
/// # Errors
/// If it is so, or the files of another VM are unknown.
pub(super) fn refuse(context: &mut Context<'_>, vm: &Vm, moved: &[Moved]) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    if moved.is_empty() {
        return Ok(notes);
    }
    let others = of_others(context.config, context.wanted(Need::Disks), &vm.name);
    let others = others.map_err(|error| {
        error
            .note("no disk is renamed while the disks of another VM are unknown")
            .help("first correct this setting")
    })?;
    let mut of = |path: &Path| sharer(context.look, path, &others);
    for Moved { from, to } in moved {
        match of(from).map_err(|error| error.help("repeat the command as root"))? {
            None => {}
            Some((other, Same::Yes)) => {
                return Err(refused(from, other, ", too")
                    .note("the other VM would not find it under its new name")
                    .help("first remove the marked setting, or give each VM a file of its own"));
            }
            Some((other, Same::Unsure | Same::No)) => notes.push(format!(
                "could not determine whether {} is {}, too: a nullfs mount hides a real path",
                vis::shown(from),
                other.is()
            )),
        }
        if let Some((other, Same::Yes)) = of(to)? {
            return Err(refused(to, other, "")
                .note("both VMs would have it")
                .help("choose another name, or first remove the marked setting"));
        }
    }
    Ok(notes)
}

fn refused(path: &Path, other: &Other, too: &str) -> Error {
    other.place(Error::state(format!(
        "{} is {}{too}",
        vis::shown(path),
        other.is()
    )))
}
