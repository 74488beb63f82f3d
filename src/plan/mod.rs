//! The plan of a verb: data in seven forms, made by pure functions.
//!
//! A planner gets a [`crate::model::Vm`], the words of the call, and the results of queries; it neither
//! queries nor changes the host. The executor ([`crate::run`]), the preview ([`crate::preview`]) and the
//! script ([`crate::script`]) use the same value, so `-d` prints what a run does.

mod change;
mod commands;
mod form;
mod log;
mod question;
mod serialize;
mod workers;

use crate::command::Command;
use crate::error::Kind;
use crate::model::name::VmName;
pub use change::{FileChange, scratch_directory};
pub use commands::commands;
pub use log::Log;
pub use question::Test;
use serde::Serialize;
use std::ops::RangeInclusive;
use std::time::Duration;
pub use workers::{Known, Signal, Work, Workers};

/// The forms of a verb, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Plan {
    /// The forms, first to last.
    pub forms: Vec<Form>,
}

/// One part of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A change.
    Step(Step),
    /// A condition that must hold, or the plan stops.
    Guard(Guard),
    /// A bounded wait for a condition.
    Wait(Wait),
    /// Forms that repeat while their last command exits with certain statuses.
    Loop(Loop),
    /// The undo of the forms before it, if a later one fails.
    Undo(Undo),
    /// The point from which earlier forms are not undone, except what is freed at every end.
    NoReturn(NoReturn),
    /// Forms that one escalation covers.
    Root(Root),
}

/// A change, optionally under a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The change.
    pub action: Action,
    /// The condition, tested just before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_if: Option<Test>,
    /// If the action (of a sequence, the last command) fails and this test holds afterwards, the failure
    /// is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok_if: Option<Box<Test>>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Runs a command.
    Run(Command),
    /// Runs commands in order, until one fails.
    Sequence(Vec<Command>),
    /// Sends a signal to the processes of VMs, looked up just before.
    Signal(Box<Signal>),
    /// Changes a file of the user, without a process.
    File(FileChange),
    /// Writes bytes to standard output.
    Print(#[serde(serialize_with = "serialize::bytes")] Vec<u8>),
    /// Prints a log.
    Log(Box<Log>),
}

/// The error of a plan that stops, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The kind, which decides the exit status.
    pub kind: Kind,
    /// The error.
    pub what: String,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Refusal {
    /// A failure of the host, without a remedy.
    pub fn host(what: impl Into<String>) -> Self {
        Self {
            kind: Kind::Host,
            what: what.into(),
            help: None,
        }
    }

    /// The same refusal with this remedy.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// A VM whose state forbids it, without a remedy.
    pub fn state(what: impl Into<String>) -> Self {
        Self {
            kind: Kind::State,
            ..Self::host(what)
        }
    }
}

/// A condition that must hold, or the plan stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// The condition.
    pub test: Test,
    /// The error if the condition does not hold.
    pub refusal: Refusal,
}

/// A bounded wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The condition.
    pub until: Test,
    /// The time limit.
    #[serde(rename = "limit_seconds", serialize_with = "serialize::seconds")]
    pub limit: Duration,
    /// The time between two tests.
    #[serde(rename = "every_seconds", serialize_with = "serialize::seconds")]
    pub every: Duration,
    /// The error at the limit; without it the plan continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The text displayed during the wait, without the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// Whether the limit counts from the beginning of the wait before this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
}

/// A command that repeats after certain ends, such as a guest's bhyve(8).
///
/// After the command's title has been seen, earlier forms are no longer undone, except what is freed at
/// every end; after a request to stop there is no further round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loop {
    /// The forms before the command in each round.
    pub body: Vec<Form>,
    /// The forms before each further round, before `body`.
    pub between: Vec<Form>,
    /// The VM that the command runs.
    pub vm: VmName,
    /// The command whose exit status decides.
    pub command: Command,
    /// The command of the first round in its place, which has no time limit: it waits for a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Command>,
    /// The steps once the command's title was seen, in each round; a failure is only reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub once_running: Vec<Step>,
    /// The statuses that start another round.
    pub again: &'static [i32],
    /// Whether an end that is not accepted also starts another round.
    pub again_if_failed: bool,
    /// The time limit for the command's title to appear; none without it.
    #[serde(
        rename = "start_limit_seconds",
        serialize_with = "serialize::optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_limit: Option<Duration>,
}

