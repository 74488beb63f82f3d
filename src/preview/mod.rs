//! The preview: the commands of a plan for a person, one a line, each with its escalator, to paste.
//!
//! What is no command stands behind `#`: files that a command reads, conditions, what follows in the
//! background. A command that must wait for something stands behind `#` as well, below that wait, so
//! that a preview that is fed to sh(1) by mistake does nothing that the wait would have prevented.
//! What undoes a step, or frees what a guest has used, is listed at the end without its conditions;
//! [`crate::script`] prints them all.

mod files;
mod page;
mod words;

use crate::command::{Command, Streams, args};
use crate::model::privilege::Elevation;
use crate::plan::{
    Action, FileChange, Form, Loop, Plan, Signal, Step, Test, Undo, When, Work, Workers,
};
use crate::quote;
use crate::tools::daemon;
use crate::tools::workers::among;
use page::Page;
use std::path::Path;

/// What a preview needs besides the plan.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'run> {
    /// The escalator.
    pub elevation: Elevation,
    /// The answer to [`question`]; empty if nobody was asked.
    pub processes: &'run str,
    /// The call that prints the script.
    pub script: &'run str,
    /// Whether comments are dim.
    pub colour: bool,
}

/// The preview of `plan`.
///
/// Differs: `-d` shows commands to paste, with the files that they read; `--format sh` is a script that
/// can be run
pub fn preview(plan: &Plan, seen: Seen<'_>) -> String {
    let mut preview = Preview {
        page: Page::default(),
        seen,
        undos: Vec::new(),
        is_waiting: false,
        is_in_background: false,
        sums_up: None,
        scratch: None,
        has_guest: false,
    };
    if plan.forms.is_empty() {
        preview.page.remark("nothing needs to be done");
    } else {
        preview.forms(&plan.forms);
        preview.end();
        let script = format!("as a script that checks, waits and undoes: {}", seen.script);
        preview.page.remark(&script);
    }
    preview.page.render(seen.colour)
}

/// The question whose answer names the processes that get a signal, if any do.
pub fn question(forms: &[Form]) -> Option<&Command> {
    forms.iter().find_map(|form| match form {
        Form::Step(step) => match (&step.action, &step.only_if) {
            (Action::Signal(signal), _) => Some(&signal.to.command),
            (_, Some(Test::Works(workers))) => Some(&workers.command),
            _ => None,
        },
        Form::Root(root) => question(&root.forms),
        _ => None,
    })
}

struct Preview<'plan, 'run> {
    page: Page,
    seen: Seen<'run>,
    undos: Vec<&'plan Undo>,
    /// Whether what follows must wait for something.
    is_waiting: bool,
    is_in_background: bool,
    /// In a list of what is done later, the number of the first line that need not be repeated.
    sums_up: Option<usize>,
    /// A new directory that no remark names yet.
    scratch: Option<&'plan FileChange>,
    /// Whether a guest is started, whose end is in the future.
    has_guest: bool,
}

