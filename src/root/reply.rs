//! The reply of a root side, or the error if there is none.

use super::message::Message;
use crate::error::{Error, Result};
use crate::host::Ended;
use crate::model::privilege::Elevation;
use crate::operation::timings::Took;
use crate::operation::{Request, wire};
use crate::run::signal_name;
use crate::verb::Verb;
use crate::vis;

/// What a root side in the background has reported so far.
#[derive(Debug, Default)]
pub(super) struct Reply {
    failed: Option<Error>,
    is_running: bool,
    took: Option<Took>,
    /// The output of other programs on the same pipe.
    said: Vec<String>,
}

impl Reply {
    /// Parses a line of the report; returns a message for the user.
    pub(super) fn read(&mut self, line: &[u8]) -> Option<Message> {
        match Message::parse(line) {
            Some(Message::Failed(failure)) => self.failed = Some(Error::from(failure)),
            Some(Message::Running(_)) => self.is_running = true,
            Some(Message::Took(took)) => self.took = Some(took),
            Some(other) => return Some(other),
            None => self.said.push(vis::bytes(line).to_string()),
        }
        None
    }

    /// Whether the guest runs.
    pub(super) fn is_running(&self) -> bool {
        self.failed.is_none() && self.is_running
    }

    /// The result, with the timings if the request asks for them, after the called process has ended.
    ///
    /// # Errors
    /// The reported failure, or an error if there was no report.
    pub(super) fn result(
        self,
        request: &Request,
        elevation: Elevation,
        ended: Ended,
    ) -> Result<Option<Took>> {
        match self.failed {
            Some(error) => Err(error),
            None if self.is_running => Ok(self.took),
            None => Err(not_run(request, elevation, ended, &self.said)),
        }
    }
}

/// The error for a root side that was not run, or did not finish.
pub(super) fn not_run(
    request: &Request,
    elevation: Elevation,
    ended: Ended,
    said: &[String],
) -> Error {
    let root = format!("{}{}", wire::PREFIX, request.job.verb());
    let how = match ended {
        // The status is that of daemon(8), which has forked: its child was killed.
        Ended::Exit(0) => "exited without a report".to_owned(),
        Ended::Exit(status) => format!("exited with status {status}"),
        Ended::Signal(signal) => format!("was terminated by {}", signal_name(signal)),
    };
    let clean = || {
        let vm = request.vms.first();
        vm.map_or_else(String::new, |vm| {
            format!("free possible leftovers: {}", vm.command(Verb::Clean))
        })
    };
    let Some(word) = elevation.word() else {
        return with(Error::host(format!("{root} {how} before completion")), said).help(clean());
    };
    if let Some(refusal) = elevation.refusal(&said.join("\n")) {
        return Error::host(format!("{word} did not run easy-bhyve"))
            .note(format!("output of {word}: {refusal}"))
            .help(elevation.how_to_allow(refusal));
    }
    // The root side itself never exits with this status.
    if ended == Ended::Exit(1) && said.is_empty() {
        return Error::host(format!("{word} did not run easy-bhyve"))
            .note("see its message above")
            .help(elevation.how_to_allow(""));
    }
    let error = with(
        Error::host(format!("{root} (run by {word}) {how} before completion")),
        said,
    );
    if ended == Ended::Exit(1) {
        return error
            .note(format!(
                "either {word} refused to run easy-bhyve, or daemon failed"
            ))
            .help(elevation.how_to_allow(""));
    }
    error.help(clean())
}

fn with(mut error: Error, said: &[String]) -> Error {
    error
        .notes
        .extend(said.iter().map(|line| format!("output: {line}")));
    error
}
