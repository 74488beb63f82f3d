//! Renders an [`Error`] for standard error. All text is escaped by [`crate::vis`].

use crate::config::{Config, Line, Place};
use crate::error::Error;
use crate::finding::{Finding, Severity};
use crate::span::{Excerpt, Span};
use crate::vis;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

/// The text of `error`, with its newline.
///
/// `title` is the program's name as called; `config` provides the source line of a setting.
pub fn render(error: &Error, title: &str, config: Option<&Config>, colour: bool) -> String {
    let shown = match (&error.excerpt, place(error, config), config) {
        (Some(excerpt), ..) => Shown::of_excerpt(excerpt),
        (None, Some(span), Some(config)) => Shown::of_setting(span, config),
        _ => return plain(error, title),
    };
    let level = Level::ERROR.with_name(vis::line(title));
    with_source(error, &level, false, &shown, colour)
}

/// The place of the setting that causes the failure.
fn place(error: &Error, config: Option<&Config>) -> Option<Span> {
    error.at.or_else(|| config?.place_of(&error.settings))
}

/// The text of a warning, with its newline.
pub fn warning(finding: &Finding, title: &str, config: &Config, colour: bool) -> String {
    let error = Error::from(finding.clone());
    let level = Level::WARNING.with_name(format!("{}: warning", vis::line(title)));
    let shown = Shown::of_setting(finding.span, config);
    with_source(&error, &level, false, &shown, colour)
}

/// The text of a finding with its name, `error[NAME]` or `warning[NAME]`, with its newline.
pub fn finding(finding: &Finding, config: &Config, colour: bool) -> String {
    let error = Error::from(finding.clone());
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let shown = Shown::of_setting(finding.span, config);
    with_source(&error, &level, true, &shown, colour)
}

/// The line of a place, and the part of the line that is marked.
struct Shown<'text> {
    place: Place,
    line: Line<'text>,
    span: Span,
}

impl<'text> Shown<'text> {
    fn of_setting(span: Span, config: &'text Config) -> Self {
        Self {
            place: config.place(span),
            line: config.line(span),
            span,
        }
    }

    fn of_excerpt(excerpt: &'text Excerpt) -> Self {
        let Range { start, end } = excerpt.marked;
        Self {
            place: Place {
                file: excerpt.file.clone(),
                line: excerpt.line,
                column: excerpt.column,
            },
            line: Line {
                number: excerpt.line,
                start: 0,
                text: &excerpt.text,
            },
            span: Span {
                start,
                end,
                ..Span::default()
            },
        }
    }
}

fn plain(error: &Error, title: &str) -> String {
    let mut text = format!("{}: {}\n", vis::line(title), vis::line(&error.what));
    for note in &error.notes {
        let _ = writeln!(text, "  {}", vis::line(note));
    }
    for help in &error.help {
        let _ = writeln!(text, "  help: {}", vis::line(help));
    }
    text
}

fn with_source(
    error: &Error,
    level: &Level<'_>,
    names: bool,
    shown: &Shown<'_>,
    colour: bool,
) -> String {
    let place = &shown.place;
    let path = vis::shown(&place.file).to_string();
    let line = Line {
        text: &without_passwords(shown.line.text),
        ..shown.line
    };
    let shown = Window::of(&line, shown.span);
    let (source, marked) = shown.characters();
    let title = level.clone().primary_title(vis::line(&error.what));
    let title = match names.then_some(error.name).flatten() {
        Some(name) => title.id(name.as_str()),
        None => title,
    };
    let before = source.get(..marked.start).unwrap_or_default();
    let counted = before.chars().count() + 1;
    let snippet = Snippet::source(source.as_str())
        .line_start(place.line)
        .annotation(AnnotationKind::Primary.span(marked.clone()));
    let mut group = Group::with_title(title).element(snippet.path(path.as_str()));
    for note in &error.notes {
        group = group.element(Level::NOTE.message(vis::line(note)));
    }
    for help in &error.help {
        group = group.element(Level::HELP.message(vis::line(help)));
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = renderer.render(&[group]);
    text.push('\n');
    // The renderer counts the characters shown, not those of the line.
    text.replacen(
        &format!("{path}:{}:{counted}", place.line),
        &format!("{path}:{}:{}", place.line, place.column),
        1,
    )
}

/// A number with its noun: `1 link`, `2 links`.
pub fn counted(number: usize, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// A line with stars in place of each word behind `password=`: a message may be shown to others.
fn without_passwords(line: &[u8]) -> Cow<'_, [u8]> {
    const BEFORE: &[u8] = b"password=";
    let mut line = Cow::Borrowed(line);
    let mut from = 0;
    while let Some(at) = line
        .get(from..)
        .and_then(|rest| rest.windows(BEFORE.len()).position(|part| part == BEFORE))
    {
        from += at + BEFORE.len();
        let is_of_word = |byte: &&mut u8| !matches!(byte, b',' | b' ' | b'\t' | b'\'' | b'"');
        let rest = line.to_mut().iter_mut().skip(from);
        rest.take_while(is_of_word).for_each(|byte| *byte = b'*');
    }
    line
}

/// The longest line that is shown whole, and the length of the part around the marked text that is
/// shown of a longer line, in bytes.
const LONGEST: usize = 2000;
const AROUND: usize = 80;

/// The shown part of a line: offsets in it, in bytes.
struct Window<'line> {
    text: &'line [u8],
    from: usize,
    to: usize,
    /// The marked part: a span can end on a later line.
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
            // Does not start within a character, which has at most four bytes.
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

    /// The shown text, and the position of the marked characters in it; a partly marked character
    /// is marked whole.
    fn characters(&self) -> (String, Range<usize>) {
        let bytes = self.text.get(self.from..self.to).unwrap_or_default();
        let mut text = String::with_capacity(bytes.len());
        let mut marked = 0..0;
        let mut at = self.from;
        let mut push = |character: &[u8]| {
            if at <= self.start {
                marked = text.len()..text.len();
            }
            match character {
                // The renderer replaces a tab by blanks.
                b"\t" => text.push('\t'),
                other => {
                    let _ = write!(text, "{}", vis::bytes(other));
                }
            }
            if at < self.end {
                marked.end = text.len();
            }
            at += character.len();
        };
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                push(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            chunk.invalid().chunks(1).for_each(&mut push);
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
