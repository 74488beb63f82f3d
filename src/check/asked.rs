//! The answers of the host.

use crate::error::Error;
use crate::finding::{Finding, FindingName};

/// The results of the queries of the host.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) findings: Vec<Finding>,
    /// The checks that were skipped, each with its reason as a sentence.
    pub(super) left_out: Vec<String>,
    pub(super) not_looked_for: Vec<FindingName>,
}

impl Asked {
    pub(super) fn skip(&mut self, names: &[FindingName], why: &str) {
        let texts: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        self.left_out
            .push(format!("not checked: {}: {why}", texts.join(", ")));
        self.not_looked_for.extend(names);
    }

    pub(super) fn add(&mut self, error: Error) {
        self.findings.extend(super::finding(error));
    }
}
