//! Device nodes: which exist, and the effects of looking one up and of opening it, by devfs(5), tap(4),
//! nmdm(4), vmm(4) and zvol.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::Host;
use super::errno::Errno;
use super::files::Files;
use super::state::{Kind, Nmdm};

/// A device node that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// `/dev/null`
    Null,
    /// `/dev/zero`
    Zero,
    /// `/dev/vmm/NAME`
    Vmm(String),
    /// `/dev/zvol/DATASET`
    Zvol(String),
    /// `/dev/tapN`, with the name of the interface.
    Tap(String),
    /// One end of a null-modem pair: the name without its last letter, and whether it is end A.
    Nmdm(String, bool),
}

impl Host {
    /// The part of a path below the device directory. `/dev` always means this host's own.
    pub fn below_dev<'path>(&self, path: &'path Path) -> Option<&'path Path> {
        let below = path
            .strip_prefix(&self.state.dev)
            .or_else(|_| path.strip_prefix("/dev"))
            .ok()?;
        below
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
            .then_some(below)
    }

    /// The device node at a path, without any effect.
    pub fn device(&self, path: &Path) -> Option<Device> {
        let name = self.below_dev(path)?.to_str()?;
        if let Some(vm) = name.strip_prefix("vmm/") {
            return self
                .state
                .vms
                .contains_key(vm)
                .then(|| Device::Vmm(vm.into()));
        }
        if let Some(dataset) = name.strip_prefix("zvol/") {
            return self
                .has_volume_node(dataset)
                .then(|| Device::Zvol(dataset.into()));
        }
        match name {
            "null" => return Some(Device::Null),
            "zero" => return Some(Device::Zero),
            _ => {}
        }
        if let Some((base, end_a)) = nmdm_end(name) {
            return self
                .state
                .nmdm
                .contains_key(base)
                .then(|| Device::Nmdm(base.into(), end_a));
        }
        self.state
            .interfaces
            .iter()
            .find(|(own_name, interface)| {
                // The node of a renamed interface has its name as an alias (sys/net/if_tuntap.c).
                matches!(interface.kind, Kind::Tap | Kind::Vmnet)
                    && (interface.device == name || *own_name == name)
            })
            .map(|(interface, _)| Device::Tap(interface.clone()))
    }

    /// Looks a path up as stat(2) does: in `/dev` that alone may make a tap (tap(4), with
    /// `net.link.tap.devfs_cloning`, as root) or a null-modem pair (sys/dev/nmdm/nmdm.c).
    pub fn look_up(&mut self, path: &Path, uid: u32) -> bool {
        self.resolve(path, uid).is_some() || self.exists(path)
    }

    /// The device node at a path, for an open; created if devfs cloning creates it.
    pub fn resolve(&mut self, path: &Path, uid: u32) -> Option<Device> {
        if let Some(device) = self.device(path) {
            return Some(device);
        }
        let name = self.below_dev(path)?.to_str()?.to_owned();
        if let Some((base, end_a)) = nmdm_end(&name)
            && self.has_module("nmdm")
        {
            let pair = Nmdm {
                owner: uid,
                ..Nmdm::default()
            };
            self.state.nmdm.insert(base.to_owned(), pair);
            return Some(Device::Nmdm(base.to_owned(), end_a));
        }
        let unit = name.strip_prefix("tap")?;
        let cloning = self.state.number("net.link.tap.devfs_cloning") != 0;
        if uid == 0 && cloning && self.has_module("if_tap") && super::ifconfig::unit(unit).is_ok() {
            self.add_interface(&name, Kind::Tap);
            self.harmed(format!("{name} was made by opening it and is in no bridge"));
            return Some(Device::Tap(name));
        }
        None
    }

    /// The path of a console's node in the real file system; `stdio` is no node.
    pub fn place_of(&self, console: &str) -> String {
        match self.below_dev(Path::new(console)) {
            Some(below) => self.state.dev.join(below).display().to_string(),
            None => console.to_owned(),
        }
    }

    /// Whether a path names a file, directory or device node, without any effect.
    pub fn exists(&self, path: &Path) -> bool {
        match self.below_dev(path) {
            Some(_) => self.device(path).is_some() || !self.dev_dir(path).is_empty(),
            None => self.files().exists(path),
        }
    }

    /// The names in a directory; a directory in `/dev` exists while it contains a node.
    pub fn list_dir(&self, path: &Path) -> Result<Vec<String>, Errno> {
        if self.below_dev(path).is_none() {
            return self.files().list_dir(path);
        }
        let names = self.dev_dir(path);
        if names.is_empty() {
            return Err(Errno::NoEntry);
        }
        Ok(names.into_iter().collect())
    }

    /// All device nodes, relative to the device directory.
    pub fn nodes(&self) -> Vec<PathBuf> {
        let state = &self.state;
        let mut nodes = vec![PathBuf::from("null"), PathBuf::from("zero")];
        nodes.extend(state.vms.keys().map(|vm| Path::new("vmm").join(vm)));
        nodes.extend(
            state
                .datasets
                .keys()
                .filter(|dataset| self.has_volume_node(dataset))
                .map(|dataset| Path::new("zvol").join(dataset)),
        );
        nodes.extend(
            state
                .interfaces
                .values()
                .filter(|interface| matches!(interface.kind, Kind::Tap | Kind::Vmnet))
                .map(|interface| PathBuf::from(&interface.device)),
        );
        for pair in state.nmdm.keys() {
            nodes.push(format!("{pair}A").into());
            nodes.push(format!("{pair}B").into());
        }
        nodes
    }

    /// Names directly below a directory of `/dev`.
    fn dev_dir(&self, path: &Path) -> BTreeSet<String> {
        let Some(below) = self.below_dev(path) else {
            return BTreeSet::new();
        };
        self.nodes()
            .iter()
            .filter_map(|node| node.strip_prefix(below).ok())
            .filter_map(|rest| rest.components().next())
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect()
    }

    /// The path of a file behind a mount of nullfs(5); `None`: the file cannot be seen from here.
    pub fn lower(&self, path: &Path) -> Option<PathBuf> {
        let mut path = path.to_owned();
        while let Some((on, from)) = self
            .state
            .nullfs
            .iter()
            .find(|(on, _)| path.starts_with(on))
        {
            path = from.as_ref()?.join(path.strip_prefix(on).ok()?);
        }
        Some(path)
    }

    /// Whether a path is on a read-only file system.
    pub fn is_read_only(&self, path: &Path) -> bool {
        let mut directories = self.state.read_only.iter();
        directories.any(|directory| path.starts_with(directory))
    }

    /// Opens a disk for a loader. A loader does not write, but opens for writing; it tries again
    /// read-only after EACCES, and not after EROFS: bhyveload.c,
    /// `disk_open` of kern/emu/hostdisk.c.
    pub fn open_disk_to_write(&mut self, path: &Path) -> Result<(), Errno> {
        if self.is_read_only(path) {
            return Err(Errno::ReadOnly);
        }
        self.open_disk(path)
    }

    /// Opens a disk for a VM: a volume or a file. Nothing is locked (usr.sbin/bhyve/block_if.c).
    pub fn open_disk(&mut self, path: impl AsRef<Path>) -> Result<(), Errno> {
        let path = path.as_ref();
        match self.resolve(path, 0) {
            Some(Device::Zvol(_) | Device::Zero) => Ok(()),
            Some(_) => Err(Errno::Invalid),
            None if self.files().is_dir(path) => Err(Errno::Invalid),
            None if self.files().exists(path) => Ok(()),
            None => Err(Errno::NoEntry),
        }
    }

    /// Whether a disk was never written to.
    pub fn is_blank(&self, path: impl AsRef<Path>) -> bool {
        let path = path.as_ref();
        match self.device(path) {
            Some(Device::Zvol(name)) => self
                .state
                .datasets
                .get(&name)
                .and_then(|dataset| dataset.volume.as_ref())
                .is_none_or(|volume| volume.blank),
            Some(_) => true,
            None => self
                .files()
                .read(path)
                .is_ok_and(|data| data.iter().take(4096).all(|byte| *byte == 0)),
        }
    }

    /// Whether a disk was never written to, for this user: the node of a volume is for root and operator.
    pub fn is_blank_for(&self, path: &Path, uid: u32) -> Result<bool, Errno> {
        match self.device(path) {
            Some(Device::Zvol(_)) if uid != 0 => Err(Errno::Access),
            Some(Device::Zvol(_)) => Ok(self.is_blank(path)),
            Some(_) => Err(Errno::Invalid),
            None => self.files().size(path).map(|_| self.is_blank(path)),
        }
    }

    /// Writes an installed system to a disk.
    pub fn install_on(&mut self, path: &str) {
        let path = Path::new(path);
        if let Some(Device::Zvol(name)) = self.device(path) {
            if let Some(volume) = self
                .state
                .datasets
                .get_mut(&name)
                .and_then(|dataset| dataset.volume.as_mut())
            {
                volume.blank = false;
            }
        } else if self.is_blank(path) {
            let _ = self.files_mut().stamp(path, b"an installed system");
        }
    }

    /// Opens an end of a null-modem pair for a process.
    pub fn open_nmdm(&mut self, pair: &str, end_a: bool, pid: i32) {
        if let Some(pair) = self.state.nmdm.get_mut(pair) {
            let end = if end_a { &mut pair.a } else { &mut pair.b };
            *end = end.or(Some(pid));
        }
    }

    fn has_volume_node(&self, name: &str) -> bool {
        let property = |property| super::zfs::property(&self.state, name, property);
        self.state.datasets.get(name).is_some_and(|dataset| {
            dataset.volume.is_some() && dataset.node_at <= self.state.clock_ms
        }) && property("volmode") != "none"
            && property("keystatus") != "unavailable"
    }

    /// The files that this host works on.
    pub fn files(&self) -> &dyn Files {
        match &self.real {
            Some(real) => real,
            None => &self.state.files,
        }
    }

    /// The files that this host works on, to change them.
    pub fn files_mut(&mut self) -> &mut dyn Files {
        match &mut self.real {
            Some(real) => real,
            None => &mut self.state.files,
        }
    }
}

