//! Replaces what differs between any two runs of zfs by its meaning.
//!
//! A transcript is stored masked, and the answers of the simulated host are masked in the same way, so
//! that the comparison ignores only what is listed here:
//!
//! - the cells of the properties in [`VOLATILE`], found by the columns or properties of the command
//!   line, become [`BYTES`], [`TIME`] or [`TXG`]; `-` stays, and so do headings. In a table
//!   such a column gets the resulting width; all others keep their width;
//! - names in the order of a randomly seeded hash table are sorted: the clones of one snapshot,
//!   the list behind `use '-r' …` or `use '-R' …`, and the refusals that one `snapshot` or `destroy` has
//!   for several snapshots;
//! - in the help after a wrong command line the table of properties and the list of commands are
//!   replaced: they have entries that depend on the platform and the release.

use super::record::Record;
use crate::host::words::Words;

/// In place of a number of bytes that depends on how the pool stores them.
pub(super) const BYTES: &str = "<bytes>";
/// In place of a time.
pub(super) const TIME: &str = "<time>";
/// In place of the number of a transaction group.
pub(super) const TXG: &str = "<txg>";

/// Properties whose values differ between any two runs, by both of their names.
const VOLATILE: [(&str, &str); 8] = [
    ("used", BYTES),
    ("avail", BYTES),
    ("available", BYTES),
    ("refer", BYTES),
    ("referenced", BYTES),
    ("written", BYTES),
    ("creation", TIME),
    ("createtxg", TXG),
];

/// The record with all of these replaced.
pub(super) fn masked(record: &Record) -> Record {
    let mut masked = record.clone();
    let words = record.words();
    let words: &[String] = match words.as_slice() {
        [first, rest @ ..] if first == "user" => rest,
        words => words,
    };
    if let [zfs, verb, args @ ..] = words
        && zfs == "zfs"
    {
        match verb.as_str() {
            "list" => list(&mut masked, args),
            "get" => get(&mut masked, args),
            _ => {}
        }
    }
    help(&mut masked.stderr);
    sort_names(&mut masked.stderr);
    masked
}

fn list(record: &mut Record, args: &[String]) {
    let Ok(words) = Words::parse(args, "HS:d:o:prs:t:") else {
        return;
    };
    let columns = words
        .last("o")
        .unwrap_or("name,used,available,referenced,mountpoint");
    let columns: Vec<&str> = columns.split(',').collect();
    let script = words.has("H");
    record.stdout = rewrite(&record.stdout, columns.len(), script, |_, column, cell| {
        hidden(columns[column], cell)
    });
}

fn get(record: &mut Record, args: &[String]) {
    let Ok(words) = Words::parse(args, ":d:o:s:rt:Hp") else {
        return;
    };
    let Some(properties) = words.operands.first() else {
        return;
    };
    let properties: Vec<&str> = properties.split(',').collect();
    let fields = words.last("o").unwrap_or("name,property,value,source");
    let fields: Vec<&str> = fields.split(',').collect();
    let script = words.has("H");
    record.stdout = rewrite(&record.stdout, fields.len(), script, |row, column, cell| {
        // Every dataset has one row for each property.
        match fields[column] {
            "value" => hidden(properties[row % properties.len()], cell),
            _ => None,
        }
    });
}

/// The mask for the value of a property.
fn hidden(property: &str, cell: &str) -> Option<String> {
    if property == "clones" {
        let mut clones: Vec<&str> = cell.split(',').collect();
        clones.sort_unstable();
        return Some(clones.join(","));
    }
    let (_, meaning) = VOLATILE.iter().find(|(name, _)| *name == property)?;
    (cell != "-").then(|| (*meaning).to_owned())
}

/// Replaces cells by row (headings do not count) and column.
fn rewrite(
    lines: &[String],
    columns: usize,
    script: bool,
    new: impl Fn(usize, usize, &str) -> Option<String>,
) -> Vec<String> {
    if script {
        let line = |(row, line): (usize, &String)| {
            let cells = line.split('\t').enumerate();
            let cells = cells.map(|(at, cell)| new(row, at, cell).unwrap_or_else(|| cell.into()));
            cells.collect::<Vec<String>>().join("\t")
        };
        return lines.iter().enumerate().map(line).collect();
    }
    let Some(mut table) = Table::parse(lines, columns) else {
        return lines.to_vec();
    };
    for at in 0..columns {
        table.rewrite(at, |row, cell| new(row, at, cell));
    }
    table.lines()
}

