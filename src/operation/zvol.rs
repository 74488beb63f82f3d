//! The device nodes of ZFS volumes: the wait for a new one, and the error for a missing one.

use crate::error::Error;
use crate::host::Look;
use crate::model::Volume;
use crate::model::name::Dataset;
use crate::plan::{Refusal, Test, Wait};
use crate::quote;
use crate::survey;
use crate::tools::zfs::node::{self, Cause};
use std::path::Path;
use std::time::Duration;

/// How long a new node may take to appear: with `volmode=dev` the node exists when zfs(8) ends
/// (`module/zfs/zvol.c`), on a busy pool later.
const LIMIT: Duration = Duration::from_secs(30);

/// The wait for the device node of a volume that the plan has made, renamed or promoted. Without the
/// node the plan stops.
pub(super) fn wait(devices: &Path, volume: &Dataset) -> Wait {
    let (path, limit) = (node::of(devices, volume), LIMIT.as_secs());
    Wait {
        until: Test::Exists(path.clone()),
        limit: LIMIT,
        every: Duration::from_millis(100),
        refusal: Some(
            Refusal::host(format!(
                "the volume {volume} exists, but its device {} did not appear within {limit} s",
                path.display()
            ))
            .help(format!(
                "see whether its volmode is none, or its key is not loaded: zfs get volmode,keystatus {}",
                quote::shown(volume)
            )),
        ),
        progress: Some(format!("waiting for the device {}", path.display())),
        goes_on: false,
    }
}

/// The error for a path that does not exist, if the path is the device node of a dataset that exists.
pub(crate) fn without_node(look: &mut dyn Look, devices: &Path, path: &Path) -> Option<Error> {
    let Volume::Zfs(dataset) = Volume::at(devices, path) else {
        return None;
    };
    // The disk is missing in any case; the answer only adds the reason.
    let answer = survey::answer(look, &node::ask(&dataset)).ok()?;
    let (name, shown) = (&dataset, quote::shown(&dataset));
    Some(match node::cause(&answer) {
        Cause::KeyNotLoaded(root) => Error::host(format!(
            "the volume {name} has no device, because its key is not loaded"
        ))
        .help(format!(
            "load the key as root: zfs load-key {}",
            quote::shown(&root)
        )),
        Cause::NoVolmode => Error::host(format!(
            "the volume {name} has no device, because its volmode is none"
        ))
        .help(format!("set it as root: zfs set volmode=dev {shown}")),
        Cause::Filesystem => Error::host(format!(
            "{name} is a filesystem, and the disk of a VM is a volume"
        )),
        Cause::Unknown => Error::host(format!("the volume {name} exists, without a device node"))
            .help(format!(
                "check its volmode: zfs get volmode {shown}; and for all volumes: sysctl vfs.zfs.vol.mode"
            )),
    })
}
