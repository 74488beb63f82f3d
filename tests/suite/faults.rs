//! Every command of every verb fails once and is killed once, and every plan is interrupted wherever
//! the program looks for a signal.
//!
//! Contract §5: the message names what failed, what comes later does not run, and the host is as it
//! was before, but for modules, sysctls, bridges with `netif` in them, and leftovers that were freed.

use crate::call::{Said, call_with_file};
use crate::case::root;
use crate::fake::Fake;
use crate::host::{Ending, Fault, Host, Logged, Status};
use crate::view;
use std::collections::BTreeSet;

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// What becomes of the host when a verb fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    /// All is as before.
    All,
    /// What was done stays done; nothing more is done.
    Nothing,
}

/// A verb on a host.
struct Scenario {
    words: &'static [&'static str],
    kind: &'static str,
    undo: Undo,
    host: fn() -> Host,
    /// Beginnings of lines of the view that an earlier run has left: freed ones stay freed.
    left_over: &'static [&'static str],
}

const fn undone(
    kind: &'static str,
    words: &'static [&'static str],
    host: fn() -> Host,
    left_over: &'static [&'static str],
) -> Scenario {
    Scenario {
        words,
        kind,
        undo: Undo::All,
        host,
        left_over,
    }
}

const fn kept(kind: &'static str, words: &'static [&'static str], host: fn() -> Host) -> Scenario {
    Scenario {
        words,
        kind,
        undo: Undo::Nothing,
        host,
        left_over: &[],
    }
}

const LEFT: &[&str] = &[
    "VM node fbsd0",
    "VM node obsd0",
    "interface tap1:",
    "interface tap3:",
];

const SCENARIOS: &[Scenario] = &[
    undone("cold", &["fbsd0-boot"], cold, &[]),
    undone("cold, 15", &["fbsd0-boot"], cold_15, &[]),
    undone("left over", &["fbsd0-boot"], left_over, LEFT),
    undone("cold, grub", &["obsd0-boot"], cold, &[]),
    undone("left over, grub", &["obsd0-boot"], left_over, LEFT),
    undone("two NICs", &["two0-boot"], cold, &[]),
    undone("cold", &["fbsd0-ttyboot"], cold, &[]),
    undone("left over", &["fbsd0-ttyboot"], left_over, LEFT),
    undone("cold, grub", &["obsd0-ttyboot"], cold, &[]),
    undone("cold", &["fbsd0-install"], cold, &[]),
    undone("left over", &["fbsd0-install"], left_over, LEFT),
    undone("cold, grub", &["obsd0-install"], cold, &[]),
    kept("running", &["fbsd0-shutdown"], running),
    kept("running", &["fbsd0-shutdown", "-f"], running),
    kept("left over", &["fbsd0-clean"], left_over),
    undone("stopped", &["fbsd0-clone", "new0", "new1"], cold, &[]),
    undone(
        "left over",
        &["fbsd0-clone", "new0", "new1"],
        left_over,
        LEFT,
    ),
    undone(
        "snapshot",
        &["fbsd0-clone", "@one", "new0", "new1"],
        cold,
        &[],
    ),
    undone("volume", &["new0-resources", "-V", "1G"], cold, &[]),
    undone("file", &["file0-resources", "-V", "1M"], cold, &[]),
    undone(
        "sparse file",
        &["file0-resources", "-V", "1M", "-s"],
        cold,
        &[],
    ),
    undone("stopped", &["fbsd0-snapshot", "x"], cold, &[]),
    kept("stopped", &["fbsd0-rollback", "-f", "one"], cold),
    kept("left over", &["fbsd0-rollback", "-f", "one"], left_over),
];

const CONFIG: &str = "tests/cases/faults.conf";

fn prepared(release: u32) -> Host {
    let mut host = Host::freebsd(release)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
        .with_volume("zroot/vm/obsd0", 1 << 30)
        .with_volume("zroot/vm/two0", 1 << 30)
        .with_volume("zroot/vm/two0_data", 1 << 30)
        .with_image("/iso/fbsd.iso", 1 << 30)
        .with_image("/iso/obsd.iso", 1 << 30)
        .with_commands(&[
            "zfs snapshot zroot/vm/fbsd0@one",
            "zfs snapshot zroot/vm/fbsd0@two",
        ]);
    host.state.guest.runs_ms = Some(600_000);
    host.state.guest.endings = vec![Ending::Reboot];
    host
}

fn cold() -> Host {
    prepared(14)
}

fn cold_15() -> Host {
    prepared(15)
}

fn warm() -> Host {
    cold().with_commands(&[
        "kldload -n vmm nmdm if_bridge",
        "sysctl net.link.tap.up_on_open=1",
        "ifconfig bridge0 create",
        "ifconfig bridge0 addm igb0 up",
        "ifconfig tap1 create description easy-bhyve:fbsd0",
        "ifconfig bridge0 addm tap1",
        "ifconfig tap3 create description easy-bhyve:obsd0",
        "ifconfig bridge0 addm tap3",
    ])
}

fn left_over() -> Host {
    warm()
        .with_leftover_vm("fbsd0", 512 << 20)
        .with_leftover_vm("obsd0", 512 << 20)
}

fn running() -> Host {
    warm().with_running_vm("fbsd0", "/dev/zvol/zroot/vm/fbsd0", "tap1")
}

/// How a command goes wrong.
#[derive(Clone, Copy, Debug)]
enum How {
    Fails,
    IsKilled,
}

#[test]
fn whatever_fails_is_named_and_undone_and_nothing_comes_after_it() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    for scenario in SCENARIOS {
        let (good, _, said) = scenario.run(|_| ());
        assert_eq!(said.status, 0, "{}: {said:?}", scenario.name());
        for (at, logged) in good.host.calls().iter().enumerate() {
            for how in [How::Fails, How::IsKilled] {
                runs += 1;
                let found = scenario.check_fault(good.host.calls(), at, how);
                if !found.is_empty() {
                    wrong.push(format!(
                        "{}: call {} {} {how:?}:\n    {}",
                        scenario.name(),
                        at + 1,
                        view::call(logged),
                        found.join("\n    ")
                    ));
                }
            }
        }
    }
    assert!(runs > 500, "only {runs} faults were tried");
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn an_interrupt_at_any_form_undoes_what_was_made() {
    let mut wrong = Vec::new();
    for scenario in SCENARIOS {
        let (good, _, _) = scenario.run(|_| ());
        for form in 1..=good.looks_for_signals {
            let (fake, before, said) = scenario.run(|fake| fake.signal = Some((form, SIGTERM)));
            let mut found = Vec::new();
            if said.status != 1 {
                found.push(format!("the status is {}", said.status));
            }
            if !said.err.contains("interrupted by SIGTERM") {
                found.push(format!("the message does not say so: {}", said.err));
            }
            found.extend(scenario.difference(&before, &fake));
            if !found.is_empty() {
                wrong.push(format!(
                    "{}: at look {form}:\n    {}",
                    scenario.name(),
                    found.join("\n    ")
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} faults:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

impl Scenario {
    fn name(&self) -> String {
        format!("{} ({})", self.words.join(" "), self.kind)
    }

    /// The host afterwards, the view of it before, and what was said.
    fn run(&self, order: impl Fn(&mut Fake)) -> (Fake, BTreeSet<String>, Said) {
        let mut fake = Fake::new((self.host)(), crate::host::build::USER);
        order(&mut fake);
        let before = view::lines(&fake.host);
        let said = call_with_file(&mut fake, &root().join(CONFIG), self.words);
        (fake, before, said)
    }

    /// Whether the guest's end is part of the verb, so that freeing comes after it in any case.
    fn ends_by_freeing(&self) -> bool {
        let verb = self.words.first().and_then(|word| word.rsplit('-').next());
        matches!(verb, Some("ttyboot" | "install"))
    }

    fn check_fault(&self, good: &[Logged], at: usize, how: How) -> Vec<String> {
        let failing = &good[at];
        let program = failing.argv[0].as_str();
        // To this question status 1 is the answer no.
        if program == "pgrep" && matches!(how, How::Fails) {
            return Vec::new();
        }
        let nth = good[..=at]
            .iter()
            .filter(|logged| logged.argv[0] == program)
            .count();
        let line = format!("{program}: out of luck");
        let fault = match how {
            How::Fails => Fault::Fail(1, line.clone()),
            How::IsKilled => Fault::Kill(SIGKILL),
        };
        let (fake, before, said) = self.run(|fake| {
            fake.host
                .order(program, u32::try_from(nth).unwrap(), fault.clone());
        });
        let started = (0..=at).rev().find(|&index| good[index].depth == 0);
        let started = started.map_or(failing, |index| &good[index]);
        // daemon(8) has left its caller by then.
        let is_unseen = started.argv.iter().any(|word| word == "daemon") && program == "bhyve";

        let mut wrong = Vec::new();
        if said.status != 1 {
            wrong.push(format!("the status is {}", said.status));
        }
        let mut must_say = vec!["command: ".to_owned() + &command_line(started)];
        must_say.push(match how {
            How::Fails => line,
            How::IsKilled => "SIGKILL".into(),
        });
        if is_unseen {
            must_say = vec!["bhyve did not start".into()];
        }
        for words in must_say.iter().filter(|words| !said.err.contains(*words)) {
            let first = said.err.lines().next().unwrap_or_default();
            wrong.push(format!("{words:?} is not in the message {first:?}"));
        }
        wrong.extend(self.came_after(good, at, &fake, is_unseen));
        // What could not be freed at the end is still there.
        let guest_has_ended = good[..at].iter().any(|one| one.argv[0] == "bhyve");
        if !(self.ends_by_freeing() && guest_has_ended) {
            wrong.extend(self.difference(&before, &fake));
        }
        wrong
    }

    /// Steps that ran although one before them had failed.
    fn came_after(&self, good: &[Logged], at: usize, fake: &Fake, is_unseen: bool) -> Vec<String> {
        let top = |log: &[Logged]| -> Vec<Logged> {
            log.iter().filter(|one| one.depth == 0).cloned().collect()
        };
        let done = top(&good[..=at]).len();
        let calls = top(fake.host.calls());
        let later = calls.get(done..).unwrap_or_default();
        let still_planned = top(&good[at + 1..]);
        let is_undo = |one: &Logged| {
            let is_planned =
                !self.ends_by_freeing() && still_planned.iter().any(|next| next.argv == one.argv);
            self.undo == Undo::All && is_freeing(one) && !is_planned
        };
        later
            .iter()
            .filter(|one| is_change(one) && !is_undo(one) && !is_unseen)
            .map(|one| format!("then came {}", view::call(one)))
            .collect()
    }

    /// What is not as it was before, though it should be.
    fn difference(&self, before: &BTreeSet<String>, fake: &Fake) -> Vec<String> {
        let after = view::lines(&fake.host);
        if self.undo == Undo::Nothing {
            let scratch = after.iter().filter(|line| line.contains("scratch"));
            return scratch.map(|line| format!("+ {line}")).collect();
        }
        let counts = |line: &&String| {
            let stays = line.starts_with("module ")
                || line.starts_with("sysctl ")
                || (line.starts_with("interface bridge") && line.contains(" members igb0"));
            let was_left = self.left_over.iter().any(|start| line.starts_with(start));
            let may_go = was_left && before.contains(*line);
            !(stays || may_go)
        };
        let kept = |lines: &BTreeSet<String>| lines.iter().filter(counts).cloned().collect();
        view::difference(&kept(before), &kept(&after))
    }
}

/// A call as the message quotes it.
fn command_line(logged: &Logged) -> String {
    let shown = view::call(&Logged {
        status: Status::Exit(0),
        ..logged.clone()
    });
    shown.trim_start_matches("[0] ").to_owned()
}

/// Whether it runs as root: questions never do.
fn is_change(logged: &Logged) -> bool {
    logged.argv[0] == "doas"
}

/// Whether it takes something back.
fn is_freeing(logged: &Logged) -> bool {
    let words = ["destroy", "--destroy", "--force-poweroff", "deletem", "rm"];
    logged
        .argv
        .iter()
        .any(|word| words.contains(&word.as_str()))
}
