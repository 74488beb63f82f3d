//! What the root side tells its caller: lines that begin with a mark, so that what doas, sudo and
//! daemon say on the same pipe is told apart.

use crate::error::{Error, Kind};
use serde::{Deserialize, Serialize};

/// What a line of a report begins with: ASCII's record separator.
pub const MARK: u8 = 0x1e;

/// One line of what the root side tells its caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// A VM that runs is asked to end, to be started again.
    Stopping,
    /// Modules, bridges and taps are made.
    Network,
    /// The guest is being loaded.
    Loader,
    /// bhyve(8) was started, as this process.
    Starting(u32),
    /// The guest runs in this process.
    Running(u32),
    /// Something that a person should know.
    Note(String),
    /// It has failed, and was taken back.
    Failed(Failure),
}

/// A failure, as far as it can be told without a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What sort of failure.
    pub kind: Kind,
    /// What failed.
    pub what: String,
    /// More of what is known.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Message {
    /// As a line, with its newline.
    pub fn line(&self) -> Vec<u8> {
        let mut line = vec![MARK];
        // Nothing here is anything that JSON could not hold.
        line.extend(serde_json::to_vec(self).unwrap_or_default());
        line.push(b'\n');
        line
    }

    /// Reads a line without its newline; none if it is no line of a report.
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
