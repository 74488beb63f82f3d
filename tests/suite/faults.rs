//! Every command of every verb fails once, is killed once, and cannot be started once; every plan is
//! interrupted, and loses its caller, wherever the program checks for that.
//!
//! The message names what failed, later steps do not run, and the host is as it was before, except for
//! modules, sysctls, bridges with `netif` in them, and leftovers that were freed.

mod scenario;
mod vanish;

use crate::fake::Fake;
use crate::host::{Fault, Logged, Status};
use crate::view;
use easy_bhyve::host::Interruption;
use scenario::{SCENARIOS, Scenario, Undo};
use std::fmt::Debug;

const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
const SIGINT: i32 = 2;

/// The kind of a failure of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Fails,
    IsKilled,
    IsMissing,
}

#[test]
fn every_failure_is_named_and_undone_and_stops_the_plan() {
    let mut wrong = Wrong::default();
    for scenario in SCENARIOS {
        let (good, _, said) = scenario.run(|_| ());
        assert_eq!(said.status, 0, "{}: {said:?}", scenario.name());
        let calls = good.host().calls().to_vec();
        for at in 0..calls.len() {
            for how in [How::Fails, How::IsKilled, How::IsMissing] {
                let place = format!("call {} {}", at + 1, view::call(&calls[at]));
                wrong.add(scenario, &place, how, &check(scenario, &calls, at, how));
            }
        }
    }
    wrong.assert_none(1500);
}

#[test]
fn a_signal_at_any_moment_undoes_every_change() {
    let mut wrong = Wrong::default();
    for signal in [SIGTERM, SIGINT] {
        wrong.interrupt(Interruption::Signal(signal), SCENARIOS.iter());
    }
    wrong.assert_none(400);
}

#[test]
fn a_start_whose_caller_has_exited_is_undone_until_its_guest_runs() {
    let mut wrong = Wrong::default();
    let in_background = SCENARIOS.iter().filter(|one| one.is(&["boot", "restart"]));
    wrong.interrupt(Interruption::ReaderGone, in_background);
    wrong.assert_none(100);
}

#[test]
fn an_undo_that_fails_is_reported_and_does_not_stop_the_others() {
    let mut wrong = Wrong::default();
    for scenario in SCENARIOS.iter().filter(|one| one.is(&["boot", "install"])) {
        let refused = |fake: &mut Fake| {
            let nothing = Fault::Fail(4, "bhyve: out of luck".into());
            fake.host().order("bhyve", 1, nothing);
        };
        let (once, _, _) = scenario.run(refused);
        let calls = once.host().calls().to_vec();
        let started = calls.iter().position(|one| one.argv[0] == "bhyve");
        let undos = calls.iter().enumerate().skip(started.unwrap() + 1);
        for (at, failing) in undos.filter(|(_, one)| is_freeing(one)) {
            let (program, nth) = (program_of(failing), nth_of(&calls, at));
            let line = format!("{program}: no way back");
            let (fake, _, said) = scenario.run(|fake| {
                refused(fake);
                fake.host()
                    .order(program, nth, Fault::Fail(1, line.clone()));
            });
            let mut found = Vec::new();
            for words in [
                "bhyve: out of luck",
                "could not clean up ",
                &format!("command: {}", command_line(failing)),
                &line,
            ] {
                if !said.err.contains(words) && !said.out.contains(words) {
                    found.push(format!("{words:?} is not in {}", said.err));
                }
            }
            let freed = |fake: &Fake| -> Vec<String> {
                let host = fake.host();
                let freed = host.calls().iter().filter(|one| is_freeing(one));
                // A bridge is destroyed only once it is empty.
                freed
                    .map(command_line)
                    .filter(|line| !line.starts_with("ifconfig bridge"))
                    .collect()
            };
            // The snapshot is kept if the rollback to it failed.
            let kept = command_line(failing).replace("rollback", "destroy");
            let is_rollback = failing.argv[1] == "rollback";
            let mut all = freed(&once);
            all.retain(|line| !(is_rollback && *line == kept));
            if freed(&fake) != all {
                found.push(format!("only these were undone: {:?}", freed(&fake)));
            }
            wrong.add(scenario, &view::call(failing), "in the undo", &found);
        }
    }
    wrong.assert_none(30);
}

