//! Paths that are computed from their text: what they name need not exist.

use std::path::{Component, Path, PathBuf};

/// The relative path from a directory to a file; both are absolute and have no `..`.
pub(super) fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

/// The path without `.` and `..`, computed from the text.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::{normal, relative};
    use std::path::Path;

    #[test]
    fn the_way_to_a_program_goes_up_only_as_far_as_it_must() {
        for (from, to, way) in [
            ("/u/bin/eb", "/u/bin/easy-bhyve", "../easy-bhyve"),
            ("/u/beside", "/u/bin/easy-bhyve", "../bin/easy-bhyve"),
            ("/u/bin", "/u/bin/easy-bhyve", "easy-bhyve"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way));
        }
        assert_eq!(
            normal(Path::new("/u/bin/../beside/.")),
            Path::new("/u/beside")
        );
    }
}
