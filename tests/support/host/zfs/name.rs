//! Names of datasets and snapshots (module/zcommon/zfs_namecheck.c).

/// Why a name is none, in the words of libzfs.
pub(super) fn problem(name: &str) -> Option<String> {
    if name.len() >= 256 {
        return Some("name is too long".into());
    }
    if name.is_empty() {
        return Some("empty component in name".into());
    }
    if name.starts_with('/') {
        return Some("leading slash in name".into());
    }
    if name.matches(['@', '#']).count() > 1 {
        return Some("multiple '@' and/or '#' delimiters in name".into());
    }
    if name.ends_with('/') {
        return Some("trailing slash in name".into());
    }
    let (dataset, label) = match name.split_once('@') {
        Some((dataset, label)) => (dataset, Some(label)),
        None => (name, None),
    };
    if let Some(label) = label
        && label.contains('/')
    {
        // entity_namecheck finds a delimiter where the path had to end.
        return Some("trailing slash in name".into());
    }
    for component in dataset.split('/').chain(label) {
        if component.is_empty() {
            return Some("empty component in name".into());
        }
        let good = |letter: char| letter.is_ascii_alphanumeric() || "-_.: ".contains(letter);
        if let Some(bad) = component.chars().find(|letter| !good(*letter)) {
            return Some(format!("invalid character '{bad}' in name"));
        }
        if component == "." || component == ".." {
            return Some(format!("self reference, '{component}' is found in name"));
        }
    }
    if !dataset.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return Some("pool doesn't begin with a letter".into());
    }
    None
}

/// The parent of a dataset; `None` for a pool.
pub(super) fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('/').map(|(parent, _)| parent)
}

/// The pool of a dataset or snapshot.
pub(super) fn pool(name: &str) -> &str {
    name.split(['/', '@']).next().unwrap_or(name)
}