/// The faults in many runs.
#[derive(Default)]
struct Wrong {
    runs: usize,
    found: Vec<String>,
}

impl Wrong {
    fn add(&mut self, scenario: &Scenario, place: &str, how: impl Debug, found: &[String]) {
        self.runs += 1;
        if !found.is_empty() {
            self.found.push(format!(
                "{}: {place} {how:?}:\n    {}",
                scenario.name(),
                found.join("\n    ")
            ));
        }
    }

    fn interrupt<'all>(
        &mut self,
        what: Interruption,
        scenarios: impl Iterator<Item = &'all Scenario>,
    ) {
        for scenario in scenarios {
            let (good, _, _) = scenario.run(|_| ());
            for look in 1..=good.looks_for_signals() {
                let found = check_interrupt(scenario, look, what);
                self.add(scenario, &format!("look {look}"), what, &found);
            }
        }
    }

    fn assert_none(self, least: usize) {
        assert!(self.runs > least, "only {} faults were tried", self.runs);
        let found = &self.found;
        assert!(
            found.is_empty(),
            "{} faults:\n{}",
            found.len(),
            found.join("\n")
        );
    }
}

fn check(scenario: &Scenario, good: &[Logged], at: usize, how: How) -> Vec<String> {
    let failing = &good[at];
    let program = program_of(failing);
    if how == How::Fails && is_answered_by_1(scenario, failing) {
        return Vec::new();
    }
    // The question for the title is asked again.
    let is_asked_again = program == "ps" && failing.argv[1] == "-ww";
    if is_asked_again && !scenario.is(&["shutdown"]) {
        return Vec::new();
    }
    // Another program is missing then: the program that starts it reports that with its own message.
    if how == How::IsMissing && failing.depth > 0 {
        return Vec::new();
    }
    let nth = nth_of(good, at);
    let line = format!("{program}: out of luck");
    let fault = match how {
        How::Fails => Fault::Fail(1, line.clone()),
        How::IsKilled => Fault::Kill(SIGKILL),
        How::IsMissing => Fault::Missing,
    };
    let (fake, before, said) = scenario.run(|fake| {
        fake.host().order(program, nth, fault.clone());
    });
    let logs: String = fake.logs().into_values().collect();
    // Programs on the terminal report their failure there.
    let told = said.err.clone() + &said.out + &logs;
    let mut wrong = Vec::new();
    if said.status != 1 && !(scenario.is_supervised() && told.contains("failed: ")) {
        wrong.push(format!("the status is {}", said.status));
    }
    let started = good[..=at].iter().rev().find(|call| call.depth == 0);
    let started = started.unwrap_or(failing);
    let mut must_say = vec![match how {
        How::Fails => line,
        How::IsKilled => "SIGKILL".into(),
        How::IsMissing => format!("{program} is not installed"),
    }];
    // A failure before the root side is reported by the message of the escalator.
    if !is_before_root(started) {
        must_say.push("command: ".to_owned() + &command_line(started));
    }
    for words in must_say.iter().filter(|words| !told.contains(*words)) {
        let first = said.err.lines().next().unwrap_or_default();
        wrong.push(format!("{words:?} is not in the message {first:?}"));
    }
    wrong.extend(came_after(scenario, good, at, &fake));
    // What could not be freed at the end still exists.
    let guest_has_ended = good[..at].iter().any(|one| one.argv[0] == "bhyve");
    let is_end =
        scenario.is(&["ttyboot", "install"]) && guest_has_ended || ["rm", "mv"].contains(&program);
    if !is_end {
        wrong.extend(scenario.difference(&before, &fake));
    }
    wrong
}

