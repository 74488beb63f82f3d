//! The error type of the program, and the exit status of each kind.
//!
//! Messages are worded where the failure is detected; [`crate::report`] decides their appearance.

use crate::finding::{Finding, FindingName};
use crate::span::{Excerpt, Span};
use serde::{Deserialize, Serialize};

/// Exit status: success.
pub const EXIT_DONE: u8 = 0;
/// Exit status: a valid request could not be served.
pub const EXIT_FAILED: u8 = 1;
/// Exit status: wrong usage, or the VM is in the wrong state.
pub const EXIT_REFUSED: u8 = 2;

/// The kind of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The command line is invalid; exit 2.
    Usage,
    /// The VM is in the wrong state for the verb; exit 2.
    State,
    /// The configuration is invalid; exit 1.
    Config,
    /// The host does not allow the request, or a command failed; exit 1.
    Host,
    /// The reader of the output has exited; silent, exit 0.
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

/// A failure: its message, its origin, and advice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    /// The kind of failure.
    pub kind: Kind,
    /// The message: lower case, no final period.
    pub what: String,
    /// The name of the finding, for an error of the configuration.
    pub name: Option<FindingName>,
    /// The place of the setting that causes the failure.
    pub at: Option<Span>,
    /// The place in a file that does not belong to the configuration; shown instead of the setting's.
    pub excerpt: Option<Box<Excerpt>>,
    /// The settings one of which causes the failure, if its place is not known: the first that is set.
    pub settings: Box<[String]>,
    /// Details, one line each.
    pub notes: Vec<String>,
    /// Advice, one line each.
    pub help: Vec<String>,
    /// Whether the only reason is that processes are hidden from this process: root may see them.
    pub is_hidden: bool,
}

impl Error {
    /// A failure of this kind.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            name: None,
            at: None,
            excerpt: None,
            settings: Box::default(),
            notes: Vec::new(),
            help: Vec::new(),
            is_hidden: false,
        }
    }

    /// The command line is invalid.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// The VM is in the wrong state for the verb.
    pub fn state(what: impl Into<String>) -> Self {
        Self::new(Kind::State, what)
    }

    /// The configuration is invalid.
    pub fn config(what: impl Into<String>) -> Self {
        Self::new(Kind::Config, what)
    }

    /// The host does not allow the request, or a command failed.
    pub fn host(what: impl Into<String>) -> Self {
        Self::new(Kind::Host, what)
    }

    /// A failure of this kind that another process has already reported.
    pub fn said(kind: Kind) -> Self {
        Self::new(kind, "")
    }

    /// Whether the failure was already reported.
    pub fn is_said(&self) -> bool {
        self.what.is_empty()
    }

    /// The same failure with the place of the setting that causes it.
    #[must_use]
    pub fn at(mut self, origin: impl Into<Option<Span>>) -> Self {
        self.at = origin.into();
        self
    }

    /// The same failure with the place in a file that does not belong to the configuration.
    #[must_use]
    pub fn excerpt(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(Box::new(excerpt));
        self
    }

    /// The same failure, caused by the first of these settings that is set.
    #[must_use]
    pub fn of_settings(mut self, settings: Vec<String>) -> Self {
        self.settings = settings.into_boxed_slice();
        self
    }

    /// The same failure as a finding of this name.
    #[must_use]
    pub fn named(mut self, name: FindingName) -> Self {
        self.name = Some(name);
        self
    }

    /// The same failure, whose only reason is that processes are hidden from this process.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// The same failure with one more detail.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The same failure with one more line of advice.
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

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
