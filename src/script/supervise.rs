//! The lines of a loop: the rounds of a guest's bhyve(8), on the terminal or in the background.

use super::lines::Lines;
use super::words::statuses;
use super::{Surroundings, compose, makes_scratch};
use crate::command::{Command, Streams};
use crate::error::Kind;
use crate::host::scratch;
use crate::model::privilege::Elevation;
use crate::plan::{Form, Loop, Refusal, Root, When, scratch_directory};
use crate::quote;
use crate::tools::workers;
use std::ffi::OsStr;
use std::path::Path;

/// The pattern of statuses that are no regular end of bhyve: 3 and more, or a signal.
const FAILURES: &str = "[3-9]|[1-9]?*";

/// The patterns of [`Loop::NOT_STARTED`].
const NOT_STARTED: [&str; 2] = ["[4-9]", "[1-9][0-9]"];

/// The status of a bhyve whose status file could not be written: that of an error of bhyve.
const UNKNOWN: u8 = 4;

/// The output of bhyve in the background: a limited number of lines is kept, each written at once. The
/// rest is dropped, so that bhyve never blocks and no file grows.
///
/// The function returns when the last writer has closed the pipe. Both sides of the pipe redirect by
/// exec: when a whole command is redirected, the shell keeps the old descriptor open, here the pipe of
/// the caller.
pub(super) const KEEP_OUTPUT: &str = "\
keep_output() {
	exec >>\"$scratch\"/output 2>&1
	trap '' HUP INT TERM
	lines=0
	while [ \"$lines\" -lt 200 ] && IFS= read -r line || [ -n \"$line\" ]; do
		printf '%s\\n' \"$line\" || :
		lines=$((lines + 1)) line=
	done
	exec cat >/dev/null
}
";

impl<'plan> Lines<'plan> {
    /// Adds the rounds of a loop.
    pub(super) fn rounds(&mut self, round: &'plan Loop) {
        if round.first.is_some() {
            self.line("first=1");
        }
        if !round.is_once() {
            self.line("while :; do");
            self.depth += 1;
            self.check_scratch();
        }
        // The undos of a body belong to its round: a later round can still fail.
        let armed = self.undos.len();
        self.forms(&round.body);
        self.checkpoint();
        let tells = self.undos.iter().any(|undo| undo.asks_whether_it_has_run());
        if tells {
            self.line("had_run=$run run=1");
        }
        match (&round.command.title, round.command.streams) {
            (None, _) => {
                let run = self.command_of(round);
                self.line([b"seen=1 status=0; ", run.as_slice(), b" || status=$?"].concat());
            }
            (Some(_), Streams::Terminal) => self.on_terminal(round, armed),
            (Some(_), _) => self.in_background(round, armed),
        }
        if round.first.is_some() {
            self.line("first=");
        }
        if tells {
            let unseen = NOT_STARTED.map(|status| format!("0:{status}")).join("|");
            self.line(format!(
                "case $seen:$status in {unseen}) run=$had_run ;; esac"
            ));
        }
        if !round.is_once() {
            let mut again = statuses(round.again);
            if round.again_if_failed {
                let or = if again.is_empty() { "" } else { "|" };
                again = format!("{again}{or}{FAILURES}");
            }
            self.line(format!(
                "case $status:$seen:$signal in {}) ;; *) break ;; esac",
                each(&again, ":1:")
            ));
            self.line("again");
            self.uses.fail = true;
            self.forms(&round.between);
            self.depth -= 1;
            self.line("done");
        }
        self.judge(&round.command);
    }

    /// Runs bhyve on the terminal. A background process waits for its title and reports it by a signal:
    /// status 1 is accepted only if the title was seen.
    fn on_terminal(&mut self, round: &Loop, armed: usize) {
        self.line("seen=0; trap 'seen=1' USR1");
        let is_running = self.test(&workers::is_running(&round.vm));
        self.line(
            [
                b"{ until ",
                is_running.as_slice(),
                b"; do kill -0 $$ || exit; sleep 0.1; done; ",
                &self.once_running(&round.once_running),
                b"kill -USR1 $$; } >/dev/null 2>&1 & watcher=$!",
            ]
            .concat(),
        );
        let mut run = b"status=0; ".to_vec();
        run.extend_from_slice(&self.command_of(round));
        run.extend_from_slice(b" || status=$?");
        self.line(run);
        self.line("kill \"$watcher\" 2>/dev/null || :");
        self.keep(armed, "[ \"$seen\" = 0 ] || ");
        self.restore();
    }

