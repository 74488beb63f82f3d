//! The echo: prints a plan as a POSIX sh(1) script that does what [`crate::run`] does.

use crate::command::{Command, Streams};
use crate::error::{Error, Result};
use crate::host::elevate::Elevation;
use crate::plan::{Action, FileChange, Form, Plan, Refusal, Step, Test, Undo, Wait, When};
use crate::quote;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The script of `plan`.
///
/// `title` is the command as it was called, for the messages; `path` the fixed search path.
pub fn script(plan: &Plan, title: &str, path: &str, elevation: Elevation) -> Vec<u8> {
    let mut body = Script {
        text: Vec::new(),
        depth: 0,
        elevation,
        undos: Vec::new(),
        uses: Uses::default(),
    };
    body.forms(&plan.forms);
    let mut undo = Script {
        text: Vec::new(),
        depth: 1,
        elevation,
        undos: Vec::new(),
        uses: Uses {
            undoing: true,
            ..Uses::default()
        },
    };
    for (index, armed) in body.undos.iter().enumerate().rev() {
        undo.undo(index + 1, armed);
    }
    let mut head = Script {
        text: Vec::new(),
        depth: 0,
        elevation,
        undos: Vec::new(),
        uses: Uses::default(),
    };
    head.line("#!/bin/sh");
    head.line("set -eu");
    head.line(format!("PATH={path}"));
    head.line("export PATH");
    if body.uses.fail || undo.uses.fail {
        head.line(format!(
            "fail() {{ printf '%s\\n' {}\"$2\" >&2; exit \"$1\"; }}",
            quote::shown(format!("{title}: "))
        ));
    }
    if body.uses.no || undo.uses.no {
        head.line("no() { if \"$@\"; then return 1; else [ $? = 1 ]; fi; }");
    }
    let has_terminal = plan
        .commands()
        .iter()
        .any(|command| command.streams == Streams::Terminal);
    if !body.undos.is_empty() {
        head.undo_function(&undo.text, has_terminal);
    }
    head.text.push(b'\n');
    if has_terminal {
        // Read through a pipe, the rest of the script would be the guest's keyboard.
        head.line("{ # read to its end before a command gets the terminal");
    }
    head.text.append(&mut body.text);
    if has_terminal {
        head.line("exit 0; }");
    }
    head.text
}

#[derive(Default)]
struct Uses {
    fail: bool,
    no: bool,
    undoing: bool,
}

struct Script<'plan> {
    text: Vec<u8>,
    depth: usize,
    elevation: Elevation,
    undos: Vec<&'plan Undo>,
    uses: Uses,
}

