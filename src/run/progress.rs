//! What a person sees of a wait: on a terminal one line that goes on, elsewhere one that stands.

use super::Output;
use crate::plan::Wait;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A wait that is seen.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Shows what is waited for.
    pub(super) fn begin(text: &str, wait: &Wait, output: &mut Output<'_>) -> Self {
        // A line that cannot be written is no reason to stop.
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

    /// So long it has been waited.
    pub(super) fn go_on(&self, waited: Duration) {
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
