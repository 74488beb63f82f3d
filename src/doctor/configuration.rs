//! The configuration: what `check` finds that no other subject shows.

use super::answers::Answers;
use super::private::Name;
use super::{Row, network, storage};
use crate::finding::{Finding, Severity};
use crate::report::counted;

const SUBJECT: &str = "configuration";

pub(super) fn rows(answers: &Answers<'_>) -> Vec<Row> {
    let config = match answers.known.config {
        Ok(config) => config,
        Err(error) => return vec![Row::of_error(SUBJECT, error.clone())],
    };
    let shown_elsewhere = |finding: &&Finding| {
        network::NAMES.contains(&finding.name) || storage::NAMES.contains(&finding.name)
    };
    let all = answers.report.iter().flat_map(|report| &report.findings);
    let count = |severity: Severity| {
        let own = all.clone().filter(|one| !shown_elsewhere(one));
        own.filter(|one| one.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let finding = format!(
        "{}: {}, {}, {}",
        config.file_names(),
        counted(config.vms().count(), "VM"),
        counted(errors, "error"),
        counted(warnings, "warning")
    );
    let remedy = answers.known.spelling.command("check");
    let row = match (errors, warnings) {
        (0, 0) => Row::pass(SUBJECT, finding),
        (0, _) => Row::warn(SUBJECT, finding, remedy),
        _ => Row::fail(SUBJECT, finding, remedy),
    };
    let files = config.sources().iter();
    vec![row.naming_all(files.map(|file| Name::place(file.path())))]
}
