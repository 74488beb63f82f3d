//! The assignment of variables to the VMs and their keys.
//!
//! A name with a non-empty `id` is a VM. A variable belongs to the VM for which the rest of its name
//! is a known key; of two such VMs, to the one with the longer name.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Config;
use super::settings::{self, RowFilter, Setting, VmSettings};
use super::shell::class::is_name;
use super::store::Assignment;
use crate::model::name::IfName;
use crate::span::Span;

/// Whether a VM can have this name: a letter, then letters, digits and `_`.
pub fn is_vm_name(name: &str) -> bool {
    is_name(name.as_bytes()) && !name.starts_with('_')
}

/// A variable's name, split into a VM and a setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split<'n> {
    pub(super) vm: &'n str,
    /// The setting as spelled.
    pub(super) spelling: &'n str,
    setting: &'static Setting<VmSettings>,
    number: u32,
}

impl<'n> Split<'n> {
    fn set(self, set: Assignment<'n>) -> Key<'n> {
        let Self {
            spelling,
            setting,
            number,
            ..
        } = self;
        Key {
            setting,
            number,
            spelling,
            set,
        }
    }
}

/// All ways to split a name into VM and setting, the longest VM first.
pub(super) fn splits(name: &str) -> impl Iterator<Item = Split<'_>> {
    let bytes = name.as_bytes().iter().enumerate().rev();
    let underscores = bytes.filter(|(_, byte)| **byte == b'_');
    let ends = underscores.take(settings::most_underscores() + 1);
    ends.filter_map(|(at, _)| {
        let (vm, spelling) = (name.get(..at)?, name.get(at + 1..)?);
        let (setting, number) = settings::find(spelling)?;
        Some(Split {
            vm,
            spelling,
            setting,
            number,
        })
    })
}

/// An assigned setting of a VM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key<'c> {
    /// The setting.
    pub setting: &'static Setting<VmSettings>,
    /// The number in its name, which may exceed the limit; 0 for a name without one.
    pub number: u32,
    /// The name as spelled, without the VM's.
    pub spelling: &'c str,
    /// The assignment.
    pub set: Assignment<'c>,
}

/// A [`Key`] of one of many VMs, in little memory.
#[derive(Clone, Copy)]
struct Owned {
    /// The number of the VM.
    vm: u32,
    /// The number of the assignment.
    record: u32,
    setting: &'static Setting<VmSettings>,
    number: u32,
}

/// The keys of every VM, before any [`Keys`] are built.
pub(super) struct AllKeys<'c> {
    config: &'c Config,
    vms: Vec<&'c str>,
    /// In the order of the VMs.
    owned: Vec<Owned>,
}

impl<'c> AllKeys<'c> {
    /// The number of VMs.
    pub(super) fn vms(&self) -> usize {
        self.vms.len()
    }

    /// The keys of at most `count` VMs, from VM number `first` on, in the order of [`Config::vms`].
    pub(super) fn of(&self, first: usize, count: usize) -> impl Iterator<Item = Keys<'c>> {
        let vms = self.vms.iter().copied().zip(0..).skip(first).take(count);
        let before = self.owned.partition_point(|key| (key.vm as usize) < first);
        let owned = self.owned.iter().copied().skip(before);
        self.config.keys_by_vm(vms, owned)
    }
}

/// The keys of one VM.
#[derive(Clone, Debug)]
pub struct Keys<'c> {
    /// The VM.
    pub vm: &'c str,
    /// Each setting with its last assignment, in order of first appearance.
    pub keys: Vec<Key<'c>>,
}

impl<'c> Keys<'c> {
    /// The assignment of a setting, by the name of its row and its number, if it is not empty.
    pub fn get(&self, name: &str, number: u32) -> Option<Assignment<'c>> {
        let mut keys = self.keys.iter().filter(|key| !key.set.value.is_empty());
        let key = keys.find(|key| key.setting.name == name && key.number == number)?;
        Some(key.set)
    }
}

impl Config {
    /// Whether a VM of this name exists.
    pub fn is_vm(&self, name: &str) -> bool {
        self.id_of(name).is_some()
    }

