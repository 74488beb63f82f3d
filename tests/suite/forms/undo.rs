//! Which changes are undone, when, and in which order.

use super::{both, log, undo};
use easy_bhyve::plan::{Action, Form, NoReturn, Root, Step, Undo, When};

#[test]
fn a_plan_that_succeeds_runs_only_the_undos_for_its_end() {
    let left = both(|at| {
        vec![
            log(at, "one", 0).into(),
            undo(at, "not-one", When::Failure),
            log(at, "two", 0).into(),
            undo(at, "not-two", When::End),
            Step::from(Action::Print(b"it's $done\nEND\n".to_vec())).into(),
        ]
    });
    assert_eq!(left.status, 0);
    assert_eq!(left.log, ["one", "two", "not-two"]);
    assert_eq!(left.out, "it's $done\nEND\n");
}

#[test]
fn a_failure_undoes_everything_in_reverse_and_stops_the_plan() {
    let left = both(|at| {
        vec![
            log(at, "one", 0).into(),
            undo(at, "not-one", When::Failure),
            Root {
                forms: vec![log(at, "two", 0).into(), undo(at, "not-two", When::End)],
                detached: None,
                meanwhile: None,
            }
            .into(),
            log(at, "three", 1).into(),
            undo(at, "not-three", When::Failure),
            log(at, "four", 0).into(),
        ]
    });
    assert_eq!(left.status, 1);
    assert_eq!(left.log, ["one", "two", "three", "not-two", "not-one"]);
}

#[test]
fn an_undo_that_fails_does_not_stop_the_others() {
    let left = both(|at| {
        vec![
            undo(at, "not-one", When::Failure),
            Undo {
                forms: vec![log(at, "bad", 1).into()],
                when: When::Failure,
                what: "bad".into(),
            }
            .into(),
            undo(at, "not-two", When::Failure),
            log(at, "step", 1).into(),
        ]
    });
    assert_eq!(
        (left.status, left.log),
        (
            1,
            ["step", "not-two", "bad", "not-one"]
                .map(str::to_owned)
                .to_vec()
        )
    );
}

#[test]
fn an_undo_for_the_end_that_fails_is_a_failure() {
    let left = both(|at| {
        vec![
            Undo {
                forms: vec![log(at, "bad", 1).into()],
                when: When::End,
                what: "bad".into(),
            }
            .into(),
        ]
    });
    assert_eq!(left.status, 1);
}

#[test]
fn nothing_is_undone_after_the_point_of_no_return() {
    let left = both(|at| {
        vec![
            log(at, "one", 0).into(),
            undo(at, "not-one", When::Failure),
            NoReturn {
                done: "one is done".into(),
            }
            .into(),
            log(at, "two", 1).into(),
        ]
    });
    assert_eq!(
        (left.status, left.log),
        (1, vec!["one".to_owned(), "two".to_owned()])
    );
}

#[test]
fn a_failure_at_the_end_is_no_failure_of_the_plan() {
    let left = both(|at| {
        let bad = log(at, "bad", 1).into();
        vec![
            undo(at, "not-one", When::Failure),
            Undo {
                forms: vec![bad],
                when: When::End,
                what: "bad".into(),
            }
            .into(),
            log(at, "work", 0).into(),
        ]
    });
    assert_eq!(
        (left.status, left.log),
        (1, ["work", "bad"].map(str::to_owned).to_vec())
    );
}

#[test]
fn the_point_of_no_return_keeps_the_undos_for_the_end_and_later_undos() {
    let left = both(|at| {
        vec![
            undo(at, "not-one", When::Failure),
            undo(at, "end-two", When::End),
            NoReturn {
                done: "two is done".into(),
            }
            .into(),
            undo(at, "not-three", When::Failure),
            log(at, "work", 1).into(),
        ]
    });
    assert_eq!(
        (left.status, left.log),
        (
            1,
            ["work", "not-three", "end-two"].map(str::to_owned).to_vec()
        )
    );
}

#[test]
fn an_accepted_status_in_an_undo_is_no_failure_and_another_does_not_stop_the_others() {
    let left = both(|at| {
        let accepting = |status| Form::from(log(at, "step", status).accept(&[0, 1]));
        vec![
            undo(at, "last", When::Failure),
            Undo {
                forms: vec![accepting(1), accepting(3)],
                when: When::Failure,
                what: "x".into(),
            }
            .into(),
            log(at, "work", 1).into(),
        ]
    });
    assert_eq!(
        (left.status, left.log),
        (
            1,
            ["work", "step", "step", "last"].map(str::to_owned).to_vec()
        )
    );
}
