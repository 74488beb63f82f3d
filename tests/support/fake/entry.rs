//! What stands at a path of the simulated host: lstat(2).

use super::Fake;
use crate::host::Errno;
use easy_bhyve::host::identity::{Entry, EntryKind};
use std::io;
use std::path::Path;

pub(super) fn error(errno: Errno) -> io::Error {
    let kind = match errno {
        Errno::NoEntry => io::ErrorKind::NotFound,
        Errno::Exists => io::ErrorKind::AlreadyExists,
        Errno::Access | Errno::NotPermitted => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, errno.text())
}

impl Fake {
    pub(super) fn entry_at(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.may_enter(path)?;
        let host = self.host();
        let odd = host.state.odd.get(path).copied().unwrap_or_default();
        if !host.exists(path) && !odd.link && !odd.fifo {
            return Ok(None);
        }
        let kind = match () {
            () if odd.link => EntryKind::Link,
            () if odd.fifo || host.device(path).is_some() => EntryKind::Other,
            () if host.files().is_dir(path) => EntryKind::Directory,
            () => EntryKind::File,
        };
        Ok(Some(Entry {
            kind,
            owner: odd.owner,
            is_others: odd.group_writes || host.state.everybodys.contains(path),
            is_sticky: false,
            size: host.files().size(path).unwrap_or_default(),
        }))
    }
}
