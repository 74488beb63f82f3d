//! The progress of a start in the background, on one line of the caller's terminal.

use super::message::Message;
use crate::host::Host;
use crate::model::Vm;
use crate::operation::boot::plan::START_LIMIT;
use crate::operation::{Job, Request};
use crate::run::Output;
use crate::run::progress::{Display, FRAME, Line, seconds};
use crate::verb::Verb;
use std::time::Duration;

/// The line that shows the progress of a start. The line appears with the first phase, because an
/// escalator may ask for a password before.
pub(super) struct Phases<'request> {
    vm: Option<&'request Vm>,
    is_shown: bool,
    line: Line,
    phase: Option<Phase>,
}

/// What the root side does at present.
struct Phase {
    what: String,
    /// A remark behind the time.
    hint: String,
    began: Duration,
    limit: Option<Duration>,
}

impl<'request> Phases<'request> {
    pub(super) fn new(request: &'request Request, display: Display) -> Self {
        let is_quiet = matches!(&request.job, Job::Restart(restart) if restart.quiet);
        Self {
            vm: request.vms.first(),
            is_shown: display != Display::Lines && !is_quiet,
            line: Line::default(),
            phase: None,
        }
    }

    /// The time between two frames, if there are any.
    pub(super) fn every(&self) -> Option<Duration> {
        self.is_shown.then_some(FRAME)
    }

    /// Begins the phase of a message.
    pub(super) fn begin(&mut self, message: &Message, host: &mut dyn Host) {
        let (what, limit) = match message {
            Message::Stopping => ("ending the VM".to_owned(), None),
            Message::Waiting(what, seconds) => (what.clone(), Some(Duration::from_secs(*seconds))),
            Message::Network => ("setting up the network".to_owned(), None),
            Message::Loader => {
                let seconds = self.vm.map(|vm| vm.policy.loader_timeout.0.into());
                (
                    "loading the guest".to_owned(),
                    seconds.map(Duration::from_secs),
                )
            }
            Message::Starting(_) if self.waits_for_viewer() => {
                ("waiting for a viewer".to_owned(), None)
            }
            Message::Starting(pid) => (format!("starting bhyve as pid {pid}"), Some(START_LIMIT)),
            Message::Running(_) | Message::Took(_) | Message::Note(_) | Message::Failed(_) => {
                return;
            }
        };
        let console = self.vm.filter(|_| *message == Message::Loader);
        let hint = console.map(|vm| format!("; to see the loader: {}", vm.command(Verb::Console)));
        self.phase = Some(Phase {
            what,
            hint: hint.unwrap_or_default(),
            began: host.uptime(),
            limit,
        });
    }

    /// Whether bhyve waits for a viewer before the guest starts.
    fn waits_for_viewer(&self) -> bool {
        let screen = self.vm.and_then(|vm| vm.screen.as_ref());
        screen.is_some_and(|screen| screen.waits)
    }

    /// Draws the present phase.
    pub(super) fn draw(&mut self, host: &mut dyn Host, output: &mut Output<'_>) {
        let Some(phase) = self.phase.as_ref().filter(|_| self.is_shown) else {
            return;
        };
        let waited = host.uptime().saturating_sub(phase.began);
        if host.interrupted().is_some() {
            let how_far = seconds(waited, None);
            self.line
                .draw("interrupted: undoing the start", &how_far, "", output);
        } else {
            let how_far = seconds(waited, phase.limit);
            self.line.draw(&phase.what, &how_far, &phase.hint, output);
        }
    }

    /// Erases the line; the next frame draws it again.
    pub(super) fn end(&mut self, output: &mut Output<'_>) {
        self.line.erase(output);
    }
}
