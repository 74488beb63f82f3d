//! Verbs and commands, as the command line's definition has them.

use super::mdoc;
use crate::verb::{self, Verb};
use clap::{Arg, ArgAction, Command};

/// Every form of a call by words.
pub(super) fn synopsis(program: &Command) -> String {
    let forms = all(program).into_iter();
    let lines = forms.flat_map(|command| [".Nm\n".to_owned(), usage(command)]);
    lines.collect()
}

/// The entry of a verb or a command in a list: its form, its meaning, and the options that no other has.
pub(super) fn entry(program: &Command, name: &str) -> Option<String> {
    let command = program.find_subcommand(name)?;
    let mut entry = form(program, name)? + &about(command);
    let own = arguments(command).filter(|argument| users(program, argument).len() < 2);
    let own: String = own
        .map(|argument| item(argument) + &help(argument))
        .collect();
    if !own.is_empty() {
        entry.extend([".Bl -tag -width indent\n", &own, ".El\n.Pp\n"]);
    }
    Some(entry)
}

/// The head of that entry: its form.
pub(super) fn form(program: &Command, name: &str) -> Option<String> {
    let command = program.find_subcommand(name)?;
    Some(format!(".It Xo\n{}.Xc\n", usage(command)))
}

/// The examples of a verb or a command.
pub(super) fn examples(name: &str) -> String {
    let call = match Verb::parse(name) {
        Some(verb) => format!("deb0-{verb}"),
        None => format!("easy-bhyve {name}"),
    };
    let lines = verb::examples(name, &call).map(|example| format!(".Dl {example}\n"));
    lines.collect()
}

/// The options that the program itself or several commands have, each with the names of those.
pub(super) fn common_options(program: &Command) -> String {
    let mut known: Vec<&Arg> = Vec::new();
    let mut items = String::new();
    for argument in program.get_arguments() {
        items.push_str(&(item(argument) + &help(argument)));
    }
    for argument in all(program).into_iter().flat_map(Command::get_arguments) {
        let users = users(program, argument);
        let is_known = known.iter().any(|other| is_same(other, argument));
        if argument.is_positional() || users.len() < 2 || is_known {
            continue;
        }
        known.push(argument);
        items.push_str(&(item(argument) + &help(argument)));
        let last = users.len() - 1;
        items.push_str("Accepted by\n");
        for (at, user) in users.iter().enumerate() {
            let (before, behind) = match last - at {
                0 => ("and\n.Cm ", " .\n"),
                1 => (".Cm ", "\n"),
                _ => (".Cm ", " ,\n"),
            };
            items.extend([before, user.get_name(), behind]);
        }
    }
    items
}

/// The commands that have this option or argument.
fn users<'program>(program: &'program Command, argument: &Arg) -> Vec<&'program Command> {
    let has = |command: &&Command| {
        command
            .get_arguments()
            .any(|other| is_same(other, argument))
    };
    all(program).into_iter().filter(has).collect()
}

/// The verbs of a VM, then the other commands.
fn all(program: &Command) -> Vec<&Command> {
    let shown = program.get_subcommands();
    let mut all: Vec<&Command> = shown.filter(|command| !command.is_hide_set()).collect();
    all.sort_by_key(|command| Verb::parse(command.get_name()).is_none());
    all
}

/// Whether two commands have the same option.
fn is_same(one: &Arg, other: &Arg) -> bool {
    let words = |argument: &Arg| argument.get_help().map(ToString::to_string);
    one.get_short() == other.get_short()
        && one.get_long() == other.get_long()
        && words(one) == words(other)
}

/// The options and arguments of a command, the arguments last and in their order.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let mut arguments: Vec<&Arg> = command.get_arguments().collect();
    arguments.sort_by_key(|argument| argument.get_index());
    arguments.into_iter()
}

/// The form of a command: its name, options and arguments.
fn usage(command: &Command) -> String {
    let is_flag =
        |argument: &&Arg| !argument.is_positional() && !argument.get_action().takes_values();
    let shorts = command.get_arguments().filter(is_flag);
    let mut shorts: Vec<char> = shorts.filter_map(Arg::get_short).collect();
    shorts.sort_by_key(|short| (short.to_ascii_lowercase(), short.is_lowercase()));
    let mut usage = format!(".Cm {}\n", command.get_name());
    if !shorts.is_empty() {
        usage.extend([".Op Fl ", &String::from_iter(shorts), "\n"]);
    }
    for argument in arguments(command) {
        let is_required = argument.is_positional() && argument.is_required_set();
        let open = if is_required { "." } else { ".Op " };
        let form = match (argument.get_short(), argument.get_long()) {
            (None, None) => value(argument),
            (Some(_), _) if is_flag(&argument) => continue,
            (Some(short), _) => format!("Fl {short}{}", valued(argument)),
            (None, Some(long)) => format!("Fl -{long}{}", valued(argument)),
        };
        usage.extend([open, &form, "\n"]);
    }
    usage
}

/// The head of an option or an argument in a list.
fn item(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("Fl {short}"));
    let long = argument.get_long().map(|long| format!("Fl -{long}"));
    let names: Vec<String> = short.into_iter().chain(long).collect();
    let head = if argument.is_positional() {
        value(argument)
    } else {
        names.join(" , ") + &valued(argument)
    };
    format!(".It {head}\n")
}

/// What follows the name of an option.
fn valued(argument: &Arg) -> String {
    if argument.get_action().takes_values() {
        format!(" {}", value(argument))
    } else {
        String::new()
    }
}

/// The value of an option, or an argument: `Ar SIZE`, `Ar KEY Ns = Ns Ar VALUE ...`.
fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let names = names.iter().map(|name| {
        let parts: Vec<String> = name.split('=').map(mdoc::argument).collect();
        format!("Ar {}", parts.join(" Ns = Ns Ar "))
    });
    let names: Vec<String> = names.collect();
    let repeated = match argument.get_action() {
        ArgAction::Append => " ...",
        _ => "",
    };
    names.join(" ") + repeated
}

fn about(command: &Command) -> String {
    command
        .get_about()
        .map_or_else(String::new, |about| mdoc::sentence(&about.to_string()))
}

fn help(argument: &Arg) -> String {
    argument
        .get_help()
        .map_or_else(String::new, |help| mdoc::sentence(&help.to_string()))
}
