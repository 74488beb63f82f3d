//! The assigned variables of a configuration, in order, and an index of them by name.
//!
//! Text that is in a file verbatim is not copied: most values refer to their source.

use crate::span::{FileId, Span};
use hashbrown::HashTable;
use std::collections::HashMap;

use super::source::Sources;

/// One assignment of a configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Assignment<'c> {
    /// The variable.
    pub name: &'c str,
    /// The value of the variable in sh.
    pub value: &'c [u8],
    /// The place of the name.
    pub name_span: Span,
    /// The place of the value, with its quotes; an empty value has an empty span after the `=`.
    pub value_span: Span,
}

/// Constructed text: a range of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    start: u32,
    end: u32,
}

/// Text in a source, or constructed text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    Source(Span),
    Made(Made),
}

/// The value of an assignment: the text at its place, or constructed text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    AsWritten,
    Made(Made),
}

/// An assignment to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assigned {
    pub(super) name: Piece,
    pub(super) name_span: Span,
    pub(super) value: Value,
    pub(super) value_span: Span,
}

/// An assignment in little memory: its name and its value are in one file, at these offsets.
#[derive(Clone, Copy, Debug)]
struct Record {
    variable: u32,
    file: FileId,
    name: (u32, u32),
    value_at: (u32, u32),
    value: Value,
}

impl Record {
    fn span(self, (start, end): (u32, u32)) -> Span {
        let file = self.file;
        Span { file, start, end }
    }
}

#[derive(Clone, Debug)]
struct Variable {
    name: Piece,
    last: Option<u32>,
}

/// Sources, assignments and variables, which grow while files are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    pub(super) sources: Sources,
    made: Vec<u8>,
    records: Vec<Record>,
    variables: Vec<Variable>,
    index: HashTable<u32>,
    /// The readonly variables, and where each was made so.
    readonly: HashMap<u32, Span>,
}

impl Store {
    /// Reserves memory for about this many more assignments.
    pub(super) fn expect(&mut self, assignments: usize) {
        let Self {
            sources,
            made,
            variables,
            index,
            ..
        } = self;
        let hash_of = |id: &u32| {
            let variable = variables.get(*id as usize);
            variable.map_or(0, |variable| hash(text(sources, made, variable.name)))
        };
        index.reserve(assignments, hash_of);
        self.records.reserve(assignments);
        self.variables.reserve(assignments);
    }

    pub(super) fn make(&mut self, bytes: &[u8]) -> Made {
        let start = self.made_to();
        self.made.extend_from_slice(bytes);
        let end = self.made_to();
        Made { start, end }
    }

    /// The end of the constructed bytes, whose limit is far below the largest offset.
    fn made_to(&self) -> u32 {
        u32::try_from(self.made.len()).unwrap_or(u32::MAX)
    }

    /// Makes the value of a variable, followed by this text, if it is set and all of it has at most so many
    /// bytes.
    pub(super) fn make_with(&mut self, variable: &[u8], text: &[u8], most: usize) -> Option<Made> {
        let record = *self.records.get(self.find(variable)?.last? as usize)?;
        if self.value_of(record).len() + text.len() > most {
            return None;
        }
        let start = self.made_to();
        match record.value {
            Value::AsWritten => {
                let value = self.sources.text(record.span(record.value_at));
                self.made.extend_from_slice(value);
            }
            Value::Made(Made { start, end }) => {
                self.made.extend_from_within(start as usize..end as usize);
            }
        }
        self.made.extend_from_slice(text);
        let end = self.made_to();
        Some(Made { start, end })
    }

    pub(super) fn made(&self) -> usize {
        self.made.len()
    }

    pub(super) fn text(&self, piece: Piece) -> &[u8] {
        text(&self.sources, &self.made, piece)
    }

    fn utf8(&self, piece: Piece) -> Option<&str> {
        match piece {
            Piece::Source(span) => self.sources.utf8(span),
            Piece::Made(_) => std::str::from_utf8(self.text(piece)).ok(),
        }
    }

    fn find(&self, name: &[u8]) -> Option<&Variable> {
        let same = |id: &u32| {
            let variable = self.variables.get(*id as usize);
            variable.is_some_and(|variable| self.text(variable.name) == name)
        };
        let id = self.index.find(hash(name), same)?;
        self.variables.get(*id as usize)
    }

