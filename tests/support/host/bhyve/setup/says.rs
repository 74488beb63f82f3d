//! What bhyve prints, and how it ends before a guest runs.

/// The end of bhyve before the guest, with its exit status; the lines are in [`Says`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End(pub i32);

/// The lines on standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Says {
    pub lines: Vec<String>,
    /// Whether a console is open: bhyve's own messages then end in CR LF (debug.h, `EPRINTLN`).
    pub(super) is_raw: bool,
}

impl Says {
    /// A line of warn(3) or perror(3).
    pub(super) fn line(&mut self, text: impl Into<String>) {
        self.lines.push(text.into());
    }

    /// A line of warnx(3).
    pub(super) fn warn(&mut self, text: impl std::fmt::Display) {
        self.lines.push(format!("bhyve: {text}"));
    }

    /// A message of bhyve's own.
    pub(super) fn own(&mut self, text: impl std::fmt::Display) {
        let end = if self.is_raw { "\r" } else { "" };
        self.lines.push(format!("{text}{end}"));
    }

    /// The end by errx(3).
    pub fn end(&mut self, status: i32, text: impl std::fmt::Display) -> End {
        self.warn(text);
        End(status)
    }
}
