//! Parses the name and the arguments of a call as an [`Invocation`].
//!
//! One clap definition serves both forms; a link name is split at its last hyphen and becomes the
//! word form.

mod commands;
mod complaint;
mod help;
pub mod options;

use crate::error::Result;
use crate::operation::{TypedVerb, wire};
use crate::verb::{Links, Spelling, Verb};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches};

pub use commands::{Admin, Call};
use commands::{Cli, Common};
use complaint::{ADMIN, unknown_verb, wrong_command, wrong_usage};
use help::definition_for_help;
use options::StatusArgs;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The program's own name.
pub const PROGRAM: &str = "easy-bhyve";

/// A call, as parsed without a configuration.
#[derive(Debug)]
pub struct Invocation {
    /// The program as it was called, for messages: `fbsd0-boot`.
    pub title: String,
    /// The form in which verbs are called.
    pub spelling: Spelling,
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// The requested action.
    pub request: Call,
}

impl Invocation {
    /// A call of the program that only reads the configuration.
    pub(super) fn reading(config: Option<PathBuf>) -> Self {
        Self {
            title: PROGRAM.to_owned(),
            spelling: Spelling::default(),
            config,
            request: Call::Show(String::new()),
        }
    }
}

/// Parses a call; `args` is its name and its arguments. Help is shown in so many `columns`.
///
/// Differs: Every verb also works without a link, as `easy-bhyve VERB VM`
///
/// # Errors
/// If the arguments are wrong; the error lists what exists.
pub fn parse(args: &[OsString], columns: usize) -> Result<Invocation> {
    let name = title(args);
    let words = args.get(1..).unwrap_or_default();
    let version = [OsString::from("--version")];
    let words = if words == ["version"] {
        &version
    } else {
        words
    };
    match called_as(&name) {
        None => from_words(&name, None, words.to_vec(), words, columns),
        Some((vm, verb)) => {
            let Some(known) = Verb::parse(verb) else {
                return Err(unknown_verb(&name, vm, verb));
            };
            let mut all = vec![OsString::from(known.as_str()), vm.into()];
            all.extend_from_slice(words);
            from_words(&name, Some(known), all, words, columns)
        }
    }
}

/// The program as it was called, without directories: `fbsd0-boot`.
pub fn title(args: &[OsString]) -> String {
    let called = args.first().map_or(Path::new(PROGRAM), Path::new);
    called.file_name().map_or_else(
        || PROGRAM.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Whether these arguments call the root side by the program's own name. After the name of a link
/// every argument belongs to the verb.
pub fn is_root_side(args: &[OsString]) -> bool {
    let verb = args.get(1).and_then(|verb| verb.to_str());
    verb.is_some_and(|verb| verb.starts_with(wire::PREFIX)) && called_as(&title(args)).is_none()
}

/// The VM and the verb of a link's name; `None` for the program's own name.
///
/// No VM name contains a hyphen, so a name that begins with `easy-bhyve` is never a link.
pub(in crate::cli) fn called_as(name: &str) -> Option<(&str, &str)> {
    if name.starts_with(PROGRAM) {
        None
    } else {
        name.rsplit_once('-')
    }
}

/// The one definition, with each verb's usage in the caller's form.
///
/// `link` is the name of the link and its verb; the VM is then part of the name.
pub(in crate::cli) fn definition(link: Option<(&str, Verb)>) -> clap::Command {
    let commands = ADMIN.into_iter().fold(Cli::command(), |cli, name| {
        cli.mut_subcommand(name, |command| {
            let words = match name {
                "inspect" => " VM|FILE",
                "set" => " [VM] KEY=VALUE...",
                "new" => " VM [KEY=VALUE]...",
                "destroy" => " VM",
                "disk" => " VM [SIZE]",
                "rename" => " OLD NEW",
                "import" => " MANAGER [FROM]",
                "completions" => " SHELL",
                "man" => " [PAGE]",
                "os" => " [NAME]",
                _ => "",
            };
            command.override_usage(format!("{PROGRAM} {name} [OPTIONS]{words}"))
        })
    });
    Verb::ALL.into_iter().fold(commands, |cli, verb| {
        let words = verb.words();
        cli.mut_subcommand(verb.as_str(), |command| match link {
            Some((name, called)) if called == verb => command
                .override_usage(format!("{name} [OPTIONS]{words}"))
                .mut_arg("vm", |vm| vm.hide(true)),
            _ => command.override_usage(format!("{PROGRAM} {verb} [OPTIONS] VM{words}")),
        })
    })
}

/// The definition of the arguments of a called verb or command alone, as most of the time of a short run
/// was that of the whole definition.
fn of_call(name: Option<&OsString>) -> Option<clap::Command> {
    let name = name?.to_str()?;
    let command = match Verb::parse(name) {
        Some(verb) => TypedVerb::define(verb),
        None => Admin::define(name)?,
    };
    Some(Common::augment_args(clap::Command::new(PROGRAM)).subcommand(command))
}

fn from_words(
    title: &str,
    called: Option<Verb>,
    words: Vec<OsString>,
    typed: &[OsString],
    columns: usize,
) -> Result<Invocation> {
    let link = called.map(|verb| (title, verb));
    let all: Vec<OsString> = [PROGRAM.into()].into_iter().chain(words).collect();
    // What the whole definition has besides shows in messages only.
    let parsed = match of_call(all.get(1)).map(|known| known.try_get_matches_from(&all)) {
        Some(Ok(matches)) => Ok(matches),
        _ => definition(link).try_get_matches_from(&all),
    };
    let parsed = parsed
        .or_else(|error| match error.kind() {
            ErrorKind::DisplayHelp => definition_for_help(link, columns).try_get_matches_from(&all),
            _ => Err(error),
        })
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let done = |config: Option<PathBuf>, request| Invocation {
        title: title.to_owned(),
        spelling: Spelling {
            links: called.map(|_| Links::default()),
            config: config.clone(),
        },
        config,
        request,
    };
    match parsed {
        Ok(cli) => {
            let status = || Call::Admin(Admin::Status(StatusArgs::default()));
            Ok(done(cli.common.config, cli.call.unwrap_or_else(status)))
        }
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(done(None, Call::Show(error.render().to_string())))
            }
            ErrorKind::InvalidSubcommand => {
                let wrong = match error.get(ContextKind::InvalidSubcommand) {
                    Some(ContextValue::String(wrong)) => wrong.as_str(),
                    _ => "",
                };
                Err(wrong_command(wrong, typed))
            }
            _ => Err(wrong_usage(&error)),
        },
    }
}

#[cfg(test)]
mod tests;
