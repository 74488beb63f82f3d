//! Names that a report for others does not show.
//!
//! A row names what is private in its texts, where the texts are made; what [`Row::for_others`] replaces
//! needs no names. The user, the host and the places of the call are private in every row.

use super::Row;
use crate::process::{CONFIG_VARIABLE, Process};
use crate::verb::Spelling;
use crate::{quote, vis};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A private name in the texts of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The word in its place, without a number.
    kind: &'static str,
    text: OsString,
}

const PLACE: &str = "PLACE";
const USER: &str = "USER";
const HOST: &str = "HOST";
const INTERFACE: &str = "INTERFACE";

/// Places that every host can have.
const USUAL: [&str; 2] = [
    "/usr/local/bin/easy-bhyve",
    "/usr/local/etc/easy-bhyve.conf",
];
/// Interfaces that this program, or the manual, has named.
const NUMBERED: [&str; 2] = ["bridge", "tap"];

impl Name {
    fn new(kind: &'static str, text: impl AsRef<OsStr>) -> Self {
        let text = text.as_ref().to_owned();
        Self { kind, text }
    }

    /// The name of a VM, which the configuration need not have.
    pub(super) fn vm(name: &(impl ToString + ?Sized)) -> Self {
        Self::new("VM", name.to_string())
    }

    /// The name of a pool.
    pub(super) fn pool(name: &str) -> Self {
        Self::new("POOL", name)
    }

    /// The name of a snapshot.
    pub(super) fn snapshot(name: &impl ToString) -> Self {
        Self::new("SNAPSHOT", name.to_string())
    }

    /// Rules that name users.
    pub(super) fn rules(rules: &str) -> Self {
        Self::new("RULES", rules)
    }

    /// A file, a directory or a dataset.
    pub(super) fn place(place: impl AsRef<OsStr>) -> Self {
        Self::new(PLACE, place)
    }

    /// An interface, to which its owner can give any name.
    pub(super) fn interface(name: &str) -> Self {
        Self::new(INTERFACE, name)
    }

    /// The name of a user.
    pub(super) fn user(name: &str) -> Self {
        Self::new(USER, name)
    }

    /// What another program has said.
    pub(super) fn said(text: &str) -> Self {
        Self::new("MESSAGE", text)
    }

    /// Whether others learn nothing from it.
    fn is_public(&self) -> bool {
        let text = self.text.to_string_lossy();
        let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
        match self.kind {
            PLACE => USUAL
                .iter()
                .any(|usual| Path::new(usual).starts_with(&self.text)),
            INTERFACE => {
                let mut rests = NUMBERED.iter().filter_map(|kind| text.strip_prefix(kind));
                rests.any(is_number)
            }
            USER => text == "root",
            _ => text.is_empty(),
        }
    }

    /// How texts show it.
    fn forms(&self) -> [String; 3] {
        let plain = self.text.to_string_lossy().into_owned();
        [
            plain,
            vis::shown(&self.text).to_string(),
            quote::shown(&self.text),
        ]
    }
}

/// Private names, each with the word in its place.
#[derive(Debug, Default)]
pub struct Private {
    words: BTreeMap<OsString, String>,
    /// Those that are private in every row.
    everywhere: Vec<Name>,
}

impl Private {
    /// The names of a run: the user, the host, the places of the call, and what the rows name.
    pub fn of(process: &Process, spelling: &Spelling, rows: &[Row]) -> Self {
        let variables = |kind, names: &[&str]| {
            let values = names.iter().filter_map(|name| process.variable(name));
            values
                .map(|value| Name::new(kind, value))
                .collect::<Vec<_>>()
        };
        let mut everywhere = variables(PLACE, &["HOME", "XDG_CONFIG_HOME", CONFIG_VARIABLE]);
        everywhere.extend(variables(
            USER,
            &["USER", "LOGNAME", "DOAS_USER", "SUDO_USER"],
        ));
        everywhere.extend(process.user_behind().map(|user| Name::user(&user)));
        everywhere.extend([&*process.host_name, process.host()].map(|host| Name::new(HOST, host)));
        let places = [Some(&*process.directory), process.program.parent()];
        let places = places.into_iter().chain([spelling.config.as_deref()]);
        everywhere.extend(places.flatten().map(Name::place));
        // A single letter would be hidden in the middle of every sentence.
        everywhere.retain(|name| name.text.len() > 1);
        let mut words = BTreeMap::new();
        for name in everywhere
            .iter()
            .chain(rows.iter().flat_map(|row| &row.names))
        {
            let word = format!("{}{}", name.kind, words.len() + 1);
            words.entry(name.text.clone()).or_insert(word);
        }
        Self { words, everywhere }
    }