impl Loop {
    /// The most ends within [`Self::WITHIN`] with another round.
    pub const MOST_ENDS: usize = 3;
    /// The time in which ends are counted.
    pub const WITHIN: Duration = Duration::from_secs(60);
    /// The statuses with which bhyve(8), if its title was never seen, reports that the guest did not run:
    /// an option, a device or the memory was refused (`usr.sbin/bhyve/bhyverun.c`).
    pub const NOT_STARTED: RangeInclusive<i32> = 4..=99;

    /// Whether the command runs only once.
    pub fn is_once(&self) -> bool {
        self.again.is_empty() && !self.again_if_failed
    }
}

/// Forms that one escalation covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Root {
    /// The forms.
    pub forms: Vec<Form>,
    /// The name under which the forms continue in the background, under daemon(8), after the loop's title
    /// was seen; without a name, the caller waits for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detached: Option<String>,
    /// The command on the terminal while the forms run in the background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<Command>,
}

/// The undo of the forms before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undo {
    /// Steps, waits and guards, each carried out whether or not the previous one failed.
    pub forms: Vec<Form>,
    /// The condition under which the forms run.
    pub when: When,
    /// The undone object, for the message: a noun.
    pub what: String,
}

impl Undo {
    /// The undo by one form.
    pub fn by(form: impl Into<Form>, when: When, what: &impl ToString) -> Self {
        Self {
            forms: vec![form.into()],
            when,
            what: what.to_string(),
        }
    }
}

/// The condition under which an [`Undo`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// If a later form fails or the run is interrupted, before the point of no return.
    Failure,
    /// On failure, and also at the end of the plan.
    End,
}

/// The point from which earlier forms are not undone, except what is freed at every end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoReturn {
    /// What is not undone: a sentence for the message of a later failure.
    pub done: String,
}

impl Plan {
    /// A plan of these forms.
    pub fn new(forms: Vec<Form>) -> Self {
        Self { forms }
    }

    /// Adds a form.
    pub fn push(&mut self, form: impl Into<Form>) {
        self.forms.push(form.into());
    }

    /// Adds the forms of another plan.
    pub fn append(&mut self, other: Self) {
        self.forms.extend(other.forms);
    }

    /// Every command in the plan, including those of undos, loops and tests.
    pub fn commands(&self) -> Vec<&Command> {
        commands(&self.forms)
    }
}

impl Form {
    /// Whether a signal can stop the run before this form: not between a step and its undo, which must
    /// be armed, and not before output.
    pub fn can_be_stopped(&self) -> bool {
        match self {
            Self::Undo(_) | Self::NoReturn(_) => false,
            Self::Step(step) => !matches!(step.action, Action::Print(_)),
            Self::Guard(_) | Self::Wait(_) | Self::Loop(_) | Self::Root(_) => true,
        }
    }
}

impl Action {
    /// Whether the form contains text, which a script prints on separate lines.
    pub fn has_text(&self) -> bool {
        matches!(
            self,
            Self::Print(_) | Self::File(FileChange::Write { .. } | FileChange::Replace { .. })
        )
    }
}

impl Wait {
    /// The text of a wait with its limit, for a display that cannot show the time.
    pub fn announcement(&self, text: &str) -> String {
        format!("{text} (up to {} s)", self.limit.as_secs())
    }

    /// The number of further tests before the limit.
    pub fn looks(&self) -> u64 {
        let every = self.every.as_millis().max(1);
        u64::try_from(self.limit.as_millis() / every).unwrap_or(u64::MAX)
    }
}
