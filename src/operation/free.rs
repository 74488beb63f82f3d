//! Frees the resources of a VM that has ended: VM node, taps, bridge memberships.

use super::gone;
use crate::error::Kind;
use crate::model::Vm;
use crate::plan::{Guard, Plan, Refusal, Test, Wait};
use crate::survey::Survey;
use crate::tools::ifconfig::{self, Interface};
use crate::tools::{bhyve, workers};
use std::path::Path;
use std::time::Duration;

/// How long a node or an open tap may take to become free after its VM has ended.
const GONE_LIMIT: Duration = Duration::from_secs(5);

/// Which taps are freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The taps with the VM's mark: a boot creates them again.
    Marked,
    /// Also the bridge memberships of configured taps without a mark, which easy-bhyve did not create.
    Whole,
}

/// The plan that frees the resources of `vm`, which has ended; empty if there are none.
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
                // Another start of this VM may just have created the tap, and is about to open it.
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

/// The configured bridge of a configured tap without a mark, if the tap is a member of that bridge.
pub(super) fn membership<'survey>(
    vm: &Vm,
    interface: &Interface,
    survey: &'survey Survey,
) -> Option<&'survey str> {
    let nic = vm.nics.iter().find(|nic| nic.has_tap(&interface.name))?;
    let bridge = survey.bridge_of(&interface.name)?;
    (interface.owner().is_none() && nic.joins(&bridge.name)).then_some(bridge.name.as_str())
}

/// The plan that destroys the node of a VM before its guest is loaded again.
pub(super) fn node_again(vm: &Vm, node: &Path) -> Plan {
    let mut plan = Plan::default();
    plan.push(gone::node(&vm.name, node).only_if(Test::Exists(node.to_owned())));
    plan.push(until_gone(vm, node));
    plan
}

/// Waits until the node no longer exists: some releases remove the node only after bhyvectl has exited
/// (`sys/dev/vmm/vmm_dev.c`).
fn until_gone(vm: &Vm, node: &Path) -> Wait {
    until_nodes_are_gone(!Test::Exists(node.to_owned()), vm.name.as_str())
}

/// Waits for `until`, which is true when the nodes of the VMs `names` no longer exist.
pub(super) fn until_nodes_are_gone(until: Test, names: &str) -> Wait {
    let seconds = GONE_LIMIT.as_secs();
    let what = format!("the VM node of {names} still exists after {seconds} s");
    until_free(until, what, None)
}

/// Waits until no process has a tap open, and fails if a process keeps it open: `ifconfig TAP
/// destroy` would wait for that process without end.
pub(super) fn until_closed(tap: &str) -> Wait {
    until_taps_are_closed(!ifconfig::is_open(tap), &[tap])
}

/// Waits for `until`, which is true when no process has one of `taps` open.
pub(super) fn until_taps_are_closed(until: Test, taps: &[&str]) -> Wait {
    let (what, which) = match taps {
        [tap] => (format!("{tap} is open and was not destroyed"), *tap),
        several => (
            format!(
                "the open taps among {} were not destroyed",
                several.join(", ")
            ),
            "TAP",
        ),
    };
    until_free(
        until,
        what,
        Some(format!("see which process has it open: ifconfig {which}")),
    )
}

/// Waits at most [`GONE_LIMIT`], then fails with `what` and `help`.
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
        goes_on: false,
    }
}

/// Fails if the VM has a node: this node cannot be a leftover of an earlier run.
pub(super) fn not_started_meanwhile(vm: &Vm, node: &Path) -> Guard {
    Guard {
        test: !Test::Exists(node.to_owned()),
        refusal: started_meanwhile(vm),
    }
}

/// The refusal of a VM that was started after it was found stopped.
pub(super) fn started_meanwhile(vm: &Vm) -> Refusal {
    Refusal::state(format!("{} was started by another process", vm.name))
}
