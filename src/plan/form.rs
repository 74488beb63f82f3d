//! Lets what a form holds stand where a form is wanted, a refusal where an error is, and a plan before
//! another.

use super::{
    Action, FileChange, Form, Guard, Loop, NoReturn, Plan, Refusal, Root, Step, Test, Undo, Wait,
    When,
};
use crate::command::Command;
use crate::error::Error;

impl From<Action> for Step {
    fn from(action: Action) -> Self {
        Self {
            action,
            only_if: None,
            ok_if: None,
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

impl Step {
    /// The same step, made only if `test` holds.
    #[must_use]
    pub fn only_if(self, test: Test) -> Self {
        Self {
            only_if: Some(test),
            ..self
        }
    }

    /// The same step, whose failure is none where `test` holds afterwards.
    #[must_use]
    pub fn ok_if(self, test: Test) -> Self {
        Self {
            ok_if: Some(Box::new(test)),
            ..self
        }
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

    /// The same plan, whose waits show nothing.
    #[must_use]
    pub fn without_progress(mut self) -> Self {
        for form in &mut self.forms {
            if let Form::Wait(wait) = form {
                wait.progress = None;
            }
        }
        self
    }
}

impl Undo {
    /// Whether what it does depends on [`Test::HasRun`].
    pub fn asks_whether_it_has_run(&self) -> bool {
        self.forms.iter().any(|form| match form {
            Form::Step(step) => step.only_if.as_ref().is_some_and(is_about_run),
            Form::Guard(guard) => is_about_run(&guard.test),
            _ => false,
        })
    }
}

fn is_about_run(test: &Test) -> bool {
    match test {
        Test::HasRun => true,
        Test::Not(inner) => is_about_run(inner),
        Test::All(tests) => tests.iter().any(is_about_run),
        _ => false,
    }
}

impl From<&Refusal> for Error {
    fn from(refusal: &Refusal) -> Self {
        let mut error = Self::new(refusal.kind, refusal.what.clone());
        error.help.extend(refusal.help.clone());
        error
    }
}
