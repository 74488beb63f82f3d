//! Ends VMs: the power button, or a power cut; then frees what they leave.

use super::{Form, Guard, NoReturn, Plan, Refusal, Step, Test, Undo, Wait, When, free};
use crate::error::Kind;
use crate::model::Vm;
use crate::survey::Survey;
use crate::tools::{bhyve, bhyvectl, ifconfig, process};
use crate::verb::Verb;
use std::time::Duration;

/// How VMs are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The power button is pressed once, and the guests shut themselves down within this time.
    PowerButton(Duration),
    /// The power is cut.
    PowerCut,
    /// The power button is pressed once; the power of guests that run on after this time is cut.
    ButtonThenCut(Duration),
}

/// What there is to end of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Its guest, which listens to its power button.
    Listening,
    /// Its guest, which does not.
    Deaf,
    /// Its loader.
    Loader,
    /// Only what supervises it: nothing runs at this moment.
    Supervisor,
}

/// A VM that is to end.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'vm> {
    /// The VM.
    pub vm: &'vm Vm,
    /// What there is to end.
    pub target: Target,
    /// What supervises it, and frees everything when it ends.
    pub supervisor: Option<u32>,
}

/// How long bhyve may take to end when the power is cut, and a supervisor to free everything.
const CUT_LIMIT: Duration = Duration::from_secs(5);

/// The plan that ends VMs together and frees what they leave.
pub fn plan(endings: &[Ending<'_>], survey: &Survey, manner: Manner) -> Plan {
    let mut plan = Plan::default();
    for ending in endings {
        ask_to_end(&mut plan, ending, manner);
    }
    let names = list(endings);
    let is_supervised = endings.iter().all(|ending| ending.supervisor.is_some());
    let rest = match endings {
        _ if is_supervised => "everything is freed then".to_owned(),
        [one] => format!("what it leaves is freed by {}", one.vm.command(Verb::Clean)),
        _ => "what they leave is freed by easy-bhyve clean VM".to_owned(),
    };
    let done = match manner {
        Manner::PowerCut => format!("the power of {names} was cut; {rest}"),
        Manner::PowerButton(_) | Manner::ButtonThenCut(_) => {
            format!("{names} was asked to end; {rest}")
        }
    };
    plan.push(NoReturn { done });
    for ending in endings {
        plan.push(Undo {
            forms: free_at_end(ending, survey),
            when: When::End,
            what: format!("what {} has left", ending.vm.name),
        });
    }
    match manner {
        Manner::PowerButton(limit) => {
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
                        "wait on, or cut its power: {} -f",
                        one.vm.command(Verb::Shutdown)
                    ),
                    [one] => format!(
                        "wait and run {} later, or cut its power: {} -f",
                        one.vm.command(Verb::Clean),
                        one.vm.command(Verb::Shutdown)
                    ),
                    _ => {
                        "see which: easy-bhyve status; to cut the power: easy-bhyve shutdown VM -f"
                            .to_owned()
                    }
                }),
            };
            plan.push(until_ended(endings, limit, Some(refusal), true));
        }
        Manner::PowerCut => cut(&mut plan, endings),
        Manner::ButtonThenCut(limit) => {
            plan.push(until_ended(endings, limit, None, true));
            for ending in endings {
                let name = &ending.vm.name;
                plan.push(
                    Step::from(bhyvectl::force_poweroff(name)).only_if(process::is_running(name)),
                );
            }
            cut(&mut plan, endings);
        }
    }
    plan
}

/// Asks one VM to end.
fn ask_to_end(plan: &mut Plan, ending: &Ending<'_>, manner: Manner) {
    let name = &ending.vm.name;
    let is_guest = matches!(ending.target, Target::Listening | Target::Deaf);
    if is_guest {
        plan.push(Guard {
            test: process::is_running(name),
            refusal: not_running(ending.vm),
        });
    }
    if let Some(pid) = ending.supervisor {
        plan.push(process::end_one(pid));
    }
    match (ending.target, manner) {
        // One that does not listen would only be waited for.
        (Target::Listening | Target::Deaf, Manner::PowerCut)
        | (Target::Deaf, Manner::ButtonThenCut(_)) => {
            plan.push(bhyvectl::force_poweroff(name));
        }
        // Differs: A signal that cannot be sent is an error
        (Target::Listening, _) => plan.push(process::press_power_button(name)),
        (Target::Loader, _) => plan.push(process::end_loader(name)),
        (Target::Deaf | Target::Supervisor, _) => {}
    }
}

