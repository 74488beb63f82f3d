//! The disks of vm-bhyve.

use crate::import::keys::Keys;
use crate::import::{Disk, Guest};
use std::path::Path;

/// What a VM of vm-bhyve has of its own.
pub(super) struct Own<'store> {
    pub(super) name: &'store str,
    pub(super) directory: &'store Path,
    pub(super) dataset: Option<&'store str>,
}

impl Own<'_> {
    /// The path of a disk, or why it has none here.
    fn path(&self, device: &str, name: &str) -> Result<String, &'static str> {
        match (device, self.dataset) {
            ("zvol" | "sparse-zvol", Some(dataset)) => {
                Ok(format!("/dev/zvol/{dataset}/{}/{name}", self.name))
            }
            ("zvol" | "sparse-zvol", None) => {
                Err("the dataset of the datastore is unknown: name the datastore as zfs:DATASET")
            }
            ("custom", _) => Ok(name.to_owned()),
            ("iscsi", _) => Err("easy-bhyve has no iSCSI disks"),
            ("" | "file", _) => Ok(self.directory.join(name).display().to_string()),
            _ => Err("easy-bhyve does not know such a device"),
        }
    }
}

/// Translates the disks; how many there are.
pub(super) fn disks(keys: &mut Keys, own: &Own<'_>, guest: &mut Guest) -> usize {
    let (mut hd, mut cd) = (0, 0);
    for number in 0_usize.. {
        let key = |end: &str| format!("disk{number}_{end}");
        // As there, the first number without a name or a kind is the end.
        if !keys.has(&key("name")) || !keys.has(&key("type")) {
            return number;
        }
        let [name, kind, device, options, _] = ["name", "type", "dev", "opts", "size"]
            .map(|end| keys.take(&key(end)).unwrap_or_default());
        let theirs = format!("disk{number}_name={name}");
        let path = own.path(&device, &name);
        if kind == "ahci-cd" {
            match path {
                Ok(path) => guest.set_cd(cd, &path, theirs),
                Err(why) => guest.lose(theirs, why),
            }
            cd += 1;
            continue;
        }
        let disk = Disk {
            path: path.as_deref().map_err(|why| *why),
            kind: &kind,
            options: &options.replace(',', " "),
        };
        guest.set_disk(hd, &disk, theirs);
        hd += 1;
    }
    0
}
