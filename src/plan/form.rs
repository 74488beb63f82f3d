//! Lets what a form holds stand where a form is wanted, and a refusal where an error is.

use super::{Action, FileChange, Form, Guard, Loop, NoReturn, Refusal, Root, Step, Undo, Wait};
use crate::command::Command;
use crate::error::Error;

impl From<Action> for Step {
    fn from(action: Action) -> Self {
        Self {
            action,
            only_if: None,
            moot_if: None,
        }
    }
}

impl From<Command> for Step {
    fn from(command: Command) -> Self {
        Action::Run(command).into()
    }
}

impl From<FileChange> for Step {
    fn from(change: FileChange) -> Self {
        Action::File(change).into()
    }
}

/// Lets each form's content stand where a form is wanted.
macro_rules! into_form {
    ($($content:ident),*) => {
        $(impl From<$content> for Form {
            fn from(content: $content) -> Self {
                Self::$content(content)
            }
        })*
    };
}
into_form!(Step, Guard, Wait, Loop, Undo, NoReturn, Root);

impl From<Command> for Form {
    fn from(command: Command) -> Self {
        Self::Step(command.into())
    }
}

impl From<FileChange> for Form {
    fn from(change: FileChange) -> Self {
        Self::Step(change.into())
    }
}

impl From<&Refusal> for Error {
    fn from(refusal: &Refusal) -> Self {
        let mut error = Self::new(refusal.kind, refusal.what.clone());
        error.help.extend(refusal.help.clone());
        error
    }
}