/// Waits until all have ended.
fn until_ended(
    endings: &[Ending<'_>],
    limit: Duration,
    refusal: Option<Refusal>,
    is_told: bool,
) -> Wait {
    let names = endings.iter().map(|ending| &ending.vm.name);
    let progress = format!(
        "waiting for {} to shut down (up to {} s)",
        list(endings),
        limit.as_secs()
    );
    Wait {
        until: !process::any_is_running(names),
        limit,
        every: Duration::from_millis(250),
        refusal,
        progress: is_told.then_some(progress),
    }
}

/// Kills what does not end when the power is cut.
fn cut(plan: &mut Plan, endings: &[Ending<'_>]) {
    plan.push(until_ended(endings, CUT_LIMIT, None, false));
    for ending in endings {
        let name = &ending.vm.name;
        plan.push(Step::from(process::kill(name)).only_if(process::is_running(name)));
    }
    let refusal = Refusal {
        kind: Kind::Host,
        what: format!("bhyve of {} does not end", list(endings)),
        help: Some("see what it waits for: procstat -k as root".to_owned()),
    };
    plan.push(until_ended(endings, CUT_LIMIT, Some(refusal), false));
}

/// Frees what a VM has left, once its supervisor has, or has not; nothing of a VM that still runs.
fn free_at_end(ending: &Ending<'_>, survey: &Survey) -> Vec<Form> {
    let vm = ending.vm;
    let ended = || !process::is_alive(&vm.name);
    let mut forms: Vec<Form> = Vec::new();
    if let Some(pid) = ending.supervisor {
        forms.push(
            Wait {
                until: !Test::All(vec![ended(), process::is_there(pid)]),
                limit: CUT_LIMIT,
                every: Duration::from_millis(100),
                refusal: None,
                progress: None,
            }
            .into(),
        );
    }
    let node = bhyve::node(&survey.devices, &vm.name);
    let is_left = || Test::All(vec![Test::Exists(node.clone()), ended()]);
    forms.push(
        Step::from(bhyvectl::destroy(&vm.name))
            .only_if(is_left())
            .into(),
    );
    forms.push(
        Wait {
            until: !is_left(),
            ..free::until_gone(vm, &node)
        }
        .into(),
    );
    for interface in &survey.interfaces {
        let name = interface.name.as_str();
        if interface.is_made_for(&vm.name) {
            let is_left = |test| Test::All(vec![ifconfig::exists(name), ended(), test]);
            forms.push(
                Wait {
                    until: !is_left(ifconfig::is_open(name)),
                    ..free::until_closed(name)
                }
                .into(),
            );
            forms.push(
                Step::from(ifconfig::destroy(name))
                    .only_if(is_left(!ifconfig::is_open(name)))
                    .into(),
            );
        } else if let Some(bridge) = free::membership(vm, interface, survey) {
            forms.push(
                Step::from(ifconfig::delete_member(bridge, name))
                    .only_if(Test::All(vec![ended(), ifconfig::is_member(bridge, name)]))
                    .into(),
            );
        }
    }
    forms
}

/// The names, for a message: `a, b`.
fn list(endings: &[Ending<'_>]) -> String {
    let names: Vec<&str> = endings
        .iter()
        .map(|ending| ending.vm.name.as_str())
        .collect();
    names.join(", ")
}

/// The refusal where there is nothing to end.
pub fn not_running(vm: &Vm) -> Refusal {
    Refusal {
        kind: Kind::State,
        what: format!("{} is not running", vm.name),
        help: Some(format!(
            "what an earlier run left is freed by {}",
            vm.command(Verb::Clean)
        )),
    }
}
