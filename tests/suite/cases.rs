//! Cases as data: each directory `tests/cases/VERB/CASE` is one, and needs no code.
//!
//! `case.toml` says what the host is like and what is called ([`Case`]), `expected` holds all that
//! comes of it. `BLESS=1 cargo test` writes the expected files anew; read the difference.

use crate::case::{Case, root};
use similar_asserts::SimpleDiff;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Directories of `tests/cases` that belong to other tests.
const OTHERS: [&str; 1] = ["examples"];

#[test]
fn every_case_does_what_is_expected_of_it() {
    let cases = directories();
    assert!(!cases.is_empty(), "there is no case in tests/cases");
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases differ; BLESS=1 writes what is so\n\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}

/// `tests/cases/VERB/CASE`, all of them.
pub(crate) fn directories() -> Vec<PathBuf> {
    let verbs = below(&root().join("tests/cases"));
    let is_ours = |path: &PathBuf| !OTHERS.iter().any(|other| path.ends_with(other));
    verbs
        .into_iter()
        .filter(is_ours)
        .flat_map(|verb| below(&verb))
        .collect()
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory of cases");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.is_dir()).collect();
    paths.sort();
    paths
}

fn check(directory: &Path) -> Result<(), String> {
    let name = directory.strip_prefix(root()).unwrap_or(directory);
    let failed = |why: &str| format!("---- {}\n{why}", name.display());
    let case = Case::read(directory).map_err(|error| failed(&error))?;
    if case.comment.trim().is_empty() {
        return Err(failed("its comment says nothing"));
    }
    let found = catch_unwind(AssertUnwindSafe(|| case.run(directory)))
        .map_err(|_| failed("it panicked; see above"))?
        .map_err(|error| failed(&error))?;
    compare(&directory.join("expected"), &found)
        .map_err(|difference| failed(&format!("{}\n{difference}", case.comment)))
}

/// Compares a whole text with a file, or writes it there when blessing.
///
/// # Errors
/// The difference.
pub(crate) fn compare(file: &Path, found: &str) -> Result<(), String> {
    if std::env::var_os("BLESS").is_some_and(|bless| bless == "1") {
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        }
        return std::fs::write(file, found).map_err(|error| error.to_string());
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    Err(SimpleDiff::from_str(&expected, found, "expected", "found").to_string())
}
