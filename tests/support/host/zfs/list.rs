//! `zfs list` and `zfs get`.

use std::collections::BTreeSet;

use super::super::Host;
use super::super::call::{Answer, Status};
use super::super::state::State;
use super::super::words::Words;
use super::property::{PROPERTIES, exists, is_known, property, snapshots, source};
use super::{name, size, usage};

/// Which types are asked for.
struct Types {
    filesystem: bool,
    volume: bool,
    snapshot: bool,
}

impl Types {
    fn parse(text: &str) -> Result<Self, Answer> {
        let mut types = Self {
            filesystem: false,
            volume: false,
            snapshot: false,
        };
        for word in text.split(',') {
            match word {
                "filesystem" | "fs" => types.filesystem = true,
                "volume" | "vol" => types.volume = true,
                "snapshot" | "snap" => types.snapshot = true,
                "bookmark" => {}
                "all" => (types.filesystem, types.volume, types.snapshot) = (true, true, true),
                _ => return Err(usage(&format!("invalid type '{word}'"), "list [...]")),
            }
        }
        Ok(types)
    }

    fn wants(&self, state: &State, full: &str) -> bool {
        match full.split_once('@') {
            Some(_) => self.snapshot,
            None => state
                .datasets
                .get(full)
                .is_some_and(|dataset| match dataset.volume {
                    Some(_) => self.volume,
                    None => self.filesystem,
                }),
        }
    }
}

/// What a question is about: the operands, and what lies below them as deep as is asked.
fn gather(
    state: &State,
    words: &Words,
    operands: &[String],
    types: &Types,
) -> Result<(Vec<String>, Answer), Answer> {
    let only_snapshots = types.snapshot && !types.filesystem && !types.volume;
    let depth = match words.last("d") {
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| usage("invalid depth argument", "list [...]"))?,
        None if words.has("r") || operands.is_empty() => usize::MAX,
        None => usize::from(only_snapshots),
    };
    let mut answer = Answer::ok();
    let mut found = Vec::new();
    let roots: Vec<String> = if operands.is_empty() {
        state
            .datasets
            .keys()
            .filter(|name| !name.contains('/'))
            .cloned()
            .collect()
    } else {
        operands.to_vec()
    };
    for root in &roots {
        if let Some(problem) = name::problem(root) {
            answer = answer.and_err(format!("cannot open '{root}': {problem}"));
            answer.status = Status::Exit(1);
            continue;
        }
        if !exists(state, root) {
            answer = answer.and_err(format!("cannot open '{root}': dataset does not exist"));
            answer.status = Status::Exit(1);
            continue;
        }
        if root.contains('@') {
            found.push(root.clone());
            continue;
        }
        let below = format!("{root}/");
        let level = root.matches('/').count();
        for dataset in state
            .datasets
            .keys()
            .filter(|name| *name == root || name.starts_with(&below))
        {
            let deep = dataset.matches('/').count() - level;
            if deep <= depth {
                found.push(dataset.clone());
            }
            if deep < depth {
                found.extend(snapshots(state, dataset));
            }
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|full| {
        // A snapshot that is named is listed whatever the types.
        let named = full.contains('@') && operands.contains(full);
        (types.wants(state, full) || named) && seen.insert(full.clone())
    });
    Ok((found, answer))
}

/// `zfs list [-r | -d depth] [-Hp] [-o property,...] [-s property] [-S property] [-t type,...] [name]...`
pub(super) fn list(host: &Host, args: &[String]) -> Answer {
    let state = &host.state;
    let verb = "list [-Hp] [-r|-d max] [-o property[,...]] [-s property]... [-t type[,...]] [...]";
    let words = match Words::parse(args, "HS:d:o:prs:t:j") {
        Ok(words) => words,
        Err(error) => return usage(&format!("{error}"), verb),
    };
    let columns: Vec<&str> = words
        .last("o")
        .unwrap_or("name,used,avail,refer,mountpoint")
        .split(',')
        .collect();
    if let Some(bad) = columns.iter().find(|column| !is_known(column)) {
        return usage(
            &format!("bad property list: invalid property '{bad}'"),
            verb,
        );
    }
    let types = match Types::parse(words.last("t").unwrap_or("filesystem,volume")) {
        Ok(types) => types,
        Err(answer) => return answer,
    };
    let (mut found, answer) = match gather(state, &words, &words.operands, &types) {
        Ok(gathered) => gathered,
        Err(answer) => return answer,
    };
    let keys: Vec<(&str, bool)> = words
        .options
        .iter()
        .filter(|(option, _)| option == "s" || option == "S")
        .filter_map(|(option, key)| Some((key.as_deref()?, option == "S")))
        .collect();
    if let Some((bad, _)) = keys.iter().find(|(key, _)| !is_known(key)) {
        return usage(&format!("invalid property '{bad}'"), verb);
    }
    for (key, reverse) in keys.iter().rev() {
        found.sort_by(|left, right| {
            let (left, right) = (property(state, left, key), property(state, right, key));
            let order = match (left.parse::<u64>(), right.parse::<u64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => left.cmp(&right),
            };
            if *reverse { order.reverse() } else { order }
        });
    }
    if found.is_empty() {
        // zfs_main.c: said on stderr, exit 0.
        return match (answer.status, words.has("H")) {
            (Status::Exit(0), false) => answer.and_err("no datasets available"),
            _ => answer,
        };
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|full| {
            columns
                .iter()
                .map(|column| cell(state, full, column, words.has("p")))
                .collect()
        })
        .collect();
    answer.and_out(table(&rows, &columns, words.has("H")))
}

