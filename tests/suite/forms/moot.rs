//! What is gone, or has come about without its step: no failure, and any other failure is one.

use super::{both, log, undo};
use easy_bhyve::command::Command;
use easy_bhyve::plan::{Action, Step, Test, When};

#[test]
fn what_is_not_there_has_no_line_and_every_other_failure_is_one() {
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
fn of_commands_in_turn_only_the_failure_of_the_last_can_be_none() {
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
fn the_failure_of_a_step_is_none_where_what_it_was_for_has_come_about() {
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
