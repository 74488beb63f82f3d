//! The rows of the choice of a loader, of grub, and of UEFI firmware.

use super::Default::{Described, None, Value};
use super::Form::{Named, OneOf};
use super::Otherwise::Derived;
use super::needs::{INSTALL, SHOWN};
use super::{Setting, VmSettings, Written, YES_OR_NO, into, one, yes_no};
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::grub::GrubCommands;
use crate::model::loader::{BootPart, Grub, GrubDir, Loader, LoaderKind};
use crate::model::name::{NameError, error};
use crate::model::policy::yes_or_no;
use uuid::Uuid;

type Row = Setting<VmSettings>;

/// A setting that chooses the loader.
const CHOOSING: Row = Row {
    needed_by: SHOWN,
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
    otherwise: &[Derived("freebsd")],
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
    otherwise: &[Derived("loader")],
    ..CHOOSING
};

pub(super) const STRICT_MSRS: Row = Row {
    name: "strict_msrs",
    form: OneOf(YES_OR_NO),
    default: Value("YES"),
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
    is_own: true,
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

pub(super) const GRUB_BOOTPART: Row = Row {
    name: "grub_bootpart",
    older: &["grub_root", "gpt"],
    form: Named("partition"),
    default: Value("msdos1"),
    loader: Some(LoaderKind::Grub),
    meaning: "the partition that grub boots from",
    read: into!(grub_bootpart: BootPart::parse),
    written: |vm| grub(vm, |grub| Some(grub.bootpart.as_str())),
    ..Setting::ROW
};

pub(super) const GRUB_DIR: Row = Row {
    name: "grub_dir",
    form: Named("directory"),
    default: Value(GrubDir::USUAL),
    always_shown: false,
    loader: Some(LoaderKind::Grub),
    meaning: "the directory of grub's menu, `grub.cfg`",
    read: into!(grub_dir: GrubDir::parse),
    written: |vm| grub(vm, |grub| Some(grub.directory.as_str())),
    ..Setting::ROW
};

pub(super) const GRUB_INSTALL: Row = Row {
    name: "grub_install",
    older: &["grub_inst"],
    form: Named("commands"),
    default: None,
    needed_by: INSTALL,
    loader: Some(LoaderKind::Grub),
    finding: FindingName::GrubCommands,
    meaning: "grub commands for the installation",
    read: into!(grub_install: GrubCommands::parse),
    written: |vm| grub(vm, |grub| grub.install.as_ref().map(GrubCommands::as_str)),
    ..Setting::ROW
};

pub(super) const GRUB_BOOTCMD: Row = Row {
    name: "grub_bootcmd",
    older: &["grub_boot"],
    form: Named("commands"),
    default: None,
    loader: Some(LoaderKind::Grub),
    finding: FindingName::GrubCommands,
    meaning: "grub commands for a boot",
    read: into!(grub_bootcmd: GrubCommands::parse),
    written: |vm| grub(vm, |grub| grub.boot.as_ref().map(GrubCommands::as_str)),
    ..Setting::ROW
};

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
    is_own: true,
    otherwise: &[Derived("volroot")],
    ..Setting::ROW
};

fn grub<'vm>(vm: &'vm Vm, of: impl FnOnce(&'vm Grub) -> Option<&'vm str>) -> Written {
    let Loader::Grub(grub) = &vm.loader else {
        return Vec::new();
    };
    of(grub).map(one).unwrap_or_default()
}
