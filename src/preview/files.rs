//! Changes of files, which the program makes itself, as remarks.

use super::page::Page;
use crate::plan::{Action, FileChange, Form, Step};
use crate::quote;
use crate::vis;
use similar::{Algorithm, ChangeTag, capture_diff_slices};
use std::collections::BTreeMap;
use std::path::Path;

/// The most lines of a new file that are shown.
const LONGEST: usize = 100;

/// Adds a change of a file.
pub(super) fn change(page: &mut Page, change: &FileChange) {
    let path = quote::shown(change.path());
    match change {
        FileChange::MakeScratch(_) => {
            page.remark(&format!("makes the directory {path}, removed at the end"));
        }
        FileChange::MakeDirectories(_) => page.remark(&format!("makes the directory {path}")),
        FileChange::Write { text, .. } => {
            let count = vis::lines_of(text).count();
            match vis::lines_of(text).next() {
                Some(line) if count == 1 => page.remark(&format!("writes {path}: {line}")),
                _ if count > LONGEST => page.remark(&format!("writes {path}: {count} lines")),
                _ => {
                    page.remark(&format!("writes {path}:"));
                    page.text(text);
                }
            }
        }
        FileChange::Replace { before, text, .. } => {
            page.remark(&format!("changes {path}:"));
            push_difference(page, before, text);
        }
        FileChange::Secret { from, name, .. } => page.remark(&format!(
            "writes {path}: {name}= and the password from {}, before each start",
            quote::shown(from)
        )),
        FileChange::RemoveSecret(_) => page.remark(&format!("removes {path} once it has started")),
        FileChange::RemoveSocket { .. } => {
            page.remark(&format!("removes the socket {path}, before each start"));
        }
        FileChange::GiveSocket { owner, .. } => page.remark(&format!(
            "gives the socket {path} to uid {owner} once it has started"
        )),
        // The remark about its making says so.
        FileChange::RemoveScratch(_) => {}
        FileChange::Link { .. } | FileChange::ReplaceLink { .. } | FileChange::RemoveLink(_) => {
            page.remark(&format!("links {path}"));
        }
    }
}

/// Adds the lines that are removed and those that are added.
fn push_difference(page: &mut Page, before: &[u8], after: &[u8]) {
    let old: Vec<&[u8]> = before.split_inclusive(|&byte| byte == b'\n').collect();
    let new: Vec<&[u8]> = after.split_inclusive(|&byte| byte == b'\n').collect();
    let changes = capture_diff_slices(Algorithm::Myers, &old, &new);
    for change in changes.iter().flat_map(|one| one.iter_changes(&old, &new)) {
        match change.tag() {
            ChangeTag::Equal => {}
            ChangeTag::Delete => page.marked('-', change.value()),
            ChangeTag::Insert => page.marked('+', change.value()),
        }
    }
}

/// The number of forms at the beginning that change links, or undo that.
pub(super) fn leading_links(forms: &[Form]) -> usize {
    let is_link = |form: &&Form| match form {
        Form::Undo(undo) => are_links(&undo.forms),
        form => link_of(form).is_some(),
    };
    forms.iter().take_while(is_link).count()
}

/// Whether all of these forms change links.
pub(super) fn are_links(forms: &[Form]) -> bool {
    forms.iter().all(|form| link_of(form).is_some())
}

/// Adds changes of links: one line for each VM and kind of change.
pub(super) fn links<'plan>(page: &mut Page, forms: impl Iterator<Item = &'plan Form>) {
    let mut counts: BTreeMap<(String, &str, String), usize> = BTreeMap::new();
    for change in forms.filter_map(link_of) {
        let (what, target) = match change {
            FileChange::Link { target, .. } => ("", Some(target)),
            FileChange::ReplaceLink { target, .. } => (" changed", Some(target)),
            _ => (" removed", None),
        };
        let directory = change.path().parent().unwrap_or(Path::new(""));
        let directory = quote::shown(directory);
        let place = match target {
            Some(target) => format!("in {directory} to {}", quote::shown(target)),
            None => format!("from {directory}"),
        };
        *counts
            .entry((vm_of(change.path()), what, place))
            .or_default() += 1;
    }
    for ((vm, what, place), count) in counts {
        let links = if count == 1 { "link" } else { "links" };
        page.remark(&format!("{vm}: {count} {links}{what} {place}"));
    }
}

/// The change of a link, if a form is one.
fn link_of(form: &Form) -> Option<&FileChange> {
    match form {
        Form::Step(Step {
            action: Action::File(change),
            ..
        }) => matches!(
            change,
            FileChange::Link { .. } | FileChange::ReplaceLink { .. } | FileChange::RemoveLink(_)
        )
        .then_some(change),
        _ => None,
    }
}

/// The VM in the name of a link `VM-VERB`.
fn vm_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let vm = name.rsplit_once('-').map_or(&*name, |(vm, _)| vm);
    quote::shown(vm)
}
