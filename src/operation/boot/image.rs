//! What an ISO image installs, and whether the loader of a VM can boot it.

use crate::inspect::iso;
use crate::inspect::judge::{self, Answer};
use crate::inspect::report::{Content, Report};
use crate::model::Vm;
use crate::model::loader::{Loader, LoaderKind};
use crate::vis;
use std::path::Path;

/// What an ISO image says against the loader of a VM that is to be installed from it: one sentence each.
pub(crate) fn notes(vm: &Vm, path: &Path, report: &Report) -> Vec<String> {
    /// Those that neither bhyveload nor grub-bhyve installs without further ado.
    const UEFI: [&str; 11] = [
        "alma",
        "arch",
        "dragonfly",
        "fedora",
        "haiku",
        "omnios",
        "openbsd",
        "opensuse",
        "plan9",
        "rocky",
        "windows",
    ];
    let (name, shown) = (&vm.name, vis::shown(&path));
    let iso = match &report.content {
        Some(Content::Iso(iso)) => iso,
        Some(content @ Content::Other { .. }) => {
            let verdict = judge::grub_reads(content);
            return match verdict.answer {
                Answer::No => vec![format!("{shown} cannot be booted: {}", verdict.why)],
                Answer::Yes | Answer::Unknown => Vec::new(),
            };
        }
        _ => return Vec::new(),
    };
    let mut notes = Vec::new();
    if iso.is_cut {
        notes.push(format!(
            "{shown} is shorter than the volume in it: download it again"
        ));
    }
    let has_commands = matches!(&vm.loader, Loader::Grub(grub) if grub.install.is_some());
    let kind = vm.loader.kind();
    notes.extend(iso::system(iso).and_then(|system| {
        if let Some(os) = &vm.os {
            // A profile of the user's own may be for any system.
            let is_other = iso::is_known(os.as_str()) && os.as_str() != system;
            return is_other.then(|| format!("{shown} installs {system}, and {name}_os is {os}"));
        }
        if kind == LoaderKind::Bhyveload && system != "freebsd" {
            Some(format!(
                "{shown} installs {system}, and bhyveload boots FreeBSD alone: remove {name}_freebsd"
            ))
        } else if kind == LoaderKind::Grub && system == "freebsd" {
            Some(format!(
                "{shown} installs {system}, which grub-bhyve does not boot: set {name}_freebsd=YES"
            ))
        } else if kind == LoaderKind::Grub && UEFI.contains(&system) && !has_commands {
            Some(format!(
                "{shown} installs {system}, which grub-bhyve does not boot by itself: set {name}_loader=uefi"
            ))
        } else {
            None
        }
    }));
    notes
}
