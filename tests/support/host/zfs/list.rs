//! `zfs list` and `zfs get`.

use super::super::call::{Answer, Status};
use super::super::state::State;
use super::super::words::Words;
use super::gather::{Question, gather};
use super::name::Types;
use super::property::{Access, Look, PROPERTIES, Property};
use super::since_2_2;
use super::table::{self, Column};
use super::usage::{options, wrong};

/// `zfs list [-r | -d depth] [-Hp] [-o property,...] [-s property] [-S property] [-t type,...] [name]...`
pub(super) fn list(state: &State, args: &[String]) -> Result<Answer, Answer> {
    let words = options(state, "list", "HS:d:o:prs:t:", args)?;
    let misused = |problem: String| wrong(state, "list", &problem);
    let mut keys = Vec::new();
    for (option, text) in &words.options {
        if option == "s" || option == "S" {
            let name = text.as_deref().unwrap_or_default();
            let key = Property::named(name);
            let key = key.ok_or_else(|| misused(format!("invalid property '{name}'")))?;
            keys.push((key, option == "S"));
        }
    }
    let asked = types(state, &words).map_err(misused)?;
    let types = asked.unwrap_or(Types::DATASETS);
    let columns = words
        .last("o")
        .unwrap_or("name,used,available,referenced,mountpoint");
    let properties = Property::list(columns).map_err(misused)?;
    let (found, problems) = gather(
        state,
        &Question {
            operands: &words.operands,
            types,
            with_snapshots: asked.is_some_and(|types| types.has(Types::SNAPSHOT)),
            depth: depth(&words, &words.operands, types).map_err(misused)?,
            keys,
        },
    );
    let answer = Answer::ok().and_err(problems.join("\n"));
    let (exact, script) = (words.has("p"), words.has("H"));
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|full| {
            let cells = properties.iter();
            cells.map(|one| one.shown(state, full, exact)).collect()
        })
        .collect();
    let columns: Vec<Column> = properties
        .iter()
        .map(|property| Column {
            heading: property.column.to_string(),
            width: Some(width(state, property, &found, exact, exact)),
            right: !matches!(property.look, Look::Text | Look::Word(_) | Look::Date),
        })
        .collect();
    let mut answer = answer.and_out(table::print(&columns, &rows, script));
    if !problems.is_empty() {
        answer.status = Status::Exit(1);
    } else if rows.is_empty() && !script {
        answer = answer.and_err("no datasets available");
    }
    Ok(answer)
}

/// How many levels below the operands, `None` for all: as `-d` and `-r` say; by default none, but one
/// for a list of only the snapshots or bookmarks of named datasets.
fn depth(words: &Words, operands: &[String], types: Types) -> Result<Option<usize>, String> {
    let Some(text) = words.last("d") else {
        let is_alone = types == Types::SNAPSHOT || types == Types::BOOKMARK;
        return Ok(match operands {
            [] => None,
            _ if words.has("r") => None,
            _ => Some(usize::from(is_alone)),
        });
    };
    let depth: i64 = text
        .parse()
        .map_err(|_| format!("{text} is not an integer"))?;
    match usize::try_from(depth) {
        Ok(depth) => Ok(Some(depth)),
        Err(_) => Err("Depth can not be negative.".into()),
    }
}

/// The types of `-t`; `fs` and `vol` came with 2.2.
fn types(state: &State, words: &Words) -> Result<Option<Types>, String> {
    let Some(text) = words.last("t") else {
        return Ok(None);
    };
    let new = text.split(',').find(|word| matches!(*word, "fs" | "vol"));
    match new {
        Some(word) if !since_2_2(state) => Err(format!("invalid type '{word}'")),
        _ => Types::parse(text).map(Some),
    }
}

/// zprop_width and zfs_expand_proplist: a column is as wide as a shortened number or one of a set of
/// words can be, and wider only for other values; with `all` for any.
fn width(state: &State, property: &Property, found: &[String], exact: bool, all: bool) -> usize {
    let least = match property.look {
        Look::Word(words) => words.iter().map(|word| word.len()).max().unwrap_or(0),
        _ if property.access == Access::User => property.name.len(),
        Look::Text => 0,
        _ => 5,
    };
    let is_flexible = matches!(property.look, Look::Text | Look::Number | Look::Date);
    let values = found
        .iter()
        .filter(|_| is_flexible || all)
        .map(|full| property.shown(state, full, exact).len());
    values
        .chain([least, property.column.len()])
        .max()
        .unwrap_or(0)
}

/// The beginnings of the sources of `-s`; by default of all.
fn sources(words: &Words) -> Result<Vec<&str>, String> {
    let Some(text) = words.last("s") else {
        return Ok(vec![""]);
    };
    let source = |word| match word {
        "none" => Ok("-"),
        "local" | "default" | "received" | "inherited" | "temporary" => Ok(word),
        _ => Err(format!("invalid source '{word}'")),
    };
    text.split(',').map(source).collect()
}

/// `zfs get [-Hp] [-r | -d depth] [-o field,...] [-s source,...] [-t type,...] property,... [name]...`
pub(super) fn get(state: &State, args: &[String]) -> Result<Answer, Answer> {
    let words = options(state, "get", ":d:o:s:rt:Hp", args)?;
    let misused = |problem: String| wrong(state, "get", &problem);
    let fields = words.last("o").unwrap_or("name,property,value,source");
    let fields: Vec<&str> = fields.split(',').collect();
    let known = ["name", "property", "value", "source"];
    if let Some(bad) = fields.iter().find(|field| !known.contains(field)) {
        return Err(misused(format!("invalid column name '{bad}'")));
    }
    let sources = sources(&words).map_err(misused)?;
    let types = types(state, &words).map_err(misused)?.unwrap_or(Types::ALL);
    let Some((wanted, operands)) = words.operands.split_first() else {
        return Err(misused("missing property argument".into()));
    };
    let properties = match wanted.as_str() {
        "all" => {
            let all = PROPERTIES.iter().filter(|one| one.name != "name");
            all.cloned().collect()
        }
        _ => Property::list(wanted).map_err(misused)?,
    };
    let (found, problems) = gather(
        state,
        &Question {
            operands,
            types,
            with_snapshots: types.has(Types::SNAPSHOT),
            depth: depth(&words, operands, types).map_err(misused)?,
            keys: Vec::new(),
        },
    );
    let exact = words.has("p");
    let mut rows = Vec::new();
    for full in &found {
        for property in &properties {
            let source = property.source(state, full);
            if !sources.iter().any(|word| source.starts_with(word)) {
                continue;
            }
            let cells = fields.iter().map(|field| match *field {
                "name" => full.clone(),
                "property" => property.name.to_string(),
                "value" => property.shown(state, full, exact),
                _ => source.clone(),
            });
            rows.push(cells.collect());
        }
    }
    let columns: Vec<Column> = fields
        .iter()
        .map(|field| Column {
            heading: field.to_uppercase(),
            width: match *field {
                "value" => properties
                    .iter()
                    .map(|one| width(state, one, &found, exact, false))
                    .max(),
                "source" => found.iter().map(|full| full.len() + 14).max(),
                _ => None,
            },
            right: false,
        })
        .collect();
    let out = table::print(&columns, &rows, words.has("H"));
    let mut answer = Answer::ok().and_err(problems.join("\n")).and_out(out);
    if !problems.is_empty() {
        answer.status = Status::Exit(1);
    }
    Ok(answer)
}
