//! The keys of a VM of another manager, and what becomes of them.

use super::Guest;
use std::collections::HashMap;

/// The values of one VM there, by key; each is taken once, and what is left was not translated.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// Each value, with its position among all.
    left: HashMap<String, (usize, String)>,
    count: usize,
}

impl Keys {
    /// Adds a key, unless there is one of this name; whether it is added.
    pub(super) fn add(&mut self, key: &str, value: String) -> bool {
        let is_new = !self.left.contains_key(key);
        if is_new {
            self.left.insert(key.to_owned(), (self.count, value));
            self.count += 1;
        }
        is_new
    }

    /// Whether there is a key of this name, and it is not empty.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.is_empty())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.left.get(key).map(|(_, value)| value.as_str())
    }

    /// The names of those that are left.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.left.keys().map(String::as_str)
    }

    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let (_, value) = self.left.remove(key)?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// Takes a switch; a value that is neither yes nor no is reported, and counts as no.
    pub(super) fn is_on(&mut self, key: &str, guest: &mut Guest) -> bool {
        let Some(value) = self.take(key) else {
            return false;
        };
        yes_or_no(&value).unwrap_or_else(|| {
            guest.lose(format_args!("{key}={value}"), NEITHER);
            false
        })
    }

    /// Those that are left, each with its value, in the order of the file.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut left: Vec<_> = self.left.iter().collect();
        left.sort_unstable_by_key(|(_, (at, _))| *at);
        left.into_iter()
            .map(|(key, (_, value))| (key.as_str(), value.as_str()))
    }
}

/// Why a switch with an unknown value is not imported.
const NEITHER: &str = "the value is neither yes nor no";

/// How a key of theirs is translated that one setting of ours corresponds to.
pub(super) enum Becomes {
    /// The value is the same.
    Same(&'static str),
    /// The value is a word for yes or no.
    Switch(&'static str),
}

/// Translates every key of a table that is set.
pub(super) fn translate(table: &[(&'static str, Becomes)], keys: &mut Keys, guest: &mut Guest) {
    for (key, into) in table {
        let Some(value) = keys.take(key) else {
            continue;
        };
        let theirs = format!("{key}={value}");
        match into {
            Becomes::Same(ours) => {
                guest.set(ours, value, theirs);
            }
            Becomes::Switch(ours) => match yes_or_no(&value) {
                Some(is_on) => guest.switch(ours, is_on, theirs),
                None => guest.lose(theirs, NEITHER),
            },
        }
    }
}

/// The meaning of a word for yes or no, in any of the spellings of the other managers.
pub(super) fn yes_or_no(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" | "y" => Some(true),
        "" | "-" | "no" | "false" | "off" | "0" | "n" | "none" => Some(false),
        _ => None,
    }
}
