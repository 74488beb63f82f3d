//! Errors about the arguments of a call: each names the command that probably is meant.

use super::PROGRAM;
use crate::error::Error;
use crate::model::name::VmName;
use crate::suggest;
use crate::verb::{Spelling, Verb};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// clap's message in the form of an [`Error`]: what is wrong, then what to do.
pub(super) fn wrong_usage(error: &clap::Error) -> Error {
    let text = error.render().to_string();
    let mut paragraphs = text.trim().split("\n\n").map(|lines| {
        lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    let what = paragraphs.next().unwrap_or_default();
    let mut ours = Error::usage(what.trim_start_matches("error: "));
    for paragraph in paragraphs.filter(|text| !is_useless(text)) {
        ours = ours.help(
            paragraph
                .replacen("Usage:", "usage:", 1)
                .replacen("tip: ", "", 1),
        );
    }
    ours.help("list all options: --help")
}

/// No verb accepts operands that look like options, and our own last line names --help.
fn is_useless(paragraph: &str) -> bool {
    paragraph.starts_with("For more information") || paragraph.starts_with("tip: to pass")
}

/// The commands of easy-bhyve itself.
pub(super) const ADMIN: [&str; 18] = [
    "init",
    "setup",
    "list",
    "status",
    "check",
    "doctor",
    "inspect",
    "os",
    "set",
    "new",
    "disk",
    "rename",
    "destroy",
    "import",
    "stop-all",
    "autostart",
    "completions",
    "man",
];

/// The error for the name of a link whose verb does not exist.
pub(super) fn unknown_verb(name: &str, vm: &str, typed: &str) -> Error {
    let error = Error::usage(format!("there is no verb \"{typed}\""));
    let known = Verb::ALL.iter().map(|verb| verb.as_str());
    let error = match (elsewhere(typed), suggest::near(typed, known)) {
        (Some(Elsewhere::Verb(verb)), _) => error.help(format!("the link for this is {vm}-{verb}")),
        (Some(Elsewhere::Command(command)), _) => {
            let command = command.replace("VM", vm);
            error.help(format!("the command for this is {PROGRAM} {command}"))
        }
        (None, Some(near)) => error.help(format!("the nearest verb is {near}: {vm}-{near}")),
        (None, None) => error.help(format!(
            "{name} is a link to {PROGRAM}: the name of a link is VM-VERB"
        )),
    };
    error.help(format!("list all verbs: {PROGRAM} --help"))
}

/// The error for a word that is not a command.
///
/// Differs: An unknown word is an error that names a near one
pub(super) fn wrong_command(wrong: &str, typed: &[OsString]) -> Error {
    let error = Error::usage(format!("there is no command \"{wrong}\""));
    let next = typed.iter().skip_while(|word| *word != wrong).nth(1);
    let next = next.and_then(|next| next.to_str());
    let is_vm = |name: &&str| VmName::parse(name).is_ok();
    let swapped = next.and_then(Verb::parse).filter(|_| is_vm(&wrong));
    let link = wrong
        .rsplit_once('-')
        .and_then(|(vm, verb)| Some((vm, Verb::parse(verb)?)))
        .filter(|(vm, _)| is_vm(vm));
    let vm = next.filter(is_vm).unwrap_or("VM");
    let known = Verb::ALL.iter().map(|verb| verb.as_str()).chain(ADMIN);
    let program = program(typed);
    let error = match (elsewhere(wrong), swapped, link, suggest::near(wrong, known)) {
        (Some(Elsewhere::Verb(verb)), ..) => {
            error.help(format!("the command for this is {program} {verb} {vm}"))
        }
        (Some(Elsewhere::Command(command)), ..) => {
            let command = command.replace("VM", vm);
            error.help(format!("the command for this is {program} {command}"))
        }
        (None, Some(verb), ..) => {
            error.help(format!("the verb comes first: {program} {verb} {wrong}"))
        }
        (None, None, Some((vm, verb)), _) => error.help(format!(
            "write {program} {verb} {vm}, or call the link {wrong}"
        )),
        (None, None, None, Some(near)) => error.help(format!("the nearest command is {near}")),
        (None, None, None, None) => error,
    };
    error.help(format!("list all commands: {PROGRAM} --help"))
}

/// The program's name with the `--config FILE` of the call, to paste.
fn program(typed: &[OsString]) -> String {
    let mut words = typed.iter();
    let file = words.find_map(|word| match word.to_str()?.strip_prefix("--config")? {
        "" => Some(Named::Next),
        named => Some(Named::Here(named.strip_prefix('=')?)),
    });
    let file = match file {
        Some(Named::Next) => words.next().map(OsString::as_os_str),
        Some(Named::Here(file)) => Some(OsStr::new(file)),
        None => None,
    };
    Spelling::program(file.map(Path::new))
}

/// Where a call names its configuration.
enum Named<'word> {
    /// In the word behind `--config`.
    Next,
    /// In the same word.
    Here(&'word str),
}

/// What does the work of a word of another manager.
#[derive(Clone, Copy)]
enum Elsewhere {
    /// A verb, and its options.
    Verb(&'static str),
    /// A command of easy-bhyve itself, and its words.
    Command(&'static str),
}

fn elsewhere(word: &str) -> Option<Elsewhere> {
    use Elsewhere::{Command, Verb};
    Some(match word {
        "start" => Verb("boot"),
        "stop" => Verb("shutdown"),
        "poweroff" => Verb("shutdown -f"),
        "reboot" => Verb("restart"),
        "reset" => Verb("restart -f"),
        "info" => Verb("resources"),
        "logs" => Verb("log"),
        "ls" => Command("list"),
        "ps" => Command("status"),
        "create" => Command("new VM"),
        "edit" => Command("set VM KEY=VALUE"),
        "remove" | "delete" | "destroy" => Command("destroy VM"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{ADMIN, Elsewhere, elsewhere};
    use crate::verb::Verb;

    #[test]
    fn a_word_of_another_manager_leads_to_a_verb_or_a_command() {
        for word in [
            "start", "stop", "poweroff", "reset", "reboot", "ls", "ps", "info", "create", "edit",
            "remove",
        ] {
            assert_eq!(Verb::parse(word), None);
            let first = |words: &'static str| words.split(' ').next().unwrap_or_default();
            let exists = match elsewhere(word).expect(word) {
                Elsewhere::Verb(words) => Verb::parse(first(words)).is_some(),
                Elsewhere::Command(words) => ADMIN.contains(&first(words)),
            };
            assert!(exists, "{word}");
        }
        assert!(elsewhere("boot").is_none());
    }
}
