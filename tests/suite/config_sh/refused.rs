//! The converse: a file that we refuse is not a plain assignment to sh(1) either.
//!
//! sh fails on it, runs a command or prints, or two shells give different values. Forms that are
//! refused although both shells read them alike are listed in [`ON_PURPOSE`], with the reason.

use super::generate::{Choices, Generator, Rules};
use super::shell::{Shell, Values, command};
use super::{runner, show, tangled};
use crate::case::root;
use easy_bhyve::config::ConfigError;
use easy_bhyve::finding::FindingName;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Forms that are no plain assignments, whatever the shells make of one sample: the name, the
/// text at that place ("" for any text), and the reason.
const ON_PURPOSE: &[(FindingName, &str, &str)] = &[
    (
        FindingName::CommandSubstitution,
        "",
        "it runs a subshell, if only an empty one",
    ),
    (FindingName::Arithmetic, "", "it computes"),
    (
        FindingName::CompoundCommand,
        "",
        "its assignments depend on the status of others",
    ),
    (
        FindingName::Function,
        "",
        "it assigns only when it is called",
    ),
    (
        FindingName::Operator,
        "",
        "it depends on a status, opens files, or runs a subshell",
    ),
    (
        FindingName::SpecialParameter,
        "",
        "its value depends on how sh was called",
    ),
    (
        FindingName::ShellVariable,
        "",
        "its value is the shell's own and changes by itself",
    ),
    (
        FindingName::ErrorExpansion,
        "",
        "it ends sh, depending on a value",
    ),
    (
        FindingName::Operand,
        "",
        "it prints, or takes the name from a value",
    ),
    (
        FindingName::Command,
        "$",
        "it runs what the variable holds, and nothing if that is empty",
    ),
    (
        FindingName::TooLarge,
        "",
        "a limit keeps time and memory in proportion to the file",
    ),
    (
        FindingName::Locale,
        "",
        "its value depends on the locale in which sh runs",
    ),
    (
        FindingName::Pattern,
        "",
        "FreeBSD knows a class that others do not, or its sh looks beyond the pattern",
    ),
    (
        FindingName::Unterminated,
        "'",
        "FreeBSD's sh begins a quote here where quotes end the ones around braces",
    ),
    (
        FindingName::IncludeCircle,
        "",
        "it ends when sh has no more files or memory",
    ),
];

/// At least one sample of each error of the parser.
const SAMPLES: &[(FindingName, &str)] = &[
    (FindingName::Operator, "a=1 | b=2"),
    (FindingName::Operator, "a=1 && b=2"),
    (FindingName::Operator, "a=1>x"),
    (FindingName::Operator, "a=1 &"),
    (FindingName::Command, "nothing x"),
    (FindingName::Command, ": x"),
    (FindingName::Command, "[ a ]"),
    (FindingName::Command, "$a"),
    (FindingName::Command, "\"a=1\""),
    (FindingName::Command, "a=1\n\r"),
    (FindingName::PrefixAssignment, "a=b c"),
    (FindingName::PrefixAssignment, "a=b :"),
    (FindingName::PrefixAssignment, "a=b export c=d"),
    (FindingName::BlankAroundEquals, "a = 1"),
    (FindingName::BlankAroundEquals, "a =1"),
    (FindingName::BlankAroundEquals, "a= 1"),
    (FindingName::VariableName, "web-1_id=3"),
    (FindingName::VariableName, "1a=3"),
    (FindingName::VariableName, "\u{feff}a=1"),
    (FindingName::Append, "a+=1"),
    (FindingName::Array, "a=(1 2)"),
    (FindingName::CompoundCommand, "if a=1; then b=2; fi"),
    (FindingName::CompoundCommand, "(a=1)"),
    (FindingName::CompoundCommand, "{ a=1; }"),
    (FindingName::CompoundCommand, "! a=1"),
    (FindingName::CompoundCommand, "for a in 1 2; do b=$a; done"),
    (FindingName::CompoundCommand, "case x in x) a=1;; esac"),
    (FindingName::Function, "f() { a=1; }"),
    (FindingName::EmptyStatement, ";a=1"),
    (FindingName::EmptyStatement, "a=1;;"),
    (FindingName::CommandSubstitution, "a=$(nothing)"),
    (FindingName::CommandSubstitution, "a=`:`"),
    (FindingName::Arithmetic, "a=$((1+2))"),
    (FindingName::SpecialParameter, "a=$#"),
    (FindingName::SpecialParameter, "a=${10}"),
    (FindingName::SpecialParameter, "a=${!b}"),
    (FindingName::ShellVariable, "a=$PPID"),
    (FindingName::ShellVariable, "OPTIND=x"),
    (FindingName::ErrorExpansion, "a=${c:?no}"),
    (FindingName::ErrorExpansion, "a=${c?}"),
    (FindingName::BadExpansion, "a=${c/y/z}"),
    (FindingName::BadExpansion, "a=${}"),
    (FindingName::Pattern, "d=x; a=${d#[[:rune:]]}"),
    (FindingName::Locale, "d=é; a=${#d}"),
    (FindingName::Locale, "d=é; a=${d#?}"),
    (FindingName::Locale, "a=$'\\u00e9'"),
    (FindingName::Escape, "a=$'\\q'"),
    (FindingName::Unterminated, "a=x'y\nz"),
    (FindingName::Unterminated, "a=\"y"),
    (FindingName::Unterminated, "a=${c"),
    (FindingName::Readonly, "readonly a=1\na=2"),
    (FindingName::Readonly, "readonly a\nb=${a:=2}"),
    (FindingName::Operand, "export -p"),
    (FindingName::Operand, "export"),
    (FindingName::Operand, "export 1a"),
    (FindingName::Include, ". inc.conf"),
    (FindingName::Include, ". ./inc*"),
    (FindingName::Include, ". ./inc.conf x"),
    (FindingName::Include, "."),
    (FindingName::IncludeUnreadable, ". ./nowhere"),
    (FindingName::Nul, "a=x\0y"),
];