    /// Runs bhyve in the background, its output and status in files; closes the streams of the caller once
    /// its title is seen.
    fn in_background(&mut self, round: &Loop, armed: usize) {
        let mut run = b"{ exec 2>&1; trap : HUP INT TERM; status=0; ".to_vec();
        run.extend_from_slice(&self.command_of(round));
        run.extend_from_slice(
            b" || status=$?; echo \"$status\" >\"$scratch\"/status; } | keep_output &",
        );
        self.line("seen=0; : >\"$scratch\"/output; : >\"$scratch\"/status");
        self.line(run);
        self.line("guest=$!");
        let is_running = self.test(&workers::is_running(&round.vm));
        self.line(
            [
                b"n=0; until [ -s \"$scratch\"/status ] || ",
                is_running.as_slice(),
                b"; do",
            ]
            .concat(),
        );
        self.depth += 1;
        if let Some(limit) = round.start_limit {
            let looks = limit.as_millis() / 100;
            let waits = if round.first.is_some() {
                "[ -n \"$first\" ] || "
            } else {
                ""
            };
            let refusal = Refusal {
                kind: Kind::Host,
                what: format!(
                    "{} did not start within {} s: its title was never seen",
                    round.command.program,
                    limit.as_secs()
                ),
                help: None,
            };
            let mut line = format!("{waits}[ \"$n\" -lt {looks} ] || {{ cat \"$scratch\"/output; ")
                .into_bytes();
            line.extend_from_slice(&self.fail(&refusal));
            line.extend_from_slice(b"; }");
            self.line(line);
        }
        self.line("n=$((n + 1)); sleep 0.1; checkpoint");
        self.depth -= 1;
        self.line("done");
        self.line("if [ ! -s \"$scratch\"/status ]; then");
        self.depth += 1;
        self.line("seen=1; : >\"$scratch\"/output");
        let once_running = self.once_running(&round.once_running);
        if let Some(commands) = once_running.strip_suffix(b"; ") {
            self.line(commands);
        }
        self.keep(armed, "");
        self.line("echo \"$0: running\"; exec >/dev/null 2>&1");
        self.depth -= 1;
        self.line("else wait \"$guest\" || :; cat \"$scratch\"/output; fi");
        self.line(
            "until [ -s \"$scratch\"/status ] || ! kill -0 \"$guest\" 2>/dev/null; do wait \"$guest\" || :; done",
        );
        self.line(format!(
            "read -r status <\"$scratch\"/status || status={UNKNOWN}"
        ));
    }

    /// Ends the script if the last round was a failure.
    fn judge(&mut self, command: &Command) {
        let mut good = Vec::new();
        for &status in command.accept {
            let must_be_seen = status == 1 || command.streams != Streams::Terminal;
            let seen = if must_be_seen && command.title.is_some() {
                "1"
            } else {
                "*"
            };
            good.push(format!("{status}:{seen}"));
        }
        let what = format!("{} failed: its process was never seen", command.program);
        let refusal = Refusal::host(what);
        let fail = String::from_utf8_lossy(&self.fail(&refusal)).into_owned();
        self.line(format!(
            "case $status:$seen in {}) ;; *:0) {fail} ;; *) exit 1 ;; esac",
            good.join("|")
        ));
    }

    /// Starts the background script, and waits until it has closed the caller's streams; from then on the
    /// background script runs the undos for every end.
    pub(super) fn detach(&mut self, root: &'plan Root, name: &str) {
        let ends: Vec<_> = self
            .undos
            .iter()
            .copied()
            .filter(|undo| undo.when == When::End)
            .collect();
        let behind = Surroundings {
            elevation: Elevation::None,
            is_detached: true,
            ..self.at
        };
        let text = compose(behind, &ends, &with_scratch(root, self.at.run));
        self.handed = self.undos.len();
        self.here_document(b"supervise=$(cat".to_vec(), &text, b"");
        self.line(")");
        let start = Command::root("daemon", crate::command::args!["-c", "sh", "-c"]);
        let mut start_it = b"report=$(".to_vec();
        start_it.extend_from_slice(&self.at.elevation.wrap(&start).line());
        start_it.extend_from_slice(b" \"$supervise\" ");
        quote::push(&mut start_it, OsStr::new(name));
        start_it.extend_from_slice(b" 2>&1)");
        let judge = format!(
            "case $report in *\"{name}: running\") ;; *) printf '%s\\n' \"$report\" | cat -v >&2; exit 1 ;; esac"
        );
        match &root.meanwhile {
            None => {
                self.line([b"if ", start_it.as_slice(), b"; then handed=1; fi"].concat());
                self.line(judge);
            }
            Some(meanwhile) => {
                // Status 3 means that daemon(8) did not start.
                self.line([b"{ ", start_it.as_slice(), b" || exit 3"].concat());
                self.line(format!("{judge}; }} & starter=$! handed=1"));
                let mut line = self.at.elevation.wrap(meanwhile).line();
                line.extend_from_slice(b" || :");
                self.line(line);
                self.restore();
                self.line("status=0; wait \"$starter\" || status=$?");
                self.line("[ \"$status\" != 3 ] || handed=0; [ \"$status\" = 0 ] || exit 1");
            }
        }
        self.keep(self.undos.len(), "");
    }
}

/// The forms of the background script, with a directory for its own files if the plan makes none.
fn with_scratch(root: &Root, run: &Path) -> Vec<Form> {
    let mut forms = root.forms.clone();
    let vm = forms.iter().find_map(|form| match form {
        Form::Loop(round) => Some(round.vm.clone()),
        _ => None,
    });
    if let Some(vm) = vm
        && !forms.iter().any(makes_scratch)
    {
        let path = scratch::directory(run).join(scratch::name(&vm, "scratch"));
        forms.splice(..0, scratch_directory(&path));
    }
    forms
}

/// Whether one of these forms runs bhyve in the background.
pub(super) fn keeps_output(forms: &[Form]) -> bool {
    forms.iter().any(|form| match form {
        Form::Loop(Loop { command, .. }) => {
            command.title.is_some() && command.streams != Streams::Terminal
        }
        _ => false,
    })
}

/// The patterns `A|B`, each with a suffix.
fn each(patterns: &str, behind: &str) -> String {
    let all: Vec<String> = patterns
        .split('|')
        .map(|pattern| format!("{pattern}{behind}"))
        .collect();
    all.join("|")
}
