//! The manual pages: complete, clean, and shown wherever the program runs.

use crate::case::root;
use crate::place::{self, PROGRAM, Place, Said};
use crate::seat::Seat;
use easy_bhyve::config::settings::{Form, HOST, VM};
use easy_bhyve::finding::FindingName;
use easy_bhyve::run::causes::KNOWN;
use easy_bhyve::verb::{Verb, examples};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use unicode_width::UnicodeWidthStr;

const PAGES: [(&str, &str, &str); 4] = [
    ("1", "easy-bhyve", "EASY-BHYVE 1"),
    ("5", "easy-bhyve.conf", "EASY-BHYVE.CONF 5"),
    ("7", "easy-bhyve-examples", "EASY-BHYVE-EXAMPLES 7"),
    ("ja", "easy-bhyve.ja", "EASY-BHYVE 1"),
];

/// The source of a page, by its number or its name.
fn source(page: &str) -> String {
    let said = man(&Place::new(), &["--source", page]);
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{page}");
    said.out
}

/// Calls `man`, without a configuration.
fn man(place: &Place, words: &[&str]) -> Said {
    let output = place.call(PROGRAM).arg("man").args(words).output();
    Said::of(&output.unwrap())
}

/// The entries of a list, from the line `.It` to the next, that begin with these lines.
fn entries<'page>(page: &'page str, head: &str) -> Vec<&'page str> {
    let starts = page.match_indices(head).map(|(at, _)| at + head.len());
    let entry = |at: usize| {
        let rest = &page[at..];
        let end = ["\n.It Xo", "\n.Sh ", "\n.Ss ", "\n.It Va "];
        let end = end.iter().filter_map(|end| rest.find(end)).min();
        &rest[..end.unwrap_or(rest.len())]
    };
    starts.map(entry).collect()
}

/// The commands that `--help` lists.
fn commands() -> Vec<String> {
    let output = Place::new().call(PROGRAM).arg("--help").output();
    let help = Said::of(&output.unwrap()).out;
    let (list, _) = help.split_once("\nOptions:\n").unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter_map(|line| line.split(' ').next());
    let names = names.filter(|name| !name.is_empty());
    // clap's own, which the options describe.
    let names = names.filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn every_command_has_one_entry_with_its_examples() {
    let page = source("1");
    let (synopsis, _) = page.split_once("\n.Sh DESCRIPTION\n").unwrap();
    let commands = commands();
    assert!(
        Verb::ALL
            .iter()
            .all(|verb| commands.contains(&verb.to_string()))
    );
    for command in &commands {
        let found = entries(&page, &format!("\n.It Xo\n.Cm {command}\n"));
        assert_eq!(found.len(), 1, "{command}");
        let call = match Verb::parse(command) {
            Some(_) => format!("deb0-{command}"),
            None => format!("easy-bhyve {command}"),
        };
        let examples = examples(command, &call).map(|example| format!(".Dl {example}\n"));
        let examples: String = examples.collect();
        assert!(
            found[0].contains(examples.trim_end()),
            "{command}: {found:?}"
        );
        let form = synopsis.matches(&format!("\n.Nm\n.Cm {command}\n")).count();
        assert_eq!(form, 1, "the synopsis of {command}");
        // What explains it, besides what the definition says in one line.
        let (_, explained) = found[0].split_once(".Xc\n").unwrap();
        assert!(explained.lines().count() > 3, "{command}: {explained}");
    }
    assert_eq!(page.matches("\n.It Xo\n").count(), commands.len());
}

#[test]
fn every_option_is_explained() {
    let page = source("1");
    for command in commands() {
        let output = Place::new()
            .call(PROGRAM)
            .args([command.as_str(), "--help"])
            .output();
        let help = Said::of(&output.unwrap()).out;
        let words = help
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        for word in words.map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric())) {
            let long = format!("Fl -{word}");
            let mut items = page.lines().filter(|line| line.starts_with(".It Fl "));
            assert!(items.any(|item| item.contains(&long)), "{command} --{word}");
        }
    }
}

