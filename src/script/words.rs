//! Words of a script that depend only on their arguments.

use crate::plan::{FileChange, Workers};
use crate::quote;
use std::path::Path;

/// The command that changes a file; writes use a here-document instead.
pub(super) fn push_file_change(line: &mut Vec<u8>, change: &FileChange) {
    let mut word = |text: &str, path: &Path| {
        line.extend_from_slice(text.as_bytes());
        quote::push(line, path.as_os_str());
    };
    match change {
        FileChange::MakeDirectories(path) => word("mkdir -p ", path),
        FileChange::RemoveLink(path) => word("rm -f ", path),
        // These have lines of their own in a script.
        FileChange::MakeScratch(path)
        | FileChange::RemoveScratch(path)
        | FileChange::Secret { path, .. }
        | FileChange::RemoveSecret(path)
        | FileChange::RemoveSocket { path, .. }
        | FileChange::GiveSocket { path, .. }
        | FileChange::Write { path, .. }
        | FileChange::Replace { path, .. } => word("", path),
        FileChange::Link { target, path } => {
            word("ln -s ", target);
            word(" ", path);
        }
        FileChange::ReplaceLink { target, path } => {
            word("ln -sfn ", target);
            word(" ", path);
        }
    }
}

/// `0|1|2`, a pattern for `case`.
pub(super) fn statuses(accepted: &[i32]) -> String {
    accepted
        .iter()
        .map(i32::to_string)
        .collect::<Vec<_>>()
        .join("|")
}

/// `WORK VM…`, the arguments of `works` and the last ones of `send`.
pub(super) fn workers(workers: &Workers) -> Vec<u8> {
    let names = workers.vms.iter().map(|vm| format!(" {vm}"));
    let words = format!("{}{}", workers.work.as_str(), names.collect::<String>());
    words.into_bytes()
}
