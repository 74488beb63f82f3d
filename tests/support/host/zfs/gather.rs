//! The datasets that a question is about, and their order (cmd/zfs/zfs_iter.c).

use std::cmp::Ordering;

use super::super::state::State;
use super::name::{self, Types};
use super::property::{Look, Property};
use super::relation::{bookmarks, children, snapshots};

/// The parts of a question.
pub(super) struct Question<'words> {
    /// Names; without any the question is about all pools.
    pub(super) operands: &'words [String],
    /// The wanted types.
    pub(super) types: Types,
    /// Whether snapshots are listed with their datasets.
    pub(super) with_snapshots: bool,
    /// How many levels below them; `None` is all of them.
    pub(super) depth: Option<usize>,
    /// Properties to sort by, and whether in reverse.
    pub(super) keys: Vec<(Property, bool)>,
}

/// The results, sorted, and an error line for each name that is not of a wanted type.
pub(super) fn gather(state: &State, question: &Question<'_>) -> (Vec<String>, Vec<String>) {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    if question.operands.is_empty() {
        for pool in state.datasets.keys().filter(|name| !name.contains('/')) {
            visit(state, question, pool, 0, &mut found);
        }
    }
    let is_deep = question.depth != Some(0);
    let mut types = question.types;
    if is_deep {
        types = types.and(Types::FILESYSTEM);
        if types.has(Types::SNAPSHOT.and(Types::BOOKMARK)) {
            types = types.and(Types::VOLUME);
        }
    }
    for operand in question.operands {
        match name::open(state, operand, types) {
            Ok(_) => visit(state, question, operand, 0, &mut found),
            Err(line) => problems.push(line),
        }
    }
    found.sort_by(|left, right| order(state, question, left, right));
    found.dedup();
    (found, problems)
}

/// zfs_callback
fn visit(
    state: &State,
    question: &Question<'_>,
    full: &str,
    depth: usize,
    found: &mut Vec<String>,
) {
    let Some(kind) = name::kind(state, full) else {
        return;
    };
    if question.types.has(kind) {
        found.push(full.into());
    }
    let most = question.depth.unwrap_or(usize::MAX);
    if depth >= most || !Types::HEADS.has(kind) {
        return;
    }
    if depth + 1 < most || question.types.has(Types::HEADS) {
        for child in children(state, full) {
            visit(state, question, &child, depth + 1, found);
        }
    }
    if question.with_snapshots {
        found.extend(snapshots(state, full));
    }
    if question.types.has(Types::BOOKMARK) {
        found.extend(bookmarks(state, full));
    }
}

/// zfs_sort: entries without the property come last, whatever the direction.
fn order(state: &State, question: &Question<'_>, left: &str, right: &str) -> Ordering {
    for (property, reverse) in &question.keys {
        let of = |full| property.value(state, full);
        let order = match (of(left), of(right)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => return Ordering::Greater,
            (Some(_), None) => return Ordering::Less,
            (Some(left), Some(right)) if matches!(property.look, Look::Text) => left.cmp(&right),
            (Some(left), Some(right)) => number(&left).cmp(&number(&right)),
        };
        match (order, reverse) {
            (Ordering::Equal, _) => {}
            (order, true) => return order.reverse(),
            (order, false) => return order,
        }
    }
    // zfs_compare: by name, a dataset before its snapshots, and these in the order of their creation.
    let split = |full: &str| {
        let (base, label) = full.split_at(full.find('@').unwrap_or(full.len()));
        (base.to_owned(), !label.is_empty())
    };
    let born = |full: &str| {
        let value = Property::named("createtxg").and_then(|txg| txg.value(state, full));
        value.map(|value| number(&value))
    };
    let ((left_base, left_is), (right_base, right_is)) = (split(left), split(right));
    left_base
        .cmp(&right_base)
        .then(left_is.cmp(&right_is))
        .then_with(|| match left_is {
            true => born(left).cmp(&born(right)),
            false => Ordering::Equal,
        })
}

fn number(value: &str) -> u64 {
    value.parse().unwrap_or(0)
}
