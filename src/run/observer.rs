//! Observers of a supervised guest.

use crate::error::Result;
use crate::host::Host;
use crate::model::name::VmName;
use std::time::Duration;

/// The phase of a run that supervises a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The guest is about to be loaded.
    Loading,
    /// bhyve(8) has been started, with this pid.
    Starting(u32),
    /// The title of bhyve(8), with this pid, was seen for the first time in this round.
    Running(u32),
}

/// The end of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundEnd<'round> {
    /// The end in words that follow "the guest".
    pub how: &'round str,
    /// The exit status of the command; none if a signal has ended it.
    pub status: Option<i32>,
    /// Whether the command failed, and nobody had asked the program to stop.
    pub is_crash: bool,
    /// Whether another round follows.
    pub again: bool,
}

/// Receives the events of a supervised guest; the default methods ignore them.
pub trait Observer {
    /// A phase begins.
    ///
    /// # Errors
    /// If the run must stop: its caller has exited.
    fn phase(&mut self, _host: &mut dyn Host, _phase: Phase) -> Result<()> {
        Ok(())
    }

    /// A child wrote these whole lines.
    fn said(&mut self, _host: &mut dyn Host, _lines: &[u8]) {}

    /// A round has ended.
    fn ended(&mut self, _host: &mut dyn Host, _end: RoundEnd<'_>) {}

    /// The run has failed, and changes to shared resources are about to be undone.
    fn takes_back(&mut self, _host: &mut dyn Host) {}

    /// A wait with this limit begins; returns whether a caller displays the progress.
    fn waits(&mut self, _host: &mut dyn Host, _what: &str, _limit: Duration) -> bool {
        false
    }

    /// Whether this process still owns the VM: see [`Test::Ours`](crate::plan::Test::Ours).
    fn is_ours(&mut self, _host: &mut dyn Host, _vm: &VmName, _or: Option<u32>) -> bool {
        true
    }
}

/// An observer that ignores every event, for plans without a guest.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {}
