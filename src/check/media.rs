//! Checks of the disks and ISO images of the VMs.

use super::asked::Asked;
use super::own_place;
use crate::config::Config;
use crate::config::resolve::Checked;
use crate::finding::FindingName;
use crate::host::Look;
use crate::operation::refuse::media::{media, with_near};
use crate::operation::zvol;
use crate::vis;
use std::collections::HashSet;
use std::path::Path;

/// The disks and ISO images that this host does not have, or has where the loader cannot open them.
pub(super) fn findings(
    config: &Config,
    checked: &[Checked<'_>],
    devices: &Path,
    look: &mut dyn Look,
    asked: &mut Asked,
) {
    let mut unreadable = None;
    let mut is_missing = |look: &mut dyn Look, path: &Path| match look.exists(path) {
        Ok(exists) => !exists,
        Err(error) => {
            unreadable.get_or_insert_with(|| format!("{}: {error}", vis::shown(&path)));
            false
        }
    };
    let vms = || checked.iter().filter_map(|one| one.vm.as_ref());
    let disks: HashSet<&Path> = vms()
        .flat_map(|vm| vm.disks.iter().map(|disk| disk.path.as_path()))
        .collect();
    // A disk of another VM is never proposed.
    let is_disk = |path: &Path| disks.contains(path);
    let mut errors = Vec::new();
    for vm in vms() {
        for mut medium in media(vm) {
            medium.origin = own_place(config, vm, medium.origin);
            let path = medium.path;
            if is_missing(look, path) {
                // The cost is a query, or the size of the directory.
                let is_one_of_few = errors.len() < 20;
                let reason = is_one_of_few.then(|| zvol::without_node(look, devices, path));
                errors.push(match reason {
                    None => medium.missing(vm),
                    Some(None) => with_near(medium.missing(vm), look, path, |near| !is_disk(near)),
                    Some(Some(error)) => medium.place(error),
                });
            } else if medium.is_written(vm) && look.about(path).is_ok_and(|it| it.is_read_only) {
                errors.push(medium.read_only(vm));
            }
        }
    }
    for error in errors {
        asked.add(error);
    }
    if let Some(why) = unreadable {
        asked.skip(&[FindingName::DiskMissing, FindingName::IsoMissing], &why);
    }
}
