//! The progress of a start in the background, as a line on the terminal.

use super::message::Message;
use crate::operation::{Job, Request};
use crate::run::Output;
use crate::verb::Verb;
use crate::vis;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The line on a terminal that shows the progress of a start. The line appears with the first phase,
/// because an escalator may ask for a password before.
pub(super) struct Phases {
    line: Option<ProgressBar>,
    is_shown: bool,
    title: String,
    /// The command that shows the loader.
    console: String,
}

impl Phases {
    pub(super) fn new(request: &Request, output: &Output<'_>) -> Self {
        let vm = request.vms.first();
        let is_quiet = matches!(&request.job, Job::Restart(restart) if restart.quiet);
        Self {
            line: None,
            is_shown: output.is_terminal && !is_quiet,
            title: request.title.clone(),
            console: vm.map_or_else(String::new, |vm| vm.command(Verb::Console)),
        }
    }

    pub(super) fn show(&mut self, phase: &Message) {
        let message = match phase {
            Message::Stopping => "waiting for the guest to shut down".to_owned(),
            Message::Network => "setting up the network".to_owned(),
            Message::Loader => format!("loading the guest; to see the loader: {}", self.console),
            Message::Starting(pid) => format!("bhyve starts as pid {pid}"),
            Message::Running(_) | Message::Note(_) | Message::Failed(_) => return,
        };
        match &self.line {
            Some(line) => line.set_message(message),
            None if self.is_shown => self.line = Some(self.begin(message)),
            None => {}
        }
    }

    fn begin(&self, message: String) -> ProgressBar {
        let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_prefix(vis::line(&self.title).into_owned())
            .with_message(message);
        let line = match ProgressStyle::with_template("{prefix}: {msg}") {
            Ok(style) => line.with_style(style),
            Err(_) => line,
        };
        line.tick();
        line
    }

    /// Hides the line while `say` prints another message.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        match &self.line {
            Some(line) => line.suspend(say),
            None => say(),
        }
    }
}

impl Drop for Phases {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.finish_and_clear();
        }
    }
}
