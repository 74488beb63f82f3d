//! The values of options and arguments, by the name of the value in the definition.

use super::Candidate;
use super::typed::Typed;
use crate::config::Config;
use crate::config::resolve::{self, Wanted};
use crate::config::settings::{self, Form, HOST, Need, Setting, VM};
use crate::host::Look;
use crate::model::Volume;
use crate::survey;
use crate::tools::zfs;
use crate::verb::Spelling;
use clap::{Arg, Command};
use std::path::Path;

/// Where values come from.
pub(super) struct Sources<'run> {
    /// The configuration, if it can be read.
    pub(super) config: Option<&'run Config>,
    /// The host, for the snapshots of a volume.
    pub(super) look: &'run mut dyn Look,
    /// The directory of devices.
    pub(super) devices: &'run Path,
}

/// How the value of an option or of an argument is completed.
#[derive(Clone, Copy)]
enum Kind {
    /// A VM.
    Vm,
    /// A VM, or a file where the word has a slash.
    VmOrFile,
    /// A file.
    File,
    /// A VM, then its settings; without a VM those of the host.
    AnySetting,
    /// A setting of a VM.
    Setting,
    /// A snapshot of the VM.
    Snapshot,
    /// A new VM; before it a snapshot.
    SnapshotFirst,
    /// A word of the user's own.
    Free,
}

/// The kind by the name of the value. A name that is not listed is that of a file, so that a new one is
/// completed by the shell.
static KINDS: &[(&str, Kind)] = &[
    ("VM", Kind::Vm),
    ("VM|FILE", Kind::VmOrFile),
    ("[VM] KEY=VALUE", Kind::AnySetting),
    ("KEY=VALUE", Kind::Setting),
    ("SNAP", Kind::Snapshot),
    ("NEW", Kind::SnapshotFirst),
    ("WORD", Kind::Free),
    ("SIZE", Kind::Free),
    ("LINES", Kind::Free),
    ("N", Kind::Free),
    ("OLD", Kind::Vm),
];

/// The verbs and commands.
pub(super) fn commands(program: &Command) -> Vec<Candidate> {
    let shown = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let mut found: Vec<Candidate> = shown
        .map(|command| Candidate::new(command.get_name(), about(command.get_about())))
        .collect();
    found.push(Candidate::new(
        "help",
        "Show the help of a verb or a command",
    ));
    found
}

/// The options of a command.
pub(super) fn options(command: &Command) -> Vec<Candidate> {
    let arguments = command.get_arguments().filter(|one| !one.is_hide_set());
    let mut found = Vec::new();
    for argument in arguments.filter(|one| !one.is_positional()) {
        let meaning = about(argument.get_help());
        let long = argument.get_long().map(|long| format!("--{long}"));
        let short = argument.get_short().map(|short| format!("-{short}"));
        for word in long.into_iter().chain(short) {
            found.push(Candidate::new(word, meaning.clone()));
        }
    }
    for (word, meaning) in [
        ("--config", "Read this configuration and no other"),
        ("--help", "Show help"),
    ] {
        if found.iter().all(|one| one.word != word) {
            found.push(Candidate::new(word, meaning));
        }
    }
    found
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// The values of an option or an argument; none where a file is wanted.
pub(super) fn of(
    argument: &Arg,
    typed: &Typed<'_>,
    current: &str,
    sources: &mut Sources<'_>,
) -> Option<Vec<Candidate>> {
    let words = argument.get_possible_values();
    if !words.is_empty() {
        let shown = words.iter().filter(|word| !word.is_hide_set());
        return Some(
            shown
                .map(|word| Candidate::new(word.get_name(), about(word.get_help())))
                .collect(),
        );
    }
    let name = argument.get_value_names().and_then(<[_]>::first);
    let kind = name.and_then(|name| KINDS.iter().find(|(known, _)| *known == name.as_str()));
    let vm = typed.operands.first().map(String::as_str);
    Some(match kind.map_or(Kind::File, |(_, kind)| *kind) {
        // The name of a VM that does not exist yet.
        Kind::Vm if typed.command == "new" => Vec::new(),
        Kind::Vm => vms(sources.config),
        Kind::VmOrFile if current.contains('/') => return None,
        Kind::VmOrFile => vms(sources.config),
        Kind::File => return None,
        Kind::AnySetting => match vm.filter(|vm| !vm.contains('=')) {
            Some(_) => assignments(&VM, current)?,
            None if typed.operands.is_empty() => {
                let mut found = vms(sources.config);
                found.extend(assignments(&HOST, current)?);
                found
            }
            None => assignments(&HOST, current)?,
        },
        Kind::Setting => assignments(&VM, current)?,
        Kind::Snapshot => snapshots(vm?, sources, ""),
        Kind::SnapshotFirst if typed.operands.len() == 1 => snapshots(vm?, sources, "@"),
        Kind::SnapshotFirst | Kind::Free => Vec::new(),
    })
}

fn vms(config: Option<&Config>) -> Vec<Candidate> {
    let vms = config.into_iter().flat_map(Config::vms);
    vms.map(|(vm, _)| Candidate::new(vm, "")).collect()
}

/// Settings as `KEY=`; behind the `=` the words that the setting takes, or none if it takes a path.
fn assignments<Into>(table: &'static [Setting<Into>], current: &str) -> Option<Vec<Candidate>> {
    if let Some((key, _)) = current.split_once('=') {
        let is_it = |row: &&Setting<Into>| is_spelled(row.name, key);
        let Some(row) = table.iter().find(is_it) else {
            return Some(Vec::new());
        };
        return match row.form {
            Form::OneOf(words) => Some(
                words
                    .iter()
                    .map(|word| Candidate::new(format!("{key}={word}"), ""))
                    .collect(),
            ),
            // The shell would complete the whole word, not what is behind the `=`.
            Form::Named(_) => Some(Vec::new()),
        };
    }
    // The number that is typed, or the first.
    let digits = current.trim_start_matches(|c: char| !c.is_ascii_digit());
    let digits = digits
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    let number = if digits.is_empty() { "0" } else { digits };
    let rows = table.iter().filter(|row| !row.name.contains("BRIDGE"));
    Some(
        rows.map(|row| {
            Candidate::new(
                format!("{}=", row.numbered(number)),
                row.meaning.replace('`', ""),
            )
        })
        .collect(),
    )
}

/// Whether a key spells a name of the table.
fn is_spelled(name: &str, key: &str) -> bool {
    let number: String = key.chars().filter(char::is_ascii_digit).collect();
    settings::numbered(name, number) == key
}

/// The snapshots of a VM's volume, the newest first.
fn snapshots(vm: &str, sources: &mut Sources<'_>, before: &str) -> Vec<Candidate> {
    let wanted = Wanted::new(Need::Disks, Spelling::default(), sources.devices);
    let vm = sources
        .config
        .and_then(|config| resolve::vm(config, vm, &wanted).ok());
    let Some(Volume::Zfs(volume)) = vm.map(|vm| vm.volume) else {
        return Vec::new();
    };
    let answer = survey::answer(sources.look, &zfs::list(&volume)).unwrap_or_default();
    let lines = answer.lines().filter_map(|line| line.split('\t').next());
    let names = lines.filter_map(|name| name.split_once('@'));
    let mut found: Vec<Candidate> = names
        .map(|(_, name)| Candidate::new(format!("{before}{name}"), ""))
        .collect();
    found.reverse();
    found
}
