//! The device node of a volume: its path, and what zfs(8) says about a volume without one.

use super::get;
use crate::command::Command;
use crate::model::name::Dataset;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The device node of a volume.
pub fn of(devices: &Path, volume: &Dataset) -> PathBuf {
    devices.join("zvol").join(volume.as_str())
}

/// Queries what decides whether a dataset has a device node:
/// `zfs get -Hp -o property,value type,volmode,keystatus,encryptionroot DATASET`.
pub fn ask(dataset: &Dataset) -> Command {
    get("type,volmode,keystatus,encryptionroot", dataset)
}

/// Why an existing dataset has no device node (`module/os/freebsd/zfs/zvol_os.c`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The key of this encryption root is not loaded.
    KeyNotLoaded(String),
    /// Its `volmode` is `none`.
    NoVolmode,
    /// It is a filesystem.
    Filesystem,
    /// Another cause, such as the sysctl `vfs.zfs.vol.mode`.
    Unknown,
}

/// Parses the output of [`ask`].
pub fn cause(output: &str) -> Cause {
    let lines = output.lines().filter_map(|line| line.split_once('\t'));
    let values: HashMap<&str, &str> = lines.collect();
    let is = |property, value| values.get(property) == Some(&value);
    if is("type", "filesystem") {
        Cause::Filesystem
    } else if is("keystatus", "unavailable") {
        let root = values.get("encryptionroot").copied().unwrap_or_default();
        Cause::KeyNotLoaded(root.to_owned())
    } else if is("volmode", "none") {
        Cause::NoVolmode
    } else {
        Cause::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, ask, cause, of};
    use crate::model::Volume;
    use crate::model::name::Dataset;
    use std::path::Path;

    #[test]
    fn a_node_is_below_the_directory_of_all_volumes() {
        let (devices, volume) = (Path::new("/dev"), Dataset::parse("zroot/vm/a").unwrap());
        let node = of(devices, &volume);
        assert_eq!(node, Path::new("/dev/zvol/zroot/vm/a"));
        assert_eq!(Volume::at(devices, &node), Volume::Zfs(volume));
        for other in ["/dev/zvol", "/dev/da0", "/vm/zvol/a"] {
            let file = Volume::File(other.into());
            assert_eq!(Volume::at(devices, Path::new(other)), file);
        }
    }

    #[test]
    fn properties_tell_why_there_is_no_node() {
        let volume = Dataset::parse("zroot/vm/a").unwrap();
        assert_eq!(
            ask(&volume).to_string(),
            "zfs get -Hp -o property,value type,volmode,keystatus,encryptionroot zroot/vm/a"
        );
        let locked = Cause::KeyNotLoaded("zroot/vm".to_owned());
        for (kind, mode, status, root, found) in [
            ("volume", "dev", "unavailable", "zroot/vm", locked.clone()),
            // Without its key a volume has no node whatever its mode is.
            ("volume", "none", "unavailable", "zroot/vm", locked),
            ("volume", "none", "-", "-", Cause::NoVolmode),
            ("volume", "dev", "available", "zroot/vm", Cause::Unknown),
            ("volume", "default", "-", "-", Cause::Unknown),
            (
                "filesystem",
                "dev",
                "unavailable",
                "zroot",
                Cause::Filesystem,
            ),
        ] {
            let output = format!(
                "type\t{kind}\nvolmode\t{mode}\nkeystatus\t{status}\nencryptionroot\t{root}\n"
            );
            assert_eq!(cause(&output), found, "{output}");
        }
    }
}
