//! Something that a step frees is freed by another process, just before the step or before any question
//! about it. This is no failure, and the host is the same in the end; in a run as in the printed
//! script.

use super::scenario::{CONFIG, SCENARIOS, Scenario};
use super::{Wrong, is_change, is_freeing, nth_of, program_of};
use crate::call::Said;
use crate::case::root;
use crate::host::{Edit, Ending, Fault, Host, Logged, program};
use crate::machine::Machine;
use crate::view;
use std::collections::BTreeSet;

/// The failure in a scenario after which all is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    Nothing,
    /// This call of this program.
    Call(&'static str, u32),
}

impl Failing {
    /// The failures that are tried in a scenario.
    fn of(scenario: &Scenario) -> Vec<Self> {
        let mut all = vec![Self::Nothing];
        if scenario.is(&["boot", "ttyboot", "install"]) {
            all.extend([Self::Call("bhyve", 1), Self::Call("bhyveload", 1)]);
        }
        if scenario.is(&["clone"]) {
            let is_of_snapshot = scenario.name().contains('@');
            all.push(Self::Call("zfs", if is_of_snapshot { 4 } else { 5 }));
        }
        if scenario.is(&["resources"]) {
            all.extend([Self::Call("dd", 1), Self::Call("truncate", 1)]);
        }
        all
    }

    fn order(self, host: &mut Host) {
        if let Self::Call(program, nth) = self {
            let fault = Fault::Fail(4, format!("{program}: out of luck"));
            host.order(program, nth, fault);
        }
    }
}

/// Whether a call asks about something or frees it, while no process has it open.
fn is_quiet(call: &Logged) -> bool {
    let words: Vec<&str> = call.argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        // A process may work for the VM. The end of a process and a rollback free nothing.
        ["ps" | "kill", ..] | [_, _, "--force-poweroff"] | ["zfs", "rollback", ..] => false,
        _ => !is_change(call) || is_freeing(call),
    }
}

/// The change by another process that frees the same as this call, if it frees anything; a guest ends
/// by itself.
fn vanishing(call: &Logged) -> Option<Edit> {
    if let [_, vm, how] = call.argv.as_slice()
        && how == "--force-poweroff"
    {
        let vm = vm.strip_prefix("--vm=")?;
        return Some(Edit::End(vm.to_owned(), Ending::PowerOff));
    }
    let frees = is_freeing(call) && is_quiet(call) && call.depth == 0;
    frees.then(|| Edit::Command(call.argv.clone()))
}

/// The calls before which the change may happen without another change in between: from the call itself
/// back to the first of them.
fn moments(calls: &[Logged], at: usize) -> Vec<usize> {
    let quiet = calls[..at].iter().rev().take_while(|call| is_quiet(call));
    let quiet = if is_quiet(&calls[at]) {
        quiet.count()
    } else {
        0
    };
    (at - quiet..=at).rev().collect()
}

/// Complaints in the output; those of the failure itself are expected.
fn complaints(said: &str) -> usize {
    [
        "could not clean up",
        "could not determine",
        "could not tell",
        " is open",
    ]
    .iter()
    .map(|words| said.matches(words).count())
    .sum()
}

/// The result of a scenario.
struct Went {
    calls: Vec<Logged>,
    status: Option<i32>,
    told: String,
    lines: BTreeSet<String>,
}

impl Went {
    /// The differences from the result without a change by another process.
    fn difference(&self, good: &Self) -> Vec<String> {
        let mut found = view::difference(&good.lines, &self.lines);
        if self.status != good.status {
            found.push(format!("the status is {:?}", self.status));
        }
        if complaints(&self.told) > complaints(&good.told) {
            found.push(self.told.clone());
        }
        found
    }
}

/// The change, and the call before which it happens.
type Gone<'call> = (&'call str, u32, &'call Edit);

