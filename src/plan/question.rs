//! The tests of a plan.

use super::serialize;
use super::{Known, Workers};
use crate::command::Command;
use crate::model::name::VmName;
use serde::Serialize;
use std::path::PathBuf;

/// A test, evaluated alike by sh(1) and the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// This path exists.
    Exists(#[serde(serialize_with = "serialize::path")] PathBuf),
    /// The command exits with 0; 1 means no, every other status is an error.
    Succeeds(Command),
    /// The command's output contains this text; an answer of [`Command::absent`] is no.
    Mentions {
        /// The command.
        command: Command,
        /// The text.
        text: String,
    },
    /// These processes of VMs exist.
    Works(Workers),
    /// The process that the command lists is still the known one.
    Still {
        /// The command; its status 1 means that the process does not exist.
        command: Command,
        /// How the process is known.
        known: Known,
    },
    /// No other process has acquired this VM: this process, or still `or`, holds the VM's lock.
    Ours {
        /// The VM.
        vm: VmName,
        /// The previous holder of the lock.
        #[serde(skip_serializing_if = "Option::is_none")]
        or: Option<u32>,
    },
    /// The command of a [`Loop`](super::Loop) has been started, so its guest may have written to disks;
    /// false if the status means that the guest did not run.
    HasRun,
    /// The user at the terminal answers the question with `y` or `yes`, in either case. The question is
    /// the last line; the lines above say what will be lost.
    Confirmed {
        /// The question, on the last line; above it is what will be lost.
        question: String,
        /// How to proceed without the question.
        otherwise: String,
    },
    /// The user at the terminal types this word. The question is the last line; the lines above say what
    /// will be lost.
    Typed {
        /// The question, on the last line; above it is what will be lost.
        question: String,
        /// The word.
        word: String,
        /// How to proceed without the question.
        otherwise: String,
    },
    /// The negation.
    Not(Box<Test>),
    /// All hold; tested in order until one does not.
    All(Vec<Test>),
}

impl Test {
    /// All of these; a single test is returned itself.
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
