//! The values that we read from a configuration are those that a real sh(1) has after it runs the file.
//!
//! Files are generated, many of them are read by one shell, and every variable is compared. Forms
//! that dash lacks (`$'…'`) are compared with bash, where it is installed. Shells other than
//! FreeBSD's may differ where they are known to: see [`common`].

mod common;
mod edited;
mod generate;
mod refused;
mod shell;

use crate::case::root;
use easy_bhyve::finding::FindingName;
use std::path::Path;

use easy_bhyve::config::ConfigError;
use proptest::prelude::*;
use proptest::test_runner::{Config as Settings, TestRng, TestRunner};

use generate::{Choices, Generator, Rules};
use shell::{INCLUDED, Shell, ours};

fn show(bytes: &[u8]) -> String {
    bytes
        .escape_ascii()
        .to_string()
        .replace("\\n", "\n")
        .replace("\\'", "'")
        .replace("\\\"", "\"")
}

/// Reads each file with both, and counts the files that we accepted.
fn compare(shell: &Shell, files: &[Vec<u8>]) -> Result<usize, TestCaseError> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("inc.conf"), INCLUDED).unwrap();
    let read = files.iter().map(|file| shell.read(directory.path(), file));
    let accepted: Vec<_> = files
        .iter()
        .zip(read)
        .filter_map(|(f, c)| Some((f, c.ok()?)))
        .collect();
    let texts: Vec<Vec<u8>> = accepted.iter().map(|(file, _)| (*file).clone()).collect();
    for ((file, config), theirs) in accepted.iter().zip(shell.run(&texts)) {
        if common::differs(file) && theirs.as_ref() != Ok(&ours(config)) {
            continue;
        }
        let theirs = theirs.map_err(|said| format!("sh said {said} to\n{}", show(file)));
        let theirs = theirs.map_err(TestCaseError::fail)?;
        for (name, ours) in ours(config) {
            let theirs = theirs.get(name).cloned().flatten();
            let [o, t] = [&ours, &theirs].map(|value| value.as_deref().map(show));
            prop_assert!(
                ours == theirs,
                "{name}: ours {o:?}, sh's {t:?}, in\n{}",
                show(file)
            );
        }
    }
    Ok(accepted.len())
}

fn runner(cases: u32) -> TestRunner {
    let settings = Settings {
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Settings::default()
    };
    let settings = Settings { cases, ..settings };
    // The same files every time; EASY_BHYVE_RANDOM=1 generates others, and proptest shows the failing one.
    if std::env::var_os("EASY_BHYVE_RANDOM").is_some() {
        return TestRunner::new(settings);
    }
    let seed = TestRng::deterministic_rng(settings.rng_algorithm);
    TestRunner::new_with_rng(settings, seed)
}

fn generated(shell: &Shell, ansi: bool, batches: u32) {
    let choices = proptest::collection::vec(any::<u16>(), 0..150);
    let batch = proptest::collection::vec(choices, 1..60);
    let rules = std::cell::RefCell::new(Rules::new());
    let counts = std::cell::Cell::new((0, 0));
    let result = runner(batches).run(&batch, |batch| {
        let files: Vec<Vec<u8>> = batch
            .iter()
            .map(|choices| {
                Generator::new(Choices::new(choices), ansi, &mut rules.borrow_mut()).file()
            })
            .collect();
        for file in &files {
            if let Err(ConfigError::Refused(config)) = shell.read(Path::new("/nowhere"), file) {
                let finding = &config.findings()[0];
                let names = [
                    FindingName::Pattern,
                    FindingName::Locale,
                    FindingName::IncludeUnreadable,
                ];
                let known = names.contains(&finding.name);
                prop_assert!(known, "{} in\n{}", finding.message, show(file));
            }
        }
        let accepted = compare(shell, &files)?;
        let (all, good) = counts.get();
        counts.set((all + files.len(), good + accepted));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let (all, good) = counts.get();
    assert!(good * 100 >= all * 95, "only {good} of {all} were accepted");
    let rules = rules.into_inner();
    let missing: Vec<_> = generate::rules()
        .filter(|rule| !rules.contains_key(rule) && (ansi || *rule != "ansi quotes"))
        .collect();
    assert!(missing.is_empty(), "rules never produced: {missing:?}");
    assert!(
        rules
            .keys()
            .all(|rule| generate::rules().any(|own| own == *rule)),
        "a rule is not listed: {rules:?}"
    );
}

#[test]
fn the_generator_covers_the_grammar_of_the_manual() {
    let page = root().join("src/manual/pages/grammar.mdoc");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, list) = page.split_once("\nThese are accepted:\n").unwrap();
    let (list, _) = list.split_once("\n.El\n").unwrap();
    let items = list.lines().filter_map(|line| line.strip_prefix(".It "));
    let plain = |item: &str| {
        let item = item.strip_prefix("Li ").unwrap_or(item).replace("\\&", "");
        item.replace("\\(dq", "\"")
            .replace("\\e", "\\")
            .replace("...", "…")
    };
    let accepted: Vec<String> = items.map(plain).collect();
    let generated: Vec<_> = generate::GRAMMAR.iter().map(|(item, _)| *item).collect();
    assert_eq!(generated, accepted);
}

#[test]
fn every_variable_has_the_value_that_sh_gives_it() {
    generated(&Shell::new("/bin/sh").unwrap(), false, 40);
}

#[test]
fn every_variable_has_the_value_that_bash_gives_it_where_dash_lacks_the_form() {
    if let Some(shell) = Shell::ansi() {
        generated(&shell, true, 20);
    }
}

/// Text similar to sh, most of which is refused.
pub(crate) fn tangled() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(PIECES);
    proptest::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat().into_bytes())
}

const PIECES: &[&str] = &[
    "a=",
    "b=",
    "c=",
    " ",
    "\n",
    ";",
    "'",
    "\"",
    "\\",
    "\\\n",
    "$",
    "${",
    "}",
    "a",
    "b",
    "$a",
    "${b",
    ":-",
    "-",
    "=",
    ":=",
    "+",
    "%",
    "%%",
    "#",
    "##",
    "*",
    "?",
    "[",
    "]",
    "[!a]",
    "~",
    ":",
    "/",
    "x",
    "~root",
    "export ",
    "readonly ",
    "\t",
    "é",
    "あ",
    "\r",
    "${#a}",
    "${a}",
    "\"$b\"",
    "'x y'",
    "!",
    "{",
    "^",
    "@",
    ". ./inc.conf",
    "\n",
    "\n",
    "a=",
    "}",
    "\"",
];

#[test]
fn accepted_mixtures_of_tokens_have_the_values_of_sh() {
    let shell = Shell::new("/bin/sh").unwrap();
    let count = std::cell::Cell::new(0);
    let batch = proptest::collection::vec(tangled(), 200..400);
    let result = runner(60).run(&batch, |files| {
        // dash knows no `$'…'`.
        let ansi = |file: &Vec<u8>| file.windows(2).any(|pair| pair == b"$'");
        let files: Vec<_> = files.into_iter().filter(|file| !ansi(file)).collect();
        count.set(count.get() + compare(&shell, &files)?);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(count.get() > 100, "too few were accepted: {}", count.get());
}
