//! Undoes a whole plan after a later failure.

use super::{Output, Run, Unobserved};
use crate::error::Error;
use crate::host::Host;
use crate::plan::{Form, Plan};

/// Undoes a plan that was carried out completely, because of a later failure; returns that failure with
/// the result of the undo.
pub fn take_back(plan: &Plan, error: Error, host: &mut dyn Host, output: &mut Output<'_>) -> Error {
    let mut observer = Unobserved;
    let mut run = Run::new(host, &mut observer, output);
    let undos = plan.forms.iter().filter_map(|form| match form {
        Form::Undo(undo) => Some(undo),
        _ => None,
    });
    run.armed.extend(undos);
    run.undo_after(error)
}
