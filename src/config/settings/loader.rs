//! The rows of the choice of a loader, and of UEFI firmware.

use super::Default::{Described, None, Value};
use super::Form::{Named, OneOf};
use super::{Setting, VmSettings, YES_OR_NO, into, one, yes_no};
use crate::finding::FindingName;
use crate::model::loader::{Loader, LoaderKind};
use crate::model::name::{NameError, error};
use crate::model::policy::yes_or_no;
use uuid::Uuid;

type Row = Setting<VmSettings>;

/// A setting that chooses the loader.
const CHOOSING: Row = Row {
    always_shown: false,
    shapes_vm: true,
    ..Setting::ROW
};

pub(super) const LOADER: Row = Row {
    name: "loader",
    form: OneOf(LoaderKind::WORDS),
    default: Value("grub"),
    meaning: "what starts the guest: bhyveload(8), grub-bhyve, or UEFI firmware in the VM",
    read: into!(loader: LoaderKind::parse),
    written: |vm| one(vm.loader.facts().word),
    ..CHOOSING
};

pub(super) const FREEBSD: Row = Row {
    name: "freebsd",
    form: OneOf(YES_OR_NO),
    default: Value("NO"),
    finding: FindingName::YesOrNo,
    meaning: "`YES` is short for `loader=bhyveload`",
    read: into!(freebsd: yes_or_no),
    written: |vm| one(yes_no(vm.loader == Loader::Bhyveload)),
    ..CHOOSING
};

pub(super) const STRICT_MSRS: Row = Row {
    name: "strict_msrs",
    form: OneOf(YES_OR_NO),
    default: Described("`NO` with `loader=uefi`, else `YES`"),
    usual: |vm| Some(yes_no(vm.loader.facts().strict_msrs)),
    always_shown: false,
    finding: FindingName::YesOrNo,
    meaning: "whether the guest gets an error when it uses an MSR that bhyve does not know; `NO` is \
              `bhyve -w`",
    read: into!(strict_msrs: yes_or_no),
    written: |vm| one(yes_no(vm.has_strict_msrs)),
    ..Setting::ROW
};

pub(super) const UUID: Row = Row {
    name: "uuid",
    form: Named("uuid"),
    default: None,
    always_shown: false,
    meaning: "the UUID of the VM (`bhyve -U`)",
    read: into!(uuid: uuid),
    written: |vm| {
        let uuid = vm.uuid.map(|uuid| one(uuid.to_string()));
        uuid.unwrap_or_default()
    },
    ..Setting::ROW
};

/// Parses the text form of a UUID: 32 hexadecimal digits in five groups.
fn uuid(text: &str) -> Result<Uuid, NameError> {
    let parsed = Uuid::try_parse(text).ok();
    let parsed = parsed.filter(|uuid| uuid.to_string().eq_ignore_ascii_case(text));
    parsed.ok_or_else(|| {
        let example = "8a9b0c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d";
        error(format!("\"{text}\" is not a UUID; write it as {example}"))
    })
}

pub(super) const UEFI_VARS: Row = Row {
    name: "uefi_vars",
    form: Named("path"),
    default: Described(
        "`${volroot}/VM.uefi-vars` for an image file, else `/var/db/easy-bhyve/VM/uefi-vars`",
    ),
    loader: Some(LoaderKind::Uefi),
    meaning: "the file in which the UEFI firmware of the VM keeps its variables",
    read: into!(uefi_vars: path),
    written: |vm| match &vm.loader {
        Loader::Uefi(uefi) => one(&uefi.vars),
        Loader::Bhyveload | Loader::Grub(_) | Loader::UBoot => Vec::new(),
    },
    ..Setting::ROW
};
