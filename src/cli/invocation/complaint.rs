//! Errors about the arguments of a call: they list what exists, the nearest first.

use crate::error::Error;
use crate::quote;
use crate::suggest;
use crate::verb::Verb;
use std::ffi::OsString;

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
pub(super) const ADMIN: [&str; 10] = [
    "init",
    "setup",
    "list",
    "status",
    "check",
    "set",
    "new",
    "stop-all",
    "autostart",
    "man",
];

pub(super) fn unknown_verb(typed: &str) -> Error {
    let known = Verb::ALL
        .iter()
        .map(|verb| verb.as_str())
        .collect::<Vec<_>>();
    Error::usage(format!("there is no verb \"{typed}\"")).note(format!(
        "verbs: {}",
        suggest::nearest_first(typed, known).join(" ")
    ))
}

/// The error for a word that is not a command.
///
/// Differs: An unknown word is an error that names what exists
pub(super) fn wrong_command(wrong: &str, typed: &[OsString]) -> Error {
    let known = Verb::ALL.iter().map(|verb| verb.as_str()).chain(ADMIN);
    let error = Error::usage(format!("there is no command \"{wrong}\"")).note(format!(
        "commands: {}",
        suggest::nearest_first(wrong, known).join(" ")
    ));
    let next = typed.iter().skip_while(|word| *word != wrong).nth(1);
    let swapped = next.and_then(|next| Verb::parse(next.to_str()?));
    let link = wrong
        .rsplit_once('-')
        .and_then(|(vm, verb)| Some((vm, Verb::parse(verb)?)));
    match (swapped, link) {
        (Some(verb), _) => error.help(format!(
            "the verb comes first: easy-bhyve {verb} {}",
            quote::shown(wrong)
        )),
        (None, Some((vm, verb))) => error.help(format!(
            "write easy-bhyve {verb} {}, or call the link {}",
            quote::shown(vm),
            quote::shown(wrong)
        )),
        (None, None) => error.help("list all commands: easy-bhyve --help"),
    }
}
