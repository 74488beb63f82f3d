//! The plan that ends VMs by the power button or a power cut, then frees their resources.

use super::ending::{Ending, How, Target, list};
use super::leftovers;
use crate::error::Kind;
use crate::model::name::VmName;
use crate::operation::refuse::state::not_running;
use crate::plan::Known;
use crate::plan::{Guard, NoReturn, Plan, Refusal, Step, Test, Undo, Wait, When};
use crate::survey::Survey;
use crate::tools::bhyvectl;
use crate::tools::workers;
use crate::verb::Verb;
use std::time::Duration;

/// Which VMs are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// The named VMs: a VM that has ended in the meantime is an error.
    Named,
    /// All running VMs: a VM that has ended in the meantime is skipped.
    All,
}

/// How long bhyve may take to end when the power is cut.
const CUT_LIMIT: Duration = Duration::from_secs(5);

/// The plan by which `verb` ends VMs together and frees their resources.
pub fn plan(
    endings: &[Ending<'_>],
    survey: &Survey,
    (how, limit): (How, Duration),
    whom: Whom,
    verb: Verb,
) -> Plan {
    let mut plan = Plan::default();
    let deaf: Vec<Ending<'_>> = endings.iter().copied().filter(Ending::is_deaf).collect();
    if how == How::Button && !deaf.is_empty() {
        // Nothing has been signalled yet: if a guest never handles its button, all VMs continue. A guest
        // that reboots in the meantime is waited for, too.
        let refusal = never_listens(&deaf, limit, verb);
        let guests = endings.iter().copied();
        let guests: Vec<Ending<'_>> = guests.filter(|one| one.target != Target::Waiting).collect();
        plan.push(until_listening(&deaf, &guests, limit, Some(refusal)));
    }
    for ending in endings {
        ask_to_end(&mut plan, ending, how, whom);
        if ending.target == Target::Loader && !deaf.is_empty() {
            // The loader may have finished during the wait.
            plan.push(press(&ending.vm.name));
        }
    }
    let names = list(endings);
    let is_supervised = endings.iter().all(|ending| ending.supervisor.is_some());
    let rest = match endings {
        _ if is_supervised => "all resources are freed at the end".to_owned(),
        [one] if !one.vm.is_configured() => String::new(),
        [one] => format!(
            "to free its leftovers after its end: {}",
            one.vm.command(Verb::Clean)
        ),
        [one, ..] => format!(
            "to free their leftovers after their end: {}",
            one.vm.spelling.command("clean VM")
        ),
        [] => String::new(),
    };
    let done = match how {
        How::Cut => format!("the power of {names} was cut; {rest}"),
        How::Button | How::ButtonThenCut => {
            format!("the end of {names} was requested; {rest}")
        }
    };
    plan.push(NoReturn { done });
    plan.push(Undo {
        forms: leftovers::free(endings, survey),
        when: When::End,
        what: match endings {
            [one] => format!("the leftovers of {}", one.vm.name),
            _ => format!("the leftovers of {names}"),
        },
    });
    match how {
        How::Button => {
            let refusal = Refusal {
                kind: Kind::Host,
                what: match endings {
                    [one] => format!(
                        "{} still runs {} s after its power button was pressed",
                        one.vm.name,
                        limit.as_secs()
                    ),
                    _ => format!("not all of {names} have ended within {} s", limit.as_secs()),
                },
                help: Some(match endings {
                    [one] if is_supervised => format!(
                        "wait longer, or cut its power: {} -f",
                        one.vm.command(Verb::Shutdown)
                    ),
                    [one] => format!(
                        "wait and run {} after the end, or cut its power: {} -f",
                        one.vm.command(Verb::Clean),
                        one.vm.command(Verb::Shutdown)
                    ),
                    several => by_hand(several),
                }),
            };
            plan.push(until_ended(endings, limit, Some(refusal), true));
        }
        How::Cut => cut(&mut plan, endings),
        How::ButtonThenCut => {
            if !deaf.is_empty() {
                plan.push(until_listening(&deaf, &deaf, limit / 2, None));
                for Ending { vm, .. } in &deaf {
                    plan.push(press(&vm.name));
                    // It would use up the time limit of the others.
                    let is_deaf = workers::any_is_deaf(std::iter::once(&vm.name));
                    plan.push(cut_of(&vm.name).only_if(is_deaf));
                }
            }
            plan.push(Wait {
                goes_on: !deaf.is_empty(),
                ..until_ended(endings, limit, None, true)
            });
            for ending in endings {
                let name = &ending.vm.name;
                plan.push(cut_of(name).only_if(workers::is_alive(name)));
            }
            cut(&mut plan, endings);
        }
    }
    plan
}

/// Asks one VM to end.
fn ask_to_end(plan: &mut Plan, ending: &Ending<'_>, how: How, whom: Whom) {
    let name = &ending.vm.name;
    let is_guest = matches!(ending.target, Target::Listening | Target::Deaf);
    if is_guest && whom == Whom::Named {
        plan.push(Guard {
            test: workers::is_alive(name),
            refusal: not_running(ending.vm),
        });
    }
    if let Some(pid) = ending.supervisor {
        plan.push(workers::end_one(pid, Known::Supervisor(name.clone())));
    }
    match (ending.target, how) {
        (Target::Listening | Target::Deaf, How::Cut) => plan.push(match whom {
            Whom::Named => cut_of(name),
            Whom::All => cut_of(name).only_if(workers::is_alive(name)),
        }),
        // Differs: A signal that cannot be sent is an error
        (Target::Listening, _) | (Target::Deaf, How::Button) => {
            plan.push(match whom {
                // A VM that ends between the test and the signal is no failure.
                Whom::Named => {
                    workers::press_power_button(name, &[0]).ok_if(!workers::is_alive(name))
                }
                // A guest that misses the signal, as during a reboot, must not prevent the end of the
                // others: its power is cut after the time limit.
                Whom::All => {
                    workers::press_power_button(name, &[0, 1]).only_if(workers::is_alive(name))
                }
            });
        }
        (Target::Loader, _) => plan.push(workers::end_loader(name)),
        (Target::Waiting, _) => plan.push(workers::end_waiting(name)),
        // The others are not delayed by a guest that is still booting: see [`plan`].
        (Target::Deaf, How::ButtonThenCut) | (Target::Supervisor, _) => {}
    }
}

/// Presses the power button of a guest that handles it by now.
fn press(vm: &VmName) -> Step {
    let is_deaf = workers::any_is_deaf(std::iter::once(vm));
    let listens = Test::All(vec![workers::is_alive(vm), !is_deaf]);
    workers::press_power_button(vm, &[0, 1]).only_if(listens)
}

/// Waits for guests that are still booting, until every guest of these VMs handles its power button or has
/// ended.
fn until_listening(
    deaf: &[Ending<'_>],
    all: &[Ending<'_>],
    limit: Duration,
    refusal: Option<Refusal>,
) -> Wait {
    let buttons = match deaf {
        [_] => "its power button",
        _ => "their power buttons",
    };
    let progress = format!(
        "waiting for {}, perhaps still booting, to handle {buttons}",
        list(deaf)
    );
    Wait {
        until: !workers::any_is_deaf(all.iter().map(|ending| &ending.vm.name)),
        limit,
        every: Duration::from_millis(250),
        refusal,
        progress: Some(progress),
        goes_on: false,
    }
}

/// How to end one of several VMs after all.
fn by_hand(endings: &[Ending<'_>]) -> String {
    endings
        .first()
        .map_or_else(String::new, |Ending { vm, .. }| {
            format!(
                "list the running VMs: {}; cut the power: {}",
                vm.spelling.command("status"),
                vm.spelling.command("shutdown VM -f")
            )
        })
}

/// The error for guests that do not handle their power buttons within the limit.
fn never_listens(deaf: &[Ending<'_>], limit: Duration, verb: Verb) -> Refusal {
    let (names, seconds) = (list(deaf), limit.as_secs());
    match deaf {
        [one] => Refusal::state(format!(
            "the guest of {names} has not handled its power button for {seconds} s, and the signal would cut its power: \
             the guest has not enabled ACPI, or is still booting"
        ))
        .help(format!(
            "shut the guest down from inside ({}), or cut its power: {} -f",
            one.vm.command(Verb::Console),
            one.vm.command(verb)
        )),
        several => Refusal::state(format!(
            "not all guests of {names} have handled their power buttons within {seconds} s, and the signal would cut their power: \
             a guest has not enabled ACPI, or is still booting"
        ))
        .help(by_hand(several)),
    }
}

/// Cuts the power of a VM; if this fails, a later step kills bhyve.
fn cut_of(vm: &VmName) -> Step {
    bhyvectl::force_poweroff(vm).accept(&[0, 1]).into()
}

/// Waits until all have ended.
fn until_ended(
    endings: &[Ending<'_>],
    limit: Duration,
    refusal: Option<Refusal>,
    is_told: bool,
) -> Wait {
    let names = endings.iter().map(|ending| &ending.vm.name);
    let progress = format!("waiting for {} to shut down", list(endings));
    Wait {
        until: !workers::any_is_alive(names),
        limit,
        every: Duration::from_millis(250),
        refusal,
        progress: is_told.then_some(progress),
        goes_on: false,
    }
}

/// Kills each bhyve that does not end when its power is cut.
fn cut(plan: &mut Plan, endings: &[Ending<'_>]) {
    plan.push(until_ended(endings, CUT_LIMIT, None, false));
    for ending in endings {
        let name = &ending.vm.name;
        plan.push(workers::kill(name).only_if(workers::is_alive(name)));
    }
    let refusal = Refusal::host(format!("bhyve of {} does not end", list(endings)))
        .help("as root, see what the process waits for: procstat -k PID");
    plan.push(until_ended(endings, CUT_LIMIT, Some(refusal), false));
}