fn cell(state: &State, full: &str, column: &str, exact: bool) -> String {
    let value = property(state, full, column);
    if exact {
        return value;
    }
    let is_size = PROPERTIES
        .iter()
        .any(|(known, size)| *known == column && *size);
    match value.parse::<u64>() {
        Ok(0) if column == "refreservation" => "none".into(),
        Ok(bytes) if is_size => size::show(bytes),
        Ok(seconds) if column == "creation" => date(seconds),
        _ => value,
    }
}

/// `Thu Jan 15 12:00 2026`
fn date(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
        .map_or_else(
            || "-".into(),
            |date| date.format("%a %b %e %k:%M %Y").to_string(),
        )
}

fn table(rows: &[Vec<String>], columns: &[&str], script: bool) -> String {
    if script {
        return rows.iter().map(|row| row.join("\t") + "\n").collect();
    }
    let headings: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
    let left = [
        "name",
        "mountpoint",
        "origin",
        "type",
        "creation",
        "volmode",
    ];
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            rows.iter()
                .map(|row| row[at].len())
                .chain([headings[at].len()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        for (at, cell) in row.iter().enumerate() {
            let width = widths[at];
            let last = at + 1 == row.len();
            if at > 0 {
                out.push_str("  ");
            }
            match (left.contains(&columns[at]), last) {
                (true, true) => out.push_str(cell),
                (true, false) => out.push_str(&format!("{cell:<width$}")),
                (false, _) => out.push_str(&format!("{cell:>width$}")),
            }
        }
        out.push('\n');
    }
    out
}

/// `zfs get [-Hp] [-r | -d depth] [-o field,...] [-t type,...] property,... [name]...`
pub(super) fn get(host: &Host, args: &[String]) -> Answer {
    let state = &host.state;
    let verb = "get [-rHp] [-d max] [-o \"all\" | field[,...]] [-t type[,...]] \
         <\"all\" | property[,...]> [filesystem|volume|snapshot|bookmark] ...";
    let words = match Words::parse(args, "d:o:s:jrt:Hp") {
        Ok(words) => words,
        Err(error) => return usage(&format!("{error}"), verb),
    };
    let Some((wanted, operands)) = words.operands.split_first() else {
        return usage("missing property argument", verb);
    };
    let wanted: Vec<&str> = if wanted == "all" {
        PROPERTIES.iter().map(|(name, _)| *name).collect()
    } else {
        wanted.split(',').collect()
    };
    if let Some(bad) = wanted.iter().find(|name| !is_known(name)) {
        return usage(
            &format!("bad property list: invalid property '{bad}'"),
            verb,
        );
    }
    let fields: Vec<&str> = words
        .last("o")
        .unwrap_or("name,property,value,source")
        .split(',')
        .collect();
    let types = match Types::parse(words.last("t").unwrap_or("all")) {
        Ok(types) => types,
        Err(answer) => return answer,
    };
    let (found, answer) = match gather(state, &words, operands, &types) {
        Ok(gathered) => gathered,
        Err(answer) => return answer,
    };
    let mut rows = Vec::new();
    for full in &found {
        for name in &wanted {
            rows.push(
                fields
                    .iter()
                    .map(|field| match *field {
                        "name" => full.clone(),
                        "property" => (*name).into(),
                        "value" => cell(state, full, name, words.has("p")),
                        _ => source(state, full, name),
                    })
                    .collect(),
            );
        }
    }
    answer.and_out(table(&rows, &fields, words.has("H")))
}
