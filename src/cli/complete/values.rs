//! The values of options and arguments, by the name of the value in the definition.

use super::Candidate;
use super::typed::Typed;
use crate::config::Config;
use crate::config::profile::Library;
use crate::config::resolve::{self, Wanted};
use crate::config::settings::{self, Form, HOST, Need, Setting, VM};
use crate::host::Look;
use crate::model::Volume;
use crate::model::name::IfName;
use crate::survey;
use crate::tools::ifconfig::{self, Interface};
use crate::tools::zfs;
use crate::verb::Spelling;
use clap::{Arg, Command};
use std::collections::BTreeSet;
use std::path::Path;

/// Where values come from.
pub(super) struct Sources<'run> {
    /// The configuration, if it can be read.
    pub(super) config: Option<&'run Config>,
    /// The host, for the snapshots of a volume and the names of interfaces.
    pub(super) look: &'run mut dyn Look,
    /// The directory of devices.
    pub(super) devices: &'run Path,
}

/// The values of an option or of an argument.
pub(super) enum Found {
    /// These.
    Words(Vec<Candidate>),
    /// The names of files.
    Files,
    /// The names of files behind the `=` of the word.
    FilesBehind,
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
    /// A profile of an operating system.
    Profile,
    /// The number of snapshots that stay.
    Keep,
    /// A word of the user's own.
    Free,
}

/// The kind by the name of the value. A name that is not listed is that of a file, so that a new one is
/// completed by the shell.
static KINDS: &[(&str, Kind)] = &[
    ("VM", Kind::Vm),
    ("OLD", Kind::Vm),
    ("VM|FILE", Kind::VmOrFile),
    ("[VM] KEY=VALUE", Kind::AnySetting),
    ("KEY=VALUE", Kind::Setting),
    ("SNAP", Kind::Snapshot),
    ("NEW", Kind::SnapshotFirst),
    ("WORD", Kind::Free),
    ("SIZE", Kind::Free),
    ("LINES", Kind::Free),
    ("N", Kind::Free),
    ("keep=N", Kind::Keep),
    ("NAME", Kind::Profile),
    ("FILE", Kind::File),
    ("DIR", Kind::File),
    ("ISO", Kind::File),
    ("FROM", Kind::File),
];

/// Words among the values of a form that are otherwise free.
static WORDS: &[(&str, &[&str])] = &[("place", &["YES", "NO"]), ("partition", &["auto", "none"])];

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
    let mut added = vec![
        ("--config", "Read this configuration and no other"),
        ("--help", "Show help"),
        ("-h", "Show help"),
    ];
    if command.get_version().is_some() {
        added.extend(["--version", "-V"].map(|word| (word, "Show the version")));
    }
    for (word, meaning) in added {
        if found.iter().all(|one| one.word != word) {
            found.push(Candidate::new(word, meaning));
        }
    }
    found
}