    /// A text of a row with every private name replaced, where it stands as a word of its own.
    pub fn hide(&self, text: &str, row: &Row) -> String {
        let names = self.everywhere.iter().chain(&row.names);
        let names = names.filter(|name| !name.is_public());
        let mut forms: Vec<(String, &str)> = names
            .flat_map(|name| {
                let word = self.words.get(&name.text).map_or(name.kind, String::as_str);
                name.forms().map(|form| (form, word))
            })
            .filter(|(form, _)| !form.is_empty())
            .collect();
        // The longest first, so that no part of a name stays.
        forms.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        let mut hidden = String::new();
        let mut rest = text;
        let mut before: Option<char> = None;
        while let Some(first) = rest.chars().next() {
            let begins = !before.is_some_and(char::is_alphanumeric) || !first.is_alphanumeric();
            let found = forms.iter().find_map(|(form, word)| {
                let behind = rest.strip_prefix(form.as_str())?;
                let last = form.chars().last();
                let ends = !behind.chars().next().is_some_and(char::is_alphanumeric)
                    || !last.is_some_and(char::is_alphanumeric);
                (begins && ends).then_some((behind, last, *word))
            });
            if let Some((behind, last, word)) = found {
                hidden.push_str(word);
                before = last;
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
    use super::{Name, Private, Row};
    use std::collections::BTreeMap;

    #[test]
    fn only_whole_names_are_replaced_in_rows_that_have_them() {
        let private = Private {
            words: BTreeMap::new(),
            everywhere: vec![Name::place("zroot/vm/web")],
        };
        let text = "a web is webbed: zroot/vm/web, web-boot, web_mem, ifconfig_web, a log, aa_b";
        let row = Row::pass("log", "");
        let names = [Name::vm("web"), Name::vm("a"), Name::said("")];
        let vms = "VM VM is webbed: PLACE, VM-boot, VM_mem, ifconfig_VM, VM log, aa_b";
        for (row, hidden) in [
            (row.clone(), text.replace("zroot/vm/web", "PLACE")),
            (row.clone().naming_all(names), vms.to_owned()),
            (
                row.naming(Name::vm("log")),
                text.replace("zroot/vm/web", "PLACE").replace("log", "VM"),
            ),
        ] {
            assert_eq!(private.hide(text, &row), hidden);
        }
    }

    #[test]
    fn each_form_of_a_name_is_replaced_and_what_every_host_has_stays() {
        let private = Private::default();
        let hidden =
            |name: Name, text: &str| private.hide(text, &Row::pass("log", "").naming(name));
        let quoted = r"rm '/h/o'\''b c'/x; /h/o'b c is left";
        assert_eq!(
            hidden(Name::place("/h/o'b c"), quoted),
            "rm PLACE/x; PLACE is left"
        );
        assert_eq!(hidden(Name::vm("a\u{1b}"), r"a\e, $'a\033'"), r"a\e, VM");
        for usual in [
            "/",
            "/usr/local",
            "/usr/local/bin",
            "/usr/local/etc/easy-bhyve.conf",
        ] {
            assert_eq!(hidden(Name::place(usual), usual), usual);
        }
        for (name, shown) in [
            ("bridge0", "bridge0"),
            ("tap12", "tap12"),
            ("acme0", "INTERFACE"),
        ] {
            assert_eq!(hidden(Name::interface(name), name), shown);
        }
    }
}
