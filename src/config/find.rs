//! The search for the configuration.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The name of the configuration that several hosts can share.
pub const FILE: &str = "easy-bhyve.conf";

/// Why no configuration was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unfound {
    /// No configuration exists.
    Nowhere(NotFound),
    /// A configuration existed, but its replacement was interrupted.
    CutShort(CutShort),
}

/// A file that is missing because its replacement was interrupted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CutShort {
    /// The path of the missing file.
    pub path: PathBuf,
    /// The path of its previous text.
    pub old: PathBuf,
}

/// No directory contains a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotFound {
    /// The searched directories in order, each once.
    pub directories: Vec<PathBuf>,
    /// The names that were searched for in each directory.
    pub names: Vec<String>,
}

/// Searches for `easy-bhyve.conf` and `easy-bhyve-HOST.conf`; the first directory with one wins.
///
/// `host` is the host's name; only the part before the first dot is used. A file that exists but
/// cannot be examined counts as found; reading it reports the error.
///
/// # Errors
/// Returns the searched names and directories, or the first missing file whose replacement was
/// interrupted.
pub fn find(directories: &[PathBuf], host: &str) -> Result<Vec<PathBuf>, Unfound> {
    let host = host.split('.').next().unwrap_or_default();
    let mut names = vec![FILE.to_owned()];
    if !host.is_empty() && !host.contains('/') {
        names.push(format!("easy-bhyve-{host}.conf"));
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    for directory in directories {
        if seen.contains(directory) {
            continue;
        }
        let paths = names.iter().map(|name| directory.join(name));
        let (found, missing): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| is_there(path));
        if let Some(cut) = missing.iter().find_map(|path| cut_short(path)) {
            return Err(Unfound::CutShort(cut));
        }
        if !found.is_empty() {
            return Ok(found);
        }
        seen.push(directory.clone());
    }
    Err(Unfound::Nowhere(NotFound {
        directories: seen,
        names,
    }))
}

/// The newest remains of an interrupted replacement (see `host::replace` and `script::replace`) of
/// a missing file, or of a link's missing target: `NAME.XXXXXX.old` in the same directory.
pub fn cut_short(path: &Path) -> Option<CutShort> {
    let mut path = path.to_owned();
    // The limit of the system for links.
    for _ in 0..32 {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = path.parent()?.join(target);
    }
    let name = path.file_name()?;
    let entries = std::fs::read_dir(path.parent()?).ok()?.flatten();
    let all = entries.filter(|entry| is_former(&entry.file_name(), name));
    let files = all.filter_map(|entry| {
        let about = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((about.modified().ok()?, entry.path()))
    });
    let (_, old) = files.max()?;
    Some(CutShort { path, old })
}

/// Whether this is the name of a file's previous text during a replacement.
fn is_former(former: &OsStr, name: &OsStr) -> bool {
    let behind = former.as_bytes().strip_prefix(name.as_bytes());
    let token = behind
        .and_then(|behind| behind.strip_prefix(b"."))
        .and_then(|behind| behind.strip_suffix(b".old"));
    token.is_some_and(|token| token.len() == 6 && token.iter().all(u8::is_ascii_alphanumeric))
}

fn is_there(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(metadata) => !metadata.is_dir(),
        // A directory without search permission is not the user's configuration directory.
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
        let Err(Unfound::Nowhere(error)) = find(&list, "host.example") else {
            panic!("there is none");
        };
        assert_eq!(error.directories, [a.clone(), b.clone(), c.clone()]);
        assert_eq!(error.names, ["easy-bhyve.conf", "easy-bhyve-host.conf"]);
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

    #[test]
    fn a_file_whose_replacing_was_cut_short_is_not_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let list = [root.path().to_owned()];
        std::fs::write(at("easy-bhyve-host.conf"), "").unwrap();
        std::fs::create_dir(at("easy-bhyve.conf.abcdef.old")).unwrap();
        for other in [
            "easy-bhyve.conf.old",
            "easy-bhyve.conf.abcde.old",
            "easy-bhyve.conf.abc-ef.old",
            "easy-bhyve.conf.abcdef",
            "easy-bhyve-other.conf.abcdef.old",
        ] {
            std::fs::write(at(other), "").unwrap();
        }
        assert_eq!(find(&list, "host").unwrap(), [at("easy-bhyve-host.conf")]);
        std::fs::write(at("easy-bhyve.conf.aB3dE6.old"), "").unwrap();
        let cut = |path: &str, old: &str| {
            Err(Unfound::CutShort(CutShort {
                path: at(path),
                old: at(old),
            }))
        };
        let base = cut("easy-bhyve.conf", "easy-bhyve.conf.aB3dE6.old");
        assert_eq!(find(&list, "host"), base);
        // A link stays a link while its target is replaced.
        std::os::unix::fs::symlink("real", at("easy-bhyve.conf")).unwrap();
        assert_eq!(find(&list, "host").unwrap(), [at("easy-bhyve-host.conf")]);
        std::fs::write(at("real.aB3dE6.old"), "").unwrap();
        assert_eq!(find(&list, "host"), cut("real", "real.aB3dE6.old"));
        std::fs::write(at("real"), "").unwrap();
        assert_eq!(find(&list, "host").map(|found| found.len()), Ok(2));
    }
}