/// The answers of the shells for a file.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    /// One of them reports an error.
    Fails,
    /// They give different values.
    Differs,
    /// A command runs, or something is printed.
    Runs,
    /// Both assign the same and do nothing else.
    Plain,
}

struct Shells {
    sh: Shell,
    bash: Option<Shell>,
}

impl Shells {
    fn new() -> Self {
        Self {
            sh: Shell::new("/bin/sh").unwrap(),
            bash: Shell::ansi(),
        }
    }

    fn see(&self, files: &[Vec<u8>]) -> Vec<Seen> {
        let first = self.sh.run(files);
        let rest: Vec<Vec<u8>> = files
            .iter()
            .zip(&first)
            .filter(|(_, values)| values.is_ok())
            .map(|(file, _)| file.clone())
            .collect();
        let second = self.bash.as_ref().map(|bash| bash.run(&rest));
        let mut second = second.into_iter().flatten();
        let seen = |(file, values): (&Vec<u8>, Result<Values, String>)| match values {
            Err(_) => Seen::Fails,
            Ok(values) => match second.next() {
                Some(Err(_)) => Seen::Fails,
                Some(Ok(others)) if others != values => Seen::Differs,
                _ if self.runs_something(file) => Seen::Runs,
                _ => Seen::Plain,
            },
        };
        files.iter().zip(first).map(seen).collect()
    }

    /// Whether a trace of the file shows anything but assignments, or sh prints.
    fn runs_something(&self, file: &[u8]) -> bool {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("inc.conf"), super::INCLUDED).unwrap();
        std::fs::write(directory.path().join("file.conf"), file).unwrap();
        let program = &self.bash.as_ref().unwrap_or(&self.sh).program;
        let traced = command(program, directory.path())
            .args(["-c", "PS4='@ '; set -x; . ./file.conf"])
            .output()
            .unwrap();
        let trace = String::from_utf8_lossy(&traced.stderr);
        let is_command = |line: &str| {
            let word = line.strip_prefix("@ ").unwrap_or_default();
            let name = word.split('=').next().unwrap_or_default();
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let assigns = word.contains('=') && name.chars().all(is_name);
            let accepted = [". ", "export ", "readonly "];
            !assigns && !accepted.iter().any(|start| word.starts_with(start))
        };
        !traced.stdout.is_empty() || trace.lines().any(is_command)
    }
}

