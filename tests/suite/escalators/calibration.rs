//! The answers of the real OpenDoas and sudo, as data (`tests/calibration/escalators`), compared with
//! the simulated ones, and the program's reading of them: it must tell a refusal from a failed command.
//!
//! `tests/tools/record-escalators.sh` records the answers again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use easy_bhyve::model::privilege::Elevation;
use serde::{Deserialize, Serialize};

use super::ground::{Ground, Rules, is_possible, said_of};
use super::runs::freebsd;
use super::terminal::{Terminal, prompt};
use crate::case::root;
use crate::cases::compare;
use crate::host::{Call, Host, Rule, Status};
use crate::place::Said;

/// `asked.toml` of an escalator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Questions {
    asked: Vec<Asked>,
}

/// A call, the machine for it, and who must know the answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The name of the call, and of its answer.
    name: String,
    /// The doas.conf, or the rules in sudoers besides those of Debian; without it the file does not
    /// exist.
    rules: Option<String>,
    /// Further files below `/etc`.
    #[serde(default)]
    etc: BTreeMap<String, String>,
    /// The mode of the doas.conf or sudoers, if it is not the default.
    mode: Option<u32>,
    /// The words. The call has no input, and its output is captured.
    call: Vec<String>,
    /// The input at each prompt on the controlling terminal; without it there is no terminal.
    typed: Option<Vec<String>>,
    /// The rule with which the simulated one gives the same answer; without it that one does not.
    simulated: Option<Rule>,
    /// The program that this rule excludes.
    forbidden: Option<String>,
    /// Whether the escalator did not run the command, which the program must recognize.
    #[serde(default)]
    refused: bool,
}

/// `said.toml` of an escalator.
#[derive(Serialize, Deserialize)]
struct Transcript {
    /// The package's version, without the distribution's part.
    version: String,
    /// The answers, by the names of the calls.
    said: BTreeMap<String, Answered>,
}

/// The result of one call.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answered {
    /// As a shell reports it: 128 and the number, if a signal ended it.
    status: i32,
    out: String,
    err: String,
    /// The text on the terminal, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal: Option<String>,
}

const ESCALATORS: [Elevation; 2] = [Elevation::Doas, Elevation::Sudo];

fn path(escalator: Elevation, name: &str) -> PathBuf {
    let directory = root().join("tests/calibration/escalators");
    directory.join(escalator.word().unwrap()).join(name)
}

fn questions(escalator: Elevation) -> Vec<Asked> {
    let text = std::fs::read_to_string(path(escalator, "asked.toml")).unwrap();
    toml::from_str::<Questions>(&text).unwrap().asked
}

