//! The lines of a script: what each form of a plan becomes in sh(1).

use super::words::{exists, push_file_change, statuses};
use crate::command::{Command, Streams};
use crate::host::elevate::Elevation;
use crate::plan::{Action, FileChange, Form, Refusal, Step, Test, Undo, Wait, When};
use crate::quote;
use crate::vis;
use std::ffi::OsStr;

/// Which of the script's own functions its lines call.
#[derive(Clone, Copy, Default)]
pub(super) struct Uses {
    /// `fail`
    pub(super) fail: bool,
    /// `holds`, `lacks`, `says`
    pub(super) questions: bool,
    /// The answer of a person at the terminal.
    pub(super) answers: bool,
}

/// Lines of a script as they grow.
pub(super) struct Lines<'plan> {
    pub(super) text: Vec<u8>,
    pub(super) depth: usize,
    pub(super) elevation: Elevation,
    /// The program as it was called, for the messages of what runs in the background.
    pub(super) title: &'plan str,
    /// The fixed search path, for the same.
    pub(super) path: &'plan str,
    /// What was armed, in order; its number is its place here, from 1.
    pub(super) undos: Vec<&'plan Undo>,
    pub(super) uses: Uses,
    /// How many of them what runs in the background takes over.
    pub(super) handed: usize,
    /// Whether these lines take something back, and go on whatever fails.
    pub(super) is_undoing: bool,
    last: Last,
}

/// What the last line was.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    /// The call of `checkpoint`.
    Checkpoint,
    /// The call of `restore`, behind a command that had the terminal.
    Restore,
    /// Anything else.
    #[default]
    Other,
}

impl<'plan> Lines<'plan> {
    /// No lines yet, of a program called so, with this search path.
    pub(super) fn new(elevation: Elevation, title: &'plan str, path: &'plan str) -> Self {
        Self {
            text: Vec::new(),
            depth: 0,
            elevation,
            title,
            path,
            undos: Vec::new(),
            uses: Uses::default(),
            handed: 0,
            is_undoing: false,
            last: Last::Other,
        }
    }

    /// No lines yet of the function that takes back what these lines have armed.
    pub(super) fn of_undo(&self) -> Self {
        Self {
            depth: 1,
            is_undoing: true,
            handed: self.handed,
            ..Self::new(self.elevation, self.title, self.path)
        }
    }

    pub(super) fn line(&mut self, line: impl AsRef<[u8]>) {
        self.text.resize(self.text.len() + self.depth, b'\t');
        self.text.extend_from_slice(line.as_ref());
        self.text.push(b'\n');
        self.last = Last::Other;
    }

    /// Adds what the forms do.
    pub(super) fn forms(&mut self, forms: &'plan [Form]) {
        for form in forms {
            self.form(form);
        }
    }

    fn form(&mut self, form: &'plan Form) {
        if form.can_be_stopped() && self.last == Last::Restore {
            self.checkpoint();
        }
        match form {
            Form::Step(step) => self.step(step),
            Form::Guard(guard) => {
                let mut line = self.test(&guard.test);
                line.extend_from_slice(b" || ");
                line.extend_from_slice(&self.fail(&guard.refusal));
                self.line(line);
            }
            Form::Wait(wait) => self.wait(wait),
            Form::Loop(round) => self.rounds(round),
            Form::Undo(undo) => {
                self.undos.push(undo);
                self.line(format!("made={}; checkpoint", self.undos.len()));
                self.last = Last::Checkpoint;
            }
            Form::NoReturn(point) => {
                self.line(format!(
                    "# from here on nothing is undone: {}",
                    vis::line(&point.done.replace('\n', " "))
                ));
                self.keep(self.undos.len(), "");
            }
            Form::Root(root) => match &root.detached {
                Some(name) => self.detach(root, name),
                None => self.forms(&root.forms),
            },
        }
    }

    fn step(&mut self, step: &Step) {
        let moot_if = step.moot_if.as_ref();
        let Some(test) = &step.only_if else {
            return self.action(&step.action, moot_if, b"", b"");
        };
        let condition = [b"if ", self.test(test).as_slice(), b"; then"].concat();
        match &step.action {
            Action::Run(_) | Action::InTurn(_) | Action::File(_) if !step.action.has_text() => {
                self.action(
                    &step.action,
                    moot_if,
                    &[&condition, b" ".as_slice()].concat(),
                    b"; fi",
                );
            }
            _ => {
                self.line(condition);
                self.depth += 1;
                self.action(&step.action, moot_if, b"", b"");
                self.depth -= 1;
                self.line("fi");
            }
        }
    }

