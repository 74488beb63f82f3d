//! What a run works with, from the command line down to the root side.

use crate::host::Host;
use crate::process::Process;
use crate::run::Output;

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
}

impl<'writer> Session<'_, 'writer> {
    /// The same session for another part of the run.
    pub fn again(&mut self) -> Session<'_, 'writer> {
        Session {
            process: self.process,
            host: &mut *self.host,
            output: &mut *self.output,
            title: self.title,
        }
    }

    /// Writes a note to standard error, line by line.
    pub fn say(&mut self, text: &str) {
        self.output.say(self.title, text);
    }
}
