//! Frees what a VM that has ended left: its VM node, its taps, its places in bridges.

use super::gone;
use crate::error::Kind;
use crate::model::Vm;
use crate::plan::{Guard, Plan, Refusal, Test, Wait};
use crate::survey::Survey;
use crate::tools::ifconfig::{self, Interface};
use crate::tools::{bhyve, workers};
use std::path::Path;
use std::time::Duration;

/// How long a node or an open tap may take to be free once its VM has ended.
const GONE_LIMIT: Duration = Duration::from_secs(5);

/// Whose taps are freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Those that carry the VM's mark: what a boot makes anew.
    Marked,
    /// Also the membership of configured taps that somebody else made, but for another VM.
    Whole,
}

/// The plan that frees what `vm`, which has ended, left; empty if that is nothing.
///
/// Differs: Only taps that carry the VM's mark are destroyed, and never an open one
pub fn plan(vm: &Vm, survey: &Survey, extent: Extent) -> Plan {
    let mut plan = Plan::default();
    let node = bhyve::node(&survey.devices, &vm.name);
    if survey.traces.has_node(&vm.name) {
        plan.push(Guard {
            test: !workers::is_alive(&vm.name),
            refusal: started_meanwhile(vm),
        });
        plan.push(gone::node(&vm.name, &node));
        plan.push(until_gone(vm, &node));
    }
    for interface in &survey.interfaces {
        if interface.is_made_for(&vm.name) {
            if interface.opened_by.is_none() {
                plan.push(until_closed(&interface.name));
                // Another start of this VM has made the tap just now, and opens it soon.
                plan.push(not_started_meanwhile(vm, &node));
                plan.push(gone::interface(&interface.name));
            }
        } else if extent == Extent::Whole
            && interface.opened_by.is_none()
            && let Some(bridge) = membership(vm, interface, survey)
        {
            plan.push(gone::member(bridge, &interface.name));
        }
    }
    plan
}

/// The configured bridge in which a configured tap is that somebody else made, but for no VM.
pub(super) fn membership<'survey>(
    vm: &Vm,
    interface: &Interface,
    survey: &'survey Survey,
) -> Option<&'survey str> {
    let nic = vm
        .nics
        .iter()
        .find(|nic| nic.tap.interface().as_str() == interface.name)?;
    let bridge = survey.bridge_of(&interface.name)?;
    (interface.owner().is_none() && bridge.name == nic.bridge.as_str())
        .then_some(bridge.name.as_str())
}

/// The plan that destroys the node of a VM whose guest is to be loaded anew.
pub(super) fn node_again(vm: &Vm, node: &Path) -> Plan {
    let mut plan = Plan::default();
    plan.push(gone::node(&vm.name, node).only_if(Test::Exists(node.to_owned())));
    plan.push(until_gone(vm, node));
    plan
}

/// Waits until the node has gone: on some releases it goes after bhyvectl has ended
/// (`sys/dev/vmm/vmm_dev.c`).
fn until_gone(vm: &Vm, node: &Path) -> Wait {
    until_nodes_are_gone(!Test::Exists(node.to_owned()), vm.name.as_str())
}

/// Waits until this says that the nodes of these VMs have gone.
pub(super) fn until_nodes_are_gone(until: Test, names: &str) -> Wait {
    let seconds = GONE_LIMIT.as_secs();
    let what = format!("the VM node of {names} did not go within {seconds} s");
    until_free(until, what, None)
}

/// Waits until no process has a tap open, and stops where one keeps it: `ifconfig TAP destroy`
/// would wait for it without an end.
pub(super) fn until_closed(tap: &str) -> Wait {
    until_taps_are_closed(!ifconfig::is_open(tap), &[tap])
}

/// Waits until this says that no process has one of these taps open.
pub(super) fn until_taps_are_closed(until: Test, taps: &[&str]) -> Wait {
    let (what, which) = match taps {
        [tap] => (format!("{tap} is open, so it stays"), *tap),
        several => (
            format!("of {} those that are open stay", several.join(", ")),
            "TAP",
        ),
    };
    until_free(
        until,
        what,
        Some(format!("see by which process: ifconfig {which}")),
    )
}

/// Waits as long as what a VM leaves may take, and refuses in these words.
fn until_free(until: Test, what: String, help: Option<String>) -> Wait {
    Wait {
        until,
        limit: GONE_LIMIT,
        every: Duration::from_millis(100),
        refusal: Some(Refusal {
            kind: Kind::Host,
            what,
            help,
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