/// `nmdm`, any text, and A or B (sys/dev/nmdm/nmdm.c, `nmdm_clone`).
fn nmdm_end(name: &str) -> Option<(&str, bool)> {
    if !name.starts_with("nmdm") || name.contains('/') || name.len() < 6 {
        return None;
    }
    let end_a = match name.as_bytes().last() {
        Some(b'A') => true,
        Some(b'B') => false,
        _ => return None,
    };
    Some((&name[..name.len() - 1], end_a))
}

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::*;

    #[test]
    fn the_vmm_directory_is_there_only_while_a_vm_is() {
        let mut host = Host::freebsd(14);
        assert!(!host.exists(Path::new("/dev/vmm")));
        host.run(&Call::new(["bhyvectl", "--vm=web", "--create"]).by_root());
        assert_eq!(host.list_dir(Path::new("/dev/vmm")), Ok(vec!["web".into()]));
        host.run(&Call::new(["bhyvectl", "--vm=web", "--destroy"]).by_root());
        assert_eq!(host.list_dir(Path::new("/dev/vmm")), Err(Errno::NoEntry));
    }

    #[test]
    fn looking_up_a_node_makes_taps_and_null_modems() {
        let mut host = Host::freebsd(14);
        assert!(!host.look_up(Path::new("/dev/nmdm5A"), 1001));
        host.run(&Call::new(["kldload", "nmdm"]).by_root());
        assert!(host.look_up(Path::new("/dev/nmdm5A"), 1001));
        assert_eq!(host.state.nmdm["nmdm5"].owner, 1001);
        assert!(!host.look_up(Path::new("/dev/tap9"), 1001));
        assert!(host.look_up(Path::new("/dev/tap9"), 0));
        assert_eq!(host.state.bridge_of("tap9"), None);
    }
}
