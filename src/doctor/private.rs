//! Names that a report for others does not show.

use crate::config::Config;
use crate::process::Process;
use std::collections::BTreeMap;

/// Private names, each with the word in its place.
#[derive(Debug, Default)]
pub struct Private {
    /// The longest first, so that no part of a name stays.
    words: Vec<(String, String)>,
}

impl Private {
    /// The names of a run: VMs, every value of the configuration that is a path, a dataset or an address,
    /// the user, the host, and directories.
    pub fn of(process: &Process, config: Option<&Config>) -> Self {
        let mut words = BTreeMap::new();
        let mut add = |name: &str, kind: &str| {
            if name.len() > 1 || kind == "VM" {
                let number = words.len() + 1;
                words
                    .entry(name.to_owned())
                    .or_insert_with(|| format!("{kind}{number}"));
            }
        };
        if let Some(config) = config {
            for (vm, _) in config.vms() {
                add(vm, "VM");
            }
            for set in config.assignments() {
                let value = String::from_utf8_lossy(set.value);
                let is_name = set.value.contains(&b'/') || set.value.contains(&b':');
                if is_name || set.name == "volroot" {
                    add(&value, "NAME");
                }
            }
            add(&config.directory().display().to_string(), "DIRECTORY");
        }
        let variables = ["HOME", "USER", "LOGNAME"].iter();
        for value in variables.filter_map(|name| process.variable(name)) {
            add(&value.to_string_lossy(), "USER");
        }
        add(&process.host_name, "HOST");
        add(process.host(), "HOST");
        let program = process.program.parent();
        let usual = ["/usr/local/bin", "/usr/bin"];
        let program = program.map(|program| program.display().to_string());
        if let Some(program) = program.filter(|program| !usual.contains(&program.as_str())) {
            add(&program, "DIRECTORY");
        }
        let mut words: Vec<(String, String)> = words.into_iter().collect();
        words.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self { words }
    }

    /// The text with every private name replaced, where it stands as a word of its own.
    pub fn hide(&self, text: &str) -> String {
        let mut hidden = String::new();
        let mut rest = text;
        let mut before: Option<char> = None;
        while let Some(first) = rest.chars().next() {
            let is_in_word = |c: char| c.is_alphanumeric() || c == '_';
            let begins = !before.is_some_and(is_in_word) || !is_in_word(first);
            let found = self.words.iter().find_map(|(name, word)| {
                let behind = rest.strip_prefix(name.as_str())?;
                let ends = !behind.chars().next().is_some_and(is_in_word)
                    || !name.chars().last().is_some_and(is_in_word);
                (begins && ends).then_some((behind, word, name))
            });
            if let Some((behind, word, name)) = found {
                hidden.push_str(word);
                before = name.chars().last();
                rest = behind;
            } else {
                hidden.push(first);
                before = Some(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        hidden
    }
}

#[cfg(test)]
mod tests {
    use super::Private;

    #[test]
    fn only_whole_names_are_replaced() {
        let words = [("zroot/vm/web", "NAME1"), ("web", "VM2"), ("a", "VM3")];
        let words = words.map(|(name, word)| (name.to_owned(), word.to_owned()));
        let private = Private {
            words: words.to_vec(),
        };
        assert_eq!(
            private.hide("a web is webbed: zroot/vm/web, web-boot, a_b"),
            "VM3 VM2 is webbed: NAME1, VM2-boot, a_b"
        );
    }
}
