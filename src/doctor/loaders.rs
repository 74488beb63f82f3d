//! The loaders that the VMs of the configuration need.

use super::Row;
use super::answers::Answers;
use crate::host::programs::how_to_install;
use crate::model::loader::LoaderKind;
use crate::tools::firmware::PACKAGE;
use crate::vis;

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let first = |kind: LoaderKind| answers.vms.iter().find(|vm| vm.loader.kind() == kind);
    if !answers.is_freebsd {
        let why = "this host is not FreeBSD";
        return ["grub-bhyve", "firmware"]
            .map(|subject| Row::not_asked(subject, why))
            .to_vec();
    }
    let grub = match (answers.has_grub, first(LoaderKind::Grub)) {
        (true, _) => Row::pass("grub-bhyve", "it is installed"),
        (false, None) => Row::pass("grub-bhyve", "it is not installed, and no VM needs it"),
        (false, Some(vm)) => Row::fail(
            "grub-bhyve",
            format!("it is not installed, and {} needs it", vm.name),
            how_to_install("grub-bhyve"),
        ),
    };
    let firmware = match (&answers.firmware, first(LoaderKind::Uefi)) {
        (Some(code), _) => Row::pass("firmware", vis::shown(code).to_string()),
        (None, None) => Row::pass("firmware", "it is not installed, and no VM needs it"),
        (None, Some(vm)) => Row::fail(
            "firmware",
            format!("it is not installed, and {} needs it", vm.name),
            format!("install it: pkg install {PACKAGE}"),
        ),
    };
    vec![grub, firmware]
}
