//! The logs of VMs as open files.

use super::world::Worlds;
use easy_bhyve::host::OpenFile;
use easy_bhyve::host::identity::Identity;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

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