/// Steps that ran although an earlier step had failed.
fn came_after(scenario: &Scenario, good: &[Logged], at: usize, fake: &Fake) -> Vec<String> {
    let top = |log: &[Logged]| -> Vec<Logged> {
        log.iter().filter(|one| one.depth == 0).cloned().collect()
    };
    let done = top(&good[..=at]).len();
    let calls = top(fake.host().calls());
    let later = calls.get(done..).unwrap_or_default();
    later
        .iter()
        .filter(|one| is_change(one) && !is_freeing(one) && !promotes_back(one, good))
        .filter(|_| !scenario.is_supervised() || scenario.undo == Undo::All)
        .map(|one| format!("then came {}", view::call(one)))
        .collect()
}

fn check_interrupt(scenario: &Scenario, look: u32, what: Interruption) -> Vec<String> {
    let (fake, before, said) = scenario.run(|fake| fake.interrupted = Some((look, what)));
    let told = said.err.clone() + &fake.logs().into_values().collect::<String>();
    let mut found = Vec::new();
    let wanted = match what {
        Interruption::Signal(SIGTERM) => "interrupted by SIGTERM",
        Interruption::Signal(_) => "interrupted by SIGINT",
        Interruption::ReaderGone => "interrupted: the caller has exited",
    };
    // The signal arrived too late: the guest runs, or it ran on and its next end was the last.
    let has_run = said.status == 0 && told.contains("started: bhyve is pid");
    let is_told = said.status == 1 && told.contains(wanted);
    if !has_run && !is_told {
        found.push(format!("status {}, messages: {told}", said.status));
    }
    if !(has_run && scenario.is(&["boot", "restart"])) {
        found.extend(scenario.difference(&before, &fake));
    }
    found.extend(Scenario::half_done(&before, &fake));
    found
}

/// Whether status 1 is no failure of a call, but the answer that something does not exist, or that the
/// process must be killed.
fn is_answered_by_1(scenario: &Scenario, call: &Logged) -> bool {
    let words: Vec<&str> = call.argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["kill", ..] | ["ps", .., "-p", _] => true,
        ["ifconfig", _] | ["bhyvectl", .., "--force-poweroff"] => {
            scenario.is(&["shutdown", "restart"])
        }
        _ => false,
    }
}

/// The number of a call among those of its program, counted from 1.
fn nth_of(calls: &[Logged], at: usize) -> u32 {
    let program = program_of(&calls[at]);
    let same = calls[..=at]
        .iter()
        .filter(|call| program_of(call) == program);
    u32::try_from(same.count()).unwrap()
}

/// The name of the program, without its directory.
fn program_of(logged: &Logged) -> &str {
    let program = logged.argv[0].as_str();
    program.rsplit('/').next().unwrap_or(program)
}

/// Whether the client starts this program, behind which the root side runs.
fn is_before_root(logged: &Logged) -> bool {
    logged.argv[0] == "doas"
}

/// A call as the message quotes it.
fn command_line(logged: &Logged) -> String {
    let shown = view::call(&Logged {
        status: Status::Exit(0),
        ..logged.clone()
    });
    shown.trim_start_matches("[0] ").to_owned()
}

/// Whether the call changes something.
fn is_change(logged: &Logged) -> bool {
    let words: Vec<&str> = logged.argv.iter().map(String::as_str).collect();
    let is_heard = |word: &&str| *word == "grub-bhyve" && !words.contains(&"-c");
    match words.as_slice() {
        // Runs again, only for the reason of its failure.
        _ if words.iter().any(is_heard) => false,
        ["fstat" | "ps" | "kldstat" | "doas", ..] | ["zfs", "list", ..] | ["ifconfig", _] => false,
        ["sysctl", rest @ ..] => !rest.contains(&"-i"),
        _ => true,
    }
}

/// Whether the call promotes a volume that a run without a failure does not promote: the former origin.
fn promotes_back(logged: &Logged, good: &[Logged]) -> bool {
    logged.argv.iter().any(|word| word == "promote")
        && !good.iter().any(|one| one.argv == logged.argv)
}

/// Whether the call undoes something.
fn is_freeing(logged: &Logged) -> bool {
    let words = [
        "destroy",
        "--destroy",
        "--force-poweroff",
        "deletem",
        "rm",
        "mv",
        "kill",
        "rollback",
    ];
    logged
        .argv
        .iter()
        .any(|word| words.contains(&word.as_str()))
}
