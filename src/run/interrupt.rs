//! Requests to stop a run.

use super::failure::signal_name;
use crate::error::{Error, Result};
use crate::host::{Host, Interruption};

/// The error of a run whose caller has exited.
pub const READER_GONE: &str = "interrupted: the caller has exited";

/// The error of a run that a signal has interrupted.
pub fn interrupted_by(signal: i32) -> String {
    format!("interrupted by {}", signal_name(signal))
}

/// Fails if the program was asked to stop.
///
/// # Errors
/// If the program was asked to stop.
pub fn check_interrupt(host: &mut dyn Host) -> Result<()> {
    match host.interrupted() {
        Some(Interruption::Signal(signal)) => Err(Error::host(interrupted_by(signal))),
        Some(Interruption::ReaderGone) => Err(Error::host(READER_GONE)),
        None => Ok(()),
    }
}

/// Catches the signals that ask the program to stop.
///
/// # Errors
/// The system's error.
pub fn catch_signals(host: &mut dyn Host) -> Result<()> {
    host.catch_signals()
        .map_err(|error| Error::host(format!("could not watch for signals: {error}")))
}
