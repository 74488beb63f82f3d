//! The display of a wait: a progress bar on a terminal, one line elsewhere.

use super::Output;
use crate::plan::Wait;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A displayed wait.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Displays the text of a wait.
    pub(super) fn begin(text: &str, wait: &Wait, output: &mut Output<'_>) -> Self {
        // Ignore failure: a lost line is no reason to stop.
        if !output.is_terminal {
            let _ = writeln!(output.err, "{text}");
            return Self { bar: None };
        }
        let bar =
            ProgressBar::with_draw_target(Some(millis(wait.limit)), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(text.to_owned());
        Self { bar: Some(bar) }
    }

    /// Updates the time waited.
    pub(super) fn update(&self, waited: Duration) {
        if let Some(bar) = &self.bar {
            bar.set_position(millis(waited));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
