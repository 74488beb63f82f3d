//! What earlier runs have left: VM nodes, taps, snapshots of temporary runs.

use super::Row;
use super::answers::Answers;
use crate::model::name::VmName;
use crate::survey::State;
use crate::verb::Verb;

const SUBJECT: &str = "leftovers";

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let (traces, processes, interfaces) =
        match (&answers.traces, &answers.processes, &answers.interfaces) {
            (Ok(traces), Ok(processes), Ok(interfaces)) => (traces, processes, interfaces),
            (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => {
                return vec![Row::not_asked(SUBJECT, why)];
            }
        };
    let mut rows = Vec::new();
    for vm in traces.nodes() {
        let is_valid = VmName::parse(vm).is_ok();
        match processes.state(vm, traces) {
            State::LeftOver if is_valid => rows.push(Row::warn(
                SUBJECT,
                format!("the VM node of {vm} is left, with the memory of the guest"),
                answers.known.spelling.of(Verb::Clean, vm),
            )),
            State::LeftOver => rows.push(Row::warn(
                SUBJECT,
                format!("the VM node {vm} of another program has no process"),
                "free it by that program",
            )),
            State::Unknown => rows.push(Row::not_asked(
                SUBJECT,
                format!("the processes of {vm} may be hidden: whether it runs is unknown"),
            )),
            State::Stopped | State::Busy(..) => {}
        }
    }
    for tap in interfaces.iter().filter(|tap| tap.opened_by.is_none()) {
        let owner = tap.owner().filter(|vm| {
            matches!(
                processes.state(vm, traces),
                State::Stopped | State::LeftOver
            )
        });
        if let Some(vm) = owner {
            let is_known = answers.known.config.is_ok_and(|config| config.is_vm(vm));
            let remedy = if is_known {
                answers.known.spelling.of(Verb::Clean, vm)
            } else {
                format!("ifconfig {} destroy, as root", tap.name)
            };
            rows.push(Row::warn(
                SUBJECT,
                format!("the tap {} of {vm} is left", tap.name),
                remedy,
            ));
        }
    }
    for snapshot in &answers.snapshots {
        rows.push(Row::warn(
            SUBJECT,
            format!("the snapshot {snapshot} of a temporary run is left"),
            "easy-bhyve status says how to end the run",
        ));
    }
    if rows.is_empty() {
        rows.push(Row::pass(SUBJECT, "earlier runs have left nothing"));
    }
    rows
}
