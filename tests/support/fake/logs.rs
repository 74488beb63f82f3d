//! The logs of VMs as open files.

use super::Fake;
use super::world::{World, Worlds};
use easy_bhyve::host::OpenFile;
use easy_bhyve::host::identity::Identity;
use easy_bhyve::process::{LOG_DIRECTORY, RUN_DIRECTORY};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

impl Fake {
    /// Lets every user read logs, as a member of the group operator.
    pub fn show_logs(&self) {
        self.worlds.lock().shows_logs = true;
    }

    /// Writes the log of a VM: a rotated file, if there is one, and the present one.
    pub fn write_log(&self, vm: &str, rotated: Option<&str>, log: &str) {
        let mut world = self.worlds.lock();
        let rotated = rotated.map(|text| (vm.to_owned(), text.to_owned()));
        world.rotated.extend(rotated);
        world.logs.insert(vm.to_owned(), log.to_owned());
    }

    /// The texts of the logs, by VM.
    pub fn logs(&self) -> BTreeMap<String, String> {
        self.worlds.lock().logs.clone()
    }
}

/// The log of a VM, and how much of it was read.
struct Log {
    worlds: Arc<Worlds>,
    vm: String,
    is_rotated: bool,
    read: usize,
}

impl Log {
    fn text(&self) -> Option<String> {
        let world = self.worlds.lock();
        let all = if self.is_rotated {
            &world.rotated
        } else {
            &world.logs
        };
        all.get(&self.vm).cloned()
    }
}

impl Read for Log {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let text = self.text().unwrap_or_default();
        let read = (&text.as_bytes()[self.read..]).read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

/// The VM of a log, and whether it is the rotated one, if a path is that of a log.
fn named(path: &Path) -> Option<(String, bool)> {
    let is_below = path.starts_with(LOG_DIRECTORY);
    let name = path.file_name().filter(|_| is_below)?.to_str()?;
    let (vm, end) = name.split_once('.')?;
    matches!(end, "log" | "log.0").then(|| (vm.to_owned(), end == "log.0"))
}

/// The texts of the logs, or of the rotated ones.
fn texts(world: &mut World, is_rotated: bool) -> &mut BTreeMap<String, String> {
    if is_rotated {
        &mut world.rotated
    } else {
        &mut world.logs
    }
}

/// Whether a path is that of a log that exists.
pub(super) fn exists(worlds: &Worlds, path: &Path) -> bool {
    let Some((vm, is_rotated)) = named(path) else {
        return false;
    };
    texts(&mut worlds.lock(), is_rotated).contains_key(&vm)
}

/// Removes a log, or the state of a VM.
pub(super) fn remove(worlds: &Worlds, path: &Path) {
    let mut world = worlds.lock();
    if let Some((vm, is_rotated)) = named(path) {
        texts(&mut world, is_rotated).remove(&vm);
    }
    if path.starts_with(RUN_DIRECTORY)
        && let Some(name) = path.file_name().and_then(|name| name.to_str())
        && let Some(vm) = name.strip_suffix(".json")
    {
        world.states.remove(vm);
    }
}

/// Gives a log that exists a further name, which no log has.
pub(super) fn link(worlds: &Worlds, from: &Path, to: &Path) -> bool {
    let (Some((from, is_rotated)), Some((to, _))) = (named(from), named(to)) else {
        return false;
    };
    let mut world = worlds.lock();
    let texts = texts(&mut world, is_rotated);
    let Some(text) = texts.get(&from).cloned() else {
        return false;
    };
    texts.insert(to, text);
    true
}

/// Opens a log, which only root and the group operator may read.
pub(super) fn open(worlds: &Arc<Worlds>, uid: u32, path: &Path) -> io::Result<OpenFile> {
    worlds.lock().reads += 1;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (vm, end) = name.split_once('.').ok_or(io::ErrorKind::NotFound)?;
    let log = Log {
        worlds: Arc::clone(worlds),
        vm: vm.to_owned(),
        is_rotated: end == "log.0",
        read: 0,
    };
    if log.text().is_none() {
        return Err(io::ErrorKind::NotFound.into());
    }
    if uid != 0 && !worlds.lock().shows_logs {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(OpenFile {
        identity: Identity::File(1, u64::from(log.is_rotated)),
        content: Box::new(log),
    })
}
