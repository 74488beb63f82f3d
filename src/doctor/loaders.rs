//! The loaders that the VMs of the configuration need.

use super::Row;
use super::answers::{Answers, NO_CONFIG};
use super::private::Name;
use crate::host::programs::how_to_install;
use crate::model::Vm;
use crate::model::loader::LoaderKind;
use crate::model::release::{Feature, Machine, Release};
use crate::tools::firmware::{PACKAGE, U_BOOT_PACKAGE};
use crate::vis;

/// The name of the firmware's package until 2022. From this release on bhyve(8) leaves it to the firmware to
/// enable the devices, and old firmware does not (release notes of 15.0).
const OLD_FIRMWARE: &str = "uefi-edk2-bhyve-";
const NEEDS_NEW_FIRMWARE: Release = Release(1_500_000);

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    if !answers.is_freebsd {
        let why = "this host is not FreeBSD";
        return ["grub-bhyve", "firmware"]
            .map(|subject| Row::not_asked(subject, why))
            .to_vec();
    }
    vec![grub(answers), firmware(answers)]
}

fn first<'run>(answers: &'run Answers<'_>, kind: LoaderKind) -> Option<&'run Vm> {
    answers.vms.iter().find(|vm| vm.loader.kind() == kind)
}

/// The row of what no VM that is known needs.
fn not_installed(answers: &Answers<'_>, subject: &'static str) -> Row {
    if answers.known.config.is_err() {
        let why = format!("it is not installed; whether a VM needs it is unknown: {NO_CONFIG}");
        return Row::not_asked(subject, why);
    }
    Row::pass(subject, "it is not installed, and no VM needs it")
}

fn grub(answers: &Answers<'_>) -> Row {
    const SUBJECT: &str = "grub-bhyve";
    let machine = answers.machine();
    match (answers.has_grub, first(answers, LoaderKind::Grub)) {
        (_, Some(vm)) if Feature::Grub.since(machine).is_none() => Row::fail(
            SUBJECT,
            format!(
                "it does not exist on {}, and {} needs it",
                machine.as_str(),
                vm.name
            ),
            Feature::Grub.instead().replace("VM", vm.name.as_str()),
        )
        .naming(Name::vm(&vm.name)),
        (true, _) => Row::pass(SUBJECT, "it is installed"),
        (false, None) => not_installed(answers, SUBJECT),
        (false, Some(vm)) => Row::fail(
            SUBJECT,
            format!("it is not installed, and {} needs it", vm.name),
            how_to_install("grub-bhyve"),
        )
        .naming(Name::vm(&vm.name)),
    }
}

fn firmware(answers: &Answers<'_>) -> Row {
    const SUBJECT: &str = "firmware";
    let package = match answers.machine() {
        Machine::Arm64 => U_BOOT_PACKAGE,
        Machine::Amd64 | Machine::Other => PACKAGE,
    };
    let (code, vm) = (&answers.firmware, first(answers, LoaderKind::Uefi));
    let Some(code) = code else {
        return match vm {
            None => not_installed(answers, SUBJECT),
            Some(vm) => Row::fail(
                SUBJECT,
                format!("it is not installed, and {} needs it", vm.name),
                format!("install it: pkg install {package}"),
            )
            .naming(Name::vm(&vm.name)),
        };
    };
    let code = vis::shown(code);
    let Some(version) = &answers.firmware_package else {
        return Row::pass(SUBJECT, format!("{code}; no package has installed it"));
    };
    let kernel = answers.kernel.as_ref().ok();
    let release = kernel.and_then(|kernel| kernel.osreldate).map(Release);
    let found = format!("{code}, of {}", vis::shown(version));
    if version.starts_with(OLD_FIRMWARE) && release >= Some(NEEDS_NEW_FIRMWARE) {
        return Row::warn(
            SUBJECT,
            format!("{found}, which is from before 2022: on FreeBSD 15 a guest may hang in it"),
            format!("install the present one: pkg install {package}"),
        );
    }
    Row::pass(SUBJECT, found)
}
