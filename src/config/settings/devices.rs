//! The rows of what the devices of a VM are for its guest.

use super::Default::{None, Value};
use super::Form::{Named, OneOf};
use super::needs::PROTECTION;
use super::{Setting, VmSettings, YES_OR_NO, into, one, yes_no};
use crate::finding::FindingName;
use crate::model::device::Slots;
use crate::model::kind::{DiskKind, DiskOptions, Mac, NicKind};
use crate::model::policy::yes_or_no;

pub(super) type Row = Setting<VmSettings>;

/// A setting that `resources` shows if it differs from the default.
pub(super) const ROW: Row = Row {
    always_shown: false,
    ..Setting::ROW
};

/// A switch that is off by default.
pub(super) const SWITCH: Row = Row {
    form: OneOf(YES_OR_NO),
    default: Value("NO"),
    finding: FindingName::YesOrNo,
    ..ROW
};

/// A setting of a disk.
const OF_DISK: Row = Row {
    slots: Some(Slots::DISKS),
    part_of: Some("hdN"),
    ..ROW
};

/// A setting of a NIC.
const OF_NIC: Row = Row {
    slots: Some(Slots::NICS),
    part_of: Some("ifN"),
    ..ROW
};

pub(super) const RNG: Row = Row {
    name: "rng",
    meaning: "whether the VM has a virtio-rnd device, a source of random numbers",
    read: into!(rng: yes_or_no),
    written: |vm| one(yes_no(vm.has_rng)),
    ..SWITCH
};

pub(super) const UTC: Row = Row {
    name: "utc",
    default: Value("YES"),
    meaning: "whether the clock of the VM has UTC (`bhyve -u`) or local time",
    read: into!(utc: yes_or_no),
    written: |vm| one(yes_no(vm.keeps_utc)),
    ..SWITCH
};

pub(super) const WIRED: Row = Row {
    name: "wired",
    meaning: "whether the memory of the VM is wired, so that the host never swaps it (`bhyve -S`)",
    read: into!(wired: yes_or_no),
    written: |vm| one(yes_no(vm.is_wired)),
    ..SWITCH
};

pub(super) const PROTECT: Row = Row {
    name: "protect",
    needed_by: PROTECTION,
    meaning: "whether `destroy`, `rollback` and `resize` refuse the VM",
    read: into!(protect: yes_or_no),
    written: |vm| one(yes_no(vm.protection.is_some())),
    ..SWITCH
};

pub(super) const HD_TYPE: Row = Row {
    name: "hdN_type",
    form: OneOf(DiskKind::WORDS),
    default: Value("virtio-blk"),
    meaning: "the device that `hdN` is for the guest",
    read: into!(hd_kinds[N]: DiskKind::parse),
    written: |vm| {
        let disks = vm.disks.iter();
        let kind = disks.map(|disk| (disk.number, disk.kind.as_str().into()));
        kind.collect()
    },
    ..OF_DISK
};

pub(super) const HD_OPTS: Row = Row {
    name: "hdN_opts",
    form: Named("options"),
    default: None,
    meaning: "options of `hdN` for bhyve",
    read: into!(hd_options[N]: DiskOptions::parse),
    written: |vm| {
        let disks = vm.disks.iter();
        let set = disks.filter(|disk| !disk.options.as_str().is_empty());
        set.map(|disk| (disk.number, disk.options.as_str().into()))
            .collect()
    },
    ..OF_DISK
};

pub(super) const IF_TYPE: Row = Row {
    name: "ifN_type",
    form: OneOf(NicKind::WORDS),
    default: Value("virtio-net"),
    meaning: "the device that `ifN` is for the guest",
    read: into!(if_kinds[N]: NicKind::parse),
    written: |vm| {
        let nics = vm.nics.iter();
        let kind = nics.map(|nic| (nic.number, nic.kind.as_str().into()));
        kind.collect()
    },
    ..OF_NIC
};

pub(super) const IF_MAC: Row = Row {
    name: "ifN_mac",
    form: Named("address"),
    default: None,
    meaning: "the MAC address of `ifN`",
    read: into!(macs[N]: Mac::parse),
    written: |vm| {
        let nics = vm.nics.iter();
        let mac = nics.filter_map(|nic| Some((nic.number, nic.mac?.to_string().into())));
        mac.collect()
    },
    is_own: true,
    ..OF_NIC
};
