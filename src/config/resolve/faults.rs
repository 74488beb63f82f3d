//! The faults of settings, and the operations that each fault stops.

use crate::config::Config;
use crate::config::settings::Need;
use crate::error::Error;
use crate::suggest;

#[derive(Clone, Debug)]
struct Fault {
    error: Error,
    /// The needs that the fault stops.
    stops: &'static [Need],
    /// Whether the setting is replaced by a placeholder, which must not be shown.
    leaves_a_gap: bool,
}

/// The faults found so far, in order.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    /// Records a fault. A setting with an invalid value is treated as not set.
    pub(super) fn add(&mut self, error: Error, stops: &'static [Need]) {
        self.0.push(Fault {
            error,
            stops,
            leaves_a_gap: false,
        });
    }

    /// Records a fault that leaves the VM without a required setting.
    pub(super) fn add_missing(&mut self, error: Error, stops: &'static [Need]) {
        self.0.push(Fault {
            error,
            stops,
            leaves_a_gap: true,
        });
    }

    /// Keeps a valid value; records an error.
    pub(super) fn take<T>(
        &mut self,
        result: Result<T, Error>,
        stops: &'static [Need],
    ) -> Option<T> {
        result.map_err(|error| self.add(error, stops)).ok()
    }

    /// Adds advice to each fault at a text with characters that only look like ASCII.
    pub(super) fn explain(&mut self, config: &Config) {
        for Fault { error, .. } in &mut self.0 {
            let text = error.at.map(|span| config.sources().text(span));
            let text = text.map(String::from_utf8_lossy).unwrap_or_default();
            error.help.extend(suggest::look_alike(&text));
        }
    }

    /// Whether no placeholder is in the VM.
    pub(super) fn is_complete(&self) -> bool {
        self.0.iter().all(|fault| !fault.leaves_a_gap)
    }

    /// Checks whether a fault stops this need.
    ///
    /// # Errors
    /// The first fault that stops the need.
    pub(super) fn stop(self, need: Need) -> Result<(), Error> {
        let first = self.0.into_iter().find(|fault| fault.stops.contains(&need));
        first.map_or(Ok(()), |fault| Err(fault.error))
    }

    pub(super) fn into_errors(self) -> Vec<Error> {
        self.0.into_iter().map(|fault| fault.error).collect()
    }
}
