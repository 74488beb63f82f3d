//! The commands of a plan.

use super::Workers;
use super::{Action, Form, Test};
use crate::command::Command;

/// Every command in these forms, including those of undos, loops and tests.
pub fn commands(forms: &[Form]) -> Vec<&Command> {
    let mut found = Vec::new();
    collect_commands(forms, &mut found);
    found
}

fn collect_commands<'plan>(forms: &'plan [Form], found: &mut Vec<&'plan Command>) {
    for form in forms {
        match form {
            Form::Step(step) => {
                for test in step.only_if.iter().chain(step.ok_if.as_deref()) {
                    collect_from_test(test, found);
                }
                match &step.action {
                    Action::Run(command) => found.push(command),
                    Action::Sequence(commands) => found.extend(commands),
                    Action::Signal(signal) => found.extend([&signal.by, &signal.to.command]),
                    Action::Log(log) => {
                        found.push(&log.shown);
                        found.extend(&log.followed);
                    }
                    Action::File(_) | Action::Print(_) => {}
                }
            }
            Form::Guard(guard) => collect_from_test(&guard.test, found),
            Form::Wait(wait) => collect_from_test(&wait.until, found),
            Form::Loop(round) => {
                collect_commands(&round.body, found);
                collect_commands(&round.between, found);
                found.extend(&round.first);
                found.push(&round.command);
            }
            Form::Undo(undo) => collect_commands(&undo.forms, found),
            Form::NoReturn(_) => {}
            Form::Root(root) => {
                collect_commands(&root.forms, found);
                found.extend(&root.meanwhile);
            }
        }
    }
}

fn collect_from_test<'plan>(test: &'plan Test, found: &mut Vec<&'plan Command>) {
    match test {
        Test::Succeeds(command)
        | Test::Mentions { command, .. }
        | Test::Still { command, .. }
        | Test::Works(Workers { command, .. }) => found.push(command),
        Test::Not(inner) => collect_from_test(inner, found),
        Test::All(tests) => tests.iter().for_each(|test| collect_from_test(test, found)),
        Test::Exists(_)
        | Test::Ours { .. }
        | Test::HasRun
        | Test::Confirmed { .. }
        | Test::Typed { .. } => {}
    }
}
