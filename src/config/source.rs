//! The source text of a configuration, and places in it.
//!
//! Offsets are in bytes; lines and columns are computed only for a [`Place`].

use crate::span::{FileId, Span};
use crate::vis;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A position for messages; shown as `FILE:LINE:COLUMN`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The file, as named when it was read.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1; a byte that is not UTF-8 counts as one character.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = vis::shown(&self.file);
        write!(f, "{file}:{}:{}", self.line, self.column)
    }
}

/// One file that was read: its path and its text.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    text: Text,
    /// The offsets of the newlines in the text that are CR LF in the file.
    cr_lf: Vec<u32>,
    lines: OnceLock<Vec<u32>>,
    marks: OnceLock<Vec<Mark>>,
}

/// The text of a file, with LF for each CR LF.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// UTF-8, so that its parts need no check.
    Utf8(Arc<String>),
    /// Not all of it is UTF-8.
    Bytes(Arc<Vec<u8>>),
}

impl Text {
    fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Utf8(Arc::new(text)),
            Err(other) => Self::Bytes(Arc::new(other.into_bytes())),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A position within a long line, from which columns are counted.
#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: u32,
    /// The number of characters of the line before it.
    characters: usize,
}

/// The minimum distance of marks, in bytes.
const MARKS_APART: usize = 4096;

impl Source {
    /// Creates a source from a path and the bytes of that file.
    ///
    /// Differs: A file with CR LF is read as if it had LF
    pub fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        let (bytes, cr_lf) = with_line_feeds(bytes);
        Self {
            path: path.into(),
            text: Text::of(bytes),
            cr_lf,
            lines: OnceLock::new(),
            marks: OnceLock::new(),
        }
    }

    /// The path, as named when it was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text, with LF for each CR LF.
    pub fn bytes(&self) -> &[u8] {
        self.text.bytes()
    }

    /// The offset of the first newline that is CR LF in the file.
    pub fn first_cr_lf(&self) -> Option<u32> {
        self.cr_lf.first().copied()
    }

    /// The bytes of the file.
    pub fn in_file(&self) -> Vec<u8> {
        let mut file = Vec::with_capacity(self.bytes().len() + self.cr_lf.len());
        let mut kept = 0;
        for &newline in &self.cr_lf {
            let line = self.bytes().get(kept..newline as usize);
            file.extend_from_slice(line.unwrap_or_default());
            file.push(b'\r');
            kept = newline as usize;
        }
        file.extend_from_slice(self.bytes().get(kept..).unwrap_or_default());
        file
    }

    pub(super) fn text(&self) -> &Text {
        &self.text
    }

    /// The offset in the file's bytes of an offset in the text.
    pub fn offset_in_file(&self, offset: u32) -> u32 {
        let before = self.cr_lf.partition_point(|newline| *newline < offset);
        offset.saturating_add(u32::try_from(before).unwrap_or(u32::MAX))
    }

    /// The offsets of the line starts; the first one is 0.
    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let ends = self.bytes().iter().zip(1_u32..);
            let starts = ends.filter_map(|(byte, next)| (*byte == b'\n').then_some(next));
            std::iter::once(0).chain(starts).collect()
        })
    }

    /// The line that contains `offset`: its number from 1, and its start.
    fn line_at(&self, offset: u32) -> (usize, u32) {
        let number = self.lines().partition_point(|start| *start <= offset);
        let start = self.lines().get(number.saturating_sub(1));
        (number.max(1), start.copied().unwrap_or_default())
    }
}

impl Source {
    /// Marks in all long lines, so that a lookup does not count the whole line.
    fn marks(&self) -> &[Mark] {
        self.marks.get_or_init(|| {
            let mut marks = Vec::new();
            let ends = self.lines().iter().skip(1).copied();
            let ends = ends.chain([u32::try_from(self.bytes().len()).unwrap_or(u32::MAX)]);
            for (start, end) in self.lines().iter().copied().zip(ends) {
                let line = self.bytes().get(start as usize..end as usize);
                let line = line.filter(|line| line.len() > MARKS_APART);
                mark(line.unwrap_or_default(), start, &mut marks);
            }
            marks
        })
    }

