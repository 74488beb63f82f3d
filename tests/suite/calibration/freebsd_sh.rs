//! The values that we read from configurations, compared with those of FreeBSD's sh(1).
//!
//! The answers of sh are recorded in `tests/calibration/freebsd-sh`, whose README describes them. A file
//! is accepted with the recorded values, or refused. It must not be refused where sh reads it without
//! output, with the same values in every locale, and as dash and bash read it.

use easy_bhyve::config::{Config, ConfigError, Outside, Source, parse};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The home directories of the machine on which the records were made.
const USERS: [(&str, &str); 3] = [
    ("root", "/root"),
    ("daemon", "/usr/sbin"),
    ("nobody", "/nonexistent"),
];

/// The answer of sh for a file in one locale.
struct Answer {
    /// The value of each variable that was asked for.
    values: BTreeMap<String, Option<Vec<u8>>>,
    /// Whether sh reached the end of the file without output.
    is_silent: bool,
}

struct Case {
    id: String,
    /// Whether each construct of the file is in the grammar.
    is_in_grammar: bool,
    file: Vec<u8>,
    included: Option<Vec<u8>>,
    home: Option<Vec<u8>>,
    c: Answer,
    /// The answer in a UTF-8 locale, where it differs.
    utf8: Option<Answer>,
    /// Whether dash and bash gave the same values.
    is_agreed: bool,
}

/// Each character of the records is one byte.
fn bytes(text: &Value) -> Option<Vec<u8>> {
    let byte = |character: char| u8::try_from(u32::from(character)).expect("a byte");
    Some(text.as_str()?.chars().map(byte).collect())
}

impl Answer {
    fn new(record: &Value) -> Self {
        let values = record["v"].as_object().into_iter().flatten();
        Self {
            values: values
                .map(|(name, value)| (name.clone(), bytes(value)))
                .collect(),
            is_silent: record["st"] == 0 && ["err", "out"].iter().all(|key| record[*key].is_null()),
        }
    }
}

impl Case {
    fn new(line: &str) -> Self {
        let record: Value = serde_json::from_str(line).unwrap();
        Self {
            id: record["id"].as_str().unwrap().to_owned(),
            is_in_grammar: record["kind"] == "accept",
            file: bytes(&record["file"]).unwrap(),
            included: bytes(&record["inc"]),
            home: bytes(&record["home"]),
            c: Answer::new(&record["C"]),
            utf8: record.get("U").map(Answer::new),
            is_agreed: record["agree"] == true,
        }
    }

    /// Whether there is no reason to refuse the file.
    fn is_plain(&self) -> bool {
        let is_settled = self.is_agreed && self.c.is_silent && self.utf8.is_none();
        self.is_in_grammar && is_settled
    }

    /// Whether a line ends in CR LF: the one difference from sh, for which CR is part of the value.
    fn has_cr_lf(&self) -> bool {
        let mut files = [Some(&self.file), self.included.as_ref()]
            .into_iter()
            .flatten();
        files.any(|text| text.windows(2).any(|pair| pair == b"\r\n"))
    }

    fn environment(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            "HOME" => self.home.clone(),
            "PATH" => Some(b"/usr/bin:/bin".to_vec()),
            "LC_ALL" => Some(b"C".to_vec()),
            _ => None,
        }
    }

    fn read(&self, directory: &Path) -> Result<Config, ConfigError> {
        let main = directory.join("case.conf");
        let included = directory.join("inc.conf");
        match &self.included {
            Some(text) => fs::write(&included, text).unwrap(),
            None => drop(fs::remove_file(&included)),
        }
        let variable = |name: &str| self.environment(name).map(OsString::from_vec);
        let home = |user: &OsStr| {
            let user = USERS.iter().find(|(name, _)| user == OsStr::new(name));
            user.map(|(_, home)| PathBuf::from(home))
        };
        let outside = Outside {
            variable: &variable,
            home: &home,
        };
        parse(vec![Source::new(main, self.file.clone())], &outside)
    }

    /// The error in our reading of the file, if there is one.
    fn fault(&self, read: &Result<Config, ConfigError>) -> Option<String> {
        if self.has_cr_lf() {
            return None;
        }
        let config = match read {
            Ok(config) => config,
            Err(error) if self.is_plain() => return Some(format!("refused: {error}")),
            Err(_) => return None,
        };
        if !self.is_in_grammar {
            return Some("accepted beyond the grammar".to_owned());
        }
        if !self.c.is_silent {
            return Some("accepted, but sh fails".to_owned());
        }
        if self.utf8.is_some() {
            return Some("accepted, but it depends on the locale".to_owned());
        }
        let mut values = self.c.values.iter();
        values.find_map(|(name, theirs)| {
            let own = config.get(name).map(|set| set.value.to_vec());
            let ours = own.or_else(|| self.environment(name));
            (ours != *theirs).then(|| {
                let [ours, theirs] = [&ours, theirs].map(|value| value.as_deref().map(show));
                format!("{name} is {ours:?}, not {theirs:?}")
            })
        })
    }
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Reads every case of a file of records; the numbers of accepted and refused files.
fn check(file: &str) -> (usize, usize) {
    let records = crate::case::root().join("tests/calibration/freebsd-sh");
    let records = fs::read_to_string(records.join(file)).unwrap();
    let place = tempfile::tempdir().unwrap();
    // The file may include itself.
    fs::write(place.path().join("case.conf"), "").unwrap();
    let (mut accepted, mut refused, mut faults) = (0, 0, Vec::new());
    for case in records.lines().map(Case::new) {
        let read = case.read(place.path());
        match read {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
        if let Some(fault) = case.fault(&read) {
            faults.push(format!("{}: {fault}, in\n{}", case.id, show(&case.file)));
        }
    }
    let count = faults.len();
    assert!(faults.is_empty(), "{count} faults:\n{}", faults.join("\n"));
    (accepted, refused)
}

#[test]
fn generated_files_have_the_values_of_freebsds_sh_or_are_refused() {
    let (accepted, refused) = check("cases.jsonl");
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 2500, "only {accepted} are accepted");
}

#[test]
fn every_rule_of_freebsds_sh_is_followed_or_refused() {
    let (accepted, refused) = check("rules.jsonl");
    println!("{accepted} accepted, {refused} refused");
    assert!(accepted > 300, "only {accepted} are accepted");
}
