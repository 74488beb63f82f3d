//! A failure is ignored if the thing is gone already or the result of the step exists, and only then.

use super::{both, log, undo};
use easy_bhyve::command::Command;
use easy_bhyve::plan::{Action, Step, Test, When};

#[test]
fn an_error_that_means_absence_is_an_answer_and_every_other_error_is_a_failure() {
    for (said, status, expected) in [
        ("if: tap1 does not exist", 1, (0, vec!["asked", "closed"])),
        ("if: tap1 does not exist", 2, (1, vec!["asked"])),
        ("if: out of luck", 1, (1, vec!["asked"])),
    ] {
        let left = both(|at| {
            let question = format!(
                "echo asked >>{}/log; echo '{said}' >&2; exit {status}",
                at.display()
            );
            let question = Command::question("sh", vec!["-c".into(), question.into()]);
            let is_open = Test::Mentions {
                command: question.absent(&[" does not exist"]),
                text: "Opened by".into(),
            };
            vec![Step::from(log(at, "closed", 0)).only_if(!is_open).into()]
        });
        let (status, log) = expected;
        assert_eq!(
            (left.status, left.log),
            (status, log.iter().map(|line| (*line).to_owned()).collect()),
            "{said}"
        );
    }
}

#[test]
fn only_the_failure_of_the_last_command_of_a_sequence_can_be_ignored() {
    for (statuses, expected) in [
        ([0, 1], (0, vec!["one", "two", "behind"])),
        ([1, 0], (1, vec!["one"])),
        ([0, 0], (0, vec!["one", "two", "behind"])),
    ] {
        let left = both(|at| {
            let in_turn = Action::Sequence(vec![
                log(at, "one", statuses[0]),
                log(at, "two", statuses[1]),
            ]);
            let moot = Test::Exists(at.join("log"));
            vec![
                Step::from(in_turn).ok_if(moot).into(),
                log(at, "behind", 0).into(),
            ]
        });
        let (status, log) = expected;
        assert_eq!(
            (left.status, left.log),
            (status, log.iter().map(|line| (*line).to_owned()).collect()),
            "{statuses:?}"
        );
    }
}

#[test]
fn the_failure_of_a_step_is_ignored_if_its_result_exists() {
    for (is_moot, expected) in [
        (true, (0, vec!["one", "two", "behind"])),
        (false, (1, vec!["one", "two", "not"])),
    ] {
        let left = both(|at| {
            let test = if is_moot {
                Test::Exists(at.join("log"))
            } else {
                Test::All(vec![
                    Test::Exists(at.join("nothing")),
                    Test::Exists(at.join("log")),
                ])
            };
            vec![
                undo(at, "not", When::Failure),
                Step::from(log(at, "one", 0)).ok_if(!test.clone()).into(),
                Step::from(log(at, "two", 1)).ok_if(test).into(),
                log(at, "behind", 0).into(),
            ]
        });
        let (status, log) = expected;
        assert_eq!(
            (left.status, left.log),
            (status, log.iter().map(|line| (*line).to_owned()).collect())
        );
    }
}