    fn intern(&mut self, name: Piece) -> u32 {
        let Self {
            sources,
            made,
            variables,
            index,
            ..
        } = self;
        let text_of = |id: &u32| {
            let variable = variables.get(*id as usize);
            variable.map_or(&[][..], |variable| text(sources, made, variable.name))
        };
        let bytes = text(sources, made, name);
        let hash_of = |id: &u32| hash(text_of(id));
        let next = u32::try_from(variables.len()).unwrap_or(u32::MAX);
        let entry = index.entry(hash(bytes), |id| text_of(id) == bytes, hash_of);
        let id = *entry.or_insert(next).get();
        if id == next {
            variables.push(Variable { name, last: None });
        }
        id
    }

    /// Assigns a value to a variable.
    ///
    /// # Errors
    /// Returns the place where the variable was made readonly.
    pub(super) fn assign(&mut self, one: Assigned) -> Result<(), Span> {
        let variable = self.intern(one.name);
        let next = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        if let Some(span) = self.readonly.get(&variable) {
            return Err(*span);
        }
        if let Some(entry) = self.variables.get_mut(variable as usize) {
            entry.last = Some(next);
        }
        self.records.push(Record {
            variable,
            file: one.name_span.file,
            name: (one.name_span.start, one.name_span.end),
            value_at: (one.value_span.start, one.value_span.end),
            value: one.value,
        });
        Ok(())
    }

    /// Makes a variable readonly, as of `span`.
    pub(super) fn freeze(&mut self, name: Piece, span: Span) {
        let variable = self.intern(name);
        self.readonly.entry(variable).or_insert(span);
    }

    /// The assignment of this number.
    pub(super) fn record(&self, id: u32) -> Option<Assignment<'_>> {
        let record = self.records.get(id as usize)?;
        let variable = self.variables.get(record.variable as usize)?;
        Some(Assignment {
            name: self.utf8(variable.name)?,
            value: self.value_of(*record),
            name_span: record.span(record.name),
            value_span: record.span(record.value_at),
        })
    }

    fn value_of(&self, record: Record) -> &[u8] {
        match record.value {
            Value::AsWritten => self.sources.text(record.span(record.value_at)),
            Value::Made(made) => self.text(Piece::Made(made)),
        }
    }

    /// The last value of a variable.
    pub(super) fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let record = self.records.get(self.find(name)?.last? as usize)?;
        Some(self.value_of(*record))
    }

    /// The last assignment of a variable.
    pub(super) fn get(&self, name: &[u8]) -> Option<Assignment<'_>> {
        self.record(self.find(name)?.last?)
    }

    pub(super) fn assignments(&self) -> impl Iterator<Item = Assignment<'_>> {
        (0..).map_while(|id| self.record(id))
    }

    /// An upper limit for the number of variables with a value.
    pub(super) fn variables(&self) -> usize {
        self.variables.len()
    }

    /// The number of the last assignment of each variable, and its name, in order of first appearance.
    pub(super) fn last_names(&self) -> impl Iterator<Item = (u32, &str)> {
        let set = self.variables.iter();
        set.filter_map(|variable| Some((variable.last?, self.utf8(variable.name)?)))
    }

    /// The last assignment of each variable whose name passes, in order of first appearance.
    pub(super) fn last<'c>(
        &'c self,
        keep: impl Fn(&'c [u8]) -> bool,
    ) -> impl Iterator<Item = Assignment<'c>> {
        let kept = self
            .variables
            .iter()
            .filter(move |variable| keep(self.text(variable.name)));
        kept.filter_map(|variable| self.record(variable.last?))
    }
}

fn text<'c>(sources: &'c Sources, made: &'c [u8], piece: Piece) -> &'c [u8] {
    match piece {
        Piece::Source(span) => sources.text(span),
        Piece::Made(Made { start, end }) => {
            made.get(start as usize..end as usize).unwrap_or_default()
        }
    }
}

/// A multiplicative hash: the names are short, many, and not hostile.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = bytes.len() as u64;
    let mut add = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    add(rest
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte)));
    // The table uses bits of both ends, and a product mixes upwards only.
    (hash ^ (hash >> 32)).wrapping_mul(FACTOR)
}
