//! Test cases as data: a host, a configuration, calls; and all that came of them as one text.

#![allow(unreachable_pub)]

use crate::call::{Said, call_with_file};
use crate::fake::Fake;
use crate::host::process::{Ending, Loader};
use crate::host::state::Kind;
use crate::host::{Edit, Fault, Host, Rule};
use crate::view;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The content of a `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Which fault this case catches: one sentence.
    pub comment: String,
    /// The words of the call; the first is the name that was called.
    pub args: Vec<String>,
    /// The configuration: a file beside, or, with a `/`, one of the repository. Without it the
    /// `easy-bhyve.conf` beside.
    config: Option<PathBuf>,
    /// The host before the call.
    #[serde(default)]
    host: HostPlan,
    /// Further calls on the same host.
    #[serde(default)]
    then: Vec<Next>,
}

/// A further call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    /// As [`Case::args`].
    args: Vec<String>,
    /// As [`Case::config`]; without it that of the case.
    config: Option<PathBuf>,
    /// Seconds that pass before it.
    #[serde(default)]
    after: f64,
}

/// What the host is like, as far as it is not a freshly booted FreeBSD 14 with doas.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HostPlan {
    /// The major release, 13 to 16.
    release: Option<u32>,
    /// The caller.
    uid: Option<u32>,
    /// The caller's environment.
    environment: BTreeMap<String, String>,
    /// It is no FreeBSD: none of its programs is there.
    foreign: bool,
    /// The escalators that are installed.
    escalators: Option<Vec<String>>,
    /// How each answers.
    rules: BTreeMap<String, Rule>,
    /// Programs that are not installed.
    without: Vec<String>,
    /// Installed volumes.
    volumes: Vec<String>,
    /// Image files with something on them; their directories are made.
    images: Vec<String>,
    /// Further network interfaces.
    interfaces: BTreeMap<String, Kind>,
    /// Module files that do not load.
    broken: Vec<String>,
    /// What root did before: modules, sysctls, interfaces, snapshots.
    commands: Vec<String>,
    /// VM nodes that an earlier run has left.
    left_over: Vec<String>,
    /// VMs that run since a minute.
    running: Vec<Running>,
    /// Taps that another program has open.
    opened: Vec<String>,
    /// Other processes.
    processes: Vec<OtherProcess>,
    /// How guests behave.
    guest: GuestPlan,
    /// It is an arm64 machine.
    arm64: bool,
    /// All callers are in a jail.
    jailed: bool,
    /// Commands that do not do what they should.
    faults: Vec<Ordered>,
    /// Changes that somebody else makes meanwhile.
    meanwhile: Vec<Meanwhile>,
    /// There is a terminal, and this is the answer given there.
    answer: Option<bool>,
    /// A signal that arrives during the form of this number.
    signal: Option<Interrupt>,
}

/// A VM that runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Running {
    vm: String,
    disk: String,
    tap: String,
}

/// A process that is no VM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherProcess {
    #[serde(default)]
    uid: u32,
    argv: Vec<String>,
}

/// As [`crate::host::GuestPlan`], with defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct GuestPlan {
    /// The guest never enables ACPI.
    deaf: bool,
    /// The guest ignores its power button.
    stubborn: bool,
    /// Milliseconds until it ends by itself.
    runs_ms: Option<u64>,
    /// How its runs end.
    endings: Vec<Ending>,
    /// What the loader finds.
    loader: Option<Loader>,
    /// Milliseconds until bhyve shows its title.
    title_ms: Option<u64>,
}

/// The nth call of a program fails, or a signal ends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    program: String,
    nth: u32,
    /// Its exit status; 1 if not said.
    status: Option<i32>,
    /// Its error output.
    #[serde(default)]
    stderr: String,
    /// The signal in place of a status.
    signal: Option<i32>,
}

/// Somebody else's change just before the nth call of a program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Meanwhile {
    program: String,
    nth: u32,
    edit: Edit,
}

/// A signal to the program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interrupt {
    form: u32,
    number: i32,
}

/// The repository.
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

    /// Carries the case out; everything that came of it, as text.
    ///
    /// # Errors
    /// What sh(1) says of a script that it cannot read, or the harm that was done to the host.
    pub fn run(&self, directory: &Path) -> Result<String, String> {
        let mut fake = self.host.build();
        let first = Next {
            args: self.args.clone(),
            config: None,
            after: 0.0,
        };
        let mut text = String::new();
        for next in std::iter::once(&first).chain(&self.then) {
            fake.host.advance(next.after);
            fake.host.forget_calls();
            let before = view::lines(&fake.host);
            let config = self.config(next, directory);
            let said = call_with_file(&mut fake, &config, &next.args);
            let after = view::lines(&fake.host);
            if let Some(harm) = fake.host.state.harm.first() {
                return Err(format!("it does harm: {harm}"));
            }
            text += "$ ";
            text += &next.args.join(" ");
            text.push('\n');
            if is_script(&next.args, &said) {
                sh_accepts(&said.out)
                    .map_err(|error| format!("sh -n refuses the script: {error}"))?;
            }
            let difference = view::difference(&before, &after);
            text.push_str(&outcome(&said, &fake, &difference));
        }
        Ok(text)
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

/// Whether a call has printed a script.
fn is_script(args: &[String], said: &Said) -> bool {
    let is_dry = args.iter().any(|word| word == "-d" || word == "--dry-run");
    is_dry && said.out.starts_with("#!")
}

fn outcome(said: &Said, fake: &Fake, difference: &[String]) -> String {
    let mut text = format!("== status\n{}\n", said.status);
    let mut section = |name: &str, content: &str| {
        text += "== ";
        text += name;
        text.push('\n');
        text += content;
        if !content.is_empty() && !content.ends_with('\n') {
            text.push_str("\n(no newline at the end)\n");
        }
    };
    section("stdout", &said.out);
    section("stderr", &said.err);
    let top = fake.host.calls().iter().filter(|logged| logged.depth == 0);
    section("calls", &repeated(top.map(view::call)));
    let host: Vec<String> = difference.iter().map(|line| format!("{line}\n")).collect();
    section("host", &host.concat());
    text
}

/// Lines, those that repeat themselves once with their number.
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

/// Whether sh(1) can read a script.
///
/// # Errors
/// What sh says.
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
        // A shell that has seen enough closes its input; its status tells.
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

impl HostPlan {
    fn build(&self) -> Fake {
        let mut host = Host::freebsd(self.release.unwrap_or(14));
        for volume in &self.volumes {
            host = host.with_volume(volume, 20 << 30);
        }
        for image in &self.images {
            host = host.with_image(image, 20 << 30);
        }
        for (name, kind) in &self.interfaces {
            host.add_interface(name, *kind).up = true;
        }
        let commands: Vec<&str> = self.commands.iter().map(String::as_str).collect();
        host = host.with_commands(&commands);
        for vm in &self.left_over {
            host = host.with_leftover_vm(vm, 512 << 20);
        }
        self.guests(&mut host);
        for one in &self.running {
            host = host.with_running_vm(&one.vm, &one.disk, &one.tap);
        }
        for tap in &self.opened {
            host.edit(&Edit::OpenTap(tap.clone()));
        }
        if self.jailed {
            host = host.in_jail();
        }
        if self.arm64 {
            host = host.on_arm64();
        }
        for one in &self.processes {
            let argv: Vec<&str> = one.argv.iter().map(String::as_str).collect();
            host.add_process(one.uid, 1, argv[0], &argv);
        }
        self.programs(&mut host);
        host.state
            .modules
            .broken
            .extend(self.broken.iter().cloned());
        for one in &self.faults {
            let fault = match one.signal {
                Some(signal) => Fault::Kill(signal),
                None => Fault::Fail(one.status.unwrap_or(1), one.stderr.clone()),
            };
            host.order(&one.program, one.nth, fault);
        }
        for one in &self.meanwhile {
            host.before(&one.program, one.nth, one.edit.clone());
        }
        let mut fake = Fake::new(host, self.uid.unwrap_or(crate::host::build::USER));
        let variables = self.environment.iter();
        fake.environment = variables
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        fake.answer = self.answer;
        fake.signal = self.signal.as_ref().map(|one| (one.form, one.number));
        fake
    }

    fn guests(&self, host: &mut Host) {
        let guest = &mut host.state.guest;
        if self.guest.deaf {
            guest.acpi_ms = None;
        }
        if self.guest.stubborn {
            guest.button_ms = None;
        }
        guest.runs_ms = self.guest.runs_ms;
        guest.endings.clone_from(&self.guest.endings);
        guest.loader = self.guest.loader.unwrap_or(guest.loader);
        guest.title_ms = self.guest.title_ms.unwrap_or(guest.title_ms);
    }

    fn programs(&self, host: &mut Host) {
        let programs = &mut host.state.programs;
        if let Some(installed) = &self.escalators {
            for word in ["doas", "sudo", "mdo"] {
                programs.remove(word);
            }
            programs.extend(installed.iter().cloned());
        }
        if self.foreign {
            programs.clear();
        }
        for program in &self.without {
            assert!(
                programs.remove(program),
                "{program} is not installed anyway"
            );
        }
        for (word, rule) in &self.rules {
            let escalator = host.state.escalators.get_mut(word);
            escalator.expect("an escalator").rule = *rule;
        }
    }
}
