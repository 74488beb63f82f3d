//! Ends a VM: the power button, or a power cut.

use super::{Guard, NoReturn, Plan, Refusal, Step, Wait, free};
use crate::error::Kind;
use crate::model::Vm;
use crate::survey::Survey;
use crate::tools::{bhyvectl, process};
use crate::verb::Verb;
use std::time::Duration;

/// How a VM is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The power button is pressed once; the guest shuts itself down.
    PowerButton,
    /// The power is cut.
    PowerCut,
}

/// How long a guest may take to shut itself down.
///
/// Differs: `shutdown` waits 60 s, then says what to do
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How long bhyve may take to end when the power is cut.
const CUT_LIMIT: Duration = Duration::from_secs(5);

/// The plan that ends `vm`, whose bhyve is `pid`, and frees what it leaves.
pub fn plan(vm: &Vm, survey: &Survey, manner: Manner, pid: u32) -> Plan {
    let name = &vm.name;
    let mut plan = Plan::default();
    plan.push(Guard {
        test: process::is_running(name),
        refusal: not_running(vm),
    });
    let ended = |limit: Duration, refusal, progress| Wait {
        until: !process::is_running(name),
        limit,
        every: Duration::from_secs(1),
        refusal,
        progress,
    };
    let rest = format!("what it leaves is freed by {}", vm.command(Verb::Clean));
    match manner {
        Manner::PowerButton => {
            // Differs: A signal that cannot be sent is an error
            plan.push(process::press_power_button(name));
            plan.push(NoReturn {
                done: format!("the power button of {name} was pressed; {rest}"),
            });
            plan.push(ended(
                STOP_LIMIT,
                Some(Refusal {
                    kind: Kind::Host,
                    what: format!(
                        "{name} still runs {} s after its power button was pressed",
                        STOP_LIMIT.as_secs()
                    ),
                    help: Some(format!(
                        "wait and run {} later, or cut its power: {} -f",
                        vm.command(Verb::Clean),
                        vm.command(Verb::Shutdown)
                    )),
                }),
                Some(format!(
                    "waiting for {name} to shut down (up to {} s)",
                    STOP_LIMIT.as_secs()
                )),
            ));
        }
        Manner::PowerCut => {
            plan.push(bhyvectl::force_poweroff(name));
            plan.push(NoReturn {
                done: format!("the power of {name} was cut; {rest}"),
            });
            plan.push(ended(CUT_LIMIT, None, None));
            plan.push(Step::from(process::kill(name)).only_if(process::is_running(name)));
            plan.push(ended(
                CUT_LIMIT,
                Some(Refusal {
                    kind: Kind::Host,
                    what: format!("bhyve of {name} does not end"),
                    help: Some("see what it waits for: procstat -k as root".to_owned()),
                }),
                None,
            ));
        }
    }
    plan.append(free::plan(vm, survey, free::Extent::Whole, Some(pid)));
    plan
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
