//! Regular files, in memory; `real_files.rs` has those on a disk, and `devices.rs` the device nodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::errno::Errno;

/// The file operations that the simulated programs need.
pub trait Files {
    /// Whether there is a file or directory.
    fn exists(&self, path: &Path) -> bool;
    /// Whether there is a directory.
    fn is_dir(&self, path: &Path) -> bool;
    /// The content of a file, without the zeros behind the bytes that were written.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Errno>;
    /// Makes or replaces a file.
    fn write(&mut self, path: &Path, content: &[u8]) -> Result<(), Errno>;
    /// Makes a directory; its parent must exist.
    fn mkdir(&mut self, path: &Path) -> Result<(), Errno>;
    /// Removes a file or an empty directory.
    fn remove(&mut self, path: &Path) -> Result<(), Errno>;
    /// The size of a file in bytes.
    fn size(&self, path: &Path) -> Result<u64, Errno>;
    /// Sets the size, and creates the file if it does not exist; a smaller size truncates.
    fn set_len(&mut self, path: &Path, size: u64) -> Result<(), Errno>;
    /// Creates or replaces a file with this many zeros whose blocks are allocated.
    fn fill(&mut self, path: &Path, size: u64) -> Result<(), Errno>;
    /// Creates an empty file of this mode, or replaces an existing file.
    fn install(&mut self, path: &Path, mode: u32) -> Result<(), Errno>;
    /// Gives a file a further name, which must not exist.
    fn link(&mut self, path: &Path, name: &Path) -> Result<(), Errno>;
    /// Writes at the beginning of a file without changing its size.
    fn stamp(&mut self, path: &Path, content: &[u8]) -> Result<(), Errno>;
    /// The names in a directory, in order.
    fn list_dir(&self, path: &Path) -> Result<Vec<String>, Errno>;
}

/// Removes a directory and the files in it.
pub fn remove_all(files: &mut dyn Files, path: &Path) -> Result<(), Errno> {
    for name in files.list_dir(path)? {
        files.remove(&path.join(name))?;
    }
    files.remove(path)
}

/// A file in memory: only its first bytes are kept, the rest are zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFile {
    /// Its size.
    pub size: u64,
    /// Bytes that are allocated on the disk.
    pub allocated: u64,
    /// The first bytes.
    pub data: Vec<u8>,
    /// Its mode; `None`: as the umask leaves it. That of a socket has its type.
    pub mode: Option<u32>,
    /// Its owner, if it was given to a user.
    #[serde(default)]
    pub owner: Option<u32>,
    /// The name whose file this is under a further name, as link(2) makes one.
    #[serde(default)]
    pub first_name: Option<PathBuf>,
}

/// A tree of files in memory. `None` is a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryFiles {
    /// Every file and directory by its absolute path.
    pub nodes: BTreeMap<PathBuf, Option<MemoryFile>>,
}

impl Default for MemoryFiles {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::from([(PathBuf::from("/"), None)]),
        }
    }
}

impl MemoryFiles {
    /// Makes a directory with all its parents.
    pub fn mkdir_all(&mut self, path: &Path) {
        for ancestor in path.ancestors() {
            self.nodes.entry(ancestor.to_owned()).or_insert(None);
        }
    }

    fn file(&self, path: &Path) -> Result<&MemoryFile, Errno> {
        match self.nodes.get(path) {
            None => Err(Errno::NoEntry),
            Some(None) => Err(Errno::IsDirectory),
            Some(Some(file)) => Ok(file),
        }
    }

    fn open(&mut self, path: &Path) -> Result<&mut MemoryFile, Errno> {
        self.parent(path)?;
        self.nodes
            .entry(path.to_owned())
            .or_insert_with(|| Some(MemoryFile::default()))
            .as_mut()
            .ok_or(Errno::IsDirectory)
    }

    fn parent(&self, path: &Path) -> Result<(), Errno> {
        match path.parent().map(|parent| self.nodes.get(parent)) {
            Some(Some(None)) => Ok(()),
            Some(Some(Some(_))) => Err(Errno::NotDirectory),
            _ => Err(Errno::NoEntry),
        }
    }
}

