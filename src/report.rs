//! How an [`Error`] looks on standard error: the one renderer.

use crate::config::{Config, Finding, Severity, Span};
use crate::error::Error;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt::Write;

/// The text of `error`, with its newline.
///
/// `title` is the program as it was called; `config` lends the source line of a setting.
pub fn render(error: &Error, title: &str, config: Option<&Config>, colour: bool) -> String {
    match (error.at, config) {
        (Some(span), Some(config)) => with_source(
            error,
            &Level::ERROR.with_name(title),
            false,
            span,
            config,
            colour,
        ),
        _ => plain(error, title),
    }
}

/// The text of a finding that is no error, with its newline.
pub fn warning(finding: &Finding, title: &str, config: &Config, colour: bool) -> String {
    let shown = Error::from(finding.clone());
    let level = Level::WARNING.with_name(format!("{title}: warning"));
    with_source(&shown, &level, false, finding.span, config, colour)
}

/// The text of a finding with its name, `error[NAME]` or `warning[NAME]`, with its newline.
pub fn finding(finding: &Finding, config: &Config, colour: bool) -> String {
    let shown = Error::from(finding.clone());
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    with_source(&shown, &level, true, finding.span, config, colour)
}

fn plain(error: &Error, title: &str) -> String {
    let mut text = format!("{title}: {}\n", error.what);
    for note in &error.notes {
        let _ = writeln!(text, "  {note}");
    }
    for help in &error.help {
        let _ = writeln!(text, "  help: {help}");
    }
    text
}

fn with_source(
    error: &Error,
    level: &Level<'_>,
    names: bool,
    span: Span,
    config: &Config,
    colour: bool,
) -> String {
    let line = config.line(span);
    let source = String::from_utf8_lossy(line.text);
    let place = config.place(span);
    let path = place.file.to_string_lossy();
    // Invalid bytes become longer in the lossy text, so the marks are counted in characters.
    let first = byte_of_character(&source, place.column.saturating_sub(1));
    let width = String::from_utf8_lossy(config.sources().text(span))
        .lines()
        .next()
        .unwrap_or_default()
        .len();
    let marked = first..(first + width).min(source.len());
    let title = level.clone().primary_title(error.what.as_str());
    let title = match names.then_some(error.name).flatten() {
        Some(name) => title.id(name.as_str()),
        None => title,
    };
    let mut group = Group::with_title(title).element(
        Snippet::source(source.as_ref())
            .line_start(place.line)
            .path(path)
            .annotation(AnnotationKind::Primary.span(marked)),
    );
    for note in &error.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &error.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// The byte at which the character of that number begins.
fn byte_of_character(text: &str, number: usize) -> usize {
    text.char_indices()
        .nth(number)
        .map_or(text.len(), |(byte, _)| byte)
}
