//! How an [`Error`] looks on standard error: the one renderer.

use crate::config::{Config, Finding, Span};
use crate::error::Error;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::fmt::Write;

/// The text of `error`, with its newline.
///
/// `title` is the program as it was called; `config` lends the source line of a setting.
pub fn render(error: &Error, title: &str, config: Option<&Config>, colour: bool) -> String {
    match (error.at, config) {
        (Some(span), Some(config)) => {
            with_source(error, &Level::ERROR.with_name(title), span, config, colour)
        }
        _ => plain(error, title),
    }
}

/// The text of a finding that is no error, with its newline.
pub fn warning(finding: &Finding, title: &str, config: &Config, colour: bool) -> String {
    let mut shown = Error::config(finding.message.as_str());
    shown.help.extend(finding.help.clone());
    let level = Level::WARNING.with_name(format!("{title}: warning"));
    with_source(&shown, &level, finding.span, config, colour)
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
    span: Span,
    config: &Config,
    colour: bool,
) -> String {
    let line = config.line(span);
    let source = characters(line.text);
    let place = config.place(span);
    let path = place.file.to_string_lossy();
    let first = byte_of_character(&source, place.column.saturating_sub(1));
    // A span can end on a later line, or within a character.
    let end = (span.end as usize).saturating_sub(line.start);
    let up_to_end = line.text.get(..end).unwrap_or(line.text);
    let last = byte_of_character(&source, characters(up_to_end).chars().count());
    let marked = first..last.max(first);
    let mut group = Group::with_title(level.clone().primary_title(error.what.as_str())).element(
        Snippet::source(source.as_str())
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

/// The text with one mark for each byte that is not UTF-8, as columns count them.
fn characters(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// The byte at which the character of that number begins.
fn byte_of_character(text: &str, number: usize) -> usize {
    text.char_indices()
        .nth(number)
        .map_or(text.len(), |(byte, _)| byte)
}
