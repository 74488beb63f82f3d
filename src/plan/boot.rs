//! Starts a VM: `boot`, `ttyboot`, `install`.

use super::loader::{self, Source};
use super::{Form, Plan, Refusal, Step, Test, Undo, Wait, When, free, network};
use crate::error::Kind;
use crate::model::Vm;
use crate::survey::Survey;
use crate::tools::bhyve::{self, Console};
use crate::tools::{bhyvectl, daemon, process};
use crate::verb::Verb;
use std::path::Path;
use std::time::Duration;

/// How a VM is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From its disk, in the background, its console on nmdm(4).
    Background,
    /// From its disk, on this terminal.
    Terminal,
    /// From its first CD, on this terminal.
    Install,
}

/// How long bhyve may take until its title is set.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How long bhyve may take to end when its start is taken back.
const END_LIMIT: Duration = Duration::from_secs(5);

/// The plan that starts `vm`.
///
/// On a terminal everything is freed when the guest ends; in the background the next boot,
/// `shutdown` or `clean` does that.
pub fn plan(vm: &Vm, start: Start, source: Source, survey: &Survey, scratch: &Path) -> Plan {
    let when = match start {
        Start::Background => When::Failure,
        // Differs: After `install` and `ttyboot` tap and VM node are freed
        Start::Terminal | Start::Install => When::End,
    };
    let mut plan = free::plan(vm, survey, free::Extent::Marked, None);
    plan.append(network::plan(vm, survey, when));

    let node = bhyve::node(&survey.devices, &vm.name);
    plan.push(free::not_started_meanwhile(vm, &node));
    let destroy: Form = Step::from(bhyvectl::destroy(&vm.name))
        .only_if(Test::Exists(node))
        .into();
    plan.push(Undo {
        forms: vec![destroy],
        when,
        what: format!("the VM node of {}", vm.name),
    });
    plan.append(loader::plan(vm, source, scratch));

    match start {
        Start::Terminal => plan.push(bhyve::run(vm, &Console::Stdio, false)),
        // Differs: `install` attaches every `cdN`
        Start::Install => plan.push(bhyve::run(vm, &Console::Stdio, true)),
        Start::Background => {
            let console = Console::Nmdm(survey.devices.join(format!("nmdm{}A", vm.id)));
            plan.push(end_bhyve(vm));
            plan.push(daemon::detach(&bhyve::run(vm, &console, false)));
            // Differs: A bhyve that does not start is noticed
            plan.push(Wait {
                until: process::is_running(&vm.name),
                limit: START_LIMIT,
                every: Duration::from_millis(100),
                refusal: Some(Refusal {
                    kind: Kind::Host,
                    what: format!(
                        "bhyve did not start {} within {} s",
                        vm.name,
                        START_LIMIT.as_secs()
                    ),
                    help: Some(format!(
                        "see what bhyve says: {}",
                        vm.command(Verb::Ttyboot)
                    )),
                }),
                progress: None,
            });
        }
    }
    plan
}

/// What ends a bhyve that was started in the background: before its node is destroyed, which would
/// pull the guest's memory from under it.
fn end_bhyve(vm: &Vm) -> Undo {
    let alive = || process::is_alive(&vm.name);
    let ended = |refusal| Wait {
        until: !alive(),
        limit: END_LIMIT,
        every: Duration::from_millis(100),
        refusal,
        progress: None,
    };
    let lives_on = Refusal {
        kind: Kind::Host,
        what: format!("bhyve of {} does not end", vm.name),
        help: Some("see what it waits for: procstat -k as root".to_owned()),
    };
    Undo {
        forms: vec![
            Step::from(bhyvectl::force_poweroff(&vm.name))
                .only_if(alive())
                .into(),
            ended(None).into(),
            Step::from(process::kill_any(&vm.name))
                .only_if(alive())
                .into(),
            ended(Some(lives_on)).into(),
        ],
        when: When::Failure,
        what: format!("bhyve of {}", vm.name),
    }
}
