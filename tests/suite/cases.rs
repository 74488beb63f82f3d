//! Cases as data: each directory `tests/cases/VERB/CASE` is a test without code.
//!
//! `case.toml` describes the host and the calls ([`Case`]), `expected` contains the whole
//! result. `BLESS=1 cargo test` rewrites the expected files; read the difference.

use crate::case::{Case, root};
use similar_asserts::SimpleDiff;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Directories of `tests/cases` that belong to other tests.
const OTHERS: [&str; 1] = ["examples"];

#[test]
fn every_case_has_the_expected_result() {
    let cases = directories();
    assert!(!cases.is_empty(), "there is no case in tests/cases");
    let failures: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases differ; BLESS=1 rewrites the expected files\n\n{}",
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
        return Err(failed("its comment is empty"));
    }
    let found = catch_unwind(AssertUnwindSafe(|| case.run(directory)))
        .map_err(|_| failed("the case panicked; see above"))?
        .map_err(|error| failed(&error))?;
    compare(&directory.join("expected"), &found)
        .map_err(|difference| failed(&format!("{}\n{difference}", case.comment)))
}

/// Compares a whole text with a file, or with BLESS=1 rewrites the file.
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
