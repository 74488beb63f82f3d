//! Edits of all assignments of a VM: their removal, and another name of the VM.
//!
//! Pure, as [`super::edit`]: accesses no file.

use super::edit::{Edit, is_plain};
use super::shell::lexer::{Lexer, Token, TokenKind};
use super::{Assignment, Config, settings};
use crate::span::{FileId, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The assignments of a VM, also those that a later one overrides, each place once.
///
/// # Errors
/// Returns the place of one that is part of an expansion, such as `${a_mem:=1G}`.
pub fn assignments<'c>(config: &'c Config, vm: &str) -> Result<Vec<Assignment<'c>>, Span> {
    let is_own = |set: &Assignment<'_>| {
        set.name.starts_with(vm) && config.owner(set.name).is_some_and(|(owner, _)| owner == vm)
    };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for set in config.assignments().filter(is_own) {
        if !is_plain(config, &set) {
            return Err(set.name_span.to(set.value_span));
        }
        // A file can be included twice.
        if seen.insert((set.name_span.file.0, set.name_span.start)) {
            found.push(set);
        }
    }
    Ok(found)
}

/// A setting that a VM of this name, which does not exist, would have.
pub fn waiting<'c>(config: &'c Config, name: &str) -> Option<Assignment<'c>> {
    let key = |set: &Assignment<'c>| set.name.strip_prefix(name)?.strip_prefix('_');
    config.assignments().find(|set| {
        let is_key = key(set).is_some_and(|key| settings::find(key).is_some());
        is_key
            && config
                .owner(set.name)
                .is_none_or(|(owner, _)| owner == name)
    })
}

