//! The lines of a script: what each form of a plan becomes in sh(1).

use crate::command::Command;
use crate::host::elevate::Elevation;
use crate::plan::{Action, FileChange, Form, Refusal, Step, Test, Undo, Wait, When};
use crate::quote;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which of the script's own functions its lines call.
#[derive(Clone, Copy, Default)]
pub(super) struct Uses {
    /// `fail`
    pub(super) fail: bool,
    /// `holds`, `lacks`, `says`
    pub(super) questions: bool,
}

/// Lines of a script as they grow.
pub(super) struct Lines<'plan> {
    pub(super) text: Vec<u8>,
    depth: usize,
    elevation: Elevation,
    /// What was armed, in order; its number is its place here, from 1.
    pub(super) undos: Vec<&'plan Undo>,
    pub(super) uses: Uses,
    /// Whether these lines take something back, and go on whatever fails.
    is_undoing: bool,
}

impl<'plan> Lines<'plan> {
    /// No lines yet.
    pub(super) fn new(elevation: Elevation) -> Self {
        Self {
            text: Vec::new(),
            depth: 0,
            elevation,
            undos: Vec::new(),
            uses: Uses::default(),
            is_undoing: false,
        }
    }

    /// No lines yet of the function that takes things back.
    pub(super) fn of_undo(elevation: Elevation) -> Self {
        Self {
            depth: 1,
            is_undoing: true,
            ..Self::new(elevation)
        }
    }

    fn line(&mut self, line: impl AsRef<[u8]>) {
        self.text.resize(self.text.len() + self.depth, b'\t');
        self.text.extend_from_slice(line.as_ref());
        self.text.push(b'\n');
    }

    /// Adds what the forms do.
    pub(super) fn forms(&mut self, forms: &'plan [Form]) {
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
        let Some(test) = &step.only_if else {
            return self.action(&step.action, b"", b"");
        };
        let condition = [b"if ", self.test(test).as_slice(), b"; then"].concat();
        match &step.action {
            Action::Run(_) | Action::File(_) if !step.action.has_text() => {
                self.action(
                    &step.action,
                    &[&condition, b" ".as_slice()].concat(),
                    b"; fi",
                );
            }
            _ => {
                self.line(condition);
                self.depth += 1;
                self.action(&step.action, b"", b"");
                self.depth -= 1;
                self.line("fi");
            }
        }
    }

    /// The lines of an action, the first between `before` and `behind`.
    fn action(&mut self, action: &Action, before: &[u8], behind: &[u8]) {
        let mut line = before.to_vec();
        match action {
            Action::Run(command) => line.extend_from_slice(&self.command(command)),
            Action::File(FileChange::Write { path, text }) => {
                line.extend_from_slice(b"cat >");
                quote::push(&mut line, path.as_os_str());
                return self.here_document(line, text.as_bytes());
            }
            Action::Print(text) => {
                line.extend_from_slice(b"cat");
                return self.here_document(line, text);
            }
            Action::File(change) => push_file_change(&mut line, change),
        }
        if self.is_undoing {
            line.extend_from_slice(b" || status=1");
        }
        line.extend_from_slice(behind);
        self.line(line);
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
            Some(refusal) if self.is_undoing => {
                line.extend_from_slice(&self.fail(refusal));
                line.extend_from_slice(b" || break");
            }
            Some(refusal) => line.extend_from_slice(&self.fail(refusal)),
            None => line.extend_from_slice(b"break"),
        }
        self.line(line);
        self.line("n=$((n + 1))");
        self.line(format!("sleep {}", wait.every.as_secs_f64()));
        if !self.is_undoing && !self.undos.is_empty() {
            self.line("checkpoint");
        }
        self.depth -= 1;
        self.line("done");
    }

    /// Adds what an armed undo does, if it was reached.
    pub(super) fn undo(&mut self, number: usize, undo: &'plan Undo) {
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
            Test::Not(inner) => self.answer(inner, false),
            plain => self.answer(plain, true),
        }
    }

    /// A command that succeeds if the answer to `test` is the expected one.
    fn answer(&mut self, test: &Test, expected: bool) -> Vec<u8> {
        let word: &[u8] = if expected { b"holds " } else { b"lacks " };
        match test {
            Test::Exists(path) => exists(if expected { "[ -e " } else { "[ ! -e " }, path),
            Test::Succeeds(command) => {
                self.uses.questions = true;
                [word, command.line().as_slice()].concat()
            }
            Test::Mentions { command, text } => {
                self.uses.questions = true;
                let mut line = [word, b"says "].concat();
                quote::push(&mut line, OsStr::new(text));
                line.push(b' ');
                line.extend_from_slice(&command.line());
                line
            }
            Test::Confirmed(question) => {
                let mut line = b"{ printf '%s [y/N] ' ".to_vec();
                quote::push(&mut line, OsStr::new(question));
                let answer = if expected { "=" } else { "!=" };
                line.extend_from_slice(
                    format!(" >&2; read -r answer && [ \"$answer\" {answer} y ]; }}").as_bytes(),
                );
                line
            }
            Test::Not(inner) => self.answer(inner, !expected),
        }
    }
}

/// The command that changes a file; one that writes has a here-document instead.
fn push_file_change(line: &mut Vec<u8>, change: &FileChange) {
    let mut word = |text: &str, path: &Path| {
        line.extend_from_slice(text.as_bytes());
        quote::push(line, path.as_os_str());
    };
    match change {
        FileChange::MakeScratch(path) => word("mkdir -m 700 ", path),
        FileChange::MakeDirectories(path) => word("mkdir -p ", path),
        FileChange::RemoveScratch(path) => word("rm -r ", path),
        FileChange::RemoveLink(path) => word("rm ", path),
        FileChange::Write { path, .. } => word("cat >", path),
        FileChange::Link { target, path } => {
            word("ln -s ", target);
            word(" ", path);
        }
        FileChange::ReplaceLink { target, path } => {
            word("ln -sf ", target);
            word(" ", path);
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
