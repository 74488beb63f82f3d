//! The questions of a plan.

use super::serialize;
use super::{Known, Workers};
use crate::command::Command;
use crate::model::name::VmName;
use serde::Serialize;
use std::path::PathBuf;

/// A question with a yes or no answer that sh(1) and the program ask alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Something is at this path.
    Exists(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// The command ends with 0; 1 is no, every other status an error.
    Succeeds(Command),
    /// A line of what the command prints has this text; of what is [`Command::absent`] there is none.
    Mentions {
        /// The command.
        command: Command,
        /// The text.
        text: String,
    },
    /// Something works for VMs.
    Works(Workers),
    /// The process of which the command tells is still the one that it was known as.
    Still {
        /// The command; its status 1 says that there is no such process.
        command: Command,
        /// What it is known by.
        known: Known,
    },
    /// Nobody else has taken this VM since: its lock is ours from then on, or still that of `or`.
    Ours {
        /// The VM.
        vm: VmName,
        /// The process that had the lock before.
        #[serde(skip_serializing_if = "Option::is_none")]
        or: Option<u32>,
    },
    /// The command of a [`Loop`](super::Loop) has been started, so that its guest may have written; one
    /// that says by its status that it has not started counts as none.
    HasRun,
    /// A person at the terminal answers this question with `y`.
    Confirmed(String),
    /// The opposite.
    Not(Box<Test>),
    /// Each of them, asked in order until one does not hold.
    All(Vec<Test>),
}

impl Test {
    /// Each of these; one alone is itself.
    pub fn all(mut tests: Vec<Self>) -> Self {
        match tests.pop() {
            Some(one) if tests.is_empty() => one,
            last => {
                tests.extend(last);
                Self::All(tests)
            }
        }
    }
}

impl std::ops::Not for Test {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}
