//! Which variable is a key of which VM.
//!
//! A VM is whatever has an `id` that is not empty; a variable belongs to the VM for which the rest
//! of its name is a known key, and to the longer name if there are two.

use hashbrown::HashTable;
use std::collections::HashSet;

use super::Config;
use super::class::is_name;
use super::store::{Assignment, hash};

/// The known keys without a number, as they are spelled.
pub(super) const PLAIN: [&str; 18] = [
    "id",
    "cpu",
    "mem",
    "freebsd",
    "zvol",
    "grub_inst",
    "grub_install",
    "grub_boot",
    "grub_bootcmd",
    "grub_bootpart",
    "grub_root",
    "gpt",
    "on_reboot",
    "on_crash",
    "loader_timeout",
    "stop_timeout",
    "autostart",
    "autostart_delay",
];

/// The known keys that end in a number, and what may follow it.
const NUMBERED: [(&str, &str); 4] = [("cd", ""), ("hd", ""), ("if", ""), ("if", "_bridge")];

/// The spellings of one key, the one that counts first.
pub(super) const SPELLINGS: [&[&str]; 3] = [
    &["grub_install", "grub_inst"],
    &["grub_bootcmd", "grub_boot"],
    &["grub_bootpart", "grub_root", "gpt"],
];

/// The one spelling by which a key goes that has several.
pub fn canonical(key: &str) -> &str {
    let spellings = SPELLINGS.iter().find(|spellings| spellings.contains(&key));
    spellings
        .and_then(|spellings| spellings.first())
        .copied()
        .unwrap_or(key)
}

/// Whether a VM can have this name: a letter, then letters, digits and `_`.
pub fn is_vm_name(name: &str) -> bool {
    is_name(name.as_bytes()) && !name.starts_with('_')
}

/// Whether the rest of a variable's name is a key.
pub(super) fn is_known(key: &str) -> bool {
    let bytes = key.as_bytes();
    // Most names are ruled out by their first letter.
    if !matches!(
        bytes.first(),
        Some(b'a' | b'c' | b'f'..=b'i' | b'l' | b'm' | b'o' | b's' | b'z')
    ) {
        return false;
    }
    PLAIN.contains(&key)
        || NUMBERED.iter().any(|(stem, end)| {
            let number = key
                .strip_prefix(stem)
                .and_then(|rest| rest.strip_suffix(end));
            number.is_some_and(is_number)
        })
}

/// Digits without a superfluous 0, so that one number has one spelling.
fn is_number(text: &str) -> bool {
    let zero = text.len() > 1 && text.starts_with('0');
    !text.is_empty() && !zero && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ways to split a name into VM and key, the longest VM first; no known key has two `_`.
pub(super) fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let underscores = name.rmatch_indices('_').take(2);
    let parts = underscores.filter_map(|(at, _)| Some((name.get(..at)?, name.get(at + 1..)?)));
    parts.filter(|(_, key)| is_known(key))
}

/// The keys of one VM.
#[derive(Clone, Debug)]
pub struct Keys<'c> {
    /// The VM.
    pub vm: &'c str,
    /// Key and last assignment, in order of first appearance; the key as it is spelled.
    pub keys: Vec<(&'c str, Assignment<'c>)>,
}

impl Config {
    /// Whether there is a VM of this name.
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

    /// The VM that a variable belongs to, and the key that it is there.
    pub fn owner<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        splits(name).find(|(vm, _)| self.is_vm(vm))
    }

    /// The known keys that are set for one VM; takes one look at each variable's name.
    pub fn keys_of<'c>(&'c self, vm: &str) -> Keys<'c> {
        let length = vm.len();
        let own = self.store.last(|name| {
            name.get(length) == Some(&b'_') && name.get(..length) == Some(vm.as_bytes())
        });
        let keys = own.filter_map(|assignment| {
            let (_, key) = self
                .owner(assignment.name)
                .filter(|(owner, _)| *owner == vm)?;
            Some((key, assignment))
        });
        let keys: Vec<_> = keys.collect();
        let vm = keys.first().and_then(|(_, own)| own.name.get(..length));
        Keys {
            vm: vm.unwrap_or_default(),
            keys,
        }
    }

    /// The keys of every VM, in the order of [`Self::vms`]; takes linear time.
    pub fn keys_of_all(&self) -> Vec<Keys<'_>> {
        let mut all: Vec<Keys<'_>> = self
            .vms()
            .map(|(vm, _)| Keys {
                vm,
                keys: Vec::new(),
            })
            .collect();
        let mut index = HashTable::with_capacity(all.len());
        for (at, keys) in all.iter().enumerate() {
            index.insert_unique(hash_of(keys.vm), (keys.vm, at), |(vm, _)| hash_of(vm));
        }
        let vm_at = |vm: &str| {
            let found = index.find(hash_of(vm), |(own, _)| *own == vm);
            found.map(|(_, at)| *at)
        };
        for assignment in self.store.last(|_| true) {
            let mut owners = splits(assignment.name);
            let own = owners.find_map(|(vm, key)| Some((vm_at(vm)?, key)));
            if let Some((keys, key)) = own.and_then(|(at, key)| Some((all.get_mut(at)?, key))) {
                keys.keys.push((key, assignment));
            }
        }
        all
    }

    /// Numbers that are no VM's id, the smallest first: up to the last one of a tap.
    pub fn free_ids(&self) -> impl Iterator<Item = u16> {
        let ids = self.vms().map(|(_, id)| number(id.value));
        let ids = ids.filter_map(|id| std::str::from_utf8(id).ok()?.parse().ok());
        let taken: HashSet<u16> = ids.collect();
        (0..=32767).filter(move |id| !taken.contains(id))
    }

    /// The first of them; looked for once.
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

/// An id without the zeros before it, so that `01` and `1` are one number.
pub(super) fn number(id: &[u8]) -> &[u8] {
    let zeros = id.iter().take_while(|byte| **byte == b'0').count();
    id.get(zeros.min(id.len().saturating_sub(1))..)
        .unwrap_or_default()
}

fn hash_of(name: &str) -> u64 {
    hash(name.as_bytes())
}
