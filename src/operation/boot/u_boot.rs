//! U-Boot, the firmware of VMs on arm64.

use super::loader::Source;
use crate::error::{Error, Result};
use crate::model::Vm;
use crate::model::loader::Loader;
use crate::operation::plan_context::PlanContext;
use crate::tools::firmware::{U_BOOT, U_BOOT_PACKAGE};
use crate::tools::sysctl::Kernel;
use std::path::Path;

/// Refuses a VM on arm64 whose firmware is not installed. Returns the note about an installation over a
/// system: U-Boot boots the first disk that has one, and bhyve has no boot order on arm64
/// (`usr.sbin/bhyve/qemu_fwcfg.c` is of amd64).
pub(super) fn refuse(
    context: &mut PlanContext<'_>,
    vm: &Vm,
    kernel: &Kernel,
    source: Source,
) -> Result<Option<String>> {
    if vm.on(kernel.machine).loader != Loader::UBoot {
        return Ok(None);
    }
    if !context.look.exists(Path::new(U_BOOT)).unwrap_or(true) {
        return Err(
            Error::host(format!("the firmware {U_BOOT} is not installed"))
                .help(format!("as root: pkg install {U_BOOT_PACKAGE}")),
        );
    }
    let first = vm.disks.first().filter(|_| source == Source::Cd);
    Ok(first
        // The disk of another user is taken for a new one.
        .filter(|disk| !context.look.is_blank(&disk.path).unwrap_or(true))
        .map(|disk| {
            format!(
                "U-Boot boots {} if there is a system on it, and not the CD: to boot the CD, press a key \
                 while U-Boot counts down",
                disk.path.display()
            )
        }))
}