/// A table with headings, whose columns are separated by blanks that all lines have.
struct Table {
    /// The cells of each line, with the blanks that pad them to the width of the column.
    rows: Vec<Vec<String>>,
    /// The blanks behind each column.
    gaps: Vec<usize>,
}

impl Table {
    fn parse(lines: &[String], columns: usize) -> Option<Self> {
        let lines: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
        let width = lines.iter().map(Vec::len).max()?;
        let cell = |line: &[char], from: usize, to: usize| -> String {
            let letters = (from..to).map(|at| line.get(at).copied().unwrap_or(' '));
            letters.collect()
        };
        let is_blank = |at: &usize| lines.iter().all(|line| cell(line, *at, at + 1) == " ");
        let mut ends = Vec::new();
        let mut at = 0;
        while at < width {
            let gap = (at..width).take_while(is_blank).count();
            if gap >= 2 {
                ends.push((at, gap));
            }
            at += gap.max(1);
        }
        ends.push((width, 0));
        if ends.len() != columns {
            return None;
        }
        let row = |line: &Vec<char>| {
            let mut from = 0;
            let cells = ends.iter().map(|(end, gap)| {
                let text = cell(line, from, *end);
                from = end + gap;
                text
            });
            cells.collect()
        };
        Some(Self {
            rows: lines.iter().map(row).collect(),
            gaps: ends.iter().map(|(_, gap)| *gap).collect(),
        })
    }

    /// Replaces cells of a column, which then gets the resulting width.
    fn rewrite(&mut self, column: usize, new: impl Fn(usize, &str) -> Option<String>) {
        let mut is_new = false;
        for (row, cells) in self.rows.iter_mut().skip(1).enumerate() {
            if let Some(cell) = new(row, cells[column].trim()) {
                cells[column] = cell;
                is_new = true;
            }
        }
        if !is_new {
            return;
        }
        let widths = self.rows.iter().map(|cells| cells[column].trim().len());
        let width = widths.max().unwrap_or(0);
        for cells in &mut self.rows {
            cells[column] = format!("{:>width$}", cells[column].trim());
        }
        // A column's own blanks cannot be told apart from those beside it.
        for gap in [column.checked_sub(1), Some(column)].into_iter().flatten() {
            self.gaps[gap] = self.gaps[gap].min(2);
        }
    }

    fn lines(&self) -> Vec<String> {
        let line = |cells: &Vec<String>| {
            let cells = cells.iter().zip(&self.gaps);
            let text = cells.map(|(cell, gap)| format!("{cell}{}", " ".repeat(*gap)));
            text.collect::<String>().trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

fn help(lines: &mut Vec<String>) {
    let find = |lines: &[String], text: &str| lines.iter().position(|line| line.starts_with(text));
    if let Some(at) = find(lines, "The following properties are supported:") {
        lines.truncate(at + 1);
        lines.push("<table of properties>".into());
    }
    let start = find(lines, "where 'command' is one of the following:");
    let end = find(lines, "Each dataset is of the form:");
    if let (Some(start), Some(end)) = (start, end) {
        lines.splice(start + 1..end, ["<list of commands>".into()]);
    }
}

fn sort_names(lines: &mut [String]) {
    let is_refusal = |line: &String| {
        line.starts_with("cannot create snapshot '") || line.starts_with("cannot destroy snapshot ")
    };
    let mut at = 0;
    while at < lines.len() {
        let count = if lines[at].starts_with("use '-") {
            at += 1;
            let is_name = |line: &&String| {
                !line.starts_with("cannot ") && !line.starts_with("Output limited to ")
            };
            lines[at..].iter().take_while(is_name).count()
        } else {
            lines[at..]
                .iter()
                .take_while(|line| is_refusal(line))
                .count()
        };
        lines[at..at + count].sort_unstable();
        at += count.max(1);
    }
}