/// Makes each of these changes at each of these moments.
fn let_go(
    scenario: &Scenario,
    failing: Failing,
    wrong: &mut Wrong,
    moments: impl Fn(&[Logged], usize) -> Vec<usize>,
    run: impl Fn(Option<Gone<'_>>) -> Went,
) {
    let good = run(None);
    for at in 0..good.calls.len() {
        let Some(edit) = vanishing(&good.calls[at]) else {
            continue;
        };
        for moment in moments(&good.calls, at) {
            let before = &good.calls[moment];
            let gone = (program_of(before), nth_of(&good.calls, moment), &edit);
            let place = format!(
                "{} has gone before {}",
                view::call(&good.calls[at]),
                view::call(before)
            );
            wrong.add(
                scenario,
                &place,
                failing,
                &run(Some(gone)).difference(&good),
            );
        }
    }
}

fn by_run(scenario: &Scenario, failing: Failing, gone: Option<Gone<'_>>) -> Went {
    let (fake, _, said) = scenario.run(|fake| {
        let mut host = fake.host();
        failing.order(&mut host);
        if let Some((program, nth, edit)) = gone {
            host.before(program, nth, edit.clone());
        }
    });
    let logs: String = fake.logs().into_values().collect();
    let Said { status, out, err } = said;
    let host = fake.host();
    Went {
        calls: host.calls().to_vec(),
        status: Some(status.into()),
        told: format!("{out}{err}{logs}"),
        lines: view::lines(&host),
    }
}

/// Runs the script that `-d` prints for root.
fn by_script(scenario: &Scenario, failing: Failing, gone: Option<Gone<'_>>) -> Went {
    let config = std::fs::read_to_string(root().join(CONFIG)).unwrap();
    let mut host = scenario.host();
    // Time would really pass there.
    (host.state.guest.loader_ms, host.state.guest.title_ms) = (0, 0);
    let machine = Machine::new(host, &config);
    let as_root =
        |mut command: std::process::Command| command.env(program::UID, "0").output().unwrap();
    let words = [scenario.words(), &["-d", "--format", "sh"]].concat();
    let shown = as_root(machine.program(&words));
    assert!(shown.status.success(), "{shown:?}");
    let script = machine.path().join("script");
    std::fs::write(&script, shown.stdout).unwrap();
    machine.with(|host| {
        host.forget_calls();
        failing.order(host);
        if let Some((program, nth, edit)) = gone {
            host.before(program, nth, edit.clone());
        }
    });
    let mut sh = machine.sh();
    sh.arg(script);
    let ran = as_root(sh);
    let host = machine.host();
    let mut lines = view::lines(&host);
    // The driver of a null modem exits a little later, by itself.
    lines.retain(|line| !line.starts_with("null modem "));
    // A supervisor may be about to exit.
    lines.retain(|line| !line.starts_with("process of uid 0: sh -c "));
    Went {
        calls: host.calls().to_vec(),
        status: ran.status.code(),
        told: String::from_utf8_lossy(&ran.stdout).into_owned()
            + &String::from_utf8_lossy(&ran.stderr),
        lines,
    }
}

#[test]
fn a_resource_freed_elsewhere_is_no_failure() {
    let mut wrong = Wrong::default();
    for scenario in SCENARIOS {
        for failing in Failing::of(scenario) {
            let_go(scenario, failing, &mut wrong, moments, |gone| {
                by_run(scenario, failing, gone)
            });
        }
    }
    wrong.assert_none(330);
}

#[test]
fn a_resource_freed_elsewhere_is_no_failure_of_the_script_of_an_undone_boot() {
    let bhyve = Failing::Call("bhyve", 1);
    to_scripts(&[("fbsd0-boot (left over)", bhyve)], 7);
}

#[test]
fn a_resource_freed_elsewhere_is_no_failure_of_the_script_of_an_undone_start_by_grub() {
    let scenarios = [
        ("obsd0-boot (cold, grub)", Failing::Call("bhyve", 1)),
        ("obsd0-ttyboot (cold, grub)", Failing::Call("grub-bhyve", 1)),
    ];
    to_scripts(&scenarios, 6);
}

#[test]
fn a_resource_freed_elsewhere_is_no_failure_of_the_script_of_an_end() {
    let scenarios = [
        ("fbsd0-shutdown -f (orphan)", Failing::Nothing),
        ("fbsd0-clean (left over)", Failing::Nothing),
    ];
    to_scripts(&scenarios, 7);
}

#[test]
fn a_resource_freed_elsewhere_is_no_failure_of_the_scripts_of_snapshots() {
    let scenarios = [
        ("fbsd0-clone new0 new1 (stopped)", Failing::Call("zfs", 3)),
        ("fbsd0-rollback -f one (stopped)", Failing::Nothing),
    ];
    to_scripts(&scenarios, 3);
}

/// Makes the change while the scripts of these scenarios run: right before the step, before the call
/// that precedes the step, and before the first question.
fn to_scripts(scenarios: &[(&str, Failing)], least: usize) {
    let moments = |calls: &[Logged], at: usize| {
        let all = moments(calls, at);
        let first = all.last().copied();
        let mut some: Vec<usize> = all.into_iter().take(2).chain(first).collect();
        some.dedup();
        some
    };
    let mut wrong = Wrong::default();
    for (name, failing) in scenarios {
        let mut all = SCENARIOS.iter();
        let scenario = all.find(|one| one.name() == *name).unwrap();
        let_go(scenario, *failing, &mut wrong, moments, |gone| {
            by_script(scenario, *failing, gone)
        });
    }
    wrong.assert_none(least);
}
