//! Test cases as data: a host, a configuration, calls; and their whole result as one text.

#![allow(unreachable_pub)]

mod plan;

use crate::call::{Said, call_with_file};
use crate::fake::Fake;
use crate::host::call::Logged;
use crate::host::{Edit, Host};
use crate::view;
use easy_bhyve::config::settings;
use easy_bhyve::model::policy::Policy;
use plan::HostPlan;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The content of a `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The behaviour that this case shows: one sentence.
    pub comment: String,
    /// The words of the call; the first is the name by which the program is called.
    pub args: Vec<String>,
    /// The configuration: a file beside the case or, with a `/`, one of the repository. By default
    /// the `easy-bhyve.conf` beside the case.
    config: Option<PathBuf>,
    /// The host before the call.
    #[serde(default)]
    host: HostPlan,
    /// Whether all words of the root side are shown: see [`without_defaults`].
    #[serde(default)]
    whole_words: bool,
    /// Further calls on the same host.
    #[serde(default)]
    then: Vec<Next>,
}

/// What `-d` shows of a call.
#[derive(Debug)]
pub struct Shown {
    /// The preview.
    pub text: String,
    /// The plan as data.
    pub plan: serde_json::Value,
}

/// A further call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    /// As [`Case::args`].
    args: Vec<String>,
    /// As [`Case::config`]; by default that of the case.
    config: Option<PathBuf>,
    /// What another process does before the call.
    #[serde(default)]
    edits: Vec<Edit>,
    /// Seconds that pass before the call.
    #[serde(default)]
    after: f64,
}

/// The directory of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Case {
    /// Reads the case of this directory.
    pub fn read(directory: &Path) -> Result<Self, String> {
        let file = directory.join("case.toml");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("case.toml: {error}"))?;
        toml::from_str(&text).map_err(|error| error.to_string())
    }

    /// Runs the case; its whole result as text.
    ///
    /// # Errors
    /// The message of sh(1) about a script that it cannot read, or the harm that was done to the host.
    pub fn run(&self, directory: &Path) -> Result<String, String> {
        let mut fake = self.host.build();
        let first = Next {
            args: self.args.clone(),
            config: None,
            edits: Vec::new(),
            after: 0.0,
        };
        let mut text = String::new();
        for next in std::iter::once(&first).chain(&self.then) {
            if next.after > 0.0 || !next.edits.is_empty() {
                text += &meanwhile(&mut fake, next);
            }
            let before = Before::of(&fake);
            let config = self.config(next, directory);
            let said = call_with_file(&mut fake, &config, &next.args);
            // An interruption of one call does not interrupt the next.
            fake.interrupted = None;
            if let Some(harm) = fake.host().state.harm.first() {
                return Err(format!("the call does harm: {harm}"));
            }
            text += "$ ";
            text += &next.args.join(" ");
            text.push('\n');
            if is_script(&next.args, &said) {
                sh_accepts(&said.out)
                    .map_err(|error| format!("sh -n refuses the script: {error}"))?;
            }
            text += &format!("== status\n{}\n", said.status);
            text += &section("stdout", &said.out);
            text += &section("stderr", &said.err);
            text += &before.changes(&fake);
        }
        if self.whole_words {
            return Ok(text);
        }
        let lines = text.split_inclusive('\n').map(without_defaults);
        Ok(with_limits_named(&lines.collect::<String>()))
    }

    /// What `-d` shows of the first call on the host of the case; `None` where it shows no plan.
    pub fn shown(&self, directory: &Path) -> Option<Shown> {
        let call = |more: &[&str]| {
            let words = self.words();
            let words: Vec<&str> = words
                .iter()
                .map(String::as_str)
                .chain(more.iter().copied())
                .collect();
            let said = call_with_file(&mut self.host.build(), &self.first(directory), &words);
            (said.status == 0).then_some(said.out)
        };
        Some(Shown {
            text: call(&["-d"])?,
            plan: serde_json::from_str(&call(&["-d", "--format", "json"])?).ok()?,
        })
    }

    /// The exit status of the first call, if it is no dry run, and all that it calls.
    pub fn calls(&self, directory: &Path) -> (u8, Vec<Logged>) {
        let mut fake = self.host.build();
        let said = call_with_file(&mut fake, &self.first(directory), &self.words());
        let calls = fake.host().calls().to_vec();
        (said.status, calls)
    }

    /// The host of the case.
    pub fn host(&self) -> Host {
        self.host.build().host().clone()
    }

    /// Whether somebody changes the host during the call.
    pub fn is_disturbed(&self) -> bool {
        self.host.is_disturbed()
    }

    /// The words of the first call without those of a dry run.
    fn words(&self) -> Vec<String> {
        let mut words = self.args.iter();
        let mut kept = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-d" | "--dry-run" => {}
                "--format" => drop(words.next()),
                _ => kept.push(word.clone()),
            }
        }
        kept
    }

    /// The configuration of the first call.
    fn first(&self, directory: &Path) -> PathBuf {
        let first = Next {
            args: self.args.clone(),
            config: None,
            edits: Vec::new(),
            after: 0.0,
        };
        self.config(&first, directory)
    }

    /// The configuration of a call.
    fn config(&self, next: &Next, directory: &Path) -> PathBuf {
        match next.config.as_ref().or(self.config.as_ref()) {
            None => directory.join("easy-bhyve.conf"),
            Some(beside) if beside.components().count() == 1 => directory.join(beside),
            Some(config) => root().join(config),
        }
    }
}

/// A line that calls the root side, without the settings that have their defaults or follow from others:
/// an expected file shows what its case is about, and a new setting changes none of these files.
fn without_defaults(line: &str) -> String {
    if !line.split(' ').any(|word| word.starts_with("root-")) {
        return line.to_owned();
    }
    let is_default = |word: &str| {
        let known = word.split_once('=');
        let known = known.and_then(|(name, value)| Some((settings::find(name)?.0, value)));
        known.is_some_and(|(setting, value)| setting.is_default(OsStr::new(value)))
    };
    let has_screen = line.contains(" vnc=") && !line.contains(" vnc=NO ");
    let follows = |word: &str| match word {
        // From freebsd=YES.
        "loader=bhyveload" => true,
        "tablet=YES" => has_screen,
        "tablet=NO" => !has_screen,
        _ => false,
    };
    let (words, end) = line
        .strip_suffix('\n')
        .map_or((line, ""), |words| (words, "\n"));
    let shown: Vec<&str> = words
        .split(' ')
        .filter(|word| !is_default(word) && !follows(word))
        .collect();
    shown.join(" ") + end
}

/// A text with the names of the default time limits in place of their values: a new value changes only
/// the cases about that limit.
pub fn with_limits_named(text: &str) -> String {
    let usual = Policy::default();
    let (loader, stop) = (usual.loader_timeout.0, usual.stop_timeout.0);
    [
        (
            format!("timeout -k 5 {loader} "),
            "timeout -k 5 LOADER_TIMEOUT ",
        ),
        (format!("(up to {stop} s)"), "(up to STOP_TIMEOUT s)"),
        (
            format!("ended, up to {stop} s"),
            "ended, up to STOP_TIMEOUT s",
        ),
        (
            format!("still runs {stop} s after"),
            "still runs STOP_TIMEOUT s after",
        ),
        (
            format!("have ended within {stop} s"),
            "have ended within STOP_TIMEOUT s",
        ),
        // The wait asks four times a second.
        (
            format!("[ \"$n\" -lt {} ]", 4 * stop),
            "[ \"$n\" -lt STOP_LOOKS ]",
        ),
    ]
    .iter()
    .fold(text.to_owned(), |text, (value, name)| {
        text.replace(value, name)
    })
}

/// Whether a call printed a script.
fn is_script(args: &[String], said: &Said) -> bool {
    let is_dry = args.iter().any(|word| word == "-d" || word == "--dry-run");
    is_dry && said.status == 0 && !args.iter().any(|word| word == "json")
}

/// What happens in the background before a call.
fn meanwhile(fake: &mut Fake, next: &Next) -> String {
    let before = Before::of(fake);
    for edit in &next.edits {
        fake.host().edit(edit);
    }
    fake.advance(next.after);
    format!("after {} s\n{}", next.after, before.changes(fake))
}

/// The state before a call.
struct Before {
    host: BTreeSet<String>,
    logs: BTreeMap<String, String>,
}

impl Before {
    fn of(fake: &Fake) -> Self {
        fake.host().forget_calls();
        let logs = fake.logs();
        let host = view::lines(&fake.host());
        Self { host, logs }
    }

    /// The calls since then, and the changes of the host.
    fn changes(&self, fake: &Fake) -> String {
        let host = fake.host();
        let top = host.calls().iter().filter(|logged| logged.depth == 0);
        let mut text = section("calls", &repeated(top.map(view::call)));
        let difference = view::difference(&self.host, &view::lines(&host));
        drop(host);
        let lines: Vec<String> = difference.iter().map(|line| format!("{line}\n")).collect();
        text += &section("host", &lines.concat());
        for (vm, log) in fake.logs() {
            let old = self.logs.get(&vm).map_or(0, String::len);
            if log.len() > old {
                text += &section(&format!("log of {vm}"), &log[old..]);
            }
        }
        text
    }
}

fn section(name: &str, content: &str) -> String {
    let mut text = format!("== {name}\n{content}");
    if !content.is_empty() && !content.ends_with('\n') {
        text.push_str("\n(no newline at the end)\n");
    }
    text
}

/// Lines; repeated lines are shown once, with their number.
fn repeated(lines: impl Iterator<Item = String>) -> String {
    let mut runs: Vec<(String, usize)> = Vec::new();
    for line in lines {
        match runs.last_mut().filter(|(last, _)| *last == line) {
            Some((_, times)) => *times += 1,
            None => runs.push((line, 1)),
        }
    }
    let shown = runs.into_iter().map(|(line, times)| match times {
        1 => format!("{line}\n"),
        _ => format!("{line} ({times} times)\n"),
    });
    shown.collect()
}

/// Checks that sh(1) can read a script.
///
/// # Errors
/// The message of sh.
pub fn sh_accepts(script: &str) -> Result<(), String> {
    let mut child = Command::new("sh")
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .env("LC_ALL", "C")
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        // A shell that stops reading closes its input; its status reports the error.
        let _ = stdin.write_all(script.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
