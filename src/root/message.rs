//! The reports of the root side to its caller: lines that begin with a mark, which distinguishes them
//! from the output of doas, sudo and daemon on the same pipe.

use crate::error::{Error, Kind};
use crate::operation::timings::Took;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The first byte of a line of a report: ASCII's record separator.
pub const MARK: u8 = 0x1e;

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// A running VM is being ended, to be started again.
    Stopping,
    /// The root side waits for this, up to this number of seconds.
    Waiting(String, u64),
    /// Modules, bridges and taps are being set up.
    Network,
    /// The guest is being loaded.
    Loader,
    /// bhyve(8) was started, with this pid.
    Starting(u32),
    /// The guest runs, in the bhyve(8) with this pid.
    Running(u32),
    /// How long each phase of the start took; precedes [`Self::Running`].
    Took(Took),
    /// A note for the user.
    Note(String),
    /// The start has failed, and was undone.
    Failed(Failure),
}

/// A failure, without its place in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of the failure.
    pub kind: Kind,
    /// What failed.
    pub what: String,
    /// Details.
    pub notes: Vec<String>,
    /// Remedies.
    pub help: Vec<String>,
}

impl Message {
    /// A wait with this limit.
    pub fn waiting(what: &str, limit: Duration) -> Self {
        Self::Waiting(what.to_owned(), limit.as_secs())
    }

    /// As a line, with its newline.
    pub fn line(&self) -> Vec<u8> {
        let mut line = vec![MARK];
        // Every message has a form in JSON.
        line.extend(serde_json::to_vec(self).unwrap_or_default());
        line.push(b'\n');
        line
    }

    /// Reads a line without its newline; `None` if it is not a line of a report.
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line.strip_prefix(&[MARK])?).ok()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind,
            what: error.what,
            notes: error.notes,
            help: error.help,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self {
            notes: failure.notes,
            help: failure.help,
            ..Self::new(failure.kind, failure.what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Message};
    use crate::error::Error;

    #[test]
    fn a_line_is_read_back_whatever_it_says() {
        let error = Error::state("it \u{1e} \"fails\"\nin two lines")
            .note("a note")
            .help("a remedy");
        for report in [
            Message::Network,
            Message::Running(4711),
            Message::Waiting("a \"word\"".into(), 30),
            Message::Note("\t".into()),
            Message::Failed(Failure::from(error)),
        ] {
            let line = report.line();
            let (last, line) = line.split_last().unwrap();
            assert_eq!((*last, line.contains(&b'\n')), (b'\n', false));
            assert_eq!(Message::parse(line), Some(report));
        }
        assert_eq!(Message::parse(b"doas: Operation not permitted"), None);
    }
}
