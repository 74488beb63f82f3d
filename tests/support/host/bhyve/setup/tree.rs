//! The configuration of bhyve: a tree of values (usr.sbin/bhyve/config.c).

use std::collections::BTreeMap;

use super::says::{End, Says};

/// References in references beyond this depth are not followed; the value stays as it is.
const DEPTH: u32 = 32;

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Entry>);

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Value(String),
    Node(Tree),
}

impl Tree {
    /// The node at a path, made where it is missing; `None` if a value or an empty name is in the way
    /// (`_lookup_config_node`).
    fn make(&mut self, path: &str, says: &mut Says) -> Option<&mut Self> {
        let mut node = self;
        let mut at = 0;
        for name in path.split('.') {
            at += name.len() + 1;
            if name.is_empty() {
                says.warn(format!("Invalid configuration node: {path}"));
                return None;
            }
            let entry = node.0.entry(name.into());
            match entry.or_insert_with(|| Entry::Node(Self::default())) {
                Entry::Node(next) => node = next,
                Entry::Value(_) => {
                    let parent = &path[..at - 1];
                    says.warn(format!(
                        "Configuration node {path} is a child of existing variable {parent}"
                    ));
                    return None;
                }
            }
        }
        Some(node)
    }

    /// The node at a path, if there is one (`find_config_node`).
    pub(super) fn node(&self, path: &str, says: &mut Says) -> Option<&Self> {
        let mut node = self;
        for name in path.split('.') {
            match node.0.get(name)? {
                Entry::Node(next) => node = next,
                Entry::Value(_) => {
                    says.warn(format!(
                        "Configuration node {path} is a child of existing variable {path}"
                    ));
                    return None;
                }
            }
        }
        Some(node)
    }

    /// Sets the value at a path (`set_config_value`).
    pub(super) fn set(&mut self, path: &str, value: &str, says: &mut Says) -> Result<(), End> {
        let (node, name) = match path.rsplit_once('.') {
            None => (&mut *self, path),
            Some((parent, name)) => match self.make(parent, says) {
                Some(node) => (node, name),
                None => {
                    return Err(
                        says.end(4, format!("Failed to create configuration node {parent}"))
                    );
                }
            },
        };
        if let Some(Entry::Node(_)) = node.0.get(name) {
            return Err(says.end(
                4,
                format!("Attempting to add value {value} to existing node {path}"),
            ));
        }
        node.0.insert(name.into(), Entry::Value(value.into()));
        Ok(())
    }

    /// Sets a value of a node (`set_config_value_node`).
    pub(super) fn set_own(&mut self, name: &str, value: &str, says: &mut Says) -> Result<(), End> {
        if name.contains('.') {
            return Err(says.end(4, format!("Invalid config node name {name}")));
        }
        self.0.insert(name.into(), Entry::Value(value.into()));
        Ok(())
    }

    /// The node at a path, made where it is missing (`create_config_node`).
    pub(super) fn create(&mut self, path: &str, says: &mut Says) -> Result<&mut Self, End> {
        if self.make(path, says).is_none() {
            return Err(says.end(4, format!("Failed to create configuration node {path}")));
        }
        let made = path
            .split('.')
            .try_fold(self, |node, name| match node.0.get_mut(name) {
                Some(Entry::Node(next)) => Some(next),
                _ => None,
            });
        Ok(made.expect("the node that was made"))
    }

    /// The value at a path as it was given.
    pub(super) fn raw(&self, path: &str) -> Option<&str> {
        let mut node = self;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            match (node.0.get(name)?, names.peek()) {
                (Entry::Value(value), None) => return Some(value),
                (Entry::Node(next), Some(_)) => node = next,
                _ => return None,
            }
        }
        None
    }

    /// The names of a node, sorted; those of nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.0.iter().filter_map(|(name, entry)| match entry {
            Entry::Node(node) => Some((name.as_str(), node)),
            Entry::Value(_) => None,
        })
    }

    /// `PATH=VALUE`, sorted, as `config.dump` prints it.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.collect("", &mut lines);
        lines
    }

    fn collect(&self, before: &str, lines: &mut Vec<String>) {
        for (name, entry) in &self.0 {
            match entry {
                Entry::Value(value) => lines.push(format!("{before}{name}={value}")),
                Entry::Node(node) => node.collect(&format!("{before}{name}."), lines),
            }
        }
    }

    /// The value at a path, with its references followed (`get_config_value`).
    pub(super) fn get(&self, path: &str, says: &mut Says) -> Option<String> {
        self.value(path, 0, says)
    }

    fn value(&self, path: &str, depth: u32, says: &mut Says) -> Option<String> {
        if self.is_node(path) {
            says.warn(format!("Attempting to fetch value of node {path}"));
            return None;
        }
        let raw = self.raw(path)?;
        if raw.contains('%') {
            Some(self.expand(raw, depth, says))
        } else {
            Some(raw.to_owned())
        }
    }

    fn is_node(&self, path: &str) -> bool {
        let mut node = self;
        for name in path.split('.') {
            match node.0.get(name) {
                Some(Entry::Node(next)) => node = next,
                _ => return false,
            }
        }
        true
    }

    /// `_expand_config_value`: a reference is replaced, any other `%` stays with a warning, and a
    /// backslash is dropped.
    fn expand(&self, value: &str, depth: u32, says: &mut Says) -> String {
        if depth >= DEPTH {
            says.warn("Too many recursive references in configuration value");
            return value.to_owned();
        }
        let mut expanded = String::new();
        let mut rest = value;
        while let Some(at) = rest.find(['%', '\\']) {
            expanded.push_str(&rest[..at]);
            let special = rest[at..].starts_with('%');
            rest = &rest[at + 1..];
            if !special {
                match rest.chars().next() {
                    Some(letter) => {
                        expanded.push(letter);
                        rest = &rest[letter.len_utf8()..];
                    }
                    None => says.warn(format!("Trailing \\ in configuration value \"{value}\"")),
                }
                continue;
            }
            let reference = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
            match reference {
                Some(("", after)) => {
                    says.warn(format!(
                        "Empty reference in configuration value \"{value}\""
                    ));
                    rest = after;
                }
                Some((name, after)) => {
                    match self.value(name, depth + 1, says) {
                        Some(text) => expanded.push_str(&text),
                        None => says.warn(format!(
                            "Failed to fetch referenced configuration variable {name}"
                        )),
                    }
                    rest = after;
                }
                None => {
                    says.warn(format!(
                        "Invalid reference in configuration value \"{value}\""
                    ));
                    expanded.push('%');
                }
            }
        }
        expanded.push_str(rest);
        expanded
    }

    /// A boolean (`get_config_bool_default`).
    pub(super) fn bool(&self, path: &str, says: &mut Says) -> Result<Option<bool>, End> {
        let Some(value) = self.get(path, says) else {
            return Ok(None);
        };
        if let Some(flag) = parse_bool(&value) {
            return Ok(Some(flag));
        }
        let name = path.rsplit('.').next().filter(|_| path.starts_with("pci."));
        let name = name.unwrap_or(path);
        Err(says.end(
            4,
            format!("Invalid value {value} for boolean variable {name}: "),
        ))
    }
}

/// The words of a boolean, in any case.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Some(true),
        "false" | "off" | "no" | "0" => Some(false),
        _ => None,
    }
}