/// The first refused form, and the text at its place.
fn refusal(shell: &Shell, directory: &Path, file: &[u8]) -> Option<(FindingName, Vec<u8>)> {
    match shell.read(directory, file) {
        Ok(_) => None,
        Err(ConfigError::Refused(config)) => {
            let first = &config.findings()[0];
            Some((first.name, config.sources().text(first.span).to_vec()))
        }
        Err(error) => panic!("{error}"),
    }
}

fn is_on_purpose(name: FindingName, text: &[u8]) -> bool {
    let mut all = ON_PURPOSE.iter();
    all.any(|(own, start, _)| *own == name && text.starts_with(start.as_bytes()))
}

fn with_included() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("inc.conf"), super::INCLUDED).unwrap();
    directory
}

#[test]
fn no_refused_sample_is_a_plain_assignment_to_sh() {
    let shells = Shells::new();
    let directory = with_included();
    let files: Vec<Vec<u8>> = SAMPLES
        .iter()
        .map(|(_, text)| text.as_bytes().to_vec())
        .collect();
    let mut wrong = Vec::new();
    for ((name, text), seen) in SAMPLES.iter().zip(shells.see(&files)) {
        match refusal(&shells.sh, directory.path(), text.as_bytes()) {
            Some((ours, at)) if ours == *name => {
                if seen == Seen::Plain && !is_on_purpose(ours, &at) {
                    wrong.push(format!("{text:?}: {name}, but both shells take it alike"));
                }
            }
            ours => wrong.push(format!("{text:?} is refused as {ours:?}, not {name}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files of the parser, which name the errors.
const PARSER: [&str; 6] = ["by_locale", "command", "expand", "parser", "refuse", "word"];

#[test]
fn every_error_of_the_parser_has_a_sample() {
    let mut missing = BTreeSet::new();
    for file in PARSER {
        let path = root().join(format!("src/config/shell/{file}.rs"));
        let text = std::fs::read_to_string(path).unwrap();
        for rest in text.split("FindingName::").skip(1) {
            let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next();
            let name = name.unwrap().to_owned();
            if !SAMPLES.iter().any(|(own, _)| format!("{own:?}") == name) {
                missing.insert(name);
            }
        }
    }
    // Larger than a sample, or a file of another user: tested elsewhere.
    let expected = ["IncludeCircle", "IncludeForeign", "TooLarge"].map(str::to_owned);
    assert_eq!(missing, BTreeSet::from(expected));
}

#[test]
fn no_refused_mixture_of_tokens_is_a_plain_assignment_to_sh() {
    let shells = Shells::new();
    let directory = with_included();
    let counts = std::cell::RefCell::new(BTreeMap::<&str, usize>::new());
    // The shortest first.
    let alike = std::cell::RefCell::new(BTreeSet::new());
    let made = proptest::collection::vec(any::<u16>(), 0..150).prop_map(|choices| {
        Generator::new(Choices::new(&choices), false, &mut Rules::new()).file()
    });
    let batch = proptest::collection::vec(prop_oneof![3 => tangled(), 1 => made], 100..200);
    let result = runner(40).run(&batch, |files| {
        let mut refused = Vec::new();
        for file in files {
            let first = refusal(&shells.sh, directory.path(), &file);
            if let Some((name, _)) = first.filter(|(name, at)| !is_on_purpose(*name, at)) {
                *counts.borrow_mut().entry(name.as_str()).or_default() += 1;
                refused.push((name, file));
            }
        }
        let texts: Vec<_> = refused.iter().map(|(_, file)| file.clone()).collect();
        let plain = refused.iter().zip(shells.see(&texts));
        let plain = plain.filter(|(_, seen)| *seen == Seen::Plain);
        alike
            .borrow_mut()
            .extend(plain.map(|((name, file), _)| (file.len(), format!("{name}: {}", show(file)))));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let alike: Vec<_> = alike
        .into_inner()
        .into_iter()
        .take(20)
        .map(|(_, shown)| shown)
        .collect();
    assert!(
        alike.is_empty(),
        "both shells take these alike:\n{}",
        alike.join("\n")
    );
    let counts = counts.into_inner();
    assert!(counts.len() > 8, "too few kinds: {counts:?}");
}
