//! Conversions: the content of a form to a form, and a refusal to an error. Changes of steps and whole
//! plans.

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
    /// The same step, carried out only if `test` holds.
    #[must_use]
    pub fn only_if(self, test: Test) -> Self {
        Self {
            only_if: Some(test),
            ..self
        }
    }

    /// The same step, whose failure is ignored if `test` holds afterwards.
    #[must_use]
    pub fn ok_if(self, test: Test) -> Self {
        Self {
            ok_if: Some(Box::new(test)),
            ..self
        }
    }
}

/// Converts the content of each form to a form.
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
    /// The same plan, to be followed by other forms: the undos for its end become its last forms.
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

    /// The same plan, whose waits display nothing.
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
    /// Whether the undo depends on [`Test::HasRun`].
    pub fn asks_whether_it_has_run(&self) -> bool {
        self.forms.iter().any(|form| match form {
            Form::Step(step) => step.only_if.as_ref().is_some_and(uses_has_run),
            Form::Guard(guard) => uses_has_run(&guard.test),
            Form::Wait(_) | Form::Loop(_) | Form::Undo(_) | Form::NoReturn(_) | Form::Root(_) => {
                false
            }
        })
    }
}

fn uses_has_run(test: &Test) -> bool {
    match test {
        Test::HasRun => true,
        Test::Not(inner) => uses_has_run(inner),
        Test::All(tests) => tests.iter().any(uses_has_run),
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
