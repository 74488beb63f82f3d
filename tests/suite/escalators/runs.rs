//! Whole runs without a terminal, with the real one and with the simulated one.

use std::collections::BTreeSet;
use std::path::Path;

use super::CONFIG;
use super::ground::{Ground, Rules, is_possible};
use super::meetings::MEETINGS;
use crate::call::call;
use crate::fake::Fake;
use crate::host::build::USER;
use crate::host::{Host, Logged, Rule};
use crate::place::Said;
use crate::view;
use crate::wait::until;

/// A situation of a user, and its result.
pub(super) struct Meeting {
    pub(super) title: &'static str,
    pub(super) rules: Rules<'static>,
    /// The rule of the simulated escalator, and the program that it excludes.
    pub(super) simulated: (Rule, Option<&'static str>),
    pub(super) host: fn() -> Host,
    pub(super) words: &'static [&'static str],
    pub(super) status: i32,
    /// Standard error. WORD is the escalator, SAID its message, ALLOW the rule that would allow all.
    pub(super) err: &'static str,
    /// The messages of doas and of sudo.
    pub(super) said: [&'static str; 2],
}

/// The result of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) said: Said,
    /// The calls of the host's programs, without the escalator and pgrep.
    calls: Vec<String>,
    /// The host.
    left: BTreeSet<String>,
}

impl End {
    /// The result of a run with a real one.
    pub(super) fn of(ground: &Ground, said: Said) -> Self {
        // Without a guest the supervisor exits a moment after its report.
        until("the end of a supervisor", || {
            let state = ground.machine.host().state;
            let mut all = state.processes.values();
            state.bhyve_of("fbsd0").or(state.bhyve_of("deb0")).is_some()
                || all.all(|one| one.comm != "easy-bhyve")
        });
        // Only a guest that is a real process writes to its console.
        let before_guest = said.out.split("---<<BOOT>>---").next();
        let said = Said {
            out: before_guest.unwrap_or_default().to_owned(),
            ..said
        };
        Self::new(said, &ground.machine.host(), ground.machine.path())
    }

    /// The calls of root that change the host, without those in the background.
    pub(super) fn changes(&self) -> Vec<&String> {
        let others = ["daemon ", "sh -c ", "ifconfig -a", "kldstat ", "sysctl -i "];
        let is_change = |call: &&String| {
            let call = call.strip_prefix("uid 0: ");
            call.is_some_and(|call| !others.iter().any(|one| call.starts_with(one)))
        };
        self.calls.iter().filter(is_change).collect()
    }

    /// The host, without supervisors.
    pub(super) fn left(&self) -> Vec<&String> {
        let supervises = |line: &&String| line.contains("root-boot") || line.contains("supervise-");
        let all = self.left.iter();
        all.filter(|line| !supervises(line)).collect()
    }

    fn new(said: Said, host: &Host, directory: &Path) -> Self {
        let as_at_home = |text: String| {
            let text = text.replace(&directory.display().to_string(), "");
            with_one_scratch(freebsd(&text))
        };
        // The last two are real ones in a run with a real escalator.
        let passed_over = ["doas", "sudo", "env", "timeout"];
        // The root side itself is logged as a call only if its caller is simulated.
        let is_inner = |logged: &&Logged| {
            let program = logged.argv[0].as_str();
            // The number of questions about the workers of a VM depends on time.
            let is_look = program == "ps" && !logged.argv.iter().any(|word| word == "rss=");
            !passed_over.contains(&program) && !is_look && !program.ends_with("/easy-bhyve")
        };
        let calls = host
            .calls()
            .iter()
            .filter(is_inner)
            .map(|logged| as_at_home(format!("uid {}: {}", logged.uid, logged.argv.join(" "))))
            .collect();
        Self {
            said: Said {
                err: as_at_home(said.err),
                ..said
            },
            calls,
            // Real files are not part of the host.
            left: view::lines(host)
                .into_iter()
                .filter(|line| !line.starts_with("directory ") && !line.starts_with("file "))
                .map(as_at_home)
                .collect(),
        }
    }
}

/// A text with the paths of Debian replaced by those of FreeBSD.
pub(super) fn freebsd(text: &str) -> String {
    text.replace("/usr/local/eb/", "/usr/local/bin/")
        .replace("/usr/local/run/", "/var/run/")
        .replace("'/usr/local/bin/", "'/sbin/")
        .replace(" /etc/", " /usr/local/etc/")
}

/// A text with the name that this process gives to every scratch directory.
fn with_one_scratch(mut text: String) -> String {
    const START: &str = "/run/easy-bhyve/scratch/";
    let starts: Vec<usize> = text.match_indices(START).map(|(at, _)| at).collect();
    for at in starts.into_iter().rev() {
        let vm = at + START.len();
        let Some(name) = text[vm..].find('.').map(|dot| vm + dot + 1) else {
            continue;
        };
        let rest = text[name..].find(['/', ' ']).unwrap_or(text.len() - name);
        text.replace_range(name..name + rest, "scratch0");
    }
    text
}

impl Meeting {
    /// Runs the program with the real one.
    pub(super) fn run(&self, word: &str, defaults: &str) -> End {
        let sudo = self.rules.sudo.map(|rules| format!("{defaults}{rules}"));
        let rules = Rules {
            sudo: sudo.as_deref(),
            ..self.rules
        };
        let ground = Ground::new((self.host)(), &[word], rules, CONFIG);
        let said = ground.run(self.words);
        End::of(&ground, said)
    }

    /// Runs it with the simulated one.
    fn simulate(&self, word: &str) -> End {
        let (rule, forbidden) = self.simulated;
        let host = (self.host)().without_program("doas");
        let mut host = host.with_escalator(word, rule);
        let escalator = host.state.escalators.get_mut(word).unwrap();
        escalator.open_doas = true;
        escalator.forbidden.extend(forbidden.map(String::from));
        let mut fake = Fake::new(host, USER);
        let said = call(&mut fake, CONFIG, self.words);
        let said = Said::new(said.status.into(), said.out, said.err);
        End::new(said, &fake.host(), Path::new("/nothing"))
    }

    fn expected(&self, word: &str) -> String {
        let (said, allow) = match word {
            "doas" => (
                self.said[0],
                "permit the command in /usr/local/etc/doas.conf, for example: permit nopass YOU as root",
            ),
            _ => (
                self.said[1],
                "permit the command with visudo, for example: YOU ALL=(root) NOPASSWD: ALL",
            ),
        };
        self.err
            .replace("WORD", word)
            .replace("SAID", said)
            .replace("ALLOW", allow)
    }
}

/// Tests every situation with an escalator, `defaults` in the rules of sudo.
fn meet(word: &str, defaults: &str) {
    let is_possible = is_possible();
    for meeting in MEETINGS {
        let simulated = meeting.simulate(word);
        let told = (simulated.said.status, &simulated.said.err);
        let expected = (Some(meeting.status), &meeting.expected(word));
        assert_eq!(told, expected, "{}", meeting.title);
        if is_possible {
            similar_asserts::assert_eq!(real: meeting.run(word, defaults), simulated: simulated);
        }
    }
}

#[test]
fn situations_with_doas_are_told_apart() {
    meet("doas", "");
}

#[test]
fn situations_with_sudo_are_told_apart() {
    meet("sudo", "");
}

#[test]
fn situations_with_sudo_without_a_pseudo_terminal_are_told_apart() {
    meet("sudo", "Defaults !use_pty\n");
}
