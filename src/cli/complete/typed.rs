//! What stands before the cursor, by the definition of the command line.

use crate::cli::invocation;
use crate::verb::Verb;
use clap::{Arg, Command};
use std::ffi::OsString;
use std::path::PathBuf;

/// A call that is being typed.
pub(super) struct Typed<'definition> {
    /// What can stand at the cursor.
    pub(super) wanted: Wanted<'definition>,
    /// The VM that a link names, and the words before the cursor that are no options.
    pub(super) operands: Vec<String>,
    /// The verb or command, once it stands there.
    pub(super) command: Option<String>,
    /// The VM that the called link names.
    pub(super) link: Option<String>,
    /// Whether the called link names no verb.
    pub(super) is_unknown: bool,
    /// `--config FILE`.
    pub(super) config: Option<PathBuf>,
    /// Where in the current word the completed part begins.
    pub(super) at: Part,
}

/// What can stand at the cursor.
pub(super) enum Wanted<'definition> {
    /// A verb or a command.
    Command,
    /// An option of this command.
    Option(&'definition Command),
    /// A value of this option or argument.
    Value(&'definition Arg),
    /// A word of which nothing is known.
    Nothing,
}

/// The part of the current word that is completed.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Whole,
    /// What is behind the first `=`.
    Value,
}

impl Part {
    /// The word before this part, and this part.
    pub(super) fn split(self, word: &str) -> (&str, &str) {
        let end = match self {
            Self::Whole => 0,
            Self::Value => word.find('=').map_or(0, |at| at + 1),
        };
        word.split_at_checked(end).unwrap_or(("", word))
    }
}

impl<'definition> Typed<'definition> {
    /// Reads the words before the cursor, the name of the call first, and the current one.
    pub(super) fn parse(program: &'definition Command, before: &[OsString], current: &str) -> Self {
        let mut typed = Self {
            wanted: Wanted::Nothing,
            operands: Vec::new(),
            command: None,
            link: None,
            is_unknown: false,
            config: None,
            at: Part::Whole,
        };
        let title = invocation::title(before);
        let mut command = None;
        if let Some((vm, verb)) = invocation::called_as(&title) {
            command = program.find_subcommand(verb);
            typed.command = Some(verb.to_owned());
            typed.link = Some(vm.to_owned());
            typed.is_unknown = Verb::parse(verb).is_none();
            typed.operands.push(vm.to_owned());
        }
        let mut waiting: Option<&Arg> = None;
        let mut has_options = true;
        for word in before.iter().skip(1) {
            let word = word.to_string_lossy();
            if let Some(option) = waiting.take() {
                typed.note(option, &word);
            } else if !has_options {
                typed.operands.push(word.into_owned());
            } else if word == "--" {
                has_options = false;
            } else if let Some((option, value)) = option_of(program, command, &word) {
                match value {
                    Some(value) => typed.note(option, value),
                    None if takes_value(option) => waiting = Some(option),
                    None => {}
                }
            } else if word.starts_with('-') {
                // A switch of clap's own, or an unknown one.
            } else if typed.command.is_none() {
                // `help boot` is completed as the name of a command.
                if word != "help" {
                    command = program.find_subcommand(&*word);
                    typed.command = Some(word.into_owned());
                }
            } else {
                typed.operands.push(word.into_owned());
            }
        }
        typed.wanted = if let Some(option) = waiting {
            Wanted::Value(option)
        } else if let Some((option, Some(_))) =
            option_of(program, command, current).filter(|_| has_options)
        {
            typed.at = Part::Value;
            Wanted::Value(option)
        } else if has_options && current.starts_with('-') {
            Wanted::Option(command.unwrap_or(program))
        } else if let Some(command) = command {
            operand(command, typed.operands.len()).map_or(Wanted::Nothing, Wanted::Value)
        } else if typed.command.is_none() {
            Wanted::Command
        } else {
            Wanted::Nothing
        };
        typed
    }

    fn note(&mut self, option: &Arg, value: &str) {
        if option.get_long() == Some("config") {
            self.config = Some(value.into());
        }
    }
}

fn takes_value(option: &Arg) -> bool {
    option.get_action().takes_values()
}

/// The option that a word spells, and its value if that is in the word, too: `--mem=1G`, `-m1G`.
fn option_of<'definition, 'word>(
    program: &'definition Command,
    command: Option<&'definition Command>,
    word: &'word str,
) -> Option<(&'definition Arg, Option<&'word str>)> {
    let known = program
        .get_arguments()
        .chain(command.into_iter().flat_map(Command::get_arguments));
    let mut known = known.filter(|one| !one.is_positional());
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let option = known.find(|one| one.get_long() == Some(name))?;
        return Some((option, value.filter(|_| takes_value(option))));
    }
    let letters = word.strip_prefix('-')?.char_indices();
    let all: Vec<&Arg> = known.collect();
    // Of several switches in one word the last can take a value.
    let mut last = None;
    for (at, letter) in letters {
        let option = *all.iter().find(|one| one.get_short() == Some(letter))?;
        let rest = word.get(1 + at + letter.len_utf8()..).unwrap_or_default();
        if takes_value(option) {
            // Only behind it, as `-m` and its value are two words in completion.
            return rest.is_empty().then_some((option, None));
        }
        last = Some((option, None));
    }
    last
}

/// The argument for the operand of this number, from 0; the last takes all further ones if it repeats.
fn operand(command: &Command, number: usize) -> Option<&Arg> {
    let mut operands: Vec<&Arg> = command.get_positionals().collect();
    operands.sort_by_key(|operand| operand.get_index());
    let last = operands.last().copied();
    let repeats = |one: &&Arg| matches!(one.get_action(), clap::ArgAction::Append);
    let own = operands.get(number).copied();
    own.or(last.filter(repeats))
}
