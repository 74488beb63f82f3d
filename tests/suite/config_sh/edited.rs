//! Edits of files of any form: sh(1) reads the new value, and nothing else changes.

use super::generate::{Choices, Generator, Rules};
use super::shell::{INCLUDED, Shell};
use super::{compare, runner, show};
use easy_bhyve::config::edit::{Edit, TypedSetting, apply, bystander, in_file, set};
use easy_bhyve::config::{Config, ConfigError};
use easy_bhyve::finding::FindingName;
use proptest::prelude::*;
use std::cell::Cell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Text that may stand behind `a_id=1`.
const BEHIND: [&[u8]; 6] = [b"\n", b" ", b"; ", b" # it's\n", b" \\\n", b"\t# \\\n"];

/// Two generated files around the id of a VM; `a_x` in them is replaced by a key of the VM.
fn file(before: &[u16], behind: &[u8], after: &[u16]) -> Vec<u8> {
    let made =
        |choices: &[u16]| Generator::new(Choices::new(choices), false, &mut Rules::new()).file();
    let mut file = made(before);
    if !file.ends_with(b"\n") {
        file.push(b'\n');
    }
    file.extend(b"a_id=1");
    file.extend(behind);
    file.extend(made(after));
    let mut renamed = Vec::new();
    while let Some(at) = file.windows(3).position(|text| text == b"a_x") {
        renamed.extend_from_slice(&file[..at]);
        renamed.extend_from_slice(b"a_mem");
        file.drain(..at + 3);
    }
    [renamed, file].concat()
}

/// Whether the words of this file can depend on the value.
fn depends(file: &[u8]) -> bool {
    [&b"$a_mem"[..], b"{a_mem", b"#a_mem"]
        .iter()
        .any(|word| file.windows(word.len()).any(|text| text == *word))
}

/// The name and the last value of every other variable.
fn others(config: &Config) -> Vec<(String, Vec<u8>)> {
    let mut others: Vec<(String, Vec<u8>)> = config
        .assignments()
        .filter(|set| set.name != "a_mem")
        .filter_map(|set| Some((set.name.to_owned(), config.get(set.name)?.value.to_vec())))
        .collect();
    others.sort();
    others.dedup();
    others
}

/// Edits one file; its new content, or nothing if the edit is refused.
fn edit(shell: &Shell, place: &Path, file: &[u8], value: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Ok(config) = shell.read(place, file) else {
        return Ok(None);
    };
    // A backslash before the assignment has made it a part of another value.
    if config.id_of("a").is_none() {
        return Ok(None);
    }
    let word = [b"mem=", value].concat();
    let setting =
        TypedSetting::parse(OsStr::from_bytes(&word)).map_err(|error| error.to_string())?;
    let edits = match set(&config, Some("a"), &setting) {
        Ok(edits) => edits,
        Err(_) if file.windows(6).any(|text| text == b"{a_mem") => return Ok(None),
        Err(span) => return Err(format!("{} is plain", config.place(span))),
    };
    let edited = match shell.seen(|outside| config.edited(&edits, outside)) {
        Ok(edited) => edited,
        Err(ConfigError::Refused(refused))
            if refused.findings()[0].name == FindingName::Pattern =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.to_string()),
    };
    let source = config.sources().iter().next().ok_or("no source")?;
    let in_bytes: Vec<Edit> = edits.iter().map(|edit| in_file(source, edit)).collect();
    let text = apply(file, &in_bytes);
    around(file, &text, &in_bytes)?;
    let read = edited.get("a_mem").map_or(&b""[..], |set| set.value);
    let is_other = bystander(&config, &edited, &edits).is_some();
    // If a word such as `${c:=w}` is replaced, its assignment is missing elsewhere.
    let takes = |edit: &Edit| config.sources().text(edit.span).contains(&b'{');
    if depends(file) || edits.iter().any(takes) {
        // For an edit that is not refused only sh decides whether it is right.
        return Ok((read == value && !is_other).then_some(text));
    }
    if read != value || is_other || others(&config) != others(&edited) {
        return Err(format!("a_mem is {}", show(read)));
    }
    Ok(Some(text))
}

/// Compares the text around the edit.
fn around(file: &[u8], text: &[u8], edits: &[Edit]) -> Result<(), String> {
    let [edit] = edits else {
        return if file == text {
            Ok(())
        } else {
            Err("changed without an edit".to_owned())
        };
    };
    let (start, end) = (edit.span.start as usize, edit.span.end as usize);
    let stays = text.starts_with(&file[..start])
        && text.ends_with(&file[end..])
        && text.len() == file.len() - (end - start) + edit.text.len();
    if stays {
        Ok(())
    } else {
        Err("changed beside the edit".to_owned())
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => prop::sample::select(b"aM0 '\"\\$`~#;&|(){}=:\n\t\r*?!".to_vec()),
        1 => 1..=255_u8,
    ];
    // CR LF is read as LF.
    let values = prop::collection::vec(byte, 0..8);
    values.prop_filter("CR LF", |value| {
        !value.windows(2).any(|pair| pair == b"\r\n")
    })
}

#[test]
fn sh_reads_the_new_value_and_every_other_variable_stays() {
    let shell = Shell::new("/bin/sh").unwrap();
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("inc.conf"), INCLUDED).unwrap();
    let choices = || prop::collection::vec(any::<u16>(), 0..100);
    let one = (
        choices(),
        prop::sample::select(&BEHIND[..]),
        choices(),
        value(),
    );
    let counts = Cell::new((0, 0));
    let result = runner(40).run(&prop::collection::vec(one, 1..60), |all| {
        let mut texts = Vec::new();
        for (before, behind, after, value) in &all {
            let file = file(before, behind, after);
            let edited = edit(&shell, place.path(), &file, value)
                .map_err(|error| format!("{error} in\n{}\nset to {}", show(&file), show(value)));
            texts.extend(edited.map_err(TestCaseError::fail)?);
        }
        let (count, good) = counts.get();
        counts.set((count + all.len(), good + texts.len()));
        prop_assert_eq!(compare(&shell, &texts)?, texts.len());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    let (all, good) = counts.get();
    assert!(good * 10 >= all * 8, "only {good} of {all} were edited");
}
