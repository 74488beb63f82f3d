//! Frees what a VM that has ended left: its VM node, its taps, its places in bridges.

use super::{Guard, Plan, Refusal, Step, Test, Wait};
use crate::error::Kind;
use crate::model::Vm;
use crate::survey::Survey;
use crate::tools::{bhyve, bhyvectl, ifconfig, process};
use std::path::Path;
use std::time::Duration;

/// Whose taps are freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Those that carry the VM's mark: what a boot makes anew.
    Marked,
    /// Also the membership of configured taps that somebody else made, but for another VM.
    Whole,
}

/// The plan that frees what `vm` left; empty if that is nothing.
///
/// `ended` is the process that has ended by then, whose open taps are closed.
///
/// Differs: Only taps that carry the VM's mark are destroyed, and never an open one
pub fn plan(vm: &Vm, survey: &Survey, extent: Extent, ended: Option<u32>) -> Plan {
    let mut plan = Plan::default();
    let node = bhyve::node(&survey.devices, &vm.name);
    if survey.nodes.has(&vm.name) {
        if ended.is_none() {
            plan.push(Guard {
                test: !process::is_alive(&vm.name),
                refusal: started_meanwhile(vm),
            });
        }
        let destroy = Step::from(bhyvectl::destroy(&vm.name));
        // A guest that ends by itself between question and action may take its node along.
        plan.push(if ended.is_some() {
            destroy.only_if(Test::Exists(node.clone()))
        } else {
            destroy
        });
        plan.push(Wait {
            until: !Test::Exists(node.clone()),
            limit: Duration::from_secs(5),
            every: Duration::from_millis(100),
            refusal: Some(Refusal {
                kind: Kind::Host,
                what: format!("the VM node of {} did not go within 5 s", vm.name),
                help: None,
            }),
            progress: None,
        });
    }
    for interface in &survey.interfaces {
        let is_free = interface.opened_by.is_none_or(|pid| Some(pid) == ended);
        if interface.is_made_for(&vm.name) {
            if is_free {
                plan.push(until_closed(&interface.name));
                if ended.is_none() {
                    // Another start of this VM has made the tap just now, and opens it soon.
                    plan.push(not_started_meanwhile(vm, &node));
                }
                plan.push(ifconfig::destroy(&interface.name));
            }
        } else if extent == Extent::Whole
            && is_free
            && interface.owner().is_none()
            && let Some(nic) = vm
                .nics
                .iter()
                .find(|nic| nic.tap.interface().as_str() == interface.name)
            && survey
                .bridge_of(&interface.name)
                .is_some_and(|bridge| bridge.name == nic.bridge.as_str())
        {
            plan.push(ifconfig::delete_member(
                nic.bridge.as_str(),
                &interface.name,
            ));
        }
    }
    plan
}

/// Waits until no process has a tap open, and stops where one keeps it: `ifconfig TAP destroy`
/// would wait for it without an end.
pub(super) fn until_closed(tap: &str) -> Wait {
    Wait {
        until: !ifconfig::is_open(tap),
        limit: Duration::from_secs(5),
        every: Duration::from_millis(100),
        refusal: Some(Refusal {
            kind: Kind::Host,
            what: format!("{tap} is open, so it stays"),
            help: Some(format!("see by which process: ifconfig {tap}")),
        }),
        progress: None,
    }
}

/// Stops where the VM has a node by now, which no earlier run can have left.
pub(super) fn not_started_meanwhile(vm: &Vm, node: &Path) -> Guard {
    Guard {
        test: !Test::Exists(node.to_owned()),
        refusal: started_meanwhile(vm),
    }
}

/// The refusal where a VM that was stopped when asked is not any more.
pub(super) fn started_meanwhile(vm: &Vm) -> Refusal {
    Refusal {
        kind: Kind::State,
        what: format!("{} was started meanwhile", vm.name),
        help: None,
    }
}