    /// The assignment of a VM's id.
    pub fn id_of(&self, vm: &str) -> Option<Assignment<'_>> {
        if !is_vm_name(vm) {
            return None;
        }
        let id = self.get(&format!("{vm}_id"))?;
        (!id.value.is_empty()).then_some(id)
    }

    /// The ISO image of the installation of a VM as written, and its place.
    pub fn iso_of(&self, vm: &str) -> Option<(&Path, Span)> {
        let iso = self.get(&format!("{vm}_cd0"))?;
        let path = Path::new(OsStr::from_bytes(iso.value));
        (!iso.value.is_empty()).then_some((path, iso.value_span))
    }

    /// Every VM and the assignment of its id, in order of first appearance.
    ///
    /// Differs: A VM is whatever has an id when everything is read
    pub fn vms(&self) -> impl Iterator<Item = (&str, Assignment<'_>)> {
        let ids = self.store.last(|name| name.ends_with(b"_id"));
        ids.filter_map(|id| {
            let vm = id.name.strip_suffix("_id")?;
            (is_vm_name(vm) && !id.value.is_empty()).then_some((vm, id))
        })
    }

    /// The bridges that NICs join: the values of `bridge` and of every `ifN_bridge`.
    pub fn bridges(&self) -> HashSet<&str> {
        let is_bridge = |set: &Assignment<'_>| {
            let split = self.split(set.name);
            set.name == "bridge" || split.is_some_and(|split| split.setting.name == "ifN_bridge")
        };
        let set = self.store.last(|name| name.ends_with(b"bridge"));
        let names = set.filter(is_bridge).filter_map(|set| {
            let name = std::str::from_utf8(set.value).ok()?;
            (!matches!(name, "" | IfName::NONE)).then_some(name)
        });
        names.collect()
    }

    /// Every setting of a bridge's uplink that is not empty, and the bridge, which may be unknown.
    pub(super) fn any_uplinks(&self) -> impl Iterator<Item = (&str, Assignment<'_>)> {
        let set = self.store.last(|name| name.ends_with(b"_netif"));
        set.filter_map(|set| {
            let (_, bridge) = settings::of_host(set.name)?;
            (!bridge.is_empty() && !set.value.is_empty()).then_some((bridge, set))
        })
    }

    /// The bridges with a setting for an uplink of their own, and this setting.
    pub fn uplinks(&self) -> Vec<(&str, Assignment<'_>)> {
        let mut uplinks: Vec<_> = self.any_uplinks().collect();
        if !uplinks.is_empty() {
            let bridges = self.bridges();
            uplinks.retain(|(bridge, _)| bridges.contains(bridge));
        }
        uplinks
    }

    /// The VM that a variable belongs to, and the variable's key there.
    pub fn owner<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        let split = self.split(name)?;
        Some((split.vm, split.spelling))
    }

    fn split<'n>(&self, name: &'n str) -> Option<Split<'n>> {
        splits(name).find(|split| self.is_vm(split.vm))
    }

    /// The known keys of one VM; looks at each variable's name once.
    pub fn keys_of<'c>(&'c self, vm: &str) -> Keys<'c> {
        let length = vm.len();
        let own = self.store.last(|name| {
            name.get(length) == Some(&b'_') && name.get(..length) == Some(vm.as_bytes())
        });
        let keys = own.filter_map(|assignment| {
            let split = self.split(assignment.name).filter(|split| split.vm == vm)?;
            Some(split.set(assignment))
        });
        let keys: Vec<_> = keys.collect();
        let vm = keys.first().and_then(|own| own.set.name.get(..length));
        Keys {
            vm: vm.unwrap_or_default(),
            keys,
        }
    }

    /// The keys of every VM that are of these rows, in the order of [`Self::vms`]; takes linear time, and
    /// builds the keys of one VM at a time.
    pub fn keys_of_all(&self, rows: RowFilter) -> impl Iterator<Item = Keys<'_>> {
        let AllKeys { vms, owned, .. } = self.all_keys(rows);
        self.keys_by_vm(vms.into_iter().zip(0..), owned.into_iter())
    }

    /// The keys of every VM that are of these rows; takes linear time.
    ///
    /// Differs: `list` and `setup` agree on what a VM is, and a VM in both files is listed once
    pub(super) fn all_keys(&self, rows: RowFilter) -> AllKeys<'_> {
        let vms: Vec<&str> = self.vms().map(|(vm, _)| vm).collect();
        let index = LazyCell::new(|| -> HashMap<&str, u32> {
            let numbered = vms.iter().zip(0..);
            numbered.map(|(vm, at)| (*vm, at)).collect()
        });
        let mut owned = Vec::with_capacity(self.store.variables());
        // Most keys of a VM follow each other, and so do the VMs.
        let mut last = 0;
        for (record, name) in self.store.last_names() {
            let key = splits(name).find_map(|split| {
                let is_at = |at: &u32| vms.get(*at as usize) == Some(&split.vm);
                let near = [last, last + 1].into_iter().find(is_at);
                let vm = near.or_else(|| index.get(split.vm).copied())?;
                last = vm;
                Some((vm, split))
            });
            let key = key.filter(|(_, split)| rows(split.setting));
            owned.extend(key.map(|(vm, split)| Owned {
                vm,
                record,
                setting: split.setting,
                number: split.number,
            }));
        }
        // Keeps the order of the keys of a VM.
        owned.sort_by_key(|key| key.vm);
        AllKeys {
            config: self,
            vms,
            owned,
        }
    }

    /// The keys of these VMs, which follow each other; `owned` begins with the keys of the first one.
    fn keys_by_vm<'c>(
        &'c self,
        vms: impl Iterator<Item = (&'c str, u32)>,
        owned: impl Iterator<Item = Owned>,
    ) -> impl Iterator<Item = Keys<'c>> {
        let mut owned = owned.peekable();
        vms.map(move |(vm, at)| {
            let own = std::iter::from_fn(|| owned.next_if(|key| key.vm == at));
            Keys {
                vm,
                keys: own.filter_map(|key| self.key(vm, &key)).collect(),
            }
        })
    }

    fn key<'c>(&'c self, vm: &str, owned: &Owned) -> Option<Key<'c>> {
        let set = self.store.record(owned.record)?;
        Some(Key {
            setting: owned.setting,
            number: owned.number,
            spelling: set.name.get(vm.len() + 1..)?,
            set,
        })
    }

    /// Numbers that are neither an id nor the number of a tap of a VM, in ascending order from 1 up to
    /// the highest number of a tap; 0 is the last, because other programs use `tap0` first.
    pub fn free_ids(&self) -> impl Iterator<Item = u16> {
        let ids = self.vms().map(|(_, id)| number(id.value));
        let is_nic = |name: &str| {
            let nic = name.rsplit_once("_if").map(|(_, number)| number);
            nic.is_some_and(|nic| nic.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let nics = self.assignments().filter(|set| is_nic(set.name));
        let taps = nics.filter_map(|set| set.value.strip_prefix(b"tap"));
        let taken = ids.chain(taps.map(number));
        let taken = taken.filter_map(|id| std::str::from_utf8(id).ok()?.parse().ok());
        let taken: HashSet<u16> = taken.collect();
        (1..=32767).chain([0]).filter(move |id| !taken.contains(id))
    }

    /// The first free id; computed once.
    pub fn free_id(&self) -> Option<u16> {
        *self.free_id.get_or_init(|| self.free_ids().next())
    }

    /// The other VMs whose id is the same number as that of `vm`.
    pub fn same_id(&self, vm: &str) -> Vec<(&str, Assignment<'_>)> {
        let Some(own) = self.id_of(vm) else {
            return Vec::new();
        };
        let own = number(own.value);
        self.vms()
            .filter(|(other, id)| *other != vm && number(id.value) == own)
            .collect()
    }
}

/// An id without leading zeros, so that `01` and `1` are the same number.
pub(super) fn number(id: &[u8]) -> &[u8] {
    let zeros = id.iter().take_while(|byte| **byte == b'0').count();
    id.get(zeros.min(id.len().saturating_sub(1))..)
        .unwrap_or_default()
}
