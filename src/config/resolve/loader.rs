//! The loader of a VM.

use super::Parts;
use super::faults::Faults;
use crate::config::settings::{Set, VmSettings, needs};
use crate::error::{Error, Result};
use crate::finding::FindingName;
use crate::model::Volume;
use crate::model::grub::GrubCommands;
use crate::model::loader::{BootPart, Grub, GrubDir, Loader, LoaderKind, Uefi};
use std::os::unix::ffi::OsStrExt;

/// The kind of loader; the settings that choose it do not contradict each other in a VM without faults.
pub(super) fn kind(own: &VmSettings) -> LoaderKind {
    match (own.loader, own.freebsd) {
        (Some(loader), _) => loader.value,
        (None, Some(freebsd)) if freebsd.value => LoaderKind::Bhyveload,
        (None, _) => LoaderKind::Grub,
    }
}

/// The loader of this kind.
pub(super) fn loader(
    parts: &Parts<'_>,
    kind: LoaderKind,
    volume: &Volume,
    faults: &mut Faults,
) -> Loader {
    let own = &parts.own.settings;
    match kind {
        LoaderKind::Bhyveload => Loader::Bhyveload,
        LoaderKind::Grub => Loader::Grub(grub(own)),
        LoaderKind::Uefi | LoaderKind::UBoot => {
            Loader::Uefi(uefi(parts, volume).unwrap_or_else(|error| {
                faults.add_missing(error, needs::RUN);
                Uefi::in_own_directory(&parts.name)
            }))
        }
    }
}

fn grub(own: &VmSettings) -> Grub {
    let commands = |set: &Option<Set<GrubCommands>>| set.as_ref().map(|set| set.value.clone());
    Grub {
        // Differs: `grub_bootpart` has a default
        bootpart: own
            .grub_bootpart
            .as_ref()
            .map_or_else(BootPart::default, |set| set.value.clone()),
        directory: own
            .grub_dir
            .as_ref()
            .map_or_else(GrubDir::default, |set| set.value.clone()),
        install: commands(&own.grub_install),
        boot: commands(&own.grub_bootcmd),
    }
}

/// The store of the setting; else beside the image file, or in a directory of its own.
fn uefi(parts: &Parts<'_>, volume: &Volume) -> Result<Uefi> {
    let (name, devices) = (&parts.name, parts.wanted.devices);
    if let Some(set) = &parts.own.settings.uefi_vars {
        let (vars, origin) = (set.value.clone(), set.span);
        if vars.is_relative() {
            return Err(Error::config(format!(
                "{name}_uefi_vars: {} is not an absolute path",
                vars.display()
            ))
            .at(origin)
            .named(FindingName::RelativePath)
            .help("write an absolute path"));
        }
        if vars.file_name().is_none() || vars.as_os_str().as_bytes().ends_with(b"/") {
            return Err(Error::config(format!(
                "{name}_uefi_vars: {} is a directory",
                vars.display()
            ))
            .at(origin)
            .named(FindingName::Setting)
            .help("write the path of a file"));
        }
        return refuse_for_bhyve(Uefi { vars, origin });
    }
    let root = parts.host.volroot.as_ref();
    match (root.filter(|root| root.value.is_absolute()), volume) {
        (Some(root), Volume::File(path)) if !path.starts_with(devices) => refuse_for_bhyve(Uefi {
            vars: root.value.join(format!("{name}.uefi-vars")),
            origin: root.span,
        }),
        _ => Ok(Uefi::in_own_directory(name)),
    }
}

/// Refuses a path that bhyve(8) would change or, with a `=`, take for an option of the boot ROM
/// (`usr.sbin/bhyve/amd64/pci_lpc.c`, `lpc_device_parse`).
fn refuse_for_bhyve(uefi: Uefi) -> Result<Uefi> {
    let bytes = uefi.vars.as_os_str().as_bytes();
    let refused = |why, finding| {
        let error = Error::config(format!("{}: {why}", uefi.vars.display()));
        let error = error.at(uefi.origin).named(finding);
        Err(error.help("set uefi_vars to a path without that character"))
    };
    if bytes.contains(&b'%') {
        return refused("bhyve expands % in a path", FindingName::PathPercent);
    }
    if bytes.contains(&b',') {
        let why = "bhyve does not accept a comma in a path";
        return refused(why, FindingName::PathComma);
    }
    if bytes.contains(&b'=') {
        let why = "bhyve takes a word with = for an option, not for the file of the UEFI variables";
        return refused(why, FindingName::PathEquals);
    }
    Ok(uefi)
}