fn transcript(escalator: Elevation) -> Transcript {
    let text = std::fs::read_to_string(path(escalator, "said.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

impl Asked {
    fn program(&self) -> &str {
        &self.call[0]
    }

    /// The answer of the real one.
    fn ask(&self) -> Answered {
        let text = self.rules.as_deref();
        let is_doas = self.program() == "doas";
        let rules = Rules {
            doas: text.filter(|_| is_doas),
            sudo: text.filter(|_| !is_doas),
        };
        let ground = Ground::new(Host::freebsd(14), &["doas", "sudo"], rules, "");
        for (name, text) in &self.etc {
            ground.write(name, text, 0o644);
        }
        if let Some(mode) = self.mode {
            ground.chmod(if is_doas { "doas.conf" } else { "sudoers" }, mode);
        }
        let Some(typed) = &self.typed else {
            let output = ground.session(&[], &self.call).output().unwrap();
            return Answered::new(said_of(&output), None);
        };
        let unheard = ["sh", "-c", "exec \"$@\" </dev/null", "sh"];
        let words = self.call.iter().map(String::as_str);
        let words: Vec<&str> = unheard.into_iter().chain(words).collect();
        let mut terminal = Terminal::new();
        let mut command = ground.session(&["--ctty"], &words);
        command
            .stdin(terminal.stream())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let said = terminal.run(command, |terminal| {
            for keys in typed {
                terminal.wait_for(prompt(self.program()));
                terminal.press(keys);
            }
        });
        Answered::new(said, Some(terminal.screen()))
    }

    /// The answer of the simulated one.
    fn simulate(&self, rule: Rule) -> Answered {
        let mut host = Host::freebsd(14);
        host.state.programs.insert("sudo".into());
        let escalator = host.state.escalators.get_mut(self.program()).unwrap();
        escalator.rule = rule;
        escalator.open_doas = true;
        escalator.forbidden.extend(self.forbidden.clone());
        let mut call = Call::new(&self.call);
        call.tty = self.typed.is_some();
        let answer = host.run(&call);
        let Status::Exit(status) = answer.status else {
            panic!("{}: {:?}", self.name, answer.status);
        };
        Answered {
            status,
            out: answer.stdout(),
            err: answer.stderr(),
            terminal: None,
        }
    }
}

impl Answered {
    fn new(said: Said, terminal: Option<String>) -> Self {
        Self {
            status: said.status.unwrap(),
            out: said.out,
            err: said.err,
            terminal,
        }
    }
}

/// The installed version, without the distribution's part.
fn version(escalator: Elevation) -> Option<String> {
    let package = match escalator {
        Elevation::Doas => "opendoas",
        _ => "sudo",
    };
    let output = Command::new("dpkg-query")
        .args(["-W", "-f", "${Version}", package])
        .output()
        .ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    let upstream = version.rsplit_once('-').map(|(upstream, _)| upstream);
    Some(upstream.unwrap_or(&version).to_owned())
}

/// Compares all answers of a real one, or rewrites them when blessing.
fn ask_all(escalator: Elevation) {
    if !is_possible() {
        return;
    }
    let version = version(escalator).unwrap_or_default();
    let is_recording = std::env::var_os("BLESS").is_some_and(|bless| bless == "1");
    if !is_recording && version != transcript(escalator).version {
        // No fault of the escalator: the program still runs in the background.
        println!(
            "not compared: {escalator:?} {version:?} is not the one that was recorded; \
             tests/tools/record-escalators.sh records it anew"
        );
        return;
    }
    let said = questions(escalator)
        .iter()
        .map(|asked| (asked.name.clone(), asked.ask()))
        .collect();
    let found = toml::to_string_pretty(&Transcript { version, said }).unwrap();
    compare(&path(escalator, "said.toml"), &found)
        .unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn the_real_doas_answers_as_recorded() {
    ask_all(Elevation::Doas);
}

#[test]
fn the_real_sudo_answers_as_recorded() {
    ask_all(Elevation::Sudo);
}

#[test]
fn the_simulated_ones_answer_as_the_real_ones() {
    for escalator in ESCALATORS {
        let mut transcript = transcript(escalator);
        let (mut real, mut simulated) = (String::new(), String::new());
        for asked in questions(escalator) {
            let said = transcript.said.remove(&asked.name).unwrap();
            let Some(rule) = asked.simulated else {
                continue;
            };
            let said = Answered {
                err: freebsd(&said.err),
                terminal: None,
                ..said
            };
            real += &format!("{}: {said:#?}\n", asked.name);
            simulated += &format!("{}: {:#?}\n", asked.name, asked.simulate(rule));
        }
        similar_asserts::assert_eq!(real: real, simulated: simulated);
        assert!(transcript.said.is_empty(), "an answer without a call");
    }
}

#[test]
fn the_program_recognizes_every_refusal_and_takes_no_failure_for_one() {
    for escalator in ESCALATORS {
        let transcript = transcript(escalator);
        for asked in questions(escalator) {
            let said = &transcript.said[&asked.name];
            let refusal = escalator.refusal(&said.err);
            let is_refused = said.status == 1 && refusal.is_some();
            assert_eq!(is_refused, asked.refused, "{}: {said:?}", asked.name);
            // The line that is shown must help the user.
            let is_added = refusal.is_some_and(|line| line.starts_with("This incident"));
            assert!(!is_added, "{}: {said:?}", asked.name);
        }
    }
}
