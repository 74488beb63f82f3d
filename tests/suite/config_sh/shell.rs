//! A real shell that reads files, and our reading of the same files.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use easy_bhyve::config::{Config, ConfigError, Outside, Source, parse};

const HOME: &str = "/home/a user";
const ENVIRONMENT: [(&str, &str); 3] = [("HOME", HOME), ("env1", "en  v*"), ("b", "")];
const NAMES: [&str; 14] = [
    "a", "b", "c", "d", "foo", "a_x", "a_id", "a_mem", "ro0", "ro1", "ro2", "included", "env1",
    "HOME",
];
/// The content of `inc.conf`.
pub(super) const INCLUDED: &str = "included=\"$a-\"${included}x\nc=${c:-from include}\n";

/// The variables that are compared.
pub(super) type Values = BTreeMap<&'static str, Option<Vec<u8>>>;

/// A shell to compare with, and the home directory of root in it.
pub(super) struct Shell {
    pub(super) program: PathBuf,
    pub(super) root: Vec<u8>,
}

impl Shell {
    pub(super) fn new(program: &str) -> Option<Self> {
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

    /// A shell that supports `$'…'`.
    pub(super) fn ansi() -> Option<Self> {
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

    /// The variables after each file, or the error of the shell.
    pub(super) fn run(&self, files: &[Vec<u8>]) -> Vec<Result<Values, String>> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("inc.conf"), INCLUDED).unwrap();
        let mut script = String::new();
        for (number, file) in files.iter().enumerate() {
            std::fs::write(path(&format!("{number}.conf")), with_line_feeds(file)).unwrap();
            write!(script, "(\n. ./{number}.conf\n").unwrap();
            for name in NAMES {
                let print = format!("printf '%s\\000' \"={name}=${name}\"");
                writeln!(script, "case ${{{name}+s}} in s) {print};; esac").unwrap();
            }
            let end = "printf 'end\\000'";
            writeln!(script, "{end}) 2>{number}.err\nprintf '\\000file\\000'").unwrap();
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

    /// Our reading of a file.
    pub(super) fn read(&self, directory: &Path, file: &[u8]) -> Result<Config, ConfigError> {
        let path = directory.join("easy-bhyve.conf");
        self.seen(|outside| parse(vec![Source::new(path, file.to_vec())], outside))
    }

    /// Runs an action with what this shell can see of its environment.
    pub(super) fn seen<T>(&self, work: impl FnOnce(&Outside<'_>) -> T) -> T {
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
        work(&outside)
    }
}

/// A call of a shell that finds no program.
pub(super) fn command(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(ENVIRONMENT)
        // The programs that a refused file would run do not exist.
        .env("PATH", "/nonexistent")
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

fn nothing() -> Values {
    NAMES.iter().map(|name| (*name, None)).collect()
}

/// Every variable as we read it.
pub(super) fn ours(config: &Config) -> Values {
    let environment = |name: &str| ENVIRONMENT.iter().find(|(known, _)| *known == name);
    let value = |name: &&'static str| {
        let own = config.get(name).map(|assignment| assignment.value.to_vec());
        own.or_else(|| environment(name).map(|(_, value)| value.as_bytes().to_vec()))
    };
    NAMES.iter().map(|name| (*name, value(name))).collect()
}

/// A file with LF for each CR LF: the one difference from sh is that both are read alike.
fn with_line_feeds(file: &[u8]) -> Vec<u8> {
    let behind = file.iter().skip(1).chain([&0]);
    let both = file.iter().zip(behind);
    let kept = both.filter(|both| *both != (&b'\r', &b'\n'));
    kept.map(|(byte, _)| *byte).collect()
}
