//! The lines of a script: the sh(1) text of each form of a plan.

use super::Surroundings;
use super::words::{push_file_change, statuses, workers};
use crate::command::{Command, Streams};
use crate::plan::{Action, FileChange, Form, Refusal, Step, Test, Undo, Wait, When};
use crate::plan::{Log, Signal};
use crate::quote;
use crate::vis;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

/// The functions of the script that its lines call.
#[derive(Clone, Default)]
pub(super) struct Uses {
    /// `fail`
    pub(super) fail: bool,
    /// The functions that ask a question.
    pub(super) asks: BTreeSet<Ask>,
    /// The answer of the user at the terminal.
    pub(super) answers: bool,
}

/// A function that asks a question, and acts on the answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// `holds`, `lacks`, `says`
    Question,
    /// `works`
    Works,
    /// `deaf`
    Deaf,
    /// `send`
    Send,
    /// `supervises`
    Supervises,
    /// `shows`
    Shows,
}

/// The lines of a script under construction.
pub(super) struct Lines<'plan> {
    pub(super) text: Vec<u8>,
    pub(super) depth: usize,
    /// The surroundings of these lines; those in the background are the same, but for root.
    pub(super) at: Surroundings<'plan>,
    /// The plan's directory for scratch files; the script makes its own by mktemp(1).
    pub(super) scratch: Option<&'plan Path>,
    /// The armed undos, in order; an undo's number is its index plus 1.
    pub(super) undos: Vec<&'plan Undo>,
    pub(super) uses: Uses,
    /// The number of undos that the background takes over.
    pub(super) handed: usize,
    /// Whether these lines undo, and continue after failures.
    pub(super) is_undoing: bool,
    last: Last,
}

/// The kind of the last line.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    /// The call of `checkpoint`.
    Checkpoint,
    /// The call of `restore`, after a command on the terminal.
    Restore,
    /// Anything else.
    #[default]
    Other,
}

impl<'plan> Lines<'plan> {
    /// An empty script.
    pub(super) fn new(at: Surroundings<'plan>) -> Self {
        Self {
            text: Vec::new(),
            depth: 0,
            at,
            scratch: None,
            undos: Vec::new(),
            uses: Uses::default(),
            handed: 0,
            is_undoing: false,
            last: Last::Other,
        }
    }

    /// The empty function that will undo what these lines have armed.
    pub(super) fn of_undo(&self) -> Self {
        Self {
            depth: 1,
            is_undoing: true,
            handed: self.handed,
            scratch: self.scratch,
            ..Self::new(self.at)
        }
    }

    pub(super) fn line(&mut self, line: impl AsRef<[u8]>) {
        self.text.resize(self.text.len() + self.depth, b'\t');
        self.text.extend_from_slice(line.as_ref());
        self.text.push(b'\n');
        self.last = Last::Other;
    }

    /// Adds the lines of the forms.
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

    fn step(&mut self, step: &'plan Step) {
        let ok_if = step.ok_if.as_deref();
        let Some(test) = &step.only_if else {
            return self.action(&step.action, ok_if, b"", b"");
        };
        let condition = [b"if ", self.test(test).as_slice(), b"; then"].concat();
        match &step.action {
            Action::Run(_) | Action::Sequence(_) | Action::Signal(_) | Action::File(_)
                if !step.action.has_text() =>
            {
                self.action(
                    &step.action,
                    ok_if,
                    &[&condition, b" ".as_slice()].concat(),
                    b"; fi",
                );
            }
            _ => {
                self.line(condition);
                self.depth += 1;
                self.action(&step.action, ok_if, b"", b"");
                self.depth -= 1;
                self.line("fi");
            }
        }
    }

