//! Names that a report for others does not show.

use super::Row;
use crate::config::Config;
use crate::process::Process;
use std::collections::BTreeMap;

/// A private name in the texts of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// That of any VM of the configuration.
    AnyVm,
    /// This one, of a kind.
    One(&'static str, String),
}

impl Name {
    /// The name of a VM, which the configuration need not have.
    pub(super) fn vm(name: &(impl ToString + ?Sized)) -> Self {
        Self::One(VM, name.to_string())
    }

    /// The name of a pool.
    pub(super) fn pool(name: &str) -> Self {
        Self::One("POOL", name.to_owned())
    }

    /// The name of a snapshot.
    pub(super) fn snapshot(name: &impl ToString) -> Self {
        Self::One("SNAPSHOT", name.to_string())
    }

    /// Rules that name users.
    pub(super) fn rules(rules: &str) -> Self {
        Self::One("RULES", rules.to_owned())
    }
}

const VM: &str = "VM";

/// A private name, and the word in its place.
#[derive(Clone, Debug)]
struct Hidden {
    name: String,
    word: String,
    /// Whether it is a VM of the configuration.
    is_vm: bool,
    /// Whether only rows that have the name hide it: it may be a word of the others.
    is_of_rows: bool,
}

/// Private names, each with the word in its place.
#[derive(Debug, Default)]
pub struct Private {
    /// The longest first, so that no part of a name stays.
    words: Vec<Hidden>,
}

impl Private {
    /// The names of a run: VMs, every value of the configuration that is a path, a dataset or an address,
    /// the user, the host, directories, and what the rows name.
    pub fn of(process: &Process, config: Option<&Config>, rows: &[Row]) -> Self {
        let mut words: BTreeMap<String, Hidden> = BTreeMap::new();
        let mut add = |name: &str, kind: &str, is_vm: bool, is_of_rows: bool| {
            if name.len() > 1 || is_of_rows {
                let word = format!("{kind}{}", words.len() + 1);
                let name = name.to_owned();
                words.entry(name.clone()).or_insert(Hidden {
                    name,
                    word,
                    is_vm,
                    is_of_rows,
                });
            }
        };
        if let Some(config) = config {
            for (vm, _) in config.vms() {
                add(vm, VM, true, true);
            }
            for set in config.assignments() {
                let value = String::from_utf8_lossy(set.value);
                let is_name = set.value.contains(&b'/') || set.value.contains(&b':');
                if is_name || set.name == "volroot" {
                    add(&value, "NAME", false, false);
                }
            }
            add(
                &config.directory().display().to_string(),
                "DIRECTORY",
                false,
                false,
            );
        }
        let variables = ["HOME", "USER", "LOGNAME", "DOAS_USER", "SUDO_USER"].iter();
        let variables = variables.filter_map(|name| process.variable(name));
        for value in variables.filter(|value| *value != "root") {
            add(&value.to_string_lossy(), "USER", false, false);
        }
        add(&process.host_name, "HOST", false, false);
        add(process.host(), "HOST", false, false);
        let program = process.program.parent();
        let usual = ["/usr/local/bin", "/usr/bin"];
        let program = program.map(|program| program.display().to_string());
        if let Some(program) = program.filter(|program| !usual.contains(&program.as_str())) {
            add(&program, "DIRECTORY", false, false);
        }
        for name in rows.iter().flat_map(|row| &row.names) {
            if let Name::One(kind, name) = name {
                add(name, kind, false, true);
            }
        }
        let mut words: Vec<Hidden> = words.into_values().collect();
        words.sort_by_key(|hidden| std::cmp::Reverse(hidden.name.len()));
        Self { words }
    }

    /// A text of a row with every private name replaced, where it stands as a word of its own.
    pub fn hide(&self, text: &str, row: &Row) -> String {
        let has_any = row.names.contains(&Name::AnyVm);
        let has = |hidden: &Hidden| {
            let is_it = |one: &Name| matches!(one, Name::One(_, name) if *name == hidden.name);
            !hidden.is_of_rows || has_any && hidden.is_vm || row.names.iter().any(is_it)
        };
        let words: Vec<&Hidden> = self.words.iter().filter(|hidden| has(hidden)).collect();
        let mut hidden = String::new();
        let mut rest = text;
        let mut before: Option<char> = None;
        while let Some(first) = rest.chars().next() {
            let is_in_word = |c: char| c.is_alphanumeric() || c == '_';
            let begins = !before.is_some_and(is_in_word) || !is_in_word(first);
            let found = words.iter().find_map(|one| {
                let behind = rest.strip_prefix(one.name.as_str())?;
                // A VM is the first part of its settings.
                let settings = if one.is_vm {
                    behind.strip_prefix('_')
                } else {
                    None
                };
                let next = settings.unwrap_or(behind).chars().next();
                let ends = (settings.is_some() == next.is_some_and(is_in_word))
                    || !one.name.chars().last().is_some_and(is_in_word);
                (begins && ends).then_some((behind, *one))
            });
            if let Some((behind, one)) = found {
                hidden.push_str(&one.word);
                before = one.name.chars().last();
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
    use super::{Hidden, Name, Private, Row};

    #[test]
    fn only_whole_names_are_replaced_in_rows_that_have_them() {
        let names = [
            ("zroot/vm/web", "NAME1", false),
            ("web", "VM2", true),
            ("a", "VM3", true),
            ("log", "VM4", false),
        ];
        let private = Private {
            words: names
                .map(|(name, word, is_vm)| Hidden {
                    name: name.to_owned(),
                    word: word.to_owned(),
                    is_vm,
                    is_of_rows: !name.contains('/'),
                })
                .to_vec(),
        };
        let text = "a web is webbed: zroot/vm/web, web-boot, web_mem, a log, aa_b";
        let row = Row::pass("log", "");
        let any = "VM3 VM2 is webbed: NAME1, VM2-boot, VM2_mem, VM3 log, aa_b";
        for (row, hidden) in [
            (row.clone(), text.replace("zroot/vm/web", "NAME1")),
            (row.clone().naming(Name::AnyVm), any.to_owned()),
            (
                row.naming(Name::vm("log")),
                text.replace("zroot/vm/web", "NAME1").replace("log", "VM4"),
            ),
        ] {
            assert_eq!(private.hide(text, &row), hidden);
        }
    }
}
