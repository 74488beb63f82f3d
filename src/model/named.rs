//! The files that a VM names.

use super::Vm;
use super::arguments::BhyveArgs;
use super::name::VmName;
use crate::span::Span;
use std::borrow::Cow;
use std::path::Path;

/// What a file is for a VM that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The disk of this number.
    Disk(u8),
    /// The ISO image of this number.
    Cd(u8),
    /// The store of its firmware's variables.
    Store,
    /// A file in `bhyve_args`.
    Argument,
}

impl Role {
    /// Whether no other VM may use the file at the same time.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Disk(_) | Self::Store)
    }

    /// Whether the VM has the file whenever it runs: an ISO image is for an installation.
    pub fn is_attached(self) -> bool {
        !matches!(self, Self::Cd(_))
    }

    /// What the file is, as words after "it is".
    pub fn of(self, vm: &VmName) -> String {
        match self {
            Self::Disk(_) => format!("a disk of {vm}"),
            Self::Cd(number) => format!("cd{number} of {vm}"),
            Self::Store => format!("the store of UEFI variables of {vm}"),
            Self::Argument => format!("named in {vm}_bhyve_args"),
        }
    }
}

/// A file that a VM names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile<'vm> {
    /// What it is for the VM.
    pub role: Role,
    /// The path.
    pub path: Cow<'vm, Path>,
    /// The place of the setting, if it is known.
    pub origin: Option<Span>,
}

impl Vm {
    /// The files that the VM names: its disks, the store of its firmware's variables, its ISO images, and
    /// what its `bhyve_args` name.
    pub fn named_files(&self) -> Vec<NamedFile<'_>> {
        let file = |role, path, origin| NamedFile { role, path, origin };
        let of = |path| Cow::Borrowed(path);
        let disks = self.disks.iter();
        let disks = disks.map(|disk| file(Role::Disk(disk.number), of(&*disk.path), disk.origin));
        let store = self.uefi();
        let store = store.map(|uefi| file(Role::Store, of(&*uefi.vars), uefi.origin));
        let cds = self.cds.iter();
        let cds = cds.map(|cd| file(Role::Cd(cd.number), of(&*cd.path), cd.origin));
        let words = self.bhyve_args.iter().flat_map(BhyveArgs::paths);
        let words = words.map(|path| file(Role::Argument, Cow::Owned(path), None));
        disks.chain(store).chain(cds).chain(words).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Role;
    use crate::model::arguments::BhyveArgs;
    use crate::model::tests::vm;
    use std::path::Path;

    #[test]
    fn every_file_that_a_vm_names_has_its_role() {
        let mut vm = vm();
        let words = "-s 16:0,ahci,hd:/vm/x,cd:/iso/y -s '17:0,virtio-9p,home=/my home' \
                     -o pci.0.18.0.path=/vm/z,1 -l tpm,passthru,/dev/tpm0 -x";
        vm.bhyve_args = Some(BhyveArgs::parse(words).unwrap());
        let found = vm.named_files();
        let found: Vec<(Role, &Path)> = found.iter().map(|one| (one.role, &*one.path)).collect();
        let all = [
            (Role::Disk(0), "/dev/zvol/zroot/vm/fbsd0"),
            (Role::Disk(2), "/vm/data"),
            (Role::Cd(0), "/iso/a.iso"),
            (Role::Cd(1), "/iso/b.iso"),
            (Role::Argument, "/vm/x"),
            (Role::Argument, "/iso/y"),
            (Role::Argument, "/my home"),
            (Role::Argument, "/vm/z,1"),
            (Role::Argument, "/dev/tpm0"),
        ];
        assert_eq!(found, all.map(|(role, path)| (role, Path::new(path))));
    }
}
