//! The one error of the program, and what each kind means for the exit status.
//!
//! Wording is made where the failure is known; how it looks is decided in [`crate::report`].

use crate::finding::{Finding, FindingName};
use crate::span::Span;
use serde::{Deserialize, Serialize};

/// Exit status: done.
pub const EXIT_DONE: u8 = 0;
/// Exit status: a valid request could not be served.
pub const EXIT_FAILED: u8 = 1;
/// Exit status: wrong usage, or the VM is in the wrong state.
pub const EXIT_REFUSED: u8 = 2;

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What was typed makes no sense; exit 2.
    Usage,
    /// The VM is in the wrong state for it; exit 2.
    State,
    /// The configuration is wrong; exit 1.
    Config,
    /// The host could not do it, or a command failed; exit 1.
    Host,
    /// The reader of our output has gone; silent, exit 0.
    Pipe,
}

impl Kind {
    /// The exit status of a failure of this kind.
    ///
    /// Differs: The exit status tells success from failure
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Usage | Self::State => EXIT_REFUSED,
            Self::Config | Self::Host => EXIT_FAILED,
            Self::Pipe => EXIT_DONE,
        }
    }
}

/// A failure: what, where from, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What sort of failure.
    pub kind: Kind,
    /// What failed: lower case, no final period.
    pub what: String,
    /// What kind of finding it is, where it comes from the configuration.
    pub name: Option<FindingName>,
    /// Where the setting stands that it comes from.
    pub at: Option<Span>,
    /// More of what is known, one line each.
    pub notes: Vec<String>,
    /// What to do, one line each.
    pub help: Vec<String>,
}

impl Error {
    /// A failure of this kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            name: None,
            at: None,
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// What was typed makes no sense.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// The VM is in the wrong state for it.
    pub fn state(what: impl Into<String>) -> Self {
        Self::new(Kind::State, what)
    }

    /// The configuration is wrong.
    pub fn config(what: impl Into<String>) -> Self {
        Self::new(Kind::Config, what)
    }

    /// The host could not do it.
    pub fn host(what: impl Into<String>) -> Self {
        Self::new(Kind::Host, what)
    }

    /// A failure of this kind that another process has told already.
    pub fn said(kind: Kind) -> Self {
        Self::new(kind, "")
    }

    /// Whether it was told already.
    pub fn is_said(&self) -> bool {
        self.what.is_empty()
    }

    /// The same failure with the setting it comes from.
    #[must_use]
    pub fn at(mut self, origin: impl Into<Option<Span>>) -> Self {
        self.at = origin.into();
        self
    }

    /// The same failure as a finding of this name.
    #[must_use]
    pub fn named(mut self, name: FindingName) -> Self {
        self.name = Some(name);
        self
    }

    /// The same failure with one more line of what is known.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same failure with one more line of what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        Self {
            notes: finding.notes,
            help: finding.help,
            ..Self::config(finding.message)
                .at(finding.span)
                .named(finding.name)
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

/// What a function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