impl<'plan> Script<'plan> {
    /// The function that takes back what was made, and the traps that call it.
    ///
    /// Signals are only noted, so that no change falls between being made and being known to
    /// `undo`; the terminal's modes are put back as they were.
    fn undo_function(&mut self, body: &[u8], has_terminal: bool) {
        self.text
            .extend_from_slice(b"\n# taken back, last first, if something fails\n");
        self.line("made=0 signal=0");
        self.line("checkpoint() { [ \"$signal\" = 0 ] || exit \"$signal\"; }");
        if has_terminal {
            self.line("terminal=$(stty -g 2>/dev/null) || terminal=");
        }
        self.line("undo() {");
        self.depth += 1;
        self.line("status=$?");
        self.line("trap - EXIT");
        self.line("trap '' HUP INT TERM");
        self.line("set +e");
        if has_terminal {
            self.line("[ -z \"$terminal\" ] || stty \"$terminal\"");
        }
        self.text.extend_from_slice(body);
        self.line("exit \"$status\"");
        self.depth -= 1;
        self.line("}");
        self.line("trap undo EXIT");
        for (signal, status) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
            self.line(format!("trap 'signal={status}' {signal}"));
        }
    }

    fn line(&mut self, line: impl AsRef<[u8]>) {
        self.text.resize(self.text.len() + self.depth, b'\t');
        self.text.extend_from_slice(line.as_ref());
        self.text.push(b'\n');
    }

    fn forms(&mut self, forms: &'plan [Form]) {
        for form in forms {
            self.form(form);
        }
    }

    fn form(&mut self, form: &'plan Form) {
        match form {
            Form::Step(step) => self.step(step),
            Form::Guard(guard) => {
                let mut line = self.test(&guard.test);
                line.extend_from_slice(b" || ");
                line.extend_from_slice(&self.fail(&guard.refusal));
                self.line(line);
            }
            Form::Wait(wait) => self.wait(wait),
            Form::Loop(round) => {
                self.line("while :; do");
                self.depth += 1;
                self.forms(&round.body);
                let mut line = b"status=0; ".to_vec();
                line.extend_from_slice(&self.elevation.wrap(&round.command).line());
                line.extend_from_slice(b" || status=$?");
                self.line(line);
                self.line(format!(
                    "case $status in {}) ;; *) break ;; esac",
                    statuses(round.again)
                ));
                self.depth -= 1;
                self.line("done");
                self.line(format!(
                    "case $status in {}) ;; *) exit 1 ;; esac",
                    statuses(round.command.accept)
                ));
            }
            Form::Undo(undo) => {
                self.undos.push(undo);
                self.line(format!("made={}; checkpoint", self.undos.len()));
            }
            Form::NoReturn(point) => {
                self.line(format!(
                    "# from here on nothing is undone: {}",
                    point.done.replace('\n', " ")
                ));
                if !self.undos.is_empty() {
                    self.line("made=0");
                }
            }
            Form::Root(inner) => self.forms(inner),
        }
    }

    fn step(&mut self, step: &Step) {
        let mut line = Vec::new();
        if let Some(test) = &step.only_if {
            line = self.test(&!test.clone());
            line.extend_from_slice(b" || ");
        }
        let after: &[u8] = if self.uses.undoing {
            b" || status=1"
        } else {
            b""
        };
        match &step.action {
            Action::Run(command) => {
                line.extend_from_slice(&self.command(command));
                line.extend_from_slice(after);
                self.line(line);
            }
            Action::File(change) => self.file_change(line, change, after),
            Action::Print(text) => {
                line.extend_from_slice(b"cat");
                self.here_document(line, text);
            }
        }
    }

    /// A command with its escalator, and the statuses besides 0 that are no failure.
    fn command(&self, command: &Command) -> Vec<u8> {
        let mut line = self.elevation.wrap(command).line();
        if command.accept != [0] {
            line.extend_from_slice(
                format!(
                    " || case $? in {}) ;; *) exit 1 ;; esac",
                    statuses(command.accept)
                )
                .as_bytes(),
            );
        }
        line
    }

    fn file_change(&mut self, mut line: Vec<u8>, change: &FileChange, after: &[u8]) {
        let mut word = |text: &str, path: &Path| {
            line.extend_from_slice(text.as_bytes());
            quote::push(&mut line, path.as_os_str());
        };
        match change {
            FileChange::MakeScratch(path) => word("mkdir -m 700 ", path),
            FileChange::MakeDirectories(path) => word("mkdir -p ", path),
            FileChange::RemoveScratch(path) => word("rm -r ", path),
            FileChange::RemoveLink(path) => word("rm ", path),
            FileChange::Link { target, path } => {
                word("ln -s ", target);
                word(" ", path);
            }
            FileChange::ReplaceLink { target, path } => {
                word("ln -sf ", target);
                word(" ", path);
            }
            FileChange::Write { path, text } => {
                word("cat >", path);
                return self.here_document(line, text.as_bytes());
            }
        }
        line.extend_from_slice(after);
        self.line(line);
    }

    /// `COMMAND <<'END'` with the text behind it, whatever the text is.
    fn here_document(&mut self, mut line: Vec<u8>, text: &[u8]) {
        let mut end = "END".to_owned();
        while text
            .split(|&byte| byte == b'\n')
            .any(|line| line == end.as_bytes())
        {
            end.push('_');
        }
        line.extend_from_slice(format!(" <<'{end}'").as_bytes());
        self.line(line);
        self.text.extend_from_slice(text);
        if !text.is_empty() && !text.ends_with(b"\n") {
            self.text.push(b'\n');
        }
        self.text.extend_from_slice(end.as_bytes());
        self.text.push(b'\n');
    }

    fn wait(&mut self, wait: &Wait) {
        if let Some(progress) = &wait.progress {
            self.line(format!("printf '%s\\n' {} >&2", quote::shown(progress)));
        }
        self.line("n=0");
        let mut line = b"until ".to_vec();
        line.extend_from_slice(&self.test(&wait.until));
        line.extend_from_slice(b"; do");
        self.line(line);
        self.depth += 1;
        let mut line = format!("[ \"$n\" -lt {} ] || ", wait.looks()).into_bytes();
        match &wait.refusal {
            Some(refusal) if self.uses.undoing => {
                line.extend_from_slice(b"{ printf '%s\\n' ");
                quote::push(&mut line, OsStr::new(&refusal.what));
                line.extend_from_slice(b" >&2; status=1; break; }");
            }
            Some(refusal) => line.extend_from_slice(&self.fail(refusal)),
            None => line.extend_from_slice(b"break"),
        }
        self.line(line);
        self.line("n=$((n + 1))");
        self.line(format!("sleep {}", wait.every.as_secs_f64()));
        if !self.uses.undoing && !self.undos.is_empty() {
            self.line("checkpoint");
        }
        self.depth -= 1;
        self.line("done");
    }

    fn undo(&mut self, number: usize, undo: &'plan Undo) {
        let failed = match undo.when {
            When::Failure => " && [ \"$status\" != 0 ]",
            When::End => "",
        };
        self.line(format!("if [ \"$made\" -ge {number} ]{failed}; then"));
        self.depth += 1;
        self.forms(&undo.forms);
        self.depth -= 1;
        self.line("fi");
    }

    fn fail(&mut self, refusal: &Refusal) -> Vec<u8> {
        self.uses.fail = true;
        let mut what = refusal.what.clone();
        if let Some(help) = &refusal.help {
            what.push_str("; ");
            what.push_str(help);
        }
        let mut line = format!("fail {} ", refusal.kind.exit_status()).into_bytes();
        quote::push(&mut line, OsStr::new(&what));
        line
    }

    fn test(&mut self, test: &Test) -> Vec<u8> {
        match test {
            Test::Exists(path) => exists("[ -e ", path),
            Test::Succeeds(command) => command.line(),
            Test::Mentions { command, text } => {
                let mut line = command.line();
                line.extend_from_slice(b" | grep -qF ");
                quote::push(&mut line, OsStr::new(text));
                line
            }
            Test::Confirmed(question) => {
                let mut line = b"{ printf '%s [y/N] ' ".to_vec();
                quote::push(&mut line, OsStr::new(question));
                line.extend_from_slice(b" >&2; read -r answer && [ \"$answer\" = y ]; }");
                line
            }
            Test::Not(inner) => match &**inner {
                Test::Exists(path) => exists("[ ! -e ", path),
                Test::Succeeds(command) => {
                    self.uses.no = true;
                    [b"no ", command.line().as_slice()].concat()
                }
                other => [b"! ", self.test(other).as_slice()].concat(),
            },
        }
    }
}

fn exists(bracket: &str, path: &Path) -> Vec<u8> {
    let mut line = bracket.as_bytes().to_vec();
    quote::push(&mut line, OsStr::from_bytes(path.as_os_str().as_bytes()));
    line.extend_from_slice(b" ]");
    line
}

/// `0|1|2`, a pattern for `case`.
fn statuses(accepted: &[i32]) -> String {
    accepted
        .iter()
        .map(i32::to_string)
        .collect::<Vec<_>>()
        .join("|")
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