impl Files for MemoryFiles {
    fn exists(&self, path: &Path) -> bool {
        self.nodes.contains_key(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        matches!(self.nodes.get(path), Some(None))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        self.file(path).map(|file| file.data.clone())
    }

    fn write(&mut self, path: &Path, content: &[u8]) -> Result<(), Errno> {
        let file = self.open(path)?;
        file.size = content.len() as u64;
        file.allocated = file.size;
        file.data = content.to_vec();
        Ok(())
    }

    fn mkdir(&mut self, path: &Path) -> Result<(), Errno> {
        self.parent(path)?;
        if self.exists(path) {
            return Err(Errno::Exists);
        }
        self.nodes.insert(path.to_owned(), None);
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> Result<(), Errno> {
        if self.is_dir(path) && !self.list_dir(path)?.is_empty() {
            return Err(Errno::Busy);
        }
        self.nodes.remove(path).map(|_| ()).ok_or(Errno::NoEntry)
    }

    fn size(&self, path: &Path) -> Result<u64, Errno> {
        self.file(path).map(|file| file.size)
    }

    fn set_len(&mut self, path: &Path, size: u64) -> Result<(), Errno> {
        let file = self.open(path)?;
        file.size = size;
        file.allocated = file.allocated.min(size);
        file.data
            .truncate(usize::try_from(size).unwrap_or(usize::MAX));
        Ok(())
    }

    fn fill(&mut self, path: &Path, size: u64) -> Result<(), Errno> {
        let file = self.open(path)?;
        (file.size, file.allocated) = (size, size);
        file.data.clear();
        Ok(())
    }

    fn install(&mut self, path: &Path, mode: u32) -> Result<(), Errno> {
        *self.open(path)? = MemoryFile {
            mode: Some(mode),
            ..MemoryFile::default()
        };
        Ok(())
    }

    fn link(&mut self, path: &Path, name: &Path) -> Result<(), Errno> {
        let mut file = self.file(path)?.clone();
        if self.exists(name) {
            return Err(Errno::Exists);
        }
        let first = file.first_name.unwrap_or_else(|| path.to_owned());
        file.first_name = Some(first).filter(|first| first != name);
        *self.open(name)? = file;
        Ok(())
    }

    fn stamp(&mut self, path: &Path, content: &[u8]) -> Result<(), Errno> {
        self.file(path)?;
        let file = self.open(path)?;
        file.data = content.to_vec();
        file.size = file.size.max(content.len() as u64);
        file.allocated = file.allocated.max(content.len() as u64);
        Ok(())
    }

    fn list_dir(&self, path: &Path) -> Result<Vec<String>, Errno> {
        match self.nodes.get(path) {
            None => return Err(Errno::NoEntry),
            Some(Some(_)) => return Err(Errno::NotDirectory),
            Some(None) => {}
        }
        Ok(self
            .nodes
            .keys()
            .filter(|node| node.parent() == Some(path))
            .filter_map(|node| node.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::real_files::RealFiles;
    use super::*;
    use std::fs;

    /// Both implementations must agree.
    fn behave(files: &mut dyn Files, root: &Path) {
        let disk = root.join("vm/disk");
        assert_eq!(files.set_len(&disk, 10), Err(Errno::NoEntry));
        assert_eq!(files.mkdir(&root.join("vm")), Ok(()));
        assert_eq!(files.mkdir(&root.join("vm")), Err(Errno::Exists));
        assert_eq!(files.set_len(&disk, 4096), Ok(()));
        assert_eq!(files.size(&disk), Ok(4096));
        assert_eq!(files.stamp(&disk, b"installed"), Ok(()));
        assert!(
            files
                .read(&disk)
                .is_ok_and(|data| data.starts_with(b"installed"))
        );
        assert_eq!(files.size(&disk), Ok(4096));
        assert_eq!(files.set_len(&disk, 4), Ok(()));
        assert_eq!(files.read(&disk), Ok(b"inst".to_vec()));
        assert_eq!(files.fill(&disk, 100), Ok(()));
        assert_eq!(files.size(&disk), Ok(100));
        assert_eq!(files.list_dir(&root.join("vm")), Ok(vec!["disk".into()]));
        let other = root.join("vm/other");
        assert_eq!(files.install(&other, 0o600), Ok(()));
        assert_eq!(files.size(&other), Ok(0));
        assert_eq!(files.link(&disk, &other), Err(Errno::Exists));
        assert_eq!(files.remove(&other), Ok(()));
        assert_eq!(files.link(&other, &disk), Err(Errno::NoEntry));
        assert_eq!(files.link(&disk, &other), Ok(()));
        assert_eq!(files.size(&other), Ok(100));
        assert_eq!(files.remove(&other), Ok(()));
        assert_eq!(files.remove(&disk), Ok(()));
        assert_eq!(files.remove(&disk), Err(Errno::NoEntry));
        assert!(files.is_dir(&root.join("vm")) && !files.exists(&disk));
    }

    #[test]
    fn files_behave_alike_in_memory_and_on_disk() {
        let mut memory = MemoryFiles::default();
        memory.mkdir_all(Path::new("/tank"));
        behave(&mut memory, Path::new("/tank"));
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut real = RealFiles::beside(&directory.path().join("dev"));
        behave(&mut real, directory.path());
        // A path below /var/db is one of this directory.
        fs::create_dir(directory.path().join("db")).expect("made");
        assert_eq!(real.mkdir(Path::new("/var/db/vm")), Ok(()));
        assert_eq!(real.install(Path::new("/var/db/vm/store"), 0o600), Ok(()));
        assert!(real.exists(Path::new("/var/db/vm/store")));
        assert!(directory.path().join("db/vm/store").is_file());
    }
}