    /// The lines of an action, the first between `before` and `behind`; where `moot_if` holds
    /// afterwards its failure is none.
    fn action(&mut self, action: &Action, moot_if: Option<&Test>, before: &[u8], behind: &[u8]) {
        let mut line = before.to_vec();
        match action {
            Action::Run(command) if command.streams == Streams::Terminal && !self.is_undoing => {
                return self.terminal_command(command);
            }
            Action::Run(command) => line.extend_from_slice(&self.command(command)),
            Action::InTurn(commands) => {
                let commands: Vec<_> = commands
                    .iter()
                    .map(|command| self.elevation.wrap(command).line())
                    .collect();
                line.extend_from_slice(b"{ ");
                line.extend_from_slice(&commands.join(&b" && "[..]));
                line.extend_from_slice(b"; }");
                if !self.is_undoing && moot_if.is_none() {
                    line.extend_from_slice(b" || exit 1");
                }
            }
            Action::File(FileChange::Write { path, text }) => {
                let mut to = b" >".to_vec();
                quote::push(&mut to, path.as_os_str());
                return self.text(line, &to, text.as_bytes(), b"");
            }
            Action::Print(text) => {
                return self.text(line, b"", text, b"");
            }
            Action::File(FileChange::Replace { path, before, text }) => {
                return self.replace(path, before, text);
            }
            Action::File(change) => push_file_change(&mut line, change),
        }
        if let Some(test) = moot_if {
            line.extend_from_slice(b" || ");
            line.extend_from_slice(&self.test(test));
            if !self.is_undoing {
                line.extend_from_slice(b" || exit 1");
            }
        }
        if self.is_undoing {
            line.extend_from_slice(b" || status=1");
        }
        line.extend_from_slice(behind);
        self.line(line);
    }

    /// A command that has the terminal: not begun after a signal, and its modes restored behind it.
    fn terminal_command(&mut self, command: &Command) {
        self.checkpoint();
        let line = self.command(command);
        self.line(line);
        self.restore();
    }

    /// Puts the terminal's modes back.
    pub(super) fn restore(&mut self) {
        self.line("restore");
        self.last = Last::Restore;
    }

    /// Keeps from now on what the first so many undos would take back, under this condition.
    pub(super) fn keep(&mut self, undos: usize, condition: &str) {
        if undos > 0 {
            self.line(format!("{condition}kept={undos}"));
        }
    }

    /// Stops here if a signal has come.
    pub(super) fn checkpoint(&mut self) {
        if self.last == Last::Checkpoint {
            return;
        }
        self.line("checkpoint");
        self.last = Last::Checkpoint;
    }

    /// A command with its escalator, and the statuses besides 0 that are no failure.
    fn command(&self, command: &Command) -> Vec<u8> {
        let mut line = self.elevation.wrap(command).line();
        if command.accept != [0] {
            line.extend_from_slice(
                format!(
                    " || case $? in {}) ;; *) {} ;; esac",
                    statuses(command.accept),
                    if self.is_undoing {
                        "status=1"
                    } else {
                        "exit 1"
                    }
                )
                .as_bytes(),
            );
        }
        line
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
        let condition = match undo.when {
            When::Failure => {
                format!(
                    "if [ \"$made\" -ge {number} ] && [ \"$kept\" -lt {number} ] && [ \"$failed\" != 0 ]; then"
                )
            }
            When::End if number <= self.handed => {
                format!("if [ \"$made\" -ge {number} ] && [ \"$handed\" = 0 ]; then")
            }
            When::End => format!("if [ \"$made\" -ge {number} ]; then"),
        };
        self.line(condition);
        self.depth += 1;
        self.forms(&undo.forms);
        self.depth -= 1;
        self.line("fi");
    }

    pub(super) fn fail(&mut self, refusal: &Refusal) -> Vec<u8> {
        self.uses.fail = true;
        let mut what = refusal.what.clone();
        if let Some(help) = &refusal.help {
            what.push_str("; ");
            what.push_str(help);
        }
        let mut line = format!("fail {} ", refusal.kind.exit_status()).into_bytes();
        quote::push(&mut line, OsStr::new(&*vis::line(&what)));
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
                self.uses.answers = true;
                self.uses.fail = true;
                let mut line = b"{ [ -t 0 ] || fail 2 ".to_vec();
                let no_terminal = format!(
                    "{question} There is no terminal to ask on; say -f to go on without the question"
                );
                quote::push(&mut line, OsStr::new(&*vis::line(&no_terminal)));
                line.extend_from_slice(b"; printf '%s [y/N] ' ");
                quote::push(&mut line, OsStr::new(&*vis::line(question)));
                let answer = if expected { "=" } else { "!=" };
                line.extend_from_slice(
                    format!(" >&2; read -r answer && [ \"$answer\" {answer} y ]; }}").as_bytes(),
                );
                line
            }
            Test::Not(inner) => self.answer(inner, !expected),
            // A script has no locks.
            Test::Ours { .. } => if expected { b"true" } else { b"false" as &[u8] }.to_vec(),
            Test::All(tests) => {
                let asked = tests
                    .iter()
                    .filter(|test| !matches!(test, Test::Ours { .. }));
                let answers: Vec<Vec<u8>> = asked.map(|test| self.test(test)).collect();
                let all = answers.join(&b" && "[..]);
                let not: &[u8] = if expected { b"{ " } else { b"! { " };
                [not, all.as_slice(), b"; }"].concat()
            }
        }
    }
}
