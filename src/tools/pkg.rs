//! Packages: pkg(8).

use crate::command::{Command, args};
use std::path::Path;

/// Asks for the package that has installed a file: `pkg which -q PATH` (pkg-which(8)), which prints
/// `NAME-VERSION`.
pub fn owner(path: &Path) -> Command {
    Command::question("pkg", args!["which", "-q", path])
}

#[cfg(test)]
mod tests {
    use super::owner;
    use std::path::Path;

    #[test]
    fn the_arguments_are_those_of_pkg() {
        assert_eq!(
            owner(Path::new("/usr/local/share/x.fd")).to_string(),
            "pkg which -q /usr/local/share/x.fd"
        );
    }
}