#[test]
fn every_setting_has_one_entry_and_every_form_of_a_value() {
    let page = source("5");
    let rows = HOST
        .iter()
        .map(|row| (row.name.to_owned(), row.form, row.default));
    let vms = VM
        .iter()
        .map(|row| (format!("VM_{}", row.name), row.form, row.default));
    let rows: Vec<_> = rows.chain(vms).collect();
    for (name, form, default) in &rows {
        let found = entries(&page, &format!("\n.It Va {name} Ns = Ns "));
        assert_eq!(found.len(), 1, "{name}");
        if let easy_bhyve::config::settings::Default::Value(value) = default {
            let shown = format!("Default:\n.Ql {value} .");
            assert!(
                found[0].replace("\\&", "").contains(&shown),
                "{name}: {found:?}"
            );
        }
        match form {
            Form::Named(forms) => {
                for form in forms.split(" | ") {
                    let values = entries(&page, &format!("\n.It Ar {form}\n"));
                    assert_eq!(values.len(), 1, "{name}={form}");
                }
            }
            Form::OneOf(words) => assert!(words.len() > 1, "{name}"),
        }
    }
    assert_eq!(page.matches("\n.It Va ").count(), rows.len());
    // A number stands for several settings.
    for row in VM.iter().filter(|row| row.slots.is_some()) {
        let entry = entries(&page, &format!("\n.It Va VM_{} Ns = Ns ", row.name));
        let last = if row.name.starts_with("cd") { 7 } else { 15 };
        let shown = format!("is 0 to {last}.\n");
        assert!(entry[0].contains(&shown), "{}", row.name);
    }
    for row in VM.iter().filter(|row| !row.older.is_empty()) {
        let entry = entries(&page, &format!("\n.It Va VM_{} Ns = Ns ", row.name));
        assert!(
            row.older.iter().all(|name| entry[0].contains(name)),
            "{}",
            row.name
        );
    }
}

#[test]
fn every_cause_and_every_finding_is_there() {
    let (commands, configuration) = (source("1"), source("5"));
    assert_eq!(commands.matches("\nCause: ").count(), KNOWN.len());
    assert_eq!(commands.matches("\nRemedy: ").count(), KNOWN.len());
    for finding in FindingName::ALL {
        let item = format!("\n.It Sy {finding} Pq {}\n", finding.severity());
        assert_eq!(configuration.matches(&item).count(), 1, "{finding}");
    }
}

#[test]
fn a_page_is_filled_in_and_written_as_manual_pages_are() {
    for (number, name, title) in PAGES {
        let page = source(number);
        assert_eq!(page, source(name));
        assert!(page.contains(&format!("\n.Dt {title}\n")));
        let mut is_literal = false;
        for (at, line) in page.lines().enumerate() {
            let place = format!("{name}({number}):{}: {line}", at + 1);
            assert!(!line.starts_with('@'), "not filled in: {place}");
            assert_eq!(line.trim_end(), line, "a blank at the end: {place}");
            assert!(number == "ja" || line.is_ascii(), "not ASCII: {place}");
            is_literal = line.starts_with(".Bd") || (is_literal && !line.starts_with(".Ed"));
            assert!(is_literal || !line.is_empty(), "an empty line: {place}");
            let is_text = !is_literal && !line.starts_with('.');
            let sentences = line.split(". ").skip(1);
            let mut begins = sentences.filter_map(|rest| rest.chars().next());
            let is_new = begins.any(|first| first.is_uppercase() || "-\\".contains(first));
            assert!(!is_text || !is_new, "a sentence within a line: {place}");
            assert!(!is_text || line.width() <= 80, "too long: {place}");
        }
    }
    let said = man(&Place::new(), &["--source"]);
    assert_eq!(said.out, source("1"));
}

#[test]
fn mandoc_has_nothing_to_say_about_a_page() {
    let place = Place::new();
    for (number, ..) in PAGES {
        let path = place.write(number, source(number));
        let lint = Command::new("mandoc")
            .args(["-T", "lint"])
            .arg(path)
            .output();
        let Ok(lint) = lint else {
            return place::skip("mandoc is not installed");
        };
        let said = String::from_utf8_lossy(&lint.stdout);
        // The pages of the host's programs are not installed elsewhere.
        let is_of_page = |line: &&str| !line.contains(": referenced manual not found: ");
        let said: Vec<&str> = said.lines().filter(is_of_page).collect();
        assert!(said.is_empty(), "{said:#?}");
    }
}

