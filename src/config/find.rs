//! Where a configuration is looked for.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// No directory holds a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotFound {
    /// The directories, in the order in which they were looked at, each once.
    pub directories: Vec<PathBuf>,
    /// The names that were looked for in each.
    pub names: Vec<String>,
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no configuration: neither of {} is in any of:",
            self.names.join(" and ")
        )?;
        for directory in &self.directories {
            write!(f, "\n  {}", directory.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for NotFound {}

/// Looks for `easy-bhyve.conf` and `easy-bhyve-HOST.conf`; the first directory with one wins.
///
/// `host` is the host's name, of which only the part before the first dot counts. A file that is
/// there but cannot be examined counts as found, so that reading it tells why.
///
/// # Errors
/// Returns what was looked for, and where.
pub fn find(directories: &[PathBuf], host: &str) -> Result<Vec<PathBuf>, NotFound> {
    let host = host.split('.').next().unwrap_or_default();
    let mut names = vec!["easy-bhyve.conf".to_owned()];
    if !host.is_empty() && !host.contains('/') {
        names.push(format!("easy-bhyve-{host}.conf"));
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    for directory in directories {
        if seen.contains(directory) {
            continue;
        }
        let paths = names.iter().map(|name| directory.join(name));
        let found: Vec<PathBuf> = paths.filter(|path| is_there(path)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        seen.push(directory.clone());
    }
    Err(NotFound {
        directories: seen,
        names,
    })
}

fn is_there(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(metadata) => !metadata.is_dir(),
        // An unsearchable directory of the list is not the user's configuration directory.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            std::fs::symlink_metadata(path).is_ok()
        }
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_directory_with_a_file_wins_and_gives_both() {
        let root = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| root.path().join(name));
        for directory in [&a, &b, &c] {
            std::fs::create_dir(directory).unwrap();
        }
        let list = [a.clone(), a.clone(), b.clone(), c.clone()];
        let error = find(&list, "host.example").unwrap_err();
        assert_eq!(error.directories, [a.clone(), b.clone(), c.clone()]);
        assert!(error.to_string().contains("easy-bhyve-host.conf"));
        std::fs::write(c.join("easy-bhyve.conf"), "").unwrap();
        std::fs::write(b.join("easy-bhyve-host.conf"), "").unwrap();
        std::fs::create_dir(a.join("easy-bhyve.conf")).unwrap();
        assert_eq!(
            find(&list, "host.example").unwrap(),
            [b.join("easy-bhyve-host.conf")]
        );
        std::fs::write(b.join("easy-bhyve.conf"), "").unwrap();
        let both = [b.join("easy-bhyve.conf"), b.join("easy-bhyve-host.conf")];
        assert_eq!(find(&list, "host").unwrap(), both);
        assert_eq!(find(&list, "").unwrap(), both[..1]);
    }
}
