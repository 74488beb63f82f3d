//! The Japanese page: it has every command, option and argument of the English one.

use crate::place::{PROGRAM, Place, Said};
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr;

fn source(page: &str) -> String {
    let output = Place::new()
        .call(PROGRAM)
        .args(["man", "--source", page])
        .output();
    Said::of(&output.unwrap()).out
}

/// The lines of these sections of a page.
fn sections<'page>(page: &'page str, titles: &[&str]) -> Vec<&'page str> {
    let mut is_wanted = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix(".Sh ") {
            is_wanted = titles.contains(&title);
        }
        if is_wanted {
            lines.push(line);
        }
    }
    lines
}

/// The heads of what a page explains in its lists: `.It Fl d , Fl -dry-run`.
fn heads(page: &str) -> BTreeSet<&str> {
    let lines = sections(page, &["OPTIONS", "VERBS", "COMMANDS"]);
    let heads = lines.into_iter();
    heads
        .filter(|line| line.starts_with(".It Fl ") || line.starts_with(".It Ar "))
        .collect()
}

/// The examples of verbs and commands.
fn examples(page: &str) -> BTreeSet<&str> {
    let lines = sections(page, &["VERBS", "COMMANDS"]);
    let lines = lines.into_iter();
    lines.filter(|line| line.starts_with(".Dl ")).collect()
}

#[test]
fn every_option_and_argument_is_explained() {
    let (english, japanese) = (source("1"), source("ja"));
    assert!(heads(&english).len() > 30, "{:?}", heads(&english));
    assert_eq!(heads(&japanese), heads(&english));
}

#[test]
fn every_verb_and_command_has_its_form_and_its_examples() {
    let (english, japanese) = (source("1"), source("ja"));
    let entries = |page: &str| -> Vec<String> {
        let entries = page.split("\n.It Xo\n").skip(1);
        let form = |entry: &str| entry.split_once(".Xc\n").unwrap().0.to_owned();
        entries.map(form).collect()
    };
    let (mut forms, mut others) = (entries(&japanese), entries(&english));
    forms.sort();
    others.sort();
    assert_eq!(forms, others);
    assert_eq!(examples(&japanese), examples(&english));
}

#[test]
fn a_terminal_of_80_columns_holds_each_of_its_phrases() {
    // A formatter breaks lines at blanks alone, and an entry within an entry is indented by 21.
    for line in source("ja").lines().filter(|line| !line.starts_with('.')) {
        for phrase in line.split(' ') {
            assert!(phrase.width() <= 60, "{} columns: {phrase}", phrase.width());
        }
    }
}
