//! All seven forms of a plan, run by the executor and by sh, with real commands and files.

mod moot;
mod replace;
mod scratch;
mod screen;
mod undo;

use easy_bhyve::command::{Command, Streams};
use easy_bhyve::error::Kind;
use easy_bhyve::host::scratch as own;
use easy_bhyve::host::system::System;
use easy_bhyve::model::name::VmName;
use easy_bhyve::model::privilege::Elevation;
use easy_bhyve::plan::{
    FileChange, Form, Guard, Loop, Plan, Refusal, Step, Test, Undo, Wait, When,
};
use easy_bhyve::run::progress::Display;
use easy_bhyve::run::{Output, Unobserved, execute};
use easy_bhyve::script::script;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const PATH: &str = "/bin:/usr/bin";

/// The result of a plan: exit status, standard output, and each line of the log file.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    status: i32,
    out: String,
    log: Vec<String>,
    files: Vec<String>,
}

fn left(directory: &Path, status: i32, out: Vec<u8>) -> Left {
    let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
    let mut files: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // Only a run has scratch files in that directory.
        .filter(|name| name != "run")
        .collect();
    files.sort();
    let log = log.lines().map(str::to_owned).collect();
    Left {
        status,
        out: String::from_utf8(out).unwrap(),
        log,
        files,
    }
}

/// Runs the plan in both ways, each in a directory of its own, and asserts that the results are equal.
#[track_caller]
fn both(plan: impl Fn(&Path) -> Vec<Form>) -> Left {
    let ours = tempfile::tempdir().unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut output = Output {
        out: &mut out,
        err: &mut err,
        display: Display::Lines,
    };
    let result = execute(
        &Plan::new(plan(ours.path())),
        &mut System::new(PATH, ours.path().join("run"), "/nowhere"),
        &mut Unobserved,
        &mut output,
    );
    let status = result.map_or_else(|error| i32::from(error.kind.exit_status()), |_| 0);
    let ours = left(ours.path(), status, out);

    let theirs = tempfile::tempdir().unwrap();
    let text = script(
        &Plan::new(plan(theirs.path())),
        "test",
        PATH,
        &theirs.path().join("run"),
        Elevation::None,
    );
    let file = theirs.path().join("script");
    std::fs::write(&file, &text).unwrap();
    let output = std::process::Command::new("/bin/sh")
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let theirs = left(
        theirs.path(),
        output.status.code().unwrap_or(-1),
        output.stdout,
    );
    assert_eq!(ours, theirs, "script:\n{}", String::from_utf8_lossy(&text));
    ours
}

/// A command that writes a line to the log and exits with this status.
fn log(directory: &Path, line: &str, status: i32) -> Command {
    let script = format!(
        "echo {line} >>{}; exit {status}",
        directory.join("log").display()
    );
    Command::question("sh", vec!["-c".into(), script.into()])
}

fn undo(directory: &Path, line: &str, when: When) -> Form {
    Undo {
        forms: vec![log(directory, line, 0).into()],
        when,
        what: line.to_owned(),
    }
    .into()
}

fn refusal(kind: Kind) -> Refusal {
    Refusal {
        kind,
        what: "it isn't so".to_owned(),
        help: Some("make it so".to_owned()),
    }
}

/// Runs a script without a terminal.
fn by_sh(script: Vec<u8>) -> std::process::Output {
    std::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(String::from_utf8(script).unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn a_script_that_must_ask_a_question_refuses_without_a_terminal() {
    let guard = Guard {
        test: Test::Confirmed {
            question: "Is it so?".into(),
            otherwise: "to proceed: -f".into(),
        },
        refusal: refusal(Kind::Host),
    };
    let text = script(
        &Plan::new(vec![guard.into()]),
        "test",
        PATH,
        Path::new("/nowhere"),
        Elevation::None,
    );
    let output = by_sh(text);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "test: Is it so? There is no terminal to ask on; to proceed: -f\n"
    );
}

#[test]
fn a_signal_stops_a_script_before_a_command_gets_the_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let signal = Command::question("sh", vec!["-c".into(), "kill -TERM $PPID".into()]);
    let command = log(directory.path(), "ran", 0).streams(Streams::Terminal);
    let plan = Plan::new(vec![signal.into(), command.into()]);
    let text = script(&plan, "test", PATH, Path::new("/nowhere"), Elevation::None);
    let output = by_sh(text);
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap()
        ),
        (Some(1), "test: interrupted by SIGTERM\n".into())
    );
    assert!(!directory.path().join("log").exists());
}

#[test]
fn a_guard_stops_the_plan_with_the_status_of_its_kind() {
    for (kind, status) in [(Kind::State, 2), (Kind::Host, 1)] {
        let left = both(|at| {
            vec![
                undo(at, "not-one", When::Failure),
                Guard {
                    test: Test::Exists(at.join("nothing")),
                    refusal: refusal(kind),
                }
                .into(),
                log(at, "behind", 0).into(),
            ]
        });
        assert_eq!(
            (left.status, left.log),
            (status, vec!["not-one".to_owned()])
        );
    }
}

