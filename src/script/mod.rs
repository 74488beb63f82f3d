//! The echo: prints a plan as a POSIX sh(1) script equivalent to [`crate::run`], or as data.
//!
//! [`crate::preview`] is for a person who wants to know which commands run.

mod cksum;
mod lines;
mod questions;
mod replace;
mod scratch;
mod screen;
mod supervise;
mod texts;
mod words;

use crate::command::{Command, Streams};
use crate::error::{Error, Result};
use crate::model::privilege::Elevation;
use crate::plan::{Action, FileChange, Form, Loop, Plan, Undo, commands as commands_of};
use crate::quote;
use crate::vis;
use lines::Lines;
use std::collections::BTreeSet;
use std::path::Path;

/// The script of `plan`.
///
/// `title` is the command as called, for messages; `path` the fixed search path; `run` the parent of the
/// directory of root's scratch files.
///
/// Its exit status is that of the run: 1 for any status of a failed command, or that of a refusal
/// (contract of exit statuses in [`crate::error`]).
pub fn script(plan: &Plan, title: &str, path: &str, run: &Path, elevation: Elevation) -> Vec<u8> {
    let surroundings = Surroundings {
        title,
        path,
        run,
        elevation,
        is_detached: false,
    };
    let mut text = b"#!/bin/sh\n".to_vec();
    text.append(&mut compose(surroundings, &[], &plan.forms));
    text
}

/// The surroundings of a script.
#[derive(Clone, Copy)]
struct Surroundings<'run> {
    /// The program as called, for messages.
    title: &'run str,
    /// The fixed search path.
    path: &'run str,
    /// The parent of the directory of root's scratch files.
    run: &'run Path,
    elevation: Elevation,
    /// Whether the script runs in the background, started by another script.
    is_detached: bool,
}

/// A script of forms, after the armed undos.
fn compose(surroundings: Surroundings<'_>, armed: &[&Undo], forms: &[Form]) -> Vec<u8> {
    let Surroundings {
        title,
        path,
        elevation,
        is_detached,
        ..
    } = surroundings;
    let mut body = Lines::new(surroundings);
    body.undos.extend(armed);
    if !armed.is_empty() {
        body.line(format!("made={}", armed.len()));
    }
    body.forms(forms);
    let mut undo = body.of_undo();
    for (index, armed) in body.undos.iter().enumerate().rev() {
        undo.undo(index + 1, armed);
    }
    let title = quote::shown(format!("{title}: "));
    let mut text = format!("set -eu\nPATH={}\nexport PATH\n", quote::shown(path)).into_bytes();
    let commands = commands_of(forms);
    let uses = body.uses.and(&undo.uses);
    let programs = if is_detached {
        Vec::new()
    } else {
        programs(&commands, forms, elevation)
    };
    let can_fail = body.uses.fail || !uses.asks.is_empty() || !programs.is_empty() || is_detached;
    if is_detached {
        text.extend_from_slice(b"exec </dev/null\n");
        text.extend_from_slice(SETTLED.as_bytes());
    }
    if can_fail {
        let fail = format!(
            "code=1\nfail() {{ printf '%s\\n' {title}\"$2\" >&2; code=$1; exit \"$1\"; }}\n"
        );
        text.extend_from_slice(fail.as_bytes());
    }
    let undoes = armed.iter().flat_map(|undo| commands_of(&undo.forms));
    let all: Vec<&Command> = commands.iter().copied().chain(undoes).collect();
    text.append(&mut uses.functions(elevation, &all));
    if body.undos.iter().any(|undo| undo.asks_whether_it_has_run()) {
        text.extend_from_slice(b"run=0\n");
    }
    let is_replacing = replace::is_in(forms);
    if supervise::keeps_output(forms) {
        text.extend_from_slice(supervise::KEEP_OUTPUT.as_bytes());
    }
    if repeats(forms) {
        text.extend_from_slice(rounds().as_bytes());
    }
    if !programs.is_empty() {
        let check = format!(
            "for program in {}; do\n\tcommand -v \"$program\" >/dev/null || fail 1 \"$program is not installed\"\ndone\n",
            programs.join(" ")
        );
        text.extend_from_slice(check.as_bytes());
    }
    let has_terminal = commands
        .iter()
        .any(|command| command.streams == Streams::Terminal);
    let needs_stdin = has_terminal || body.uses.answers;
    if has_terminal {
        text.extend_from_slice(RESTORE.as_bytes());
    }
    if has_terminal || is_detached || is_replacing || !body.undos.is_empty() {
        text.extend_from_slice(SIGNALS.as_bytes());
        text.extend_from_slice(NOTED.as_bytes());
    }
    if is_replacing {
        text.extend_from_slice(replace::FUNCTIONS.as_bytes());
    }
    if !body.undos.is_empty() {
        let undo_fails = undo.uses.fail || !undo.uses.asks.is_empty();
        push_undo(
            &mut text,
            &undo.text,
            undo_fails.then_some(title.as_str()),
            has_terminal,
            body.handed > 0,
        );
    } else if can_fail {
        let restore = if has_terminal { "restore; " } else { "" };
        let leave =
            format!("trap 'status=$?; {restore}[ \"$status\" = 0 ] || exit \"$code\"' EXIT\n");
        text.extend_from_slice(leave.as_bytes());
    }
    text.push(b'\n');
    if needs_stdin {
        // In a script read from a pipe, the rest would be the guest's keyboard input.
        text.extend_from_slice(
            b"{ # sh reads this block to its end before a command gets the terminal\n",
        );
    }
    text.append(&mut body.text);
    if needs_stdin {
        text.extend_from_slice(b"exit 0; }\n");
    }
    text
}

