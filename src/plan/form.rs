//! Lets what a form holds stand where a form is wanted, a refusal where an error is, and a plan before
//! another.

use super::{
    Action, FileChange, Form, Guard, Loop, NoReturn, Plan, Refusal, Root, Step, Undo, Wait, When,
};
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

impl Plan {
    /// The same plan, at whose end others can follow: what it does at its end it does before them.
    #[must_use]
    pub fn once_done(mut self) -> Self {
        let mut at_end = Vec::new();
        for form in &mut self.forms {
            if let Form::Undo(undo) = form
                && undo.when == When::End
            {
                undo.when = When::Failure;
                at_end.splice(..0, undo.forms.iter().cloned());
            }
        }
        self.forms.extend(at_end);
        self
    }
}

impl From<&Refusal> for Error {
    fn from(refusal: &Refusal) -> Self {
        let mut error = Self::new(refusal.kind, refusal.what.clone());
        error.help.extend(refusal.help.clone());
        error
    }
}
