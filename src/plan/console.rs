//! Connects to the console of a VM.

use super::{Guard, Plan, Refusal, Test, Wait, shutdown};
use crate::error::Kind;
use crate::model::Vm;
use crate::tools::line::side_of_person;
use crate::tools::process::Who;
use crate::tools::workers::{self, Known};
use crate::tools::{bhyve, cu};
use crate::verb::Verb;
use std::path::Path;
use std::time::Duration;

/// The plan that connects the terminal to `vm`; what is on the line, `held_by`, is ended first.
pub fn plan(vm: &Vm, devices: &Path, held_by: &[Who]) -> Plan {
    let mut refusal = shutdown::not_running(vm);
    refusal.help = Some(format!("start it first: {}", vm.command(Verb::Boot)));
    let mut plan = Plan::default();
    plan.push(Guard {
        test: Test::Exists(bhyve::node(devices, &vm.name)),
        refusal,
    });
    for process in held_by {
        let (pid, known) = (process.pid, Known::Shown(process.shown()));
        plan.push(workers::end_one(pid, known.clone()));
        plan.push(Wait {
            until: !workers::is_still(pid, known),
            limit: Duration::from_secs(5),
            every: Duration::from_millis(100),
            refusal: Some(Refusal {
                kind: Kind::Host,
                what: format!("pid {pid} does not leave the console of {}", vm.name),
                help: Some(format!("kill it as root: kill -KILL {pid}")),
            }),
            progress: None,
        });
    }
    plan.push(cu::connect(&side_of_person(vm, devices)));
    plan
}
