//! The lines of a script: what each form of a plan becomes in sh(1).

use super::words::{exists, push_file_change, statuses};
use crate::command::{Command, Streams};
use crate::error::Kind;
use crate::host::elevate::Elevation;
use crate::plan::{Action, FileChange, Form, Refusal, Step, Test, Undo, Wait, When};
use crate::quote;
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
    depth: usize,
    elevation: Elevation,
    /// What was armed, in order; its number is its place here, from 1.
    pub(super) undos: Vec<&'plan Undo>,
    pub(super) uses: Uses,
    /// Whether these lines take something back, and go on whatever fails.
    is_undoing: bool,
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
    /// No lines yet.
    pub(super) fn new(elevation: Elevation) -> Self {
        Self {
            text: Vec::new(),
            depth: 0,
            elevation,
            undos: Vec::new(),
            uses: Uses::default(),
            is_undoing: false,
            last: Last::Other,
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
                self.last = Last::Checkpoint;
            }
            Form::NoReturn(point) => {
                self.line(format!(
                    "# from here on nothing is undone: {}",
                    point.done.replace('\n', " ")
                ));
                if !self.undos.is_empty() {
                    self.line(format!("kept={}", self.undos.len()));
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
            Action::Run(command) if command.streams == Streams::Terminal && !self.is_undoing => {
                return self.terminal_command(command);
            }
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

    /// A command that has the terminal: not begun after a signal, and its modes restored behind it.
    fn terminal_command(&mut self, command: &Command) {
        if self.last != Last::Checkpoint {
            self.checkpoint();
        }
        match &command.title {
            None => {
                let line = self.command(command);
                self.line(line);
            }
            Some(title) => self.titled_command(command, title),
        }
        self.line("restore");
        self.last = Last::Restore;
    }

    /// Stops here if a signal has come.
    fn checkpoint(&mut self) {
        self.line("checkpoint");
        self.last = Last::Checkpoint;
    }

    /// A command whose status 1 counts only if its process was once seen with this title: a
    /// process in the background looks for it, and tells by a signal.
    fn titled_command(&mut self, command: &Command, title: &str) {
        self.line("seen=0; trap 'seen=1' USR1");
        let mut watch = b"{ until pgrep -qxf ".to_vec();
        quote::push(&mut watch, OsStr::new(title));
        watch.extend_from_slice(
            b"; do kill -0 $$ || exit; sleep 0.1; done; kill -USR1 $$; } 2>/dev/null & watcher=$!",
        );
        self.line(watch);
        let mut run = b"status=0; ".to_vec();
        run.extend_from_slice(&self.elevation.wrap(command).line());
        run.extend_from_slice(b" || status=$?");
        self.line(run);
        self.line("kill \"$watcher\" 2>/dev/null || :");
        let good: Vec<String> = command
            .accept
            .iter()
            .map(|&status| {
                if status == 1 {
                    "1:1".to_owned()
                } else {
                    format!("{status}:*")
                }
            })
            .collect();
        let refusal = Refusal {
            kind: Kind::Host,
            what: format!(
                "{} failed with status 1: its process was never seen",
                command.program
            ),
            help: None,
        };
        let fail = String::from_utf8_lossy(&self.fail(&refusal)).into_owned();
        self.line(format!(
            "case $status:$seen in {}) ;; 1:0) {fail} ;; *) exit 1 ;; esac",
            good.join("|")
        ));
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
        let condition = match undo.when {
            When::Failure => {
                format!(
                    "if [ \"$made\" -ge {number} ] && [ \"$kept\" -lt {number} ] && [ \"$failed\" != 0 ]; then"
                )
            }
            When::End => format!("if [ \"$made\" -ge {number} ]; then"),
        };
        self.line(condition);
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
                self.uses.answers = true;
                self.uses.fail = true;
                let mut line = b"{ [ -t 0 ] || fail 2 ".to_vec();
                let no_terminal = format!(
                    "{question} There is no terminal to ask on; say -f to go on without the question"
                );
                quote::push(&mut line, OsStr::new(&no_terminal));
                line.extend_from_slice(b"; printf '%s [y/N] ' ");
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
