//! Names of datasets, snapshots and bookmarks (module/zcommon/zfs_namecheck.c), and their types.

use super::super::state::State;

/// Types of named things: a set of them, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Types(u8);

impl Types {
    pub(super) const FILESYSTEM: Self = Self(1);
    pub(super) const VOLUME: Self = Self(2);
    pub(super) const SNAPSHOT: Self = Self(4);
    pub(super) const BOOKMARK: Self = Self(8);
    /// What can be mounted or opened.
    pub(super) const HEADS: Self = Self(1 | 2);
    /// ZFS_TYPE_DATASET
    pub(super) const DATASETS: Self = Self(1 | 2 | 4);
    pub(super) const ALL: Self = Self(1 | 2 | 4 | 8);

    /// The union of both sets.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets intersect.
    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The word for a single type in messages and in the property `type`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::FILESYSTEM => "filesystem",
            Self::VOLUME => "volume",
            Self::SNAPSHOT => "snapshot",
            _ => "bookmark",
        }
    }

    /// The types that `-t` names.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut types = Self(0);
        for word in text.split(',') {
            types = types.and(match word {
                "filesystem" | "fs" => Self::FILESYSTEM,
                "volume" | "vol" => Self::VOLUME,
                "snapshot" | "snap" => Self::SNAPSHOT,
                "bookmark" => Self::BOOKMARK,
                "all" => Self::ALL,
                _ => return Err(format!("invalid type '{word}'")),
            });
        }
        Ok(types)
    }
}

/// The type of the thing with this name, if it exists.
pub(super) fn kind(state: &State, name: &str) -> Option<Types> {
    if let Some((base, label)) = name.split_once('@') {
        let dataset = state.datasets.get(base)?;
        return dataset.snapshots.get(label).map(|_| Types::SNAPSHOT);
    }
    if let Some((base, label)) = name.split_once('#') {
        let dataset = state.datasets.get(base)?;
        return dataset.bookmarks.get(label).map(|_| Types::BOOKMARK);
    }
    state
        .datasets
        .get(name)
        .map(|dataset| match dataset.volume {
            Some(_) => Types::VOLUME,
            None => Types::FILESYSTEM,
        })
}

/// zfs_open: the type of the thing with this name, or the error line if it has none of these types.
pub(super) fn open(state: &State, name: &str, types: Types) -> Result<Types, String> {
    let cannot = |why: &str| Err(format!("cannot open '{name}': {why}"));
    if let Some(problem) = problem(name, types, false) {
        return cannot(&problem);
    }
    match kind(state, name) {
        Some(kind) if types.has(kind) => Ok(kind),
        Some(_) => cannot("operation not applicable to datasets of this type"),
        None => match name.split_once('#') {
            Some((base, _)) if kind(state, base).is_some() => cannot("no such pool or dataset"),
            _ => cannot("dataset does not exist"),
        },
    }
}

/// zfs_validate_name: why a name is valid for none of these types, in the words of libzfs.
pub(super) fn problem(name: &str, types: Types, modifying: bool) -> Option<String> {
    let only = |wanted| types == wanted;
    let text = if !types.has(Types::SNAPSHOT) && name.contains('@') {
        "snapshot delimiter '@' is not expected here"
    } else if only(Types::SNAPSHOT) && !name.contains('@') {
        "missing '@' delimiter in snapshot name"
    } else if !types.has(Types::BOOKMARK) && name.contains('#') {
        "bookmark delimiter '#' is not expected here"
    } else if only(Types::BOOKMARK) && !name.contains('#') {
        "missing '#' delimiter in bookmark name"
    } else if modifying && name.contains('%') {
        "invalid character % in name"
    } else {
        return entity(name);
    };
    Some(text.into())
}

/// entity_namecheck
fn entity(name: &str) -> Option<String> {
    let empty = "empty component or misplaced '@' or '#' delimiter in name";
    if name.len() >= 256 {
        return Some("name is too long".into());
    }
    if name.starts_with('/') {
        return Some("leading slash in name".into());
    }
    if name.is_empty() {
        return Some(empty.into());
    }
    let mut rest = name;
    let mut in_label = false;
    loop {
        let (component, delimiter, next) = match rest.find(['/', '@', '#']) {
            Some(at) => (&rest[..at], rest.as_bytes().get(at), &rest[at + 1..]),
            None => (rest, None, ""),
        };
        if delimiter.is_none() && component.is_empty() && name.ends_with('/') {
            return Some("trailing slash in name".into());
        }
        if let Some(bad) = component.bytes().find(|byte| !is_good(*byte)) {
            return Some(format!("invalid character '{}' in name", printed(bad)));
        }
        if !matches!(delimiter, Some(b'@' | b'#')) {
            match component {
                "." => return Some("self reference, '.' is found in name".into()),
                ".." => return Some("parent reference, '..' is found in name".into()),
                _ => {}
            }
        } else if in_label {
            return Some("multiple '@' and/or '#' delimiters in name".into());
        }
        in_label |= matches!(delimiter, Some(b'@' | b'#'));
        if component.is_empty() {
            return Some(empty.into());
        }
        match delimiter {
            None => return None,
            // The search for the end of the label finds a slash first.
            Some(b'/') if in_label => return Some("trailing slash in name".into()),
            Some(_) => rest = next,
        }
    }
}

/// zpool_name_valid: why a name is not valid for a pool.
pub(super) fn pool_problem(pool: &str) -> Option<String> {
    if let Some(bad) = pool.bytes().find(|byte| *byte == b'%' || !is_good(*byte)) {
        let bad = printed(bad);
        return Some(format!("invalid character '{bad}' in pool name"));
    }
    (!pool.starts_with(|letter: char| letter.is_ascii_alphabetic()))
        .then(|| "name must begin with a letter".into())
}

fn is_good(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.: %".contains(&byte)
}

/// libzfs prints only the first byte of a character that has several: a reader sees U+FFFD.
fn printed(byte: u8) -> char {
    match byte.is_ascii() {
        true => byte.into(),
        false => char::REPLACEMENT_CHARACTER,
    }
}

/// dataset_nestcheck
pub(super) fn is_too_deep(name: &str) -> bool {
    name.matches('/').count() >= 50
}

/// The parent of a dataset; `None` for a pool.
pub(super) fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('/').map(|(parent, _)| parent)
}

/// The pool of a dataset or snapshot.
pub(super) fn pool(name: &str) -> &str {
    name.split(['/', '@', '#']).next().unwrap_or(name)
}