#[test]
fn a_step_runs_only_if_its_test_holds() {
    let holds = |at: &Path| Test::Succeeds(log(at, "yes", 0));
    let fails = |at: &Path| Test::Succeeds(log(at, "no", 1));
    let says = |text: &str| Test::Mentions {
        command: Command::question("echo", vec!["member: tap1".into()]),
        text: text.into(),
    };
    let left = both(|at| {
        let step = |line: &str, test: Test| Step::from(log(at, line, 0)).only_if(test).into();
        vec![
            step("one", holds(at)),
            step("two", fails(at)),
            step("three", !holds(at)),
            step("four", !fails(at)),
            step("five", says("member: ")),
            step("six", !says("member: ")),
            step("seven", !Test::Exists(at.join("nothing"))),
        ]
    });
    assert_eq!(left.status, 0);
    assert_eq!(
        left.log,
        ["yes", "one", "no", "yes", "no", "four", "five", "seven"]
    );
}

#[test]
fn a_question_that_cannot_be_answered_changes_nothing() {
    let left = both(|at| {
        let cannot_tell =
            Test::Succeeds(Command::question("sh", vec!["-c".into(), "exit 3".into()]));
        vec![
            Guard {
                test: !cannot_tell,
                refusal: refusal(Kind::Host),
            }
            .into(),
            log(at, "behind", 0).into(),
        ]
    });
    assert_eq!((left.status, left.log), (1, Vec::new()));
}

#[test]
fn a_wait_ends_with_its_condition_or_at_its_limit() {
    let wait = |at: &Path, refusal: Option<Refusal>| Wait {
        until: Test::Exists(at.join("never")),
        limit: Duration::from_millis(30),
        every: Duration::from_millis(10),
        refusal,
        progress: Some("waiting".into()),
        goes_on: false,
    };
    let patient = both(|at| vec![wait(at, None).into(), log(at, "behind", 0).into()]);
    assert_eq!(
        (patient.status, patient.log),
        (0, vec!["behind".to_owned()])
    );
    let strict = both(|at| {
        vec![
            undo(at, "not", When::Failure),
            wait(at, Some(refusal(Kind::Host))).into(),
            log(at, "behind", 0).into(),
        ]
    });
    assert_eq!((strict.status, strict.log), (1, vec!["not".to_owned()]));
    let met = both(|at| {
        vec![
            log(at, "x", 0).into(),
            Wait {
                until: Test::Exists(at.join("log")),
                ..wait(at, None)
            }
            .into(),
        ]
    });
    assert_eq!(met.status, 0);
}

#[test]
fn a_loop_repeats_as_long_as_the_status_says_so() {
    for (last, status) in [(1, 0), (4, 1)] {
        let left = both(|at| {
            let count = at.join("log").display().to_string();
            let script = format!("[ $(grep -c round {count}) -lt 3 ] || exit {last}");
            let command =
                Command::question("sh", vec!["-c".into(), script.into()]).accept(&[0, 1, 2]);
            vec![
                undo(at, "not", When::Failure),
                Loop {
                    body: vec![log(at, "round", 0).into()],
                    between: vec![log(at, "between", 0).into()],
                    vm: VmName::parse("web").unwrap(),
                    command,
                    again: &[0],
                    again_if_failed: false,
                    start_limit: None,
                    first: None,
                    once_running: Vec::new(),
                }
                .into(),
                log(at, "behind", 0).into(),
            ]
        });
        let behind = if status == 0 { "behind" } else { "not" };
        assert_eq!(
            (left.status, left.log),
            (
                status,
                ["round", "between", "round", "between", "round", behind]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
    }
}

#[test]
fn files_are_made_written_linked_and_removed() {
    let left = both(|at| {
        let scratch = own::directory(&at.join("run")).join("web.abc");
        vec![
            FileChange::MakeScratch(scratch.clone()).into(),
            FileChange::Write {
                path: scratch.join("map"),
                text: b"(hd0) /it's\xe4\nEND\n".to_vec(),
            }
            .into(),
            Command::question(
                "cp",
                vec![scratch.join("map").into(), at.join("copy").into()],
            )
            .into(),
            FileChange::RemoveScratch(scratch).into(),
            FileChange::MakeDirectories(at.join("x/y")).into(),
            FileChange::Link {
                target: "../copy".into(),
                path: at.join("link"),
            }
            .into(),
            FileChange::ReplaceLink {
                target: "copy".into(),
                path: at.join("link"),
            }
            .into(),
            FileChange::Link {
                target: "copy".into(),
                path: at.join("gone"),
            }
            .into(),
            FileChange::RemoveLink(at.join("gone")).into(),
            Command::question("cmp", vec![at.join("link").into(), at.join("copy").into()]).into(),
        ]
    });
    assert_eq!(
        (left.status, left.files),
        (0, ["copy", "link", "x"].map(str::to_owned).to_vec())
    );
    let gone = both(|at| {
        vec![
            FileChange::RemoveScratch(at.join("nothing")).into(),
            FileChange::RemoveLink(at.join("nothing")).into(),
            log(at, "behind", 0).into(),
        ]
    });
    assert_eq!((gone.status, gone.log), (0, vec!["behind".to_owned()]));
}
