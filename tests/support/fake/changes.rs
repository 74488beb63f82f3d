//! Changes of files, on the simulated host or, for files of the user, in a directory of the test.

use super::{Fake, Lost, error, secrets};
use crate::host::Errno;
use crate::host::files::remove_all;
use easy_bhyve::host::{Afterwards, Change, ChangeError, scratch};
use easy_bhyve::model::name::VmName;
use easy_bhyve::plan::FileChange;
use easy_bhyve::process::RUN_DIRECTORY;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

impl Change for Fake {
    fn change(&mut self, change: &FileChange) -> Result<Option<Afterwards>, ChangeError> {
        self.worlds.lock().refuse_write()?;
        let mut host = self.host();
        let files = host.files_mut();
        let real = match change {
            FileChange::MakeScratch(path) => files.mkdir(path).map_err(error),
            FileChange::MakeDirectories(path) => std::fs::create_dir_all(path),
            FileChange::Write { path, text } if path.parent().is_some_and(Path::is_dir) => {
                std::fs::File::create_new(path).and_then(|mut file| file.write_all(text))
            }
            FileChange::Write { path, text } => files.write(path, text).map_err(error),
            FileChange::Secret {
                path, name, from, ..
            } => {
                secrets::write(&mut host, path, name, from)?;
                Ok(())
            }
            FileChange::RemoveSecret(path) => missing_is_ok(files.remove(path)),
            FileChange::RemoveSocket { path, .. } => match host.is_socket(path) {
                Some(false) => Err(io::Error::other("it is not a socket")),
                _ => missing_is_ok(host.files_mut().remove(path)),
            },
            FileChange::GiveSocket { path, owner } => {
                host.give(path, *owner);
                Ok(())
            }
            FileChange::RemoveScratch(path) => remove_all(files, path).map_err(error),
            FileChange::Link { target, path } => std::os::unix::fs::symlink(target, path),
            FileChange::ReplaceLink { target, path } => {
                std::fs::remove_file(path).and_then(|()| std::os::unix::fs::symlink(target, path))
            }
            FileChange::RemoveLink(path) => match std::fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            },
            FileChange::Replace { path, before, text } => {
                if std::fs::read(path)? != *before {
                    return Err(ChangeError::Meanwhile(Vec::new()));
                }
                std::fs::write(path, text)
            }
        };
        real?;
        Ok(None)
    }

    /// By the modes of the real files for their owner, whom a caller that is not root is.
    fn may_change(&mut self, change: &FileChange) -> Result<(), ChangeError> {
        let path = change.path();
        let file = match change {
            FileChange::Replace { .. } => Some(path),
            FileChange::Link { .. }
            | FileChange::ReplaceLink { .. }
            | FileChange::RemoveLink(_) => None,
            _ => return Ok(()),
        };
        let directory = path.ancestors().skip(1).find(|path| path.is_dir());
        for path in file.into_iter().chain(directory) {
            if self.uid != 0 && path.metadata()?.mode() & 0o200 == 0 {
                return Err(io::Error::from_raw_os_error(13).into());
            }
        }
        Ok(())
    }

    fn record(&mut self, vm: &VmName, state: &[u8]) -> io::Result<()> {
        self.write_record(vm.as_str(), &String::from_utf8_lossy(state));
        Ok(())
    }

    fn sweep(&mut self, vm: &VmName) -> io::Result<()> {
        let mut host = self.host();
        let files = host.files_mut();
        let all = scratch::directory(Path::new(RUN_DIRECTORY));
        for name in files.list_dir(&all).unwrap_or_default() {
            if name.split('.').next() == Some(vm.as_str()) {
                remove_all(files, &all.join(name)).map_err(error)?;
            }
        }
        Ok(())
    }

    fn log(&mut self, vm: &VmName, text: &str) -> io::Result<()> {
        let mut world = self.worlds.lock();
        if world.lost.contains(&Lost::Logs) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        world.refuse_write()?;
        world.logs.entry(vm.to_string()).or_default().push_str(text);
        Ok(())
    }
}

fn missing_is_ok(removed: Result<(), Errno>) -> io::Result<()> {
    match removed {
        Err(Errno::NoEntry) => Ok(()),
        other => other.map_err(error),
    }
}