fn about(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

/// The values of an option or an argument.
pub(super) fn of(
    argument: &Arg,
    typed: &Typed<'_>,
    current: &str,
    sources: &mut Sources<'_>,
) -> Found {
    let words = argument.get_possible_values();
    if !words.is_empty() {
        let shown = words.iter().filter(|word| !word.is_hide_set());
        return Found::Words(
            shown
                .map(|word| Candidate::new(word.get_name(), about(word.get_help())))
                .collect(),
        );
    }
    let name = argument.get_value_names().and_then(<[_]>::first);
    let kind = name.and_then(|name| KINDS.iter().find(|(known, _)| *known == name.as_str()));
    let vm = typed.operands.first().map(String::as_str);
    Found::Words(match kind.map_or(Kind::File, |(_, kind)| *kind) {
        // The name of a VM that does not exist yet.
        Kind::Vm if typed.command.as_deref() == Some("new") => Vec::new(),
        Kind::SnapshotFirst if typed.command.as_deref() == Some("rename") => Vec::new(),
        Kind::VmOrFile if current.contains('/') => return Found::Files,
        Kind::Vm | Kind::VmOrFile => vms(sources.config),
        Kind::File => return Found::Files,
        Kind::Profile => profiles(sources.config, ""),
        Kind::AnySetting => match vm.filter(|vm| !vm.contains('=')) {
            Some(_) => return assignments(&VM, current, sources),
            None if typed.operands.is_empty() && !current.contains('=') => {
                let mut found = vms(sources.config);
                found.extend(keys(&HOST, current));
                found
            }
            None => return assignments(&HOST, current, sources),
        },
        Kind::Setting => return assignments(&VM, current, sources),
        Kind::Snapshot => snapshots(vm, sources, ""),
        Kind::SnapshotFirst if typed.operands.len() == 1 => snapshots(vm, sources, "@"),
        Kind::Keep => vec![Candidate::new("keep=", "the number of snapshots that stay")],
        Kind::SnapshotFirst | Kind::Free => Vec::new(),
    })
}

fn vms(config: Option<&Config>) -> Vec<Candidate> {
    let vms = config.into_iter().flat_map(Config::vms);
    vms.map(|(vm, _)| Candidate::new(vm, "")).collect()
}

/// The profiles, each behind this text.
fn profiles(config: Option<&Config>, before: &str) -> Vec<Candidate> {
    let names = Library::of(config).names().unwrap_or_default();
    let found = names.iter();
    found
        .map(|name| Candidate::new(format!("{before}{name}"), ""))
        .collect()
}

/// Settings as `KEY=`; behind the `=` the words that the setting takes.
fn assignments<Target>(
    table: &'static [Setting<Target>],
    current: &str,
    sources: &mut Sources<'_>,
) -> Found {
    let Some((key, _)) = current.split_once('=') else {
        return Found::Words(keys(table, current));
    };
    let is_it = |row: &&Setting<Target>| is_spelled(row.name, key);
    let Some(row) = table.iter().find(is_it) else {
        return Found::Words(Vec::new());
    };
    let words: Vec<String> = match row.form {
        Form::Named("path" | "directory" | "dataset | directory") => return Found::FilesBehind,
        Form::Named("profile") => {
            return Found::Words(profiles(sources.config, &format!("{key}=")));
        }
        Form::Named("bridge") => bridges(sources),
        Form::Named("interface") => uplinks(sources),
        Form::OneOf(words) => owned(words),
        Form::Named(form) => {
            let listed = WORDS.iter().find(|(name, _)| *name == form);
            owned(listed.map_or(&[][..], |(_, words)| *words))
        }
    };
    let words = words.iter();
    Found::Words(
        words
            .map(|word| Candidate::new(format!("{key}={word}"), ""))
            .collect(),
    )
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Settings as `KEY=`, with the number that is typed, or the first.
fn keys<Target>(table: &'static [Setting<Target>], current: &str) -> Vec<Candidate> {
    let digits = current.trim_start_matches(|c: char| !c.is_ascii_digit());
    let digits = digits
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default();
    let number = if digits.is_empty() { "0" } else { digits };
    let rows = table.iter().filter(|row| !row.name.contains("BRIDGE"));
    rows.map(|row| {
        let word = format!("{}=", row.numbered(number));
        Candidate::new(word, row.meaning.replace('`', ""))
    })
    .collect()
}

/// The bridges of the configuration and of the host, and the word for no bridge.
fn bridges(sources: &mut Sources<'_>) -> Vec<String> {
    let set = sources.config.into_iter().flat_map(Config::assignments);
    let set = set.filter(|set| set.name == "bridge" || set.name.ends_with("_bridge"));
    let mut found: BTreeSet<String> = set
        .map(|set| String::from_utf8_lossy(set.value).into_owned())
        .collect();
    let interfaces = interfaces(sources).into_iter();
    found.extend(
        interfaces
            .filter(|one| one.is_in(&["bridge"]))
            .map(|one| one.name),
    );
    found.insert(IfName::NONE.to_owned());
    found.into_iter().collect()
}

/// The interfaces of the host that can join a bridge as its uplink.
fn uplinks(sources: &mut Sources<'_>) -> Vec<String> {
    let others = ["bridge", "tap", "lo", "epair", "wlan", "pflog"];
    let interfaces = interfaces(sources).into_iter();
    let wired = interfaces.filter(|one| !one.is_in(&others));
    wired.map(|one| one.name).collect()
}

fn interfaces(sources: &mut Sources<'_>) -> Vec<Interface> {
    let said = survey::answer(sources.look, &ifconfig::list()).unwrap_or_default();
    ifconfig::parse(&said)
}

/// Whether a key spells a name of the table.
fn is_spelled(name: &str, key: &str) -> bool {
    let number: String = key.chars().filter(char::is_ascii_digit).collect();
    settings::numbered(name, number) == key
}

/// The snapshots of a VM's volume, the newest first.
fn snapshots(vm: Option<&str>, sources: &mut Sources<'_>, before: &str) -> Vec<Candidate> {
    let wanted = Wanted::new(Need::Disks, Spelling::default(), sources.devices);
    let vm = sources
        .config
        .zip(vm)
        .and_then(|(config, vm)| resolve::vm(config, vm, &wanted).ok());
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

#[cfg(test)]
mod tests {
    use super::{KINDS, WORDS};
    use crate::cli::invocation;
    use crate::config::settings::{Form, VM};

    #[test]
    fn every_kind_of_value_is_listed() {
        let definition = invocation::definition(None);
        let commands = definition.get_subcommands();
        let arguments = commands.flat_map(clap::Command::get_arguments);
        for argument in arguments.filter(|one| one.get_action().takes_values()) {
            let names = argument.get_value_names().unwrap_or_default();
            let is_listed = KINDS.iter().any(|(known, _)| *known == names[0].as_str());
            let has_words = !argument.get_possible_values().is_empty();
            assert!(is_listed || has_words, "{names:?}");
        }
        let forms = VM.iter().map(|row| row.form);
        for (form, _) in WORDS {
            assert!(forms.clone().any(|one| one == Form::Named(form)), "{form}");
        }
    }
}
