//! A step that fails in both the run and the script.

use super::Case;
use super::left::{change, command, is_supervisor};
use crate::host::{Fault, Host, Logged, Status};
use crate::variety::Numbers;
use std::ops::Range;

/// How many steps are tried until one is found whose failure causes no wait to a limit.
const TRIES: u32 = 4;

/// One of this number of steps that cause such a wait is used: the wait asks fifty times or more, and
/// its consequences are always the same.
const LONG_WAITS: u64 = 8;

/// A call that fails.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    program: String,
    /// The number of the call among those of its program in the run.
    in_run: u32,
    /// Its number where `-d` runs and then the script: the root side does not ask again there.
    in_script: u32,
    fault: Fault,
}

/// The way that a failure is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// The program runs.
    Run,
    /// The script runs.
    Script,
}

impl Failure {
    /// One of the commands by which a verb changes this host, if there are any.
    pub(super) fn choose(
        host: &Host,
        config: &str,
        case: &Case<'_>,
        numbers: &mut Numbers,
    ) -> Option<Self> {
        // The root side of a restart asks twice, so the numbers of calls differ. For boot -T the script
        // undoes first what it has passed to its supervision, so the rollback comes before a bridge.
        if case.form.verb == "restart" || case.form.words.contains(&"-T") {
            return None;
        }
        let (fake, _) = case.in_process(host, config, None, Way::Run, &[]);
        let log = fake.host().calls().to_vec();
        let steps: Vec<usize> = (0..log.len())
            .filter(|&at| log[at].depth == 0 && change(&log[at]).is_some())
            .filter(|&at| !waits_long(&log[..at]))
            // rm(1) belongs to the real machine, and never fails.
            .filter(|&at| log[at].argv[0] != "rm")
            .collect();
        if steps.is_empty() {
            return None;
        }
        for _ in 0..TRIES {
            let one = Self::of_step(&log, *numbers.one_of(&steps), numbers);
            let (fake, _) = case.in_process(host, config, Some(&one), Way::Run, &[]);
            if !waits_long(fake.host().calls()) || numbers.once_in(LONG_WAITS) {
                return Some(one);
            }
        }
        None
    }

    /// A failure of this step of a run.
    fn of_step(log: &[Logged], step: usize, numbers: &mut Numbers) -> Self {
        let inner = log[step + 1..].iter().take_while(|call| call.depth > 0);
        // The program behind timeout(1) and env(1) does the work.
        let at = step + inner.count();
        // The first statuses are regular ends of a guest.
        let is_guest = log[step].argv.iter().any(|word| word == "bhyve");
        let program = log[at].argv[0].clone();
        let nth = |calls: &[Logged]| {
            let calls = calls.iter().filter(|call| call.argv[0] == program);
            u32::try_from(calls.count()).unwrap()
        };
        let statuses: &[i32] = if is_guest { &[4, 64, 71] } else { &[1, 2, 64] };
        let fault = if numbers.once_in(4) {
            Fault::Kill(9)
        } else {
            let status = *numbers.one_of(statuses);
            Fault::Fail(status, format!("{program}: out of luck"))
        };
        let asked = asked_again(log).filter(|asked| asked.end <= at);
        Self {
            in_run: nth(&log[..=at]),
            in_script: nth(&log[..=at]) - asked.map_or(0, |asked| nth(&log[asked])),
            program,
            fault,
        }
    }

    fn nth(&self, way: Way) -> u32 {
        match way {
            Way::Run => self.in_run,
            Way::Script => self.in_script,
        }
    }

    /// Injects the failure on a host.
    pub(super) fn order(&self, way: Way, host: &mut Host) {
        host.order(&self.program, self.nth(way), self.fault.clone());
    }

    /// Whether the call has failed there.
    pub(super) fn is_hit(&self, way: Way, host: &Host) -> bool {
        let calls = host.calls().iter();
        let mut calls = calls.filter(|call| call.argv[0] == self.program);
        let expected = match &self.fault {
            Fault::Fail(status, _) => Status::Exit(*status),
            Fault::Kill(signal) => Status::Signal(*signal),
            Fault::Hang => Status::Hang,
            Fault::Missing => Status::NotFound,
        };
        let nth = usize::try_from(self.nth(way)).unwrap();
        calls
            .nth(nth - 1)
            .is_some_and(|call| call.status == expected)
    }
}

/// Whether a wait may have reached its limit: the questions to the real host take time, so a run asks
/// fewer of them than this one.
fn waits_long(calls: &[Logged]) -> bool {
    let times = |call: &Logged| calls.iter().filter(|one| one.argv == call.argv).count();
    calls.iter().any(|call| times(call) >= 20)
}

/// The questions that the root side asks again: the last ones of the client before it called it.
fn asked_again(log: &[Logged]) -> Option<Range<usize>> {
    let is_root = |call: &Logged| {
        let words = command(&call.argv);
        let behind = words.strip_prefix(["daemon".to_owned(), "-c".to_owned()].as_slice());
        call.depth == 0 && is_supervisor(behind.unwrap_or(words))
    };
    let called = log.iter().position(is_root)?;
    let behind = &log[called + 1..];
    let first = called + 1 + behind.iter().take_while(|call| call.depth > 0).count();
    // Questions start no programs; a call of depth 1 before them belongs to the host's past.
    let questions = log[..called].iter().filter(|call| call.depth == 0);
    let questions: Vec<&[String]> = questions.map(|call| &*call.argv).collect();
    let again: Vec<&[String]> = log[first..].iter().map(|call| &*call.argv).collect();
    // The client may have asked for more than the plan needs, before it planned.
    let longest = questions.len().min(again.len());
    let same = |count: &usize| questions[questions.len() - count..] == again[..*count];
    let asked = (0..=longest).rev().find(same)?;
    Some(first..first + asked)
}