impl<'plan> Preview<'plan, '_> {
    fn forms(&mut self, mut forms: &'plan [Form]) {
        while let Some((form, rest)) = forms.split_first() {
            let (links, behind) = forms.split_at(files::leading_links(forms));
            if links.is_empty() {
                self.form(form);
                forms = rest;
                continue;
            }
            files::links(&mut self.page, links.iter());
            forms = behind;
            let undos = links.iter().filter_map(|form| match form {
                Form::Undo(undo) => Some(undo),
                _ => None,
            });
            self.undos.extend(undos);
        }
    }

    fn form(&mut self, form: &'plan Form) {
        match form {
            Form::Step(step) => self.step(step),
            Form::Guard(guard) => {
                if let Some((question, answer)) = words::question(&guard.test) {
                    for line in format!("asks: {question}").lines() {
                        self.page.remark(line);
                    }
                    self.page.wait(&format!("waits for the answer {answer}"));
                    self.is_waiting = true;
                }
            }
            Form::Wait(_) if self.sums_up.is_some() => {}
            Form::Wait(wait) => {
                self.page.wait(&words::wait(wait));
                self.is_waiting = true;
            }
            Form::Loop(round) => self.rounds(round),
            Form::Undo(undo) => self.undos.push(undo),
            // The undos below are those of the whole plan.
            Form::NoReturn(_) => {}
            Form::Root(root) => {
                if let Some(meanwhile) = &root.meanwhile {
                    let beside = "on this terminal, beside what follows";
                    self.command(meanwhile, false, Some(beside));
                    // Two commands at once are for two terminals.
                    self.is_waiting = true;
                }
                self.is_in_background = root.detached.is_some();
                self.forms(&root.forms);
                self.is_in_background = false;
            }
        }
    }

    fn step(&mut self, step: &'plan Step) {
        let condition = step.only_if.as_ref().and_then(|test| self.condition(test));
        let condition = condition.as_deref();
        let holds = step.only_if.as_ref().is_none_or(|test| self.holds(test));
        match &step.action {
            Action::Run(command) => self.command(command, holds, condition),
            Action::Sequence(commands) => {
                for command in commands {
                    self.command(command, holds, condition);
                }
            }
            Action::Signal(signal) => self.signal(signal, holds, condition),
            Action::File(FileChange::Replace { path, .. }) if self.sums_up.is_some() => {
                let path = quote::shown(path);
                self.page.remark(&format!("{path} gets its old text back"));
            }
            Action::File(_) if self.sums_up.is_some() => {}
            Action::File(change @ FileChange::MakeScratch(_)) => self.scratch = Some(change),
            Action::File(change) => {
                // A file in it names it, too.
                self.scratch = None;
                files::change(&mut self.page, change);
            }
            Action::Log(log) => {
                self.command(&log.shown, holds, condition);
                if let Some(lines) = log.lines {
                    self.page
                        .remark(&format!("of these lines the last {lines} are shown"));
                }
                if let Some(followed) = &log.followed {
                    self.command(followed, holds, condition);
                }
            }
            Action::Print(text) => {
                self.page.remark("prints:");
                self.page.text(text);
            }
        }
    }

    /// The condition of a step as a remark.
    fn condition(&self, test: &Test) -> Option<String> {
        if self.sums_up.is_some() {
            return words::has_run(test).map(str::to_owned);
        }
        Some(words::condition(test))
    }

    /// Whether a condition holds at present, as far as the host was asked.
    fn holds(&self, test: &Test) -> bool {
        match test {
            Test::Works(workers) => !among(workers, self.seen.processes).is_empty(),
            // The plan was made for a process that was seen.
            Test::Still { .. } => true,
            Test::All(tests) => tests.iter().all(|test| self.holds(test)),
            _ => false,
        }
    }

    /// Adds a command, and the one that explains its failure.
    fn command(&mut self, command: &Command, holds: bool, condition: Option<&str>) {
        let shown = self.seen.elevation.wrap(command);
        let is_shown = |from| self.page.shows(&shown, from);
        if condition.is_none() && self.sums_up.is_some_and(is_shown) {
            return;
        }
        let is_free = holds && !self.is_waiting && self.sums_up.is_none();
        if let Some(directory) = self.scratch.take() {
            files::change(&mut self.page, directory);
        }
        self.page.command(&shown, is_free, condition);
        if let Some(explaining) = &command.explained_by {
            let again = Some("if that exits with 1, once more for its output");
            self.page
                .command(&self.seen.elevation.wrap(explaining), false, again);
        }
        if is_free && command.streams == Streams::Terminal {
            self.page
                .wait_before_more("waits until that has ended".to_owned());
            self.is_waiting = true;
        }
    }

    fn signal(&mut self, signal: &Signal, holds: bool, condition: Option<&str>) {
        let Signal { by, to } = signal;
        let mut command = by.clone();
        // What is listed for later is for processes that are not there yet.
        let processes = self.sums_up.map_or(self.seen.processes, |_| "");
        let pids = among(to, processes);
        if pids.is_empty() {
            command.args.extend(args![words::pids_of(to.work)]);
        }
        command
            .args
            .extend(pids.iter().map(|pid| pid.to_string().into()));
        let button = is_power_button(by, to)
            .then(|| format!("presses the power button of {}", words::names(&to.vms)));
        let condition = button.as_deref().or(condition);
        self.command(&command, holds && !pids.is_empty(), condition);
    }

    fn rounds(&mut self, round: &'plan Loop) {
        let place = if self.is_in_background {
            "in the background"
        } else {
            "on this terminal"
        };
        let again = words::again(round).map(|end| {
            let between = self.lines_of(&round.between);
            format!(", again when the guest {end}{between}")
        });
        self.page
            .remark(&format!("{place}{}:", again.unwrap_or_default()));
        self.forms(&round.body);
        let command = round.first.as_ref().unwrap_or(&round.command);
        let until = if self.is_in_background {
            let words = command.args.iter().cloned();
            let detached = daemon::detach(Path::new(command.program), words);
            self.command(&detached, true, None);
            format!("waits until {} runs", round.vm)
        } else {
            self.command(command, true, None);
            format!("waits until {} has ended", round.vm)
        };
        if round.first.is_some() {
            self.page
                .remark("bhyve waits for a viewer, but not when the guest reboots");
        }
        for step in &round.once_running {
            self.step(step);
        }
        self.has_guest = true;
        self.page.wait_before_more(until);
        self.is_waiting = true;
    }

    /// What comes between two rounds, for a sentence: `, after COMMAND`.
    fn lines_of(&self, between: &[Form]) -> String {
        let steps = between.iter().filter_map(|form| match form {
            Form::Step(step) => Some(&step.action),
            _ => None,
        });
        let lines = steps.filter_map(|action| match action {
            Action::Run(command) => Some(format!(", after {}", self.seen.elevation.wrap(command))),
            _ => None,
        });
        lines.collect()
    }

    /// Adds what is done at the end, and what undoes the steps before one that fails.
    fn end(&mut self) {
        let undos = std::mem::take(&mut self.undos);
        let (at_end, on_failure): (Vec<_>, Vec<_>) = undos
            .into_iter()
            .rev()
            .partition(|undo| undo.when == When::End);
        let forms = |undo: &&'plan Undo| undo.forms.as_slice();
        let from = self.page.len();
        if self.has_guest {
            let title = "at the end, or if a step fails, as far as it is needed:";
            self.list(title, at_end.iter().map(forms), from);
            self.list("if a step fails, also:", on_failure.iter().map(forms), from);
        } else {
            // This end is near, and part of the work.
            at_end.iter().map(forms).for_each(|forms| self.forms(forms));
            self.list("if a step fails:", on_failure.iter().map(forms), from);
        }
    }

    /// Adds forms for later: without their conditions and waits, and without the commands that the lines
    /// from this number on show already.
    fn list(&mut self, title: &str, all: impl Iterator<Item = &'plan [Form]>, from: usize) {
        let began = self.page.section(title);
        self.sums_up = Some(from);
        let mut all = all.peekable();
        while let Some(forms) = all.next() {
            if files::are_links(forms) {
                let more = std::iter::from_fn(|| all.next_if(|forms| files::are_links(forms)));
                let links = std::iter::once(forms).chain(more).flatten();
                files::links(&mut self.page, links);
            } else {
                self.forms(forms);
            }
        }
        self.sums_up = None;
        self.page.end_section(began);
    }
}

/// Whether a signal is that of the power button (bhyve(8), SIGTERM).
fn is_power_button(by: &Command, to: &Workers) -> bool {
    to.work == Work::Running && by.args == args!["-TERM"]
}