    /// The number of characters between the start of a line and an offset in it.
    fn characters(&self, start: u32, offset: u32) -> usize {
        let long = (offset - start) as usize > MARKS_APART;
        let marks = if long { self.marks() } else { &[] };
        let behind = marks.partition_point(|mark| mark.offset <= offset);
        let mark = behind.checked_sub(1).and_then(|at| marks.get(at));
        let mark = mark.filter(|mark| mark.offset >= start);
        let (from, before) = mark.map_or((start, 0), |mark| (mark.offset, mark.characters));
        let rest = self.bytes().get(from as usize..offset as usize);
        before + characters(rest.unwrap_or_default())
    }
}

/// The bytes with LF for each CR LF, and the offsets of these.
fn with_line_feeds(bytes: Vec<u8>) -> (Vec<u8>, Vec<u32>) {
    let mut cr_lf = Vec::new();
    if !bytes.contains(&b'\r') {
        return (bytes, cr_lf);
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte == b'\r' && rest.peek() == Some(&&b'\n') {
            cr_lf.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        } else {
            text.push(*byte);
        }
    }
    (text, cr_lf)
}

/// Adds the marks of the line that begins at `start`.
fn mark(line: &[u8], start: u32, marks: &mut Vec<Mark>) {
    let (mut at, mut count, mut last) = (0, 0, 0);
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            at += character.len_utf8();
            count += 1;
            if at - last >= MARKS_APART {
                let offset = start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
                marks.push(Mark {
                    offset,
                    characters: count,
                });
                last = at;
            }
        }
        at += chunk.invalid().len();
        count += chunk.invalid().len();
    }
}

/// The line of text on which a span begins, for display with a caret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Line<'c> {
    /// The line's number, from 1.
    pub number: usize,
    /// Offset of the line's first byte in its file.
    pub start: usize,
    /// The line without its newline.
    pub text: &'c [u8],
}

/// All files of a configuration, in the order in which they were first read.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    pub(super) fn push(&mut self, source: Source) -> FileId {
        let id = FileId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(source);
        id
    }

    /// The source with this id.
    pub fn source(&self, id: FileId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }

    /// All sources.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.0.iter()
    }

    /// The bytes of a span; empty for a span of other sources.
    pub fn text(&self, span: Span) -> &[u8] {
        let bytes = self.source(span.file).map_or(&[][..], Source::bytes);
        bytes.get(span.range()).unwrap_or_default()
    }

    /// The text of a span; none if that is not UTF-8.
    pub(super) fn utf8(&self, span: Span) -> Option<&str> {
        match self.source(span.file)?.text() {
            Text::Utf8(text) => text.get(span.range()),
            Text::Bytes(bytes) => std::str::from_utf8(bytes.get(span.range())?).ok(),
        }
    }

    /// The place where a span begins.
    pub fn place(&self, span: Span) -> Place {
        let Some(source) = self.source(span.file) else {
            return Place {
                file: PathBuf::new(),
                line: 1,
                column: 1,
            };
        };
        let (line, start) = source.line_at(span.start);
        Place {
            file: source.path.clone(),
            line,
            column: source.characters(start, span.start.max(start)) + 1,
        }
    }

    /// The line on which a span begins.
    pub fn line(&self, span: Span) -> Line<'_> {
        let Some(source) = self.source(span.file) else {
            return Line {
                number: 1,
                start: 0,
                text: &[],
            };
        };
        let (number, start) = source.line_at(span.start);
        // The index avoids a search through a long line for each place.
        let next = source.lines().get(number).map(|next| *next as usize - 1);
        let end = next.unwrap_or(source.bytes().len());
        let start = start as usize;
        Line {
            number,
            start,
            text: source.bytes().get(start..end).unwrap_or_default(),
        }
    }
}

/// The number of characters in the bytes; each byte that is not UTF-8 counts as one.
fn characters(bytes: &[u8]) -> usize {
    let chunks = bytes.utf8_chunks();
    chunks
        .map(|chunk| chunk.valid().chars().count() + chunk.invalid().len())
        .sum()
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
