//! The screen of a VM, and the further words for bhyve.

use super::Parts;
use super::faults::Faults;
use crate::config::settings::{Set, needs};
use crate::error::Error;
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::arguments::BhyveArgs;
use crate::model::loader::Loader;
use crate::model::name::VmId;
use crate::model::screen::{Place, Screen};
use std::path::PathBuf;

/// The screen; a faulty one counts as none.
pub(super) fn screen(
    parts: &Parts<'_>,
    id: &Set<VmId>,
    loader: &Loader,
    faults: &mut Faults,
) -> Option<Screen> {
    let own = &parts.own.settings;
    let vnc = own.vnc.as_ref()?;
    let name = &parts.name;
    let fault = |what: String| Error::config(what).named(FindingName::Screen);
    let place = vnc.value.place(id.value).map_err(|wrong| {
        fault(format!("{name}_vnc: {wrong}"))
            .at(vnc.span)
            .help(format!("for example {name}_vnc=5999"))
    });
    let place = faults.take(place, needs::SCREEN)??;
    if !loader.has_screen() {
        let error = fault(format!(
            "{name} has a screen, and {} cannot use one: only UEFI firmware can",
            loader.facts().name
        ));
        // Two settings for the loader would be an error, too; a setting of the profile gives way.
        let is_freebsd = own.freebsd.is_some_and(|freebsd| freebsd.value)
            && !parts.own.presets.contains(&("freebsd", 0));
        let how = if is_freebsd {
            format!("set {name}_loader=uefi in place of {name}_freebsd, or remove {name}_vnc")
        } else {
            format!("set {name}_loader=uefi, or remove {name}_vnc")
        };
        faults.add(error.at(vnc.span).help(how), needs::SCREEN);
        return None;
    }
    let waits = own.vnc_wait.filter(|wait| wait.value);
    if let (Place::Unix(_), Some(wait)) = (&place, waits) {
        let error = fault(format!(
            "{name}_vnc_wait needs an address and a port: the socket belongs to root until the guest runs"
        ));
        faults.add(
            error
                .at(wait.span)
                .help(format!("for example {name}_vnc=YES")),
            needs::SCREEN,
        );
        return None;
    }
    let password_file = match &own.vnc_password_file {
        None => None,
        Some(file) => Some(faults.take(absolute(parts, file), needs::SCREEN)?),
    };
    Some(Screen {
        place,
        size: own.vnc_size.as_ref().map(|size| size.value),
        has_vga: own.vnc_vga.is_none_or(|vga| vga.value),
        waits: waits.is_some(),
        password_file,
    })
}

/// The path of the password, which the root side reads from another directory.
fn absolute(parts: &Parts<'_>, file: &Set<PathBuf>) -> Result<PathBuf, Error> {
    if file.value.is_absolute() {
        return Ok(file.value.clone());
    }
    Err(Error::config(format!(
        "{}_vnc_password_file: {} does not begin with a slash",
        parts.name,
        file.value.display()
    ))
    .at(file.span)
    .named(FindingName::RelativePath)
    .help("write the whole path"))
}

/// The further words for bhyve, if they leave the devices of the VM alone.
pub(super) fn bhyve_args(
    args: Option<Set<BhyveArgs>>,
    vm: &Vm,
    faults: &mut Faults,
) -> Option<BhyveArgs> {
    let args = args?;
    let checked = args
        .value
        .check_against(&vm.devices(true))
        .map_err(|wrong| {
            Error::config(format!("{}_bhyve_args: {wrong}", vm.name))
                .at(args.span)
                .named(FindingName::Setting)
        });
    faults.take(checked, needs::RUN)?;
    Some(args.value)
}
