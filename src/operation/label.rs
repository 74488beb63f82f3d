//! The snapshot that a typed name means: the one of this name, or the only one with such a label.

use crate::error::{Error, Result};
use crate::model::name::{Dataset, SnapName};
use crate::suggest;
use crate::tools::zfs;

/// A snapshot that exists.
pub(super) struct Chosen {
    /// Its name.
    pub(super) name: SnapName,
    /// Whether only a part of its label was typed: the user must confirm the choice.
    pub(super) is_by_label: bool,
}

/// The snapshot that `typed` means: by its exact name, else the only one whose label begins with
/// `typed` or has `typed` as a word. A typed name with a date means only the snapshot of this name.
///
/// Differs: `rollback` looks for the snapshot by its exact name, and asks if only its label fits
///
/// # Errors
/// If no snapshot or more than one is meant; the error names a near one.
pub(super) fn choose(volume: &Dataset, typed: &SnapName, found: &zfs::Volume) -> Result<Chosen> {
    let names: Vec<&SnapName> = found.snapshots.iter().map(|one| &one.name).collect();
    among(volume.as_str(), typed, &names)
}

/// As [`choose`], among these names of snapshots of a volume or a VM, which are sorted oldest first.
///
/// # Errors
/// As [`choose`].
pub(super) fn among(of: &str, typed: &SnapName, names: &[&SnapName]) -> Result<Chosen> {
    if names.contains(&typed) {
        return Ok(Chosen {
            name: typed.clone(),
            is_by_label: false,
        });
    }
    let fitting = names.iter().copied().filter(|name| has(name, typed));
    let fitting: Vec<&SnapName> = fitting.collect();
    match fitting.as_slice() {
        [] => Err(unknown(of, typed, names)),
        [one] => Ok(Chosen {
            name: (*one).clone(),
            is_by_label: true,
        }),
        several => Err(
            Error::usage(format!("several snapshots of {of} have the label {typed}"))
                .note(list(several))
                .help("give the whole name of one of them"),
        ),
    }
}

/// Whether `typed`, which is no whole name, means a snapshot of this name.
pub(super) fn has(name: &SnapName, typed: &SnapName) -> bool {
    !has_date(typed.as_str()) && fits(typed.as_str(), name.as_str())
}

fn unknown(of: &str, typed: &SnapName, names: &[&SnapName]) -> Error {
    let error = Error::host(format!("{of} has no snapshot @{typed}"));
    if names.is_empty() {
        return error.note("there are no snapshots");
    }
    let error = error.note(list(names));
    let near = names
        .iter()
        .rev()
        .filter(|name| suggest::is_near(label(typed.as_str()), label(name.as_str())))
        .min_by_key(|name| suggest::distance(typed.as_str(), name.as_str()));
    match near {
        Some(near) => error.help(format!("do you mean @{near}?")),
        None => error,
    }
}

/// A note with the last ten of these names, which are sorted oldest first.
fn list(names: &[&SnapName]) -> String {
    let shown: Vec<String> = names
        .iter()
        .rev()
        .take(10)
        .map(|name| format!("@{name}"))
        .collect();
    let more = match names.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} older ones"),
    };
    format!("snapshots, the newest first: {}{more}", shown.join(" "))
}

/// Whether the label of `name` begins with `typed`, or has `typed` as a word.
fn fits(typed: &str, name: &str) -> bool {
    let (typed, label) = (label(typed), label(name));
    !typed.is_empty() && (label.starts_with(typed) || label.split('_').any(|word| word == typed))
}

/// A snapshot's name without the date that `snapshot` writes, `_YYYYMMDDHHMM-`.
fn label(name: &str) -> &str {
    match name.split_once('-') {
        Some((_, label)) if has_date(name) => label,
        _ => name.trim_start_matches('_'),
    }
}

fn has_date(name: &str) -> bool {
    let date = name.split_once('-').map_or(name, |(date, _)| date);
    let digits = date.strip_prefix('_').unwrap_or_default();
    digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{fits, label};

    #[test]
    fn a_label_is_the_name_without_its_date() {
        for (name, wanted) in [
            ("_202601010000-before_upgrade", "before_upgrade"),
            ("_202601010000-a-b", "a-b"),
            ("_before-x", "before-x"),
            ("mine", "mine"),
            ("_202601010000", "202601010000"),
        ] {
            assert_eq!(label(name), wanted);
        }
    }

    #[test]
    fn a_label_fits_by_its_beginning_or_a_whole_word() {
        let name = "_202601010000-before_upgrade";
        for typed in ["before", "bef", "upgrade", "before_upgrade", "_before"] {
            assert!(fits(typed, name), "{typed}");
        }
        for typed in ["grade", "upgr", "fore", "2026", "_", "_202601010000-"] {
            assert!(!fits(typed, name), "{typed}");
        }
    }
}
