//! What earlier runs have left: VM nodes, taps, scratch files, snapshots of temporary runs.
//!
//! A lock is never left: the kernel releases a lock when its last holder exits (flock(2)).

use super::Row;
use super::answers::Answers;
use super::private::Name;
use crate::host::scratch;
use crate::model::name::VmName;
use crate::survey::{Processes, State, Traces};
use crate::verb::Verb;
use crate::{quote, vis};
use std::collections::BTreeSet;

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
            State::LeftOver if is_valid => rows.push(
                Row::warn(
                    SUBJECT,
                    format!("the VM node of {vm} is left, with the memory of the guest"),
                    answers.known.spelling.of(Verb::Clean, vm),
                )
                .naming(Name::vm(vm)),
            ),
            State::LeftOver => rows.push(
                Row::warn(
                    SUBJECT,
                    format!("the VM node {vm} of another program has no process"),
                    "free it by that program",
                )
                .naming(Name::vm(vm)),
            ),
            State::Unknown => rows.push(
                Row::not_asked(
                    SUBJECT,
                    format!("the processes of {vm} may be hidden: whether it runs is unknown"),
                )
                .naming(Name::vm(vm)),
            ),
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
            rows.push(
                Row::warn(
                    SUBJECT,
                    format!("the tap {} of {vm} is left", tap.name),
                    remedy,
                )
                .naming_all([Name::vm(vm), Name::interface(&tap.name)]),
            );
        }
    }
    for snapshot in &answers.snapshots {
        rows.push(
            Row::warn(
                SUBJECT,
                format!("the snapshot {snapshot} of a temporary run is left"),
                "easy-bhyve status says how to end the run",
            )
            .naming(Name::snapshot(snapshot)),
        );
    }
    rows.extend(scratch(answers, traces, processes));
    if rows.is_empty() {
        let text = match answers.scratch {
            Some(_) => "earlier runs have left nothing",
            None => {
                "earlier runs have left nothing, apart from scratch files, which only root may list"
            }
        };
        rows.push(Row::pass(SUBJECT, text));
    }
    rows
}

/// A row for the scratch files of each VM that has no process.
fn scratch(answers: &Answers<'_>, traces: &Traces, processes: &Processes) -> Vec<Row> {
    let names = answers.scratch.iter().flatten();
    let vms = names.filter_map(|name| name.to_str()?.split('.').next());
    let vms: BTreeSet<&str> = vms.collect();
    let is_over = |vm: &&str| {
        let state = processes.state(vm, traces);
        matches!(state, State::Stopped | State::LeftOver)
    };
    let left = vms.into_iter().filter(is_over);
    left.map(|vm| {
        let all = scratch::directory(&answers.known.process.run);
        let remedy = if answers.known.config.is_ok_and(|config| config.is_vm(vm)) {
            answers.known.spelling.of(Verb::Clean, vm)
        } else {
            format!("rm -r {}/{}.*", quote::shown(&all), quote::shown(vm))
        };
        Row::warn(
            SUBJECT,
            format!("scratch files of {vm} are left in {}", vis::shown(&all)),
            remedy,
        )
        .naming(Name::vm(vm))
    })
    .collect()
}
