//! What we read from a configuration is what a real sh(1) gets when it runs the same file.
//!
//! Files are generated, many of them are read by one shell, and every variable is compared. Forms
//! that dash lacks (`$'…'`) are compared with bash, where it is installed.

mod generate;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use easy_bhyve::config::{Config, ConfigError, FindingName, Outside, Source, parse};
use proptest::prelude::*;
use proptest::test_runner::{Config as Settings, TestRunner};

use generate::{Choices, Generator, RULES, Rules};

const HOME: &str = "/home/a user";
const ENVIRONMENT: [(&str, &str); 3] = [("HOME", HOME), ("env1", "en  v*"), ("b", "")];
const NAMES: [&str; 12] = [
    "a", "b", "c", "d", "foo", "a_x", "ro0", "ro1", "ro2", "included", "env1", "HOME",
];
const INCLUDED: &str = "included=\"$a-\"${included}x\nc=${c:-from include}\n";

type Values = BTreeMap<&'static str, Option<Vec<u8>>>;

/// A shell to compare with, and the home that it knows for root.
struct Shell {
    program: PathBuf,
    root: Vec<u8>,
}

impl Shell {
    fn new(program: &str) -> Option<Self> {
        let program = PathBuf::from(program);
        let root = command(&program, Path::new("/"))
            .args(["-c", "printf %s ~root"])
            .output()
            .ok()?;
        Some(Self {
            program,
            root: root.stdout,
        })
    }

    /// A shell that knows `$'…'`.
    fn ansi() -> Option<Self> {
        let known = [
            "/bin/bash",
            "/usr/bin/bash",
            "/usr/local/bin/bash",
            "/bin/sh",
        ];
        known
            .iter()
            .filter_map(|program| Self::new(program))
            .find(|shell| {
                let mut command = command(&shell.program, Path::new("/"));
                command
                    .args(["-c", r"printf %s $'\x41'"])
                    .output()
                    .unwrap()
                    .stdout
                    == b"A"
            })
    }

    /// The variables after each file, or what the shell said against it.
    fn run(&self, files: &[Vec<u8>]) -> Vec<Result<Values, String>> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("inc.conf"), INCLUDED).unwrap();
        let mut script = String::new();
        for (number, file) in files.iter().enumerate() {
            std::fs::write(path(&format!("{number}.conf")), file).unwrap();
            script.push_str(&format!("(\n. ./{number}.conf\n"));
            for name in NAMES {
                script.push_str(&format!(
                    "case ${{{name}+s}} in s) printf '%s\\000' \"={name}=${name}\";; esac\n"
                ));
            }
            script.push_str(&format!(
                "printf 'end\\000') 2>{number}.err\nprintf 'file\\000'\n"
            ));
        }
        std::fs::write(path("script"), script).unwrap();
        let output = command(&self.program, directory.path())
            .arg("./script")
            .output()
            .unwrap();
        let mut results = Vec::new();
        let mut values = nothing();
        let mut ended = false;
        for word in output.stdout.split(|byte| *byte == 0) {
            match word {
                b"file" => {
                    let errors = std::fs::read(path(&format!("{}.err", results.len()))).unwrap();
                    let errors = String::from_utf8_lossy(&errors).into_owned();
                    let values = std::mem::replace(&mut values, nothing());
                    let ended = std::mem::take(&mut ended);
                    results.push(if ended && errors.is_empty() {
                        Ok(values)
                    } else {
                        Err(errors)
                    });
                }
                b"end" => ended = true,
                _ => {
                    for name in NAMES {
                        let value = word.strip_prefix(format!("={name}=").as_bytes());
                        if let Some(value) = value {
                            values.insert(name, Some(value.to_vec()));
                        }
                    }
                }
            }
        }
        assert_eq!(
            results.len(),
            files.len(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        results
    }

    /// What we make of a file.
    fn read(&self, directory: &Path, file: &[u8]) -> Result<Config, ConfigError> {
        let variable = |name: &str| {
            let known = ENVIRONMENT.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| OsString::from(value))
        };
        let home = |user: &OsStr| {
            (user.as_bytes() == b"root").then(|| OsString::from_vec(self.root.clone()).into())
        };
        let outside = Outside {
            variable: &variable,
            home: &home,
        };
        parse(
            vec![Source::new(
                directory.join("easy-bhyve.conf"),
                file.to_vec(),
            )],
            &outside,
        )
    }
}

fn command(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

fn nothing() -> Values {
    NAMES.iter().map(|name| (*name, None)).collect()
}

fn ours(config: &Config) -> Values {
    let environment = |name: &str| ENVIRONMENT.iter().find(|(known, _)| *known == name);
    let value = |name: &&'static str| {
        let own = config.get(name).map(|assignment| assignment.value.to_vec());
        own.or_else(|| environment(name).map(|(_, value)| value.as_bytes().to_vec()))
    };
    NAMES.iter().map(|name| (*name, value(name))).collect()
}

fn show(bytes: &[u8]) -> String {
    bytes
        .escape_ascii()
        .to_string()
        .replace("\\n", "\n")
        .replace("\\'", "'")
        .replace("\\\"", "\"")
}

/// Reads each file twice, and says how many we accepted.
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
    TestRunner::new(Settings { cases, ..settings })
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
                    FindingName::Tilde,
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
    let missing: Vec<_> = RULES
        .iter()
        .filter(|rule| {
            let dash_lacks = **rule == "ansi quotes";
            !rules.contains_key(**rule) && (ansi || !dash_lacks)
        })
        .collect();
    assert!(missing.is_empty(), "rules never produced: {missing:?}");
    assert!(
        rules.keys().all(|rule| RULES.contains(rule)),
        "a rule is not listed: {rules:?}"
    );
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

/// Text that looks like sh, most of which is refused.
fn tangled() -> impl Strategy<Value = Vec<u8>> {
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
fn what_is_accepted_of_tangled_text_has_the_values_of_sh() {
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

fn spans_are_inside(bytes: &[u8]) -> Result<(), TestCaseError> {
    let shell = Shell {
        program: PathBuf::new(),
        root: b"/root".to_vec(),
    };
    let config = match shell.read(Path::new("/nowhere"), bytes) {
        Ok(config) => config,
        Err(ConfigError::Refused(config)) => {
            prop_assert!(!config.findings().is_empty());
            *config
        }
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    let lints = easy_bhyve::config::lint::check(&config);
    let findings = config
        .findings()
        .iter()
        .chain(&lints)
        .map(|finding| finding.span);
    let names = config
        .assignments()
        .flat_map(|one| [one.name_span, one.value_span]);
    for span in names.chain(findings) {
        prop_assert!(
            span.start <= span.end && span.end as usize <= bytes.len(),
            "{span:?}"
        );
        let place = config.place(span);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        prop_assert!(place.line >= 1 && place.line <= lines && place.column >= 1);
        let line = config.line(span);
        prop_assert!(place.column <= line.text.len() + 2 && line.number == place.line);
    }
    for (vm, _) in config.vms() {
        prop_assert!(!config.keys_of(vm).keys.is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(Settings { failure_persistence: None, ..Settings::with_cases(2000) })]

    #[test]
    fn no_bytes_panic_and_spans_stay_inside(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        spans_are_inside(&bytes)?;
    }

    #[test]
    fn no_tangled_text_panics_and_spans_stay_inside(bytes in tangled()) {
        spans_are_inside(&bytes)?;
    }
}
