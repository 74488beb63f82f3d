//! The rows of the screen of a VM, and of the words for bhyve that have no other setting.

use super::Default::{Described, None, Value};
use super::Form::{Named, OneOf};
use super::Otherwise::Derived;
use super::devices::{ROW, Row, SWITCH};
use super::needs::SCREEN;
use super::{YES_OR_NO, into, one, yes_no};
use crate::finding::FindingName;
use crate::model::Vm;
use crate::model::arguments::BhyveArgs;
use crate::model::loader::LoaderKind;
use crate::model::policy::yes_or_no;
use crate::model::screen::{Screen, ScreenSize, Vnc, vga};

/// A setting of the screen.
const OF_SCREEN: Row = Row {
    needed_by: SCREEN,
    finding: FindingName::Screen,
    ..ROW
};

pub(super) const VNC: Row = Row {
    name: "vnc",
    form: Named("place"),
    default: Value("NO"),
    shapes_vm: true,
    loader: Some(LoaderKind::Uefi),
    meaning: "whether the VM has a screen, and the place of its VNC server",
    read: into!(vnc: Vnc::parse),
    written: |vm| {
        let place = vm.screen.as_ref().map(|screen| screen.place.to_string());
        one(place.as_deref().unwrap_or("NO"))
    },
    ..OF_SCREEN
};

pub(super) const VNC_PASSWORD_FILE: Row = Row {
    name: "vnc_password_file",
    form: Named("path"),
    default: None,
    meaning: "a file with the password of the VNC server",
    read: into!(vnc_password_file: path),
    written: |vm| {
        let file = screen(vm).and_then(|screen| screen.password_file.as_ref());
        file.map(one).unwrap_or_default()
    },
    ..OF_SCREEN
};

pub(super) const VNC_SIZE: Row = Row {
    name: "vnc_size",
    form: Named("pixels"),
    default: Described("`1024x768`, that of bhyve"),
    meaning: "the size of the screen when the VM starts",
    read: into!(vnc_size: ScreenSize::parse),
    written: |vm| {
        let size = screen(vm).and_then(|screen| screen.size);
        size.map(|size| one(size.to_string())).unwrap_or_default()
    },
    ..OF_SCREEN
};

pub(super) const VNC_VGA: Row = Row {
    name: "vnc_vga",
    form: OneOf(&["io", "off"]),
    default: Described("`io`, that of bhyve"),
    meaning: "whether the screen has the registers of a VGA",
    read: into!(vnc_vga: vga),
    written: |vm| {
        let is_off = screen(vm).is_some_and(|screen| !screen.has_vga);
        if is_off { one("off") } else { Vec::new() }
    },
    ..OF_SCREEN
};

pub(super) const VNC_WAIT: Row = Row {
    name: "vnc_wait",
    form: OneOf(YES_OR_NO),
    default: Described("`NO`"),
    finding: FindingName::YesOrNo,
    meaning: "whether the guest starts only when a viewer is connected",
    read: into!(vnc_wait: yes_or_no),
    written: |vm| {
        let waits = screen(vm).is_some_and(|screen| screen.waits);
        if waits { one("YES") } else { Vec::new() }
    },
    ..OF_SCREEN
};

pub(super) const TABLET: Row = Row {
    default: Described("`YES` with a screen, else `NO`"),
    usual: |vm| Some(yes_no(vm.screen.is_some())),
    name: "tablet",
    meaning: "whether the VM has a tablet, a pointer with absolute positions",
    read: into!(tablet: yes_or_no),
    written: |vm| one(yes_no(vm.has_tablet)),
    otherwise: &[Derived("vnc")],
    ..SWITCH
};

pub(super) const BHYVE_ARGS: Row = Row {
    name: "bhyve_args",
    form: Named("words"),
    default: None,
    meaning: "further options of bhyve, quoted as for sh",
    read: into!(bhyve_args: BhyveArgs::parse),
    written: |vm| vm.bhyve_args.as_ref().map(one).unwrap_or_default(),
    ..ROW
};

fn screen(vm: &Vm) -> Option<&Screen> {
    vm.screen.as_ref()
}
