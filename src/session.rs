//! The inputs and outputs of a run, for all code from the command line to the root side.

use crate::config::Config;
use crate::finding::Finding;
use crate::host::Host;
use crate::process::Process;
use crate::report;
use crate::run::Output;
use crate::verb::Spelling;
use std::time::Duration;

/// The surroundings of a run, its host, and its output.
pub struct Session<'run, 'writer> {
    /// The surroundings of the run.
    pub process: &'run Process,
    /// The host.
    pub host: &'run mut dyn Host,
    /// The output of the run.
    pub output: &'run mut Output<'writer>,
    /// The program as it was called, for messages.
    pub title: &'run str,
    /// The form of calls in hints.
    pub spelling: Spelling,
    /// When the run began, since the host's boot.
    pub began: Duration,
}

impl<'writer> Session<'_, 'writer> {
    /// The same session for another part of the run.
    pub fn again(&mut self) -> Session<'_, 'writer> {
        Session {
            process: self.process,
            host: &mut *self.host,
            output: &mut *self.output,
            title: self.title,
            spelling: self.spelling.clone(),
            began: self.began,
        }
    }

    /// Writes warnings of the configuration and then notes to standard error.
    pub fn remark(&mut self, warnings: &[Finding], notes: &[String], config: &Config) {
        for finding in warnings {
            let text = report::warning(finding, self.title, config, self.process.colour);
            // A note that cannot be written is no reason to stop.
            let _ = self.output.err.write_all(text.as_bytes());
        }
        for note in notes {
            self.say(note);
        }
    }

    /// Writes a note to standard error, line by line.
    pub fn say(&mut self, text: &str) {
        self.output.say(self.title, text);
    }
}
