//! `easy-bhyve check`: reports errors and warnings about the configuration.

use super::invocation::Invocation;
use super::invocation::options::CheckArgs;
use super::locate;
use crate::check::{self, Report};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::finding::{Finding, FindingName, Severity};
use crate::operation::context::json;
use crate::operation::options::Format;
use crate::run::not_written;
use crate::session::Session;
use crate::span::Span;
use crate::table::table;
use crate::{report, vis};
use serde::Serialize;
use std::fmt::Write;

/// The version of `--format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 1;

/// The findings as `--format json` shows them.
#[derive(Debug, Serialize)]
struct Document {
    schema: u32,
    /// The files that were read.
    files: Vec<String>,
    findings: Vec<Shown>,
    /// What was not checked, and why.
    left_out: Vec<String>,
}

/// One finding; lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
struct Shown {
    name: FindingName,
    severity: Severity,
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    /// The column after the last character.
    end_column: usize,
    message: String,
    notes: Vec<String>,
    help: Vec<String>,
}

/// Shows every finding; with `--list`, the names of all possible findings.
///
/// # Errors
/// If there is no configuration, the output cannot be written, or a finding is an error (already
/// reported).
pub(super) fn check(
    session: &mut Session<'_, '_>,
    invocation: &Invocation,
    args: CheckArgs,
) -> Result<()> {
    let (process, host) = (session.process, &mut *session.host);
    let output = &mut *session.output;
    let mut write = |text: String| {
        let written = output.out.write_all(text.as_bytes());
        written
            .and_then(|()| output.out.flush())
            .map_err(not_written)
    };
    let format = args.format.unwrap_or_default();
    if args.list {
        return write(list(format)?);
    }
    let (config, report) = match locate::load(process, invocation) {
        Ok(config) => {
            let report = check::of_host(&config, &invocation.spelling, &process.devices, host);
            (config, report)
        }
        Err(refused) => match refused.config {
            Some(config) => {
                let report = check::of_refused(&config);
                (config, report)
            }
            None => return Err(refused.error),
        },
    };
    write(match format {
        // Colour needs both streams on a terminal: a result in a file has none.
        Format::Text => text(&config, &report, process.colour && process.is_watched),
        Format::Json => json(&document(&config, &report))?,
    })?;
    match report.count(Severity::Error) {
        0 => Ok(()),
        _ => Err(Error::said(Kind::Config)),
    }
}

/// A possible finding, as `--list --format json` shows it.
#[derive(Debug, Serialize)]
struct Listed {
    name: FindingName,
    severity: Severity,
    description: &'static str,
}

fn list(format: Format) -> Result<String> {
    let all = FindingName::ALL.iter().map(|name| Listed {
        name: *name,
        severity: name.severity(),
        description: name.description(),
    });
    match format {
        Format::Json => json(&all.collect::<Vec<_>>()),
        Format::Text => {
            let rows = all.map(|one| {
                let description = one.description.trim_end_matches('.').to_owned();
                [one.name.to_string(), one.severity.to_string(), description]
            });
            Ok(table(&["NAME", "SEVERITY", "FINDING"], rows))
        }
    }
}

fn text(config: &Config, report: &Report, colour: bool) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&report::finding(finding, config, colour));
        text.push('\n');
    }
    for line in &report.left_out {
        text.push_str(&vis::line(line));
        text.push('\n');
    }
    let count = |severity, word: &str| match report.count(severity) {
        0 => None,
        1 => Some(format!("1 {word}")),
        more => Some(format!("{more} {word}s")),
    };
    let counts = [
        count(Severity::Error, "error"),
        count(Severity::Warning, "warning"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = if counts.is_empty() {
        "no problems".to_owned()
    } else {
        counts.join(", ")
    };
    let _ = writeln!(text, "{counts} in {}", config.file_names());
    text
}

fn document(config: &Config, report: &Report) -> Document {
    let sources = config.sources().iter();
    Document {
        schema: SCHEMA,
        files: sources
            .map(|source| source.path().display().to_string())
            .collect(),
        findings: report
            .findings
            .iter()
            .map(|finding| shown(config, finding))
            .collect(),
        left_out: report.left_out.clone(),
    }
}

fn shown(config: &Config, finding: &Finding) -> Shown {
    let span = finding.span;
    let (begin, end) = (config.place(span), config.place(behind(span)));
    Shown {
        name: finding.name,
        severity: finding.severity,
        file: begin.file.display().to_string(),
        line: begin.line,
        column: begin.column,
        end_line: end.line,
        end_column: end.column,
        message: finding.message.clone(),
        notes: finding.notes.clone(),
        help: finding.help.clone(),
    }
}

/// The end of a span, as an empty span.
fn behind(span: Span) -> Span {
    Span {
        start: span.end,
        ..span
    }
}