/// Every program that must be installed before the first change, sorted.
fn programs(commands: &[&Command], forms: &[Form], elevation: Elevation) -> Vec<&'static str> {
    let mut programs: BTreeSet<&'static str> = commands
        .iter()
        .flat_map(|command| elevation.wrap(command).programs().collect::<Vec<_>>())
        .collect();
    let is_detached = |form: &Form| matches!(form, Form::Root(root) if root.detached.is_some());
    if forms.iter().any(is_detached) {
        programs.extend(["daemon", "mktemp"]);
    }
    if forms.iter().any(makes_scratch) {
        programs.insert("mktemp");
    }
    programs.into_iter().collect()
}

/// Whether a form makes a directory for scratch files.
fn makes_scratch(form: &Form) -> bool {
    let Form::Step(step) = form else { return false };
    matches!(step.action, Action::File(FileChange::MakeScratch(_)))
}

/// Whether these forms contain a loop with more than one round.
fn repeats(forms: &[Form]) -> bool {
    forms.iter().any(|form| match form {
        Form::Loop(round) => !round.is_once(),
        Form::Root(root) => root.detached.is_none() && repeats(&root.forms),
        _ => false,
    })
}

/// The function that permits another round, unless the guest has ended too often in a short time.
fn rounds() -> String {
    let (most, within) = (Loop::MOST_ENDS, Loop::WITHIN.as_secs());
    format!(
        "ends=\nagain() {{\n\tnow=$(date +%s) recent=\n\tfor end in $ends \"$now\"; do\n\
         \t\t[ $((now - end)) -ge {within} ] || recent=\"$recent $end\"\n\tdone\n\
         \tends=$recent\n\tset -- $ends\n\
         \t[ $# -le {most} ] || fail 1 'the guest has ended more than {most} times within {within} s, so it is not started again'\n}}\n"
    )
}

/// The modes of the terminal, restored after every command on it, however the command ends.
const RESTORE: &str = "
terminal=$(stty -g 2>/dev/null) || terminal=
restore() { [ -z \"$terminal\" ] || stty \"$terminal\" 2>/dev/null || :; }
";

/// The attributes that the background resets, as [`crate::host::surroundings`]: the umask, and the
/// limits of `ulimit` by the letters of FreeBSD's sh. A limit whose letter is unknown to the shell, or
/// that may not be raised, remains.
const SETTLED: &str = "\
umask 022
for limit in b d f k l m n p s t u v w; do ulimit -$limit unlimited || ulimit -S -$limit \"$(ulimit -H -$limit)\" || :; done 2>/dev/null
ulimit -S -c 0 2>/dev/null || :
";

/// Signals are only recorded, so that `undo` knows of every change, and a command on the terminal
/// ends by itself.
const SIGNALS: &str = "
signal=
checkpoint() { [ -z \"$signal\" ] || fail 1 \"interrupted by $signal\"; }
";

/// Records signals from here on.
const NOTED: &str = "\
trap 'signal=SIGHUP' HUP
trap 'signal=SIGINT' INT
trap 'signal=SIGTERM' TERM
";

/// Adds the function that undoes the changes, and the trap that calls it.
///
/// The function restores the modes of the terminal. Inside it, `fail` sets the status and returns.
fn push_undo(
    text: &mut Vec<u8>,
    body: &[u8],
    title: Option<&str>,
    has_terminal: bool,
    hands_over: bool,
) {
    let mut line = |line: &str| {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    };
    line("\n# undo in reverse order after a failure");
    line(if hands_over {
        "made=0 kept=0 handed=0"
    } else {
        "made=0 kept=0"
    });
    line("undo() {\n\tstatus=$?\n\ttrap - EXIT\n\ttrap '' HUP INT TERM\n\tset +e");
    line("\t[ \"$status\" = 0 ] || status=$code\n\tfailed=$status");
    if let Some(title) = title {
        line(&format!(
            "\tfail() {{ printf '%s\\n' {title}\"$2\" >&2; status=1; return 1; }}"
        ));
    }
    if has_terminal {
        line("\trestore");
    }
    text.extend_from_slice(body);
    text.extend_from_slice(b"\texit \"$status\"\n}\ntrap undo EXIT\n");
}

/// A plan as data; easy-bhyve(1) documents the schema.
#[derive(serde::Serialize)]
struct Document<'plan> {
    schema: u32,
    command: &'plan str,
    path: &'plan str,
    escalator: Elevation,
    plan: &'plan Plan,
}

/// The version of the schema of [`json`]; raised by a change that readers would notice.
pub const SCHEMA: u32 = 6;

/// The plan of [`script`] as JSON.
///
/// # Errors
/// If serialization fails.
pub fn json(plan: &Plan, title: &str, path: &str, elevation: Elevation) -> Result<Vec<u8>> {
    let document = Document {
        schema: SCHEMA,
        command: title,
        path,
        escalator: elevation,
        plan,
    };
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::host(format!("could not write the plan as JSON: {error}")))?;
    text.push('\n');
    Ok(vis::json(text).into_bytes())
}
