//! The examination of this host: what a VM needs, and the remedy where it is missing.
//!
//! One file per subject, each a function from `Answers` to [`Row`]s; every question is asked once, before
//! the rows, by the commands that the verbs use. Nothing is changed, and nothing runs as root, except that
//! [`privilege::tried`] calls the escalator as it is asked to.

mod answers;
mod configuration;
mod installation;
mod leftovers;
mod loaders;
mod machine;
mod network;
pub mod private;
pub mod privilege;
mod storage;

use crate::config::Config;
use crate::error::{Error, Kind};
use crate::finding::{Finding, FindingName, Severity};
use crate::host::Look;
use crate::process::Process;
use crate::verb::Spelling;
use answers::Answers;
use private::Name;
use serde::Serialize;

/// The result of one examination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing is to be done.
    Pass,
    /// VMs run, but something is not as it should be.
    Warn,
    /// A VM of the configuration cannot run, or the host is not safe.
    Fail,
    /// The host could not be asked.
    NotAsked,
}

impl Verdict {
    /// The word of the verdict.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::NotAsked => "not asked",
        }
    }
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The subject, in one or two words.
    pub subject: &'static str,
    /// The result.
    pub verdict: Verdict,
    /// What was found: a sentence without a period.
    pub finding: String,
    /// What to do, if something is to be done: a command, or a sentence; further lines are to be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The names in both that are private.
    #[serde(skip)]
    pub names: Vec<Name>,
    /// What a report for others has in place of both: their text can have any word of the configuration.
    #[serde(skip)]
    pub for_others: Option<String>,
}

impl Row {
    fn pass(subject: &'static str, finding: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Pass,
            finding: finding.into(),
            remedy: None,
            names: Vec::new(),
            for_others: None,
        }
    }

    /// The same row, whose texts have this private name.
    fn naming(self, name: Name) -> Self {
        self.naming_all([name])
    }

    /// The same row, whose texts have these private names.
    fn naming_all(mut self, names: impl IntoIterator<Item = Name>) -> Self {
        self.names.extend(names);
        self
    }

    fn warn(subject: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            remedy: Some(remedy.into()),
            ..Self::pass(subject, finding)
        }
    }

    fn fail(subject: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            ..Self::warn(subject, finding, remedy)
        }
    }

    fn not_asked(subject: &'static str, why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotAsked,
            ..Self::pass(subject, why)
        }
    }

    /// A finding of `check` as a row, with its first line of advice.
    fn of_finding(subject: &'static str, finding: &Finding) -> Self {
        Self {
            verdict: match finding.severity {
                Severity::Error => Verdict::Fail,
                Severity::Warning => Verdict::Warn,
            },
            remedy: finding.help.first().cloned(),
            for_others: Some(kind_of(finding.name)),
            ..Self::pass(subject, finding.message.clone())
        }
    }

    /// A failure as a row, with its first line of advice.
    fn of_error(subject: &'static str, error: Error) -> Self {
        let remedy = error.help.into_iter().next();
        let for_others = match (error.name, error.kind) {
            (Some(name), _) => Some(kind_of(name)),
            // This program's own words.
            (None, Kind::Host) => None,
            (None, _) => Some("the configuration is missing, or cannot be read".to_owned()),
        };
        Self {
            verdict: Verdict::Fail,
            remedy,
            for_others,
            ..Self::pass(subject, error.what)
        }
    }
}

/// A finding without the words that it is about.
fn kind_of(name: FindingName) -> String {
    format!("{name}: {}", name.description())
}

/// What is known without a question.
#[derive(Clone, Copy)]
pub struct Known<'run> {
    /// The surroundings of the run.
    pub process: &'run Process,
    /// The configuration, or why it cannot be used.
    pub config: Result<&'run Config, &'run Error>,
    /// Whether there is no configuration yet: what it would say has its default.
    pub is_new: bool,
    /// How many links are out of date; none if that is unknown.
    pub stale_links: Option<usize>,
    /// How the user calls verbs.
    pub spelling: &'run Spelling,
}

/// Examines the host.
pub fn examine(known: Known<'_>, look: &mut dyn Look) -> Vec<Row> {
    let answers = Answers::ask(known, look);
    let subjects: [fn(&Answers<'_>) -> Vec<Row>; 8] = [
        machine::rows,
        configuration::rows,
        privilege::rows,
        loaders::rows,
        network::rows,
        storage::rows,
        leftovers::rows,
        installation::rows,
    ];
    subjects.iter().flat_map(|rows| rows(&answers)).collect()
}