    /// The lines of an action; the first stands between `before` and `behind`. A failure is ignored if
    /// `ok_if` holds after it.
    fn action(
        &mut self,
        action: &'plan Action,
        ok_if: Option<&Test>,
        before: &[u8],
        behind: &[u8],
    ) {
        let mut line = before.to_vec();
        match action {
            Action::Run(command) if command.streams == Streams::Terminal && !self.is_undoing => {
                return self.terminal_command(command);
            }
            Action::Run(command) => line.extend_from_slice(&self.command(command)),
            Action::Sequence(commands) => {
                let commands = commands.iter();
                let mut commands: Vec<_> = commands
                    .map(|command| self.line_of(&self.at.elevation.wrap(command)))
                    .collect();
                // `ok_if` applies to the failure of the last command.
                if let (Some(test), Some(last)) = (ok_if, commands.last_mut()) {
                    *last = [b"{ ", &**last, b" || ", &self.test(test), b"; }"].concat();
                }
                line.extend_from_slice(b"{ ");
                line.extend_from_slice(&commands.join(&b" && "[..]));
                line.extend_from_slice(b"; }");
                if !self.is_undoing {
                    line.extend_from_slice(b" || exit 1");
                }
            }
            Action::Signal(signal) => {
                let Signal { by, to } = &**signal;
                self.uses.asks.insert(Ask::Send);
                line.extend_from_slice(b"send ");
                for word in &by.args {
                    quote::push(&mut line, word);
                    line.push(b' ');
                }
                line.extend_from_slice(&workers(to));
                line.extend_from_slice(&self.unless_accepted(by));
            }
            Action::File(FileChange::Write { path, text }) => {
                let mut to = b" >".to_vec();
                self.push_word(&mut to, path.as_os_str());
                return self.text(line, &to, text, b"");
            }
            Action::Print(text) => {
                return self.text(line, b"", text, b"");
            }
            Action::File(FileChange::Replace { path, before, text }) => {
                return self.replace(path, before, text);
            }
            Action::File(FileChange::MakeScratch(path)) => {
                return self.make_scratch(path);
            }
            Action::File(FileChange::RemoveScratch(path)) => {
                line.extend_from_slice(&self.remove_scratch(path));
            }
            Action::File(
                change @ (FileChange::Secret { .. } | FileChange::RemoveSocket { .. }),
            ) => return self.before_start(change),
            Action::File(
                change @ (FileChange::RemoveSecret(_) | FileChange::GiveSocket { .. }),
            ) => line.extend_from_slice(&self.afterwards(change)),
            Action::Log(log) => return self.log(log),
            Action::File(change) => push_file_change(&mut line, change),
        }
        if let Some(test) = ok_if
            && !matches!(action, Action::Sequence(_))
        {
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

    /// The lines that print a log.
    fn log(&mut self, log: &Log) {
        let mut line = self.command(&log.shown);
        if let Some(lines) = log.lines {
            line.extend_from_slice(format!(" | tail -n {lines}").as_bytes());
        }
        self.line(line);
        if let Some(followed) = &log.followed {
            self.line(self.command(followed));
        }
    }

    /// A command on the terminal. It is not started after a signal; the modes are restored after it.
    fn terminal_command(&mut self, command: &Command) {
        self.checkpoint();
        let line = self.command(command);
        self.line(line);
        self.restore();
    }

    /// Restores the modes of the terminal.
    pub(super) fn restore(&mut self) {
        self.line("restore");
        self.last = Last::Restore;
    }

    /// Disables the failure undos among the first `undos` from here on, under `condition`.
    pub(super) fn keep(&mut self, undos: usize, condition: &str) {
        if undos > 0 {
            self.line(format!("{condition}kept={undos}"));
        }
    }

    /// Stops the script here if a signal was recorded.
    pub(super) fn checkpoint(&mut self) {
        if self.last == Last::Checkpoint {
            return;
        }
        self.line("checkpoint");
        self.last = Last::Checkpoint;
    }

    /// A command with its escalator, and the accepted statuses besides 0.
    fn command(&self, command: &Command) -> Vec<u8> {
        let mut line = self.line_of(&self.at.elevation.wrap(command));
        if command.streams == Streams::Relayed {
            // The command must neither read input nor touch the terminal.
            line.extend_from_slice(b" </dev/null");
        }
        if let Some(explaining) = &command.explained_by {
            line.extend_from_slice(b" || (status=$?; [ \"$status\" != 1 ] || ");
            line.extend_from_slice(&self.command(explaining));
            line.extend_from_slice(b" || :; exit \"$status\")");
        }
        line.extend_from_slice(&self.unless_accepted(command));
        line
    }

    /// The suffix of a command with accepted statuses besides 0.
    fn unless_accepted(&self, command: &Command) -> Vec<u8> {
        if command.accept == [0] {
            return Vec::new();
        }
        let otherwise = if self.is_undoing {
            "status=1"
        } else {
            "exit 1"
        };
        format!(
            " || case $? in {}) ;; *) {otherwise} ;; esac",
            statuses(command.accept)
        )
        .into_bytes()
    }

    fn wait(&mut self, wait: &Wait) {
        if let Some(progress) = &wait.progress {
            let text = wait.announcement(progress);
            self.line(format!("printf '%s\\n' {} >&2", quote::shown(&text)));
        }
        if !wait.goes_on {
            self.line("n=0");
        }
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

    /// Adds the lines of an armed undo, under the condition that it was reached.
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
}