#[test]
fn references_within_a_page_lead_to_a_section() {
    for (number, ..) in PAGES {
        let page = source(number);
        let sections: BTreeSet<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix(".Sh ").or(line.strip_prefix(".Ss ")))
            .collect();
        let other = source(if number == "5" { "1" } else { "5" });
        for line in page.lines().filter_map(|line| line.strip_prefix(".Sx ")) {
            let section = line.trim_end_matches([' ', '.', ',', ';', ')']);
            let is_here = sections.contains(section);
            assert!(
                is_here || other.contains(&format!("\n.Sh {section}\n")),
                "{section}"
            );
        }
    }
}

/// A place with this program.
fn with_program(name: &str, script: &str) -> Place {
    let place = Place::new();
    place.script(&format!("programs/{name}"), script);
    place
}

/// A formatter that shows how it was called, then the begin of the page, and where it runs.
fn formatter() -> Place {
    let script = r#"printf '%s %s\n' "${0##*/}" "$1"
sed -n 's/^\.Nd /N@N_@D /p' "$2" | tr @ '\010'
[ -t 1 ] && echo at a terminal
ls -ld "${2%/*}" | cut -c1-10
"#;
    with_program("mandoc", script)
}

/// A call of `man` on a host with these programs and those that the formatter needs.
fn call(place: &Place, words: &[&str]) -> Command {
    let path = format!("{}:/usr/bin:/bin", place.path("programs").display());
    let mut command = place.call(PROGRAM);
    command.env("EASY_BHYVE_PATH", path).arg("man").args(words);
    command
}

#[test]
fn a_formatter_gets_the_page_in_a_directory_of_its_own() {
    let place = formatter();
    let said = Said::of(&call(&place, &["5"]).output().unwrap());
    let begin = "ND configuration of\ndrwx------\n";
    assert_eq!(said, Said::new(0, format!("mandoc -a\n{begin}"), ""));

    let left = Seat::start(&call(&place, &[])).end();
    let begin = "N\u{8}N_\u{8}D manage virtual machines";
    assert!(
        left.written.starts_with("mandoc -a\r\n"),
        "{}",
        left.written
    );
    assert!(left.written.contains(begin), "{}", left.written);
    assert!(left.written.contains("at a terminal"), "{}", left.written);
    assert_eq!(left.status.code(), Some(0));
}

#[test]
fn a_formatter_that_fails_is_reported() {
    let script = "echo no such device >&2\nexit 5\n";
    let place = with_program("mandoc", script);
    let said = Said::of(&call(&place, &["1"]).output().unwrap());
    assert_eq!((said.status, said.out.as_str()), (Some(1), ""));
    assert!(
        said.err.contains("mandoc -a /tmp/easy-bhyve."),
        "{}",
        said.err
    );
    assert!(said.err.contains("no such device"), "{}", said.err);
    // What was made for it is gone.
    let (_, file) = said.err.split_once("mandoc -a ").unwrap();
    let file = Path::new(file.split_whitespace().next().unwrap());
    assert_eq!(file.file_name().unwrap(), "easy-bhyve.1");
    assert!(!file.parent().unwrap().exists(), "{}", file.display());
}

#[test]
fn without_a_formatter_the_source_is_shown() {
    let said = man(&Place::new(), &["1"]);
    assert_eq!((said.status, said.out), (Some(0), source("1")));
    assert_eq!(
        said.err,
        "easy-bhyve: neither mandoc nor man is installed: this is the source of the page\n"
    );
}

#[test]
fn an_unknown_page_is_refused_with_those_that_exist() {
    let said = man(&Place::new(), &["8"]);
    assert_eq!(said.status, Some(2));
    assert!(
        said.err.contains("easy-bhyve, easy-bhyve.conf"),
        "{}",
        said.err
    );
}

#[test]
fn the_files_that_are_included_are_pages() {
    let code = fs::read_to_string(root().join("src/manual/mod.rs")).unwrap();
    let included: BTreeSet<&str> = code
        .split("include_str!(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let mut pages = BTreeSet::new();
    for directory in ["pages", "pages/ja"] {
        let entries = fs::read_dir(root().join("src/manual").join(directory)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        pages.extend(names.map(|name| format!("{directory}/{name}")));
    }
    pages.remove("pages/ja");
    assert_eq!(included, pages.iter().map(String::as_str).collect());
}
