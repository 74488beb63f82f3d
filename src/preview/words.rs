//! Tests and waits of a plan in words.

use crate::command::Command;
use crate::model::name::VmName;
use crate::plan::{Known, Loop, Test, Wait, Work, Workers};
use crate::quote;
use std::time::Duration;

/// What a wait is for.
pub(super) fn wait(wait: &Wait) -> String {
    let until = state(&wait.until, true);
    let since = if wait.goes_on {
        " in all, with the wait before"
    } else {
        ""
    };
    let limit = format!("{}{since}", seconds(wait.limit));
    if wait.refusal.is_some() {
        format!("waits until {until}, up to {limit}")
    } else {
        format!("waits until {until}, but not longer than {limit}")
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

/// The condition of a step, for the remark above it.
pub(super) fn condition(test: &Test) -> String {
    if let Some(has_run) = has_run(test) {
        return has_run.to_owned();
    }
    match test {
        Test::Works(_) | Test::Still { .. } => format!("if {}", state(test, true)),
        _ => NEEDED.to_owned(),
    }
}

/// The condition of a step that something else may have made needless.
pub(super) const NEEDED: &str = "if it is still needed";

/// The part of a condition that is about whether the guest has run.
pub(super) fn has_run(test: &Test) -> Option<&'static str> {
    match test {
        Test::HasRun => Some("if the guest has run"),
        Test::Not(inner) => has_run(inner).map(|_| "if the guest has not run"),
        Test::All(tests) => tests.iter().find_map(has_run),
        _ => None,
    }
}

/// What the user is asked, and the answer that the plan waits for, if the test is such a question.
pub(super) fn question(test: &Test) -> Option<(String, &str)> {
    match test {
        Test::Confirmed { question, .. } => Some((format!("{question} [y/N]"), "y")),
        Test::Typed { question, word, .. } => Some((question.clone(), word)),
        Test::Not(inner) => question(inner),
        Test::All(tests) => tests.iter().find_map(question),
        _ => None,
    }
}

/// What holds if the answer to a test is the expected one.
fn state(test: &Test, expected: bool) -> String {
    let either = |yes: &str, no: &str| if expected { yes } else { no }.to_owned();
    match test {
        Test::Exists(path) => {
            format!("{} {}", quote::shown(path), either("exists", "has gone"))
        }
        Test::Succeeds(command) => format!("{command} {}", either("succeeds", "fails")),
        Test::Mentions { command, text } => {
            let says = either("says", "does not say");
            format!("{command} {says} {}", quote::shown(text))
        }
        Test::Works(workers) => works(workers, expected),
        Test::Still { command, known } => still(command, known, expected),
        Test::Ours { vm, .. } => {
            format!("{vm} is {}", either("not started again", "started again"))
        }
        Test::HasRun => format!("the guest {}", either("has run", "has not run")),
        Test::Confirmed { question, .. } | Test::Typed { question, .. } => question.clone(),
        Test::Not(inner) => state(inner, !expected),
        Test::All(tests) if expected => all(tests.iter(), true, " and "),
        Test::All(tests) => all(matters(tests).into_iter(), false, " or "),
    }
}

fn all<'test>(tests: impl Iterator<Item = &'test Test>, expected: bool, word: &str) -> String {
    let states: Vec<String> = tests.map(|test| state(test, expected)).collect();
    states.join(word)
}

/// Of tests that are not to hold together those that a wait is for: the others say when there is nothing
/// to wait for.
fn matters(tests: &[Test]) -> Vec<&Test> {
    let is_matter = |test: &&Test| {
        matches!(
            test,
            Test::Exists(_) | Test::Mentions { .. } | Test::Still { .. } | Test::HasRun
        )
    };
    let found: Vec<&Test> = tests.iter().filter(is_matter).collect();
    if found.is_empty() {
        tests.iter().collect()
    } else {
        found
    }
}

fn works(workers: &Workers, expected: bool) -> String {
    let names = names(&workers.vms);
    let several = workers.vms.len() > 1;
    match (workers.work, expected) {
        (Work::Running | Work::Bhyve, true) => {
            format!("{names} still {}", if several { "run" } else { "runs" })
        }
        (Work::Running | Work::Bhyve, false) => {
            format!("{names} {} ended", if several { "have" } else { "has" })
        }
        (Work::Deaf, true) => format!("a guest of {names} does not handle its power button"),
        (Work::Deaf, false) => format!("every guest of {names} handles its power button"),
        (Work::Loader, true) => format!("the loader of {names} still runs"),
        (Work::Loader, false) => format!("the loader of {names} has ended"),
        (Work::Any, true) => format!("a process of {names} still runs"),
        (Work::Any, false) => format!("every process of {names} has ended"),
    }
}

/// The names, for a sentence: `a, b`.
pub(super) fn names(vms: &[VmName]) -> String {
    let names: Vec<&str> = vms.iter().map(VmName::as_str).collect();
    names.join(", ")
}

fn still(command: &Command, known: &Known, expected: bool) -> String {
    let pid = command.args.last().map(quote::shown).unwrap_or_default();
    match (known, expected) {
        (Known::Supervisor(vm), true) => format!("pid {pid} is still the supervisor of {vm}"),
        (Known::Supervisor(vm), false) => format!("pid {pid}, the supervisor of {vm}, has ended"),
        (Known::Shown(_), true) => format!("pid {pid} still runs"),
        (Known::Shown(_), false) => format!("pid {pid} has ended"),
    }
}

/// After which ends a guest is started again; `None` if after no end.
pub(super) fn again(round: &Loop) -> Option<&'static str> {
    match (round.again.is_empty(), round.again_if_failed) {
        (true, false) => None,
        (false, false) => Some("reboots"),
        (false, true) => Some("reboots or crashes"),
        (true, true) => Some("crashes"),
    }
}

/// What stands for the pids of processes that do not run yet.
pub(super) fn pids_of(work: Work) -> &'static str {
    match work {
        Work::Running | Work::Deaf | Work::Bhyve => "PID_OF_BHYVE",
        Work::Loader => "PID_OF_LOADER",
        Work::Any => "PIDS_OF_LOADER_AND_BHYVE",
    }
}
