//! What is wrong with settings, and whom it stops.

use crate::config::settings::Need;
use crate::error::Error;

/// Something that is wrong with a setting.
#[derive(Clone, Debug)]
struct Fault {
    error: Error,
    /// What it stops.
    stops: &'static [Need],
    /// Whether the VM has something in its place that nobody has asked for: it is shown to nobody.
    leaves_a_gap: bool,
}

/// The faults that were found so far, in order.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Notes a fault. A setting that is wrong by itself is taken as not set.
    pub(super) fn add(&mut self, error: Error, stops: &'static [Need]) {
        self.0.push(Fault {
            error,
            stops,
            leaves_a_gap: false,
        });
    }

    /// Notes a fault that leaves a VM without something that every VM has.
    pub(super) fn add_gap(&mut self, error: Error, stops: &'static [Need]) {
        self.0.push(Fault {
            error,
            stops,
            leaves_a_gap: true,
        });
    }

    /// Takes what is right, and notes what is wrong.
    pub(super) fn take<T>(
        &mut self,
        result: Result<T, Error>,
        stops: &'static [Need],
    ) -> Option<T> {
        result.map_err(|error| self.add(error, stops)).ok()
    }

    /// Whether the VM is what was asked for, but for what is noted.
    pub(super) fn leave_no_gap(&self) -> bool {
        self.0.iter().all(|fault| !fault.leaves_a_gap)
    }

    /// Stops this, if one of them does.
    ///
    /// # Errors
    /// The first that does.
    pub(super) fn stop(self, need: Need) -> Result<(), Error> {
        let first = self.0.into_iter().find(|fault| fault.stops.contains(&need));
        first.map_or(Ok(()), |fault| Err(fault.error))
    }

    /// All of them.
    pub(super) fn into_errors(self) -> Vec<Error> {
        self.0.into_iter().map(|fault| fault.error).collect()
    }
}