/// The edits that remove these assignments, one for each. A line that has nothing else is removed with its
/// comment.
pub fn removal(config: &Config, sets: &[Assignment<'_>]) -> Vec<Edit> {
    let mut of_files: BTreeMap<u32, Vec<Assignment<'_>>> = BTreeMap::new();
    for set in sets {
        of_files.entry(set.name_span.file.0).or_default().push(*set);
    }
    let mut edits = Vec::new();
    for (file, mut sets) in of_files {
        let Some(source) = config.sources().source(FileId(file)) else {
            continue;
        };
        sets.sort_by_key(|set| set.name_span.start);
        edits.extend(without(source.bytes(), &sets));
    }
    edits
}

/// The bytes of an assignment, name and value.
fn range(set: &Assignment<'_>) -> Range<usize> {
    set.name_span.range().start..set.value_span.range().end
}

/// A logical line of a file: its tokens up to an unquoted newline.
struct Line {
    tokens: Vec<Token>,
}

impl Line {
    fn range(&self) -> Range<usize> {
        let (first, last) = (self.tokens.first(), self.tokens.last());
        first.map_or(0, |token| token.start)..last.map_or(0, |token| token.end)
    }

    /// Whether the line is empty but for blanks.
    fn is_empty(&self) -> bool {
        let mut tokens = self.tokens.iter();
        tokens.all(|token| matches!(token.kind, TokenKind::Blank | TokenKind::Newline))
    }

    /// Whether the line has nothing else than these assignments.
    fn is_only(&self, bytes: &[u8], own: &[&Assignment<'_>]) -> bool {
        let mut rest = self.tokens.iter().filter(|token| {
            let is_in = |set: &&Assignment<'_>| range(set).contains(&token.start);
            !own.iter().any(is_in)
        });
        rest.all(|token| match token.kind {
            TokenKind::Blank
            | TokenKind::Newline
            | TokenKind::Comment
            | TokenKind::Continuation
            | TokenKind::Semicolon => true,
            TokenKind::Text => {
                let text = bytes.get(token.start..token.end).unwrap_or_default();
                matches!(text, b"export" | b"readonly")
            }
            _ => false,
        })
    }
}

fn lines(bytes: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut tokens = Vec::new();
    for token in Lexer::new(bytes) {
        tokens.push(token);
        if token.kind == TokenKind::Newline {
            let tokens = std::mem::take(&mut tokens);
            lines.push(Line { tokens });
        }
    }
    if !tokens.is_empty() {
        lines.push(Line { tokens });
    }
    lines
}

/// The edits that remove assignments, which are sorted, from the bytes of their file.
fn without(bytes: &[u8], sets: &[Assignment<'_>]) -> Vec<Edit> {
    let lines = lines(bytes);
    let mut edits = Vec::new();
    let mut rest = sets.iter().peekable();
    // The own assignments of each line, and whether the whole line goes.
    let found: Vec<(Vec<&Assignment<'_>>, bool)> = lines
        .iter()
        .map(|line| {
            let end = line.range().end;
            let mut own = Vec::new();
            while let Some(set) = rest.next_if(|set| range(set).start < end) {
                own.push(set);
            }
            let goes = !own.is_empty() && line.is_only(bytes, &own);
            (own, goes)
        })
        .collect();
    for (at, (line, (own, goes))) in lines.iter().zip(&found).enumerate() {
        if !*goes {
            let mut least = 0;
            for mut edit in own.iter().map(|set| cut(line, set)) {
                edit.span.start = edit.span.start.max(least);
                least = edit.span.end;
                edits.push(edit);
            }
            continue;
        }
        let mut start = line.range().start;
        // An empty line before the block goes, too, where another empty line or the end follows.
        let is_first = at == 0 || found.get(at - 1).is_some_and(|(_, goes)| !goes);
        let above = at.checked_sub(1).and_then(|above| lines.get(above));
        let below = lines
            .iter()
            .zip(&found)
            .skip(at)
            .find(|(_, (_, goes))| !goes);
        if is_first
            && let Some(above) = above.filter(|above| above.is_empty())
            && below.is_none_or(|(below, _)| below.is_empty())
        {
            start = above.range().start;
        }
        // One edit for each assignment, so that each names its variable.
        let starts = own.iter().skip(1).map(|set| range(set).start);
        let ends = starts.chain([line.range().end]);
        for (set, end) in own.iter().zip(ends) {
            edits.push(deletion(set, start..end));
            start = end;
        }
    }
    edits
}

/// The edit that removes one assignment from a line that has others: with a `;` and the blanks behind
/// it, or else the blanks before it.
fn cut(line: &Line, set: &Assignment<'_>) -> Edit {
    let own = range(set);
    let behind = line.tokens.iter().filter(|token| token.start >= own.end);
    let kinds = [TokenKind::Blank, TokenKind::Semicolon];
    let behind = behind.take_while(|token| kinds.contains(&token.kind));
    let mut semicolons = 0;
    let mut end = own.end;
    for token in behind {
        semicolons += usize::from(token.kind == TokenKind::Semicolon);
        if semicolons > 1 {
            break;
        }
        end = token.end;
    }
    let before = line
        .tokens
        .iter()
        .rev()
        .find(|token| token.end <= own.start);
    let start = match before {
        Some(token) if end == own.end && token.kind == TokenKind::Blank => token.start,
        _ => own.start,
    };
    deletion(set, start..end)
}

fn deletion(set: &Assignment<'_>, range: Range<usize>) -> Edit {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Edit {
        span: Span {
            file: set.name_span.file,
            start: offset(range.start),
            end: offset(range.end),
        },
        text: Vec::new(),
        name: set.name.to_owned(),
    }
}

/// The edits that give these assignments of a VM the name of another; values stay.
///
/// # Errors
/// The place of a name that a continuation splits.
pub fn renaming(
    config: &Config,
    sets: &[Assignment<'_>],
    vm: &str,
    new: &str,
) -> Result<Vec<Edit>, Span> {
    let edit = |set: &Assignment<'_>| {
        let mut span = set.name_span;
        span.end = span
            .start
            .saturating_add(u32::try_from(vm.len()).unwrap_or(u32::MAX));
        if config.sources().text(span) != vm.as_bytes() {
            return Err(set.name_span);
        }
        let key = set.name.strip_prefix(vm).unwrap_or_default();
        Ok(Edit {
            span,
            text: new.as_bytes().to_vec(),
            name: format!("{new}{key}"),
        })
    };
    sets.iter().map(edit).collect()
}

/// A variable, none of these names, whose values differ after an edit: its name, and its place, in the
/// edited text if it is there.
pub fn dependent(
    old: &Config,
    new: &Config,
    names: &BTreeSet<String>,
) -> Option<(String, Option<Span>)> {
    let is_other = |set: &Assignment<'_>| !names.contains(set.name);
    let mut before = old.assignments().filter(is_other);
    let mut after = new.assignments().filter(is_other);
    loop {
        let (was, is) = (before.next(), after.next());
        let value =
            |set: Option<Assignment<'_>>| set.map(|set| (set.name.to_owned(), set.value.to_vec()));
        if value(was) != value(is) {
            let changed = is.or(was)?;
            return Some((changed.name.to_owned(), is.map(|set| set.name_span)));
        }
        was?;
    }
}

#[cfg(test)]
#[path = "owned_tests.rs"]
mod tests;
