//! Frees the resources of VMs that were asked to end.

use super::plan::{Ending, list};
use crate::operation::{free, gone};
use crate::plan::{Form, Known, Test, Wait};
use crate::survey::Survey;
use crate::tools::{bhyve, ifconfig, workers};
use std::time::Duration;

/// How long a supervisor may take to free all resources, or to undo a start.
const SUPERVISOR_LIMIT: Duration = Duration::from_secs(10);

/// Frees the resources of VMs after a wait for their supervisors, except of a VM that still runs or
/// that another process starts again. Each wait is for all VMs at once.
pub(super) fn free(endings: &[Ending<'_>], survey: &Survey) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let supervisors = endings.iter().filter_map(|ending| {
        let pid = ending.supervisor?;
        let has_ended = !workers::is_alive(&ending.vm.name);
        let known = Known::Supervisor(ending.vm.name.clone());
        Some(!Test::All(vec![has_ended, workers::is_still(pid, known)]))
    });
    let supervisors: Vec<Test> = supervisors.collect();
    if !supervisors.is_empty() {
        forms.push(
            Wait {
                until: Test::all(supervisors),
                limit: SUPERVISOR_LIMIT,
                every: Duration::from_millis(100),
                refusal: None,
                progress: None,
                goes_on: false,
            }
            .into(),
        );
    }
    nodes(&mut forms, endings, survey);
    taps(&mut forms, endings, survey);
    forms
}

/// Tests that a VM has ended, and that its leftovers do not belong to another start.
fn is_over(ending: &Ending<'_>) -> [Test; 2] {
    let vm = ending.vm.name.clone();
    let has_ended = !workers::is_alive(&vm);
    let or = ending.supervisor;
    [has_ended, Test::Ours { vm, or }]
}

fn nodes(forms: &mut Vec<Form>, endings: &[Ending<'_>], survey: &Survey) {
    let node = |ending: &Ending<'_>| bhyve::node(&survey.devices, &ending.vm.name);
    let is_left = |ending: &Ending<'_>| {
        let [has_ended, is_ours] = is_over(ending);
        Test::All(vec![Test::Exists(node(ending)), has_ended, is_ours])
    };
    for ending in endings {
        forms.push(
            gone::node(&ending.vm.name, &node(ending))
                .only_if(is_left(ending))
                .into(),
        );
    }
    let gone = endings.iter().map(|ending| !is_left(ending)).collect();
    forms.push(free::until_nodes_are_gone(Test::all(gone), &list(endings)).into());
}

fn taps(forms: &mut Vec<Form>, endings: &[Ending<'_>], survey: &Survey) {
    let is_left = |ending: &Ending<'_>, tap: &str, test| {
        let [has_ended, is_ours] = is_over(ending);
        Test::All(vec![ifconfig::exists(tap), has_ended, is_ours, test])
    };
    let mut marked = Vec::new();
    for ending in endings {
        for interface in &survey.interfaces {
            if interface.is_made_for(&ending.vm.name) {
                marked.push((ending, interface.name.as_str()));
            } else if let Some(bridge) = free::membership(ending.vm, interface, survey) {
                let name = interface.name.as_str();
                let [has_ended, is_ours] = is_over(ending);
                let is_member = ifconfig::is_member(bridge, name);
                let is_left = Test::All(vec![has_ended, is_ours, is_member]);
                forms.push(gone::member(bridge, name).only_if(is_left).into());
            }
        }
    }
    let closed = marked
        .iter()
        .map(|(ending, tap)| !is_left(ending, tap, ifconfig::is_open(tap)));
    let closed: Vec<Test> = closed.collect();
    if closed.is_empty() {
        return;
    }
    let taps: Vec<&str> = marked.iter().map(|(_, tap)| *tap).collect();
    forms.push(free::until_taps_are_closed(Test::all(closed), &taps).into());
    for (ending, tap) in marked {
        forms.push(
            gone::interface(tap)
                .only_if(is_left(ending, tap, !ifconfig::is_open(tap)))
                .into(),
        );
    }
}
