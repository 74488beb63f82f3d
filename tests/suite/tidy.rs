//! Rules that no compiler checks: length of files, leftovers, and the content of README.

use crate::case::root;
use easy_bhyve::verb::{GROUPS, Verb};
use std::path::{Path, PathBuf};

/// The greatest length of a file, in lines; only data of cases, records of real programs and lock files
/// of dependencies are longer.
const LONGEST: usize = 400;

/// A text file of the repository.
struct File {
    /// Its path in the repository.
    path: String,
    text: String,
}

impl File {
    /// The part that is not only for tests: up to the first `#[cfg(test)]`.
    fn shipped(&self) -> &str {
        let is_test = self.path.ends_with("tests.rs");
        if is_test {
            return "";
        }
        self.text.split("#[cfg(test)]").next().unwrap_or_default()
    }

    /// Lines that are not comments, with their numbers.
    fn shipped_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.shipped().lines().enumerate();
        lines
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (number + 1, line))
    }

    fn is_in(&self, directory: &str) -> bool {
        self.path.starts_with(directory)
    }
}

/// Every text file below these directories, and those of the top level.
fn files() -> Vec<File> {
    let mut paths = Vec::new();
    for directory in ["src", "tests", "examples", ".ci", ".github"] {
        walk(&root().join(directory), &mut paths);
    }
    for name in ["Cargo.toml", "README.md", ".gitignore"] {
        paths.push(root().join(name));
    }
    paths.sort();
    let read = |path: PathBuf| {
        Some(File {
            text: std::fs::read_to_string(&path).ok()?,
            path: path.strip_prefix(root()).ok()?.to_str()?.to_owned(),
        })
    };
    let files: Vec<File> = paths.into_iter().filter_map(read).collect();
    assert!(files.len() > 50, "only {} files were found", files.len());
    files
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// `PATH:LINE: TEXT` of the shipped lines with one of these words in them, except in some files.
fn uses(directory: &str, words: &[&str], but: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.is_in(directory)) {
        for (number, line) in file.shipped_lines() {
            let is_allowed = but.contains(&file.path.as_str());
            if !is_allowed && words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    found
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn only_the_real_host_starts_processes() {
    let allowed = [
        "src/host/child.rs",
        "src/host/follow.rs",
        "src/host/inspected.rs",
        "src/host/system.rs",
        "src/main.rs",
    ];
    let mut found = uses("src/", &["std::process", "Command::new("], &allowed);
    found.retain(|line| !line.contains("clap::Command::new("));
    // Its own pid is an attribute of a call.
    found.retain(|line| !(line.starts_with("src/process.rs:") && line.contains("process::id()")));
    assert_eq!(found, none());
    let main = std::fs::read_to_string(root().join("src/main.rs")).unwrap();
    let lines: Vec<&str> = main
        .lines()
        .filter(|line| line.contains("std::process"))
        .collect();
    assert_eq!(lines, ["use std::process::ExitCode;"]);
}

#[test]
fn only_process_reads_the_environment() {
    assert_eq!(uses("src/", &["std::env"], &["src/process.rs"]), none());
}

#[test]
fn plans_read_no_files() {
    assert_eq!(uses("src/plan/", &["std::fs", "std::io"], &[]), none());
    assert_eq!(uses("src/operation/", &["std::fs"], &[]), none());
}

#[test]
fn no_line_of_the_simulated_host_is_shipped() {
    let words = ["#[path", "tests/", "playground", "PLAYGROUND"];
    assert_eq!(uses("src/", &words, &[]), none());
    // The manual pages and the scripts of shells are text beside their code.
    let texts = [
        ("src/manual/mod.rs:", "(\"pages/"),
        ("src/cli/complete/scripts.rs:", "(\"scripts/"),
    ];
    let is_text = |line: &String| {
        let mut texts = texts.iter();
        texts.any(|(file, below)| line.starts_with(file) && line.contains(below))
    };
    let mut included = uses("src/", &["include_str!"], &[]);
    included.retain(|line| !is_text(line));
    assert_eq!(included, none());
}

#[test]
fn nothing_shipped_panics_on_purpose() {
    assert_eq!(uses("src/", &[".unwrap()", ".expect(\""], &[]), none());
}

#[test]
fn no_file_is_longer_than_the_limit() {
    let is_read = |file: &&File| {
        let is_ours = ["src/", "tests/", "examples/"]
            .iter()
            .any(|one| file.is_in(one));
        let is_data = file.is_in("tests/cases/")
            || file.is_in("tests/calibration/")
            || file.path.ends_with("Cargo.lock");
        is_ours && !is_data
    };
    let long: Vec<String> = files()
        .iter()
        .filter(is_read)
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path} has {lines} lines"))
        .collect();
    assert_eq!(long, none());
}

#[test]
fn no_marker_of_unfinished_work_is_left() {
    // Split, so that this file does not contain them.
    let markers = ["TO-DO", "FIX-ME", "XX-X", "HA-CK", "db-g!"].map(|word| word.replace('-', ""));
    let mut found = Vec::new();
    for file in files() {
        for (number, line) in file.text.lines().enumerate() {
            let is_marked = markers.iter().any(|marker| has_word(line, marker));
            if is_marked {
                found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_eq!(found, none());
}

/// Whether a line contains a word, not as a part of another word.
fn has_word(line: &str, word: &str) -> bool {
    let is_end = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.match_indices(word).any(|(at, _)| {
        is_end(line[..at].chars().next_back()) && is_end(line[at + word.len()..].chars().next())
    })
}

#[test]
fn no_file_names_a_place_outside_of_the_repository() {
    let places = ["/wo-rk/", "/ro-ot/", "/tmp/w-t/", "/ho-me/"].map(|place| place.replace('-', ""));
    // Users that only tests have.
    let invented = ["me", "a user", "user", "my-user"];
    let mut found = Vec::new();
    // A home directory of the recorded machine is a part of the records.
    let is_record = |file: &&File| file.is_in("tests/calibration/freebsd-sh/");
    for file in files().iter().filter(|file| !is_record(file)) {
        for (number, line) in file.text.lines().enumerate() {
            for place in &places {
                let names_one = line.match_indices(place.as_str()).any(|(at, _)| {
                    let rest = &line[at + place.len()..];
                    let is_invented = invented.iter().any(|name| rest.starts_with(name));
                    !(place.contains("home") && is_invented)
                });
                if names_one {
                    found.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
                }
            }
        }
    }
    assert_eq!(found, none());
}

#[test]
fn the_differences_of_the_manual_are_those_of_the_source() {
    let page = std::fs::read_to_string(root().join("src/manual/pages/differences.mdoc")).unwrap();
    let items = page
        .lines()
        .filter_map(|line| line.strip_prefix("@difference "));
    let mut listed: Vec<String> = items
        .map(|item| match item.split_once(": ") {
            Some((head, _)) => head.to_owned(),
            None => panic!("the manual has a difference without a description: {item}"),
        })
        .collect();
    let mut tagged: Vec<String> = files()
        .iter()
        .filter(|file| file.is_in("src/"))
        .flat_map(|file| tags(&file.text))
        .collect();
    assert!(!listed.is_empty(), "the manual lists no difference");
    // As sorted lists, so that a difference listed twice is found.
    listed.sort();
    tagged.sort();
    assert_eq!(only_in(&tagged, &listed), none(), "not in the manual");
    assert_eq!(only_in(&listed, &tagged), none(), "not in src");
    assert_eq!(tagged, listed, "one is there twice");
    assert!(
        listed.windows(2).all(|pair| pair[0] != pair[1]),
        "one is in both twice"
    );
}

/// The entries of one list that the other one lacks.
fn only_in(one: &[String], other: &[String]) -> Vec<String> {
    let missing = one.iter().filter(|text| !other.contains(text));
    missing.cloned().collect()
}

/// The texts behind each `Differs:`, to the end of its comment or paragraph.
fn tags(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let words = |line: &str| line.trim_start_matches('/').trim().to_owned();
    let mut tags = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((before, first)) = line.split_once("Differs:") else {
            continue;
        };
        assert!(
            matches!(before, "// " | "/// " | "//! "),
            "a tag begins a comment: {line}"
        );
        let rest = lines[at + 1..].iter();
        let rest = rest
            .take_while(|line| line.starts_with("//"))
            .map(|line| words(line));
        let rest = rest.take_while(|line| !line.is_empty());
        let all: Vec<String> = std::iter::once(words(first)).chain(rest).collect();
        tags.push(all.join(" "));
    }
    tags
}

#[test]
fn the_verbs_of_readme_are_those_of_the_program() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let rows = section(&readme, "## Commands");
    let first_words = rows.lines().filter_map(|row| {
        let word = row.strip_prefix("| `")?;
        word.split([' ', '`']).next()
    });
    let mut verbs: Vec<&str> = first_words.collect();
    assert_eq!(
        verbs.iter().filter(|word| **word == "easy-bhyve").count(),
        1,
        "{verbs:?}"
    );
    let commands = rows
        .lines()
        .find(|row| row.starts_with("| `easy-bhyve COMMAND`"));
    let all = GROUPS.iter().flat_map(|group| group.members);
    let all = all.map(|(name, _)| *name).filter(|name| *name != "help");
    for name in all.filter(|name| Verb::ALL.iter().all(|verb| verb.as_str() != *name)) {
        let is_named = commands.is_some_and(|row| row.contains(&format!("`{name}`")));
        assert!(is_named, "{name}");
    }
    verbs.retain(|word| *word != "easy-bhyve");
    assert_eq!(verbs, Verb::ALL.map(Verb::as_str));
}

/// The text between a heading and the next of its level.
fn section<'text>(text: &'text str, heading: &str) -> &'text str {
    let start = text.find(&format!("\n{heading}\n"));
    let start = start.unwrap_or_else(|| panic!("README has no heading {heading:?}"));
    let rest = &text[start + heading.len() + 2..];
    rest.split("\n## ").next().unwrap_or_default()
}
