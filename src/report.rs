//! How an [`Error`] looks on standard error: the one renderer.

use crate::config::{Config, Finding, Line, Severity, Span};
use crate::error::Error;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::fmt::Write;
use std::ops::Range;

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
    let place = config.place(span);
    let path = place.file.to_string_lossy();
    let shown = Window::of(&line, span);
    let (source, marked) = shown.characters();
    let title = level.clone().primary_title(error.what.as_str());
    let title = match names.then_some(error.name).flatten() {
        Some(name) => title.id(name.as_str()),
        None => title,
    };
    let snippet = Snippet::source(source.as_str())
        .line_start(place.line)
        .annotation(AnnotationKind::Primary.span(marked));
    let mut group = Group::with_title(title);
    group = if shown.is_whole() {
        group.element(snippet.path(path))
    } else {
        let origin = Origin::path(path)
            .line(place.line)
            .char_column(place.column);
        group.element(origin).element(snippet)
    };
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

/// The longest line that is shown whole, and how much of a longer one is shown around what is
/// marked, in bytes.
const LONGEST: usize = 2000;
const AROUND: usize = 80;

/// What is shown of a line: offsets in it, in bytes.
struct Window<'line> {
    text: &'line [u8],
    from: usize,
    to: usize,
    /// What is marked: a span can end on a later line.
    start: usize,
    end: usize,
}

impl<'line> Window<'line> {
    fn of(line: &Line<'line>, span: Span) -> Self {
        let text = line.text;
        let offset = |at: u32| (at as usize).saturating_sub(line.start).min(text.len());
        let (start, end) = (offset(span.start), offset(span.end));
        let mut window = Self {
            text,
            from: 0,
            to: text.len(),
            start,
            end,
        };
        if text.len() > LONGEST {
            let is_within = |at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
            window.end = end.min(start + AROUND);
            window.from = start.saturating_sub(AROUND);
            window.to = (window.end + AROUND).min(text.len());
            // Not from within a character, which is four bytes at the most.
            for _ in 0..3 {
                if window.from > 0 && is_within(window.from) {
                    window.from -= 1;
                }
                if is_within(window.to) {
                    window.to += 1;
                }
            }
        }
        window
    }

    fn is_whole(&self) -> bool {
        self.from == 0 && self.to == self.text.len()
    }

    /// What is shown, with one mark for each byte that is not UTF-8, as columns count them; and
    /// where in it the marked characters stand, of which even a part is marked whole.
    fn characters(&self) -> (String, Range<usize>) {
        let bytes = self.text.get(self.from..self.to).unwrap_or_default();
        let mut text = String::with_capacity(bytes.len());
        let mut marked = 0..0;
        let mut at = self.from;
        let mut push = |character: char, length: usize| {
            if at <= self.start {
                marked = text.len()..text.len();
            }
            text.push(character);
            if at < self.end {
                marked.end = text.len();
            }
            at += length;
        };
        for chunk in bytes.utf8_chunks() {
            let valid = chunk.valid().chars();
            valid.for_each(|character| push(character, character.len_utf8()));
            let invalid = chunk.invalid().iter();
            invalid.for_each(|_| push(char::REPLACEMENT_CHARACTER, 1));
        }
        if at <= self.start {
            marked = text.len()..text.len();
        }
        (text, marked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_shown_in_whole_characters_wherever_it_begins_and_ends() {
        let pieces = [b"\\\xc2\x80\x80", "日".as_bytes(), b"\xf0\x9f"];
        let long = "日本".repeat(LONGEST / 5);
        for (text, step) in [(&*pieces.concat(), 1), (long.as_bytes(), 37)] {
            let line = Line {
                number: 1,
                start: 0,
                text,
            };
            let length = u32::try_from(text.len()).unwrap();
            let ends = |from| (from..=length).step_by(step);
            for (start, end) in ends(0).flat_map(|start| ends(start).map(move |end| (start, end))) {
                let span = Span {
                    start,
                    end,
                    ..Span::default()
                };
                let (shown, marked) = Window::of(&line, span).characters();
                let characters = shown.get(marked.clone());
                assert!(characters.is_some(), "{span:?}: {marked:?} of {shown}");
                assert!(
                    start == end || characters != Some(""),
                    "{span:?} of {shown}"
                );
            }
        }
    }
}
