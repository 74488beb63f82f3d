//! Commands for a real program and their answers, as text.
//!
//! One record is `$ LINE`, `= STATUS`, `> ` before each line of standard output and `! ` before each
//! line of standard error output. Lines that begin with `#` give the origin of the records.

use similar_asserts::SimpleDiff;
use std::fmt;

/// One command line and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// The line.
    pub(super) line: String,
    /// The exit status.
    pub(super) status: i32,
    /// Standard output, line by line.
    pub(super) stdout: Vec<String>,
    /// Standard error output, line by line.
    pub(super) stderr: Vec<String>,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}\n= {}", self.line, self.status)?;
        for line in &self.stdout {
            writeln!(f, "> {line}")?;
        }
        for line in &self.stderr {
            writeln!(f, "! {line}")?;
        }
        Ok(())
    }
}

impl Record {
    /// The words of its line, quoted as in sh, with single quotes only.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        for (at, part) in self.line.split('\'').enumerate() {
            if at % 2 == 1 {
                word.get_or_insert_default().push_str(part);
                continue;
            }
            for (at, piece) in part.split(' ').enumerate() {
                if at > 0 {
                    words.extend(word.take());
                }
                if !piece.is_empty() {
                    word.get_or_insert_default().push_str(piece);
                }
            }
        }
        words.extend(word);
        words
    }

    /// The difference from another record, if there is one.
    pub(super) fn difference(&self, found: &Self) -> Option<String> {
        if self == found {
            return None;
        }
        let (real, found) = (self.to_string(), found.to_string());
        Some(SimpleDiff::from_str(&real, &found, "real", "simulated").to_string())
    }
}

/// A file of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transcript {
    /// The origin of the records: the first line without its `# `.
    pub(super) heading: String,
    /// The records in the order of the run.
    pub(super) records: Vec<Record>,
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}", self.heading)?;
        self.records.iter().try_for_each(|one| one.fmt(f))
    }
}

impl Transcript {
    /// Reads a file of records; bytes that are no UTF-8 are read as U+FFFD.
    ///
    /// # Panics
    /// If the text is not a file of records.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut transcript = Self {
            heading: String::new(),
            records: Vec::new(),
        };
        for line in text.lines() {
            let (mark, rest) = line.split_at_checked(2).unwrap_or((line, ""));
            let rest = rest.to_owned();
            if mark == "# " {
                transcript.heading = rest;
                continue;
            }
            if mark == "$ " {
                transcript.records.push(Record {
                    line: rest,
                    ..Record::default()
                });
                continue;
            }
            let record = transcript.records.last_mut();
            let record = record.unwrap_or_else(|| panic!("an answer without a command: {line}"));
            match mark {
                "= " => record.status = rest.parse().expect("a status is a number"),
                "> " => record.stdout.push(rest),
                "! " => record.stderr.push(rest),
                _ => panic!("not a line of a record: {line}"),
            }
        }
        transcript
    }
}

/// The lines of a file of commands, without blank ones and comments.
pub(super) fn commands(text: &str) -> Vec<&str> {
    let is_one = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().filter(is_one).collect()
}
