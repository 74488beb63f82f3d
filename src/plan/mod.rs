//! The plan of a verb: data in seven forms, made by pure functions.
//!
//! A planner gets a [`crate::model::Vm`], what was typed, and what the host answered; it asks and
//! changes nothing. The executor ([`crate::run`]) and the echo ([`crate::script`]) read the same
//! value, so what `-d` prints is what a run does.

mod change;
mod commands;
mod form;
mod question;
mod serialize;
mod workers;

use crate::command::Command;
use crate::error::Kind;
use crate::model::name::VmName;
pub use change::{FileChange, scratch_directory};
pub use commands::commands;
pub use question::Test;
use serde::Serialize;
use std::ops::RangeInclusive;
use std::time::Duration;
pub use workers::{Known, Signal, Work, Workers};

/// What a verb does, in order.
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
    /// A condition without which the plan stops.
    Guard(Guard),
    /// A bounded wait for a condition.
    Wait(Wait),
    /// Forms that run again as long as their last command ends with certain statuses.
    Loop(Loop),
    /// What takes back the forms before it, should one behind it fail.
    Undo(Undo),
    /// From here on what stands before is not undone, but for what is freed at every end.
    NoReturn(NoReturn),
    /// Forms that one escalation covers.
    Root(Root),
}

/// A change, made unless a condition says that it is not needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What changes.
    pub action: Action,
    /// The condition, asked just before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_if: Option<Test>,
    /// Where it (of commands in turn the last) fails and this holds afterwards, that is no failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok_if: Option<Box<Test>>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Runs a command.
    Run(Command),
    /// Runs commands one after the other; behind one that fails no other runs.
    Sequence(Vec<Command>),
    /// Sends a signal to what works for VMs, each looked for just before.
    Signal(Box<Signal>),
    /// Changes a file of the user's own, without a process.
    File(FileChange),
    /// Writes bytes to standard output.
    Print(#[serde(serialize_with = "serialize::bytes")] Vec<u8>),
}

/// Why a plan stops, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Decides the exit status.
    pub kind: Kind,
    /// What is wrong.
    pub what: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A condition without which the plan stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// The condition.
    pub test: Test,
    /// What is said where it does not hold.
    pub refusal: Refusal,
}

/// A bounded wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// What is waited for.
    pub until: Test,
    /// The longest time.
    #[serde(rename = "limit_seconds", serialize_with = "serialize::seconds")]
    pub limit: Duration,
    /// The time between two looks.
    #[serde(rename = "every_seconds", serialize_with = "serialize::seconds")]
    pub every: Duration,
    /// What is said at the limit; without it the plan goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// What a person sees while waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
}

/// A command that runs again as long as it ends in certain ways, as a guest's bhyve(8) does.
///
/// Once the command's title is seen for the first time, what stands before is not undone any more,
/// but for what is freed at every end; after a request to stop there is no further round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loop {
    /// What comes before the command in each round.
    pub body: Vec<Form>,
    /// What comes before each further round, in front of `body`.
    pub between: Vec<Form>,
    /// The VM that the command runs.
    pub vm: VmName,
    /// The command whose exit status decides.
    pub command: Command,
    /// The statuses that mean another round.
    pub again: &'static [i32],
    /// Whether an end that the command does not accept means another round, too.
    pub again_if_failed: bool,
    /// How long the command may take until its title is seen; without it as long as it likes.
    #[serde(
        rename = "start_limit_seconds",
        serialize_with = "serialize::optional_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_limit: Option<Duration>,
}

impl Loop {
    /// The most ends within [`Self::WITHIN`] after which there is another round.
    pub const MOST_ENDS: usize = 3;
    /// The time in which ends are counted.
    pub const WITHIN: Duration = Duration::from_secs(60);
    /// The statuses by which bhyve(8) says, if it was never seen at work, that it has not come to run its
    /// guest: an option, a device or the memory was refused (`usr.sbin/bhyve/bhyverun.c`).
    pub const NOT_STARTED: RangeInclusive<i32> = 4..=99;

    /// Whether the command runs once, however it ends.
    pub fn is_once(&self) -> bool {
        self.again.is_empty() && !self.again_if_failed
    }
}

/// Forms that one escalation covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Root {
    /// The forms.
    pub forms: Vec<Form>,
    /// By which name they go on in the background, under daemon(8), once they have made what they
    /// are for; without one they are waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detached: Option<String>,
    /// What has the terminal meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<Command>,
}

/// What takes back the forms before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undo {
    /// Steps, waits and guards, each tried whatever became of the one before.
    pub forms: Vec<Form>,
    /// When they run.
    pub when: When,
    /// What is gone then, for the message: a noun.
    pub what: String,
}

/// When an [`Undo`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// If a form behind it fails or the run is interrupted, before the point of no return.
    Failure,
    /// Then, and also at the end of the plan.
    End,
}

/// The point behind which nothing before it is taken back, but for what is freed at every end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoReturn {
    /// What can no longer be taken back: a sentence for the message of a failure behind it.
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

    /// Every command in it, also those of undo, loops and tests.
    pub fn commands(&self) -> Vec<&Command> {
        commands(&self.forms)
    }
}

impl Form {
    /// Whether a signal can stop the run before it: not between a step and the undo behind it, since what
    /// was made must be known to be undone, and not where something is only said.
    pub fn can_be_stopped(&self) -> bool {
        match self {
            Self::Undo(_) | Self::NoReturn(_) => false,
            Self::Step(step) => !matches!(step.action, Action::Print(_)),
            Self::Guard(_) | Self::Wait(_) | Self::Loop(_) | Self::Root(_) => true,
        }
    }
}

impl Action {
    /// Whether it carries text of its own, which a script shows on lines of its own.
    pub fn has_text(&self) -> bool {
        matches!(
            self,
            Self::Print(_) | Self::File(FileChange::Write { .. } | FileChange::Replace { .. })
        )
    }
}

impl Wait {
    /// How often it looks again before it gives up.
    pub fn looks(&self) -> u64 {
        let every = self.every.as_millis().max(1);
        u64::try_from(self.limit.as_millis() / every).unwrap_or(u64::MAX)
    }
}
