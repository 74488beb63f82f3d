//! `easy-bhyve doctor`: what this host lacks for VMs, and the remedies.

use super::invocation::Invocation;
use super::invocation::options::DoctorArgs;
use super::locate::{self, Refused};
use super::setup;
use crate::config::Config;
use crate::doctor::private::Private;
use crate::doctor::{self, Known, Row, Verdict, privilege};
use crate::error::{Error, Kind, Result};
use crate::model::privilege::Elevation;
use crate::operation::context::{Context, json};
use crate::operation::options::Format;
use crate::report::counted;
use crate::run::not_written;
use crate::session::Session;
use crate::vis;
use serde::Serialize;
use std::fmt::Write;

/// The version of `--format json`, raised with each change that a reader would notice.
const SCHEMA: u32 = 1;

/// The table as `--format json` shows it.
#[derive(Debug, Serialize)]
struct Document<'rows> {
    schema: u32,
    rows: &'rows [Row],
}

/// Examines the host, and shows the table.
///
/// # Errors
/// If a row fails (already reported), or the output cannot be written.
pub(super) fn doctor(
    session: &mut Session<'_, '_>,
    invocation: &Invocation,
    args: DoctorArgs,
) -> Result<()> {
    let loaded = locate::load(session.process, invocation).map_err(|refused| placed(&refused));
    let mut known = Known {
        process: session.process,
        config: loaded.as_ref(),
        is_new: loaded.is_err() && locate::is_nowhere(session.process, invocation),
        stale_links: None,
        spelling: &invocation.spelling,
    };
    let rows = if args.privilege {
        vec![trial(session, known, args.report)?]
    } else {
        known.stale_links = known
            .config
            .ok()
            .and_then(|config| stale_links(session, config));
        doctor::examine(known, session.host)
    };
    let text = match args.format.unwrap_or_default() {
        Format::Json => json(&Document {
            schema: SCHEMA,
            rows: &rows,
        })?,
        Format::Text if args.report => {
            let private = Private::of(session.process, &invocation.spelling, &rows);
            markdown(&rows, &private)
        }
        Format::Text => text(&rows),
    };
    let out = &mut session.output.out;
    let written = out.write_all(text.as_bytes());
    written.and_then(|()| out.flush()).map_err(not_written)?;
    if rows.iter().any(|row| row.verdict == Verdict::Fail) {
        return Err(Error::said(Kind::Host));
    }
    Ok(())
}

/// The error, with the place that is wrong before its text.
fn placed(refused: &Refused) -> Error {
    let error = refused.error.clone();
    let place = refused.config.as_ref().zip(error.at);
    match place.map(|(config, at)| config.place(at)) {
        Some(place) => Error {
            what: format!("{place}: {}", error.what),
            ..error
        },
        None => error,
    }
}

/// How many links `setup` would change; none if that cannot be told.
fn stale_links(session: &mut Session<'_, '_>, config: &Config) -> Option<usize> {
    let mut context = Context::of(session, config);
    Some(setup::links(&mut context).ok()?.stale)
}

/// Shows the line of every escalator, except for a report; a row for the one in use: whether its rule works.
fn trial(session: &mut Session<'_, '_>, known: Known<'_>, is_for_others: bool) -> Result<Row> {
    let process = session.process;
    // Behind doas or sudo the rule is that of the user who called it.
    let user = process.user_behind();
    let user = user.unwrap_or_else(|| privilege::YOU.to_owned());
    let program = process.program.display().to_string();
    for elevation in [Elevation::Doas, Elevation::Sudo, Elevation::Mdo] {
        if is_for_others {
            break;
        }
        let word = elevation.word().unwrap_or_default();
        let line = privilege::line(elevation, &user, &program);
        let text = format!("{word}: {}: {line}", privilege::place(elevation));
        session.say(&vis::line(&text));
        session.say(&format!("{word}: {}", privilege::reason(elevation)));
    }
    let elevation = known.elevation(session.host);
    privilege::tried(process, &user, elevation, session.host)
}

fn text(rows: &[Row]) -> String {
    let width = |cell: &dyn Fn(&Row) -> usize| rows.iter().map(cell).max().unwrap_or_default();
    let verdicts = width(&|row| row.verdict.as_str().len());
    let subjects = width(&|row| row.subject.len());
    let mut text = String::new();
    for row in rows {
        let (verdict, finding) = (row.verdict.as_str(), vis::line(&row.finding));
        let _ = writeln!(
            text,
            "{verdict:verdicts$}  {:subjects$}  {finding}",
            row.subject
        );
        for (nth, line) in row
            .remedy
            .iter()
            .flat_map(|remedy| remedy.lines().enumerate())
        {
            let arrow = if nth == 0 { "->" } else { "" };
            let line = vis::line(line);
            let _ = writeln!(text, "{:verdicts$}  {:subjects$}  {arrow:2} {line}", "", "");
        }
    }
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let _ = writeln!(
        text,
        "{} passed, {}, {}, {} not asked",
        count(Verdict::Pass),
        counted(count(Verdict::Warn), "warning"),
        counted(count(Verdict::Fail), "failure"),
        count(Verdict::NotAsked)
    );
    text
}

/// The table for a bug report.
fn markdown(rows: &[Row], private: &Private) -> String {
    let cell = |text: &str| {
        let text = vis::lines(text);
        text.replace('|', "\\|").replace('\n', "<br>")
    };
    let mut text = format!(
        "easy-bhyve {}\n\n| verdict | subject | finding | remedy |\n|---|---|---|---|\n",
        env!("CARGO_PKG_VERSION")
    );
    for row in rows {
        let (finding, remedy) = match &row.for_others {
            Some(finding) => (finding.clone(), String::new()),
            None => (
                private.hide(&row.finding, row),
                private.hide(row.remedy.as_deref().unwrap_or_default(), row),
            ),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            row.verdict.as_str(),
            row.subject,
            cell(&finding),
            cell(&remedy)
        );
    }
    text
}
