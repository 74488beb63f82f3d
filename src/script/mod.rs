//! The echo: prints a plan as a POSIX sh(1) script that does what [`crate::run`] does, or as data.

mod lines;
mod words;

use crate::command::Streams;
use crate::error::{Error, Result};
use crate::host::elevate::Elevation;
use crate::plan::Plan;
use crate::quote;
use lines::Lines;
use std::collections::BTreeSet;

/// The script of `plan`.
///
/// `title` is the command as it was called, for the messages; `path` the fixed search path.
///
/// It ends with the status of the run: 1 whatever the status of a command that failed, or what a
/// refusal says (contract of exit statuses in [`crate::error`]).
///
/// Differs: `-d` prints a script that can be run
pub fn script(plan: &Plan, title: &str, path: &str, elevation: Elevation) -> Vec<u8> {
    let mut body = Lines::new(elevation);
    body.forms(&plan.forms);
    let mut undo = Lines::of_undo(elevation);
    for (index, armed) in body.undos.iter().enumerate().rev() {
        undo.undo(index + 1, armed);
    }
    let title = quote::shown(format!("{title}: "));
    let mut text = format!(
        "#!/bin/sh\nset -eu\nPATH={}\nexport PATH\n",
        quote::shown(path)
    )
    .into_bytes();
    let asks = body.uses.questions || undo.uses.questions;
    let programs = programs(plan, elevation);
    let can_fail = body.uses.fail || asks || !programs.is_empty();
    if can_fail {
        let fail = format!(
            "code=1\nfail() {{ printf '%s\\n' {title}\"$2\" >&2; code=$1; exit \"$1\"; }}\n"
        );
        text.extend_from_slice(fail.as_bytes());
    }
    if asks {
        text.extend_from_slice(QUESTIONS.as_bytes());
    }
    if !programs.is_empty() {
        let check = format!(
            "for program in {}; do\n\tcommand -v \"$program\" >/dev/null || fail 1 \"$program is not installed\"\ndone\n",
            programs.join(" ")
        );
        text.extend_from_slice(check.as_bytes());
    }
    let has_terminal = plan
        .commands()
        .iter()
        .any(|command| command.streams == Streams::Terminal);
    let needs_stdin = has_terminal || body.uses.answers;
    if has_terminal {
        text.extend_from_slice(RESTORE.as_bytes());
    }
    if has_terminal || !body.undos.is_empty() {
        text.extend_from_slice(SIGNALS.as_bytes());
    }
    if !body.undos.is_empty() {
        let undo_fails = undo.uses.fail || undo.uses.questions;
        push_undo(
            &mut text,
            &undo.text,
            undo_fails.then_some(title.as_str()),
            has_terminal,
        );
    } else if can_fail {
        let restore = if has_terminal { "restore; " } else { "" };
        let leave =
            format!("trap 'status=$?; {restore}[ \"$status\" = 0 ] || exit \"$code\"' EXIT\n");
        text.extend_from_slice(leave.as_bytes());
    }
    text.push(b'\n');
    if needs_stdin {
        // Read through a pipe, the rest of the script would be the guest's keyboard.
        text.extend_from_slice(b"{ # read to its end before a command gets the terminal\n");
    }
    text.append(&mut body.text);
    if needs_stdin {
        text.extend_from_slice(b"exit 0; }\n");
    }
    text
}

/// Every program that must be installed before anything is touched, in order.
fn programs(plan: &Plan, elevation: Elevation) -> Vec<&'static str> {
    let commands = plan.commands();
    let programs: BTreeSet<_> = commands
        .iter()
        .flat_map(|command| elevation.wrap(command).programs().collect::<Vec<_>>())
        .collect();
    programs.into_iter().collect()
}

/// Questions: status 0 is yes, 1 is no, and any other says that it could not be told.
const QUESTIONS: &str = "\
holds() { \"$@\" || { [ $? = 1 ] || fail 1 \"could not tell: $*\"; return 1; }; }
lacks() { if \"$@\"; then return 1; else [ $? = 1 ] || fail 1 \"could not tell: $*\"; fi; }
says() { text=$1; shift; output=$(\"$@\") || return 2; case $output in *\"$text\"*) ;; *) return 1 ;; esac; }
";

/// The terminal's modes, to be put back behind every command that has it, however that ends.
const RESTORE: &str = "
terminal=$(stty -g 2>/dev/null) || terminal=
restore() { [ -z \"$terminal\" ] || stty \"$terminal\" 2>/dev/null || :; }
";

/// Signals are only noted, so that no change falls between being made and being known to `undo`,
/// and what runs on the terminal ends by itself.
const SIGNALS: &str = "
signal=
checkpoint() { [ -z \"$signal\" ] || fail 1 \"interrupted by $signal\"; }
trap 'signal=SIGHUP' HUP
trap 'signal=SIGINT' INT
trap 'signal=SIGTERM' TERM
";

/// Adds the function that takes back what was made, and the trap that calls it.
///
/// The terminal's modes are put back as they were. While it takes back, `fail` only notes.
fn push_undo(text: &mut Vec<u8>, body: &[u8], title: Option<&str>, has_terminal: bool) {
    let mut line = |line: &str| {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    };
    line("\n# taken back, last first, if something fails");
    line("made=0 kept=0");
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

/// A plan as data; README documents the schema.
#[derive(serde::Serialize)]
struct Document<'plan> {
    schema: u32,
    command: &'plan str,
    path: &'plan str,
    escalator: Elevation,
    plan: &'plan Plan,
}

/// The version of the schema that [`json`] writes; a change that a reader would notice raises it.
pub const SCHEMA: u32 = 1;

/// The plan as JSON, the same that [`script`] prints.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn json(plan: &Plan, title: &str, path: &str, elevation: Elevation) -> Result<Vec<u8>> {
    let document = Document {
        schema: SCHEMA,
        command: title,
        path,
        escalator: elevation,
        plan,
    };
    let mut text = serde_json::to_vec_pretty(&document)
        .map_err(|error| Error::host(format!("could not write the plan as JSON: {error}")))?;
    text.push(b'\n');
    Ok(text)
}
