//! The commands of a configuration as the program passes them to grub, compared with the records of the
//! same commands alone: the same guest boots or the start ends, and nothing waits.

use super::grub::{Record, records, run};
use easy_bhyve::model::grub::GrubCommands;
use easy_bhyve::model::loader::GrubDir;
use easy_bhyve::tools::grub::{Root, menu};

/// Commands that booted although a needed command had failed before: the start now ends with status 1.
const FAILED_SILENTLY: [&str; 6] = [
    "fault: initrd missing",
    "fault: initrd missing, two lines",
    "fault: initrd missing then insmod",
    "fault: initrd is a directory",
    "fault: initrd without file",
    "grammar: initrd second missing",
];

/// Commands that booted although grub had silently skipped a line or dropped words, or that would have
/// crashed if their first kernel had existed: they are now refused.
const SKIPPED_SILENTLY: [&str; 8] = [
    "grammar: $? after a fault",
    "grammar: second linux fails",
    "grammar: fi alone",
    "grammar: brace open",
    "grammar: brace close",
    "grammar: linux args 2047",
    "grammar: linux args 2200",
    "grammar: one argument too many",
];

/// The root and the commands between the lines that the program puts around them.
fn commands(record: &Record) -> Option<(String, String)> {
    let text = super::grub::text_of(record)?;
    let text = text
        .strip_prefix("set root=(")?
        .strip_suffix("\nboot\nexit\n")?;
    let (root, commands) = text.split_once(")\nset prefix=($root)/boot/grub\n")?;
    Some((root.to_owned(), commands.to_owned()))
}

#[test]
fn the_commands_of_a_configuration_have_the_recorded_outcome_or_a_listed_one() {
    let records = records("scripts.jsonl");
    let mut wrong = Vec::new();
    let mut seen = (0, 0, 0);
    for record in records
        .iter()
        .filter(|record| record.form.as_deref() == Some("A"))
    {
        let Some((device, text)) = commands(record) else {
            continue;
        };
        let root = Root {
            device: &device,
            directory: &GrubDir::default(),
        };
        let topic = record.topic.as_str();
        let came_to = match GrubCommands::parse(&text) {
            Err(_) => {
                seen.0 += 1;
                "refused"
            }
            Ok(commands) => {
                let mut checked = record.clone();
                checked.text = Some(menu(root, &commands));
                let did = run(&checked);
                let kernel = did.kernel.clone().unwrap_or_default();
                let is_same = record.cmdline.is_none() || record.cmdline == kernel.command_line;
                let is_same = is_same && record.initrd.is_none_or(|bytes| bytes == kernel.initrd);
                match did.outcome.as_str() {
                    "boots" if is_same => {
                        seen.1 += 1;
                        "boots"
                    }
                    "boots" => "boots another",
                    "ends" if did.status == Some(1) && did.screen.contains("error: ") => {
                        seen.2 += 1;
                        "ends with its reason"
                    }
                    "ends" => "ends",
                    _ => "waits",
                }
            }
        };
        let expected: &[&str] = match record.outcome.as_str() {
            "boots" if FAILED_SILENTLY.contains(&topic) => &["ends with its reason"],
            "boots" if SKIPPED_SILENTLY.contains(&topic) => &["refused"],
            "boots" => &["boots"],
            "ends" if record.status != Some(1) && record.status != Some(0) => &["refused"],
            "ends" => &["refused", "ends with its reason", "ends"],
            // It asks a question on the console.
            "running" if topic == "grammar: read" => &["waits"],
            _ => &["refused"],
        };
        if !expected.contains(&came_to) {
            wrong.push(format!(
                "{} {topic}: {came_to}, not {expected:?}: {text:?}",
                record.id
            ));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen.0 > 30 && seen.1 > 80 && seen.2 > 30, "{seen:?}");
}
