//! The definition with what only help shows: groups, examples and the width of the terminal. A call that
//! shows no help does not need it.

use super::definition;
use crate::verb::{GROUPS, Verb, examples};
use clap::{Arg, Command};

/// Up to this number of options need no headings.
const FEW_OPTIONS: usize = 6;

/// The options that every command has: `--config` and `--help`.
const COMMON_OPTIONS: usize = 2;

/// The VM of the examples if there is no link.
const VM: &str = "deb0";

/// The definition for help in this number of columns; `link` is as for [`definition`].
pub(super) fn definition_for_help(link: Option<(&str, Verb)>, columns: usize) -> Command {
    let members = GROUPS.iter().flat_map(|group| group.members).enumerate();
    let program = members.fold(definition(link), |program, (at, (name, _))| {
        if *name == "help" {
            return program;
        }
        program.mut_subcommand(name, |command| {
            let verb = Verb::parse(name);
            let call = match (verb, link) {
                (Some(verb), Some((link, called))) if verb == called => link.to_owned(),
                (Some(verb), _) => format!("easy-bhyve {verb} {VM}"),
                (None, _) => format!("easy-bhyve {name}"),
            };
            let shown = examples(name, &call).map(|example| format!("\n  {example}"));
            let shown = format!("Examples:{}", shown.collect::<String>());
            grouped(command).display_order(at).after_help(shown)
        })
    });
    let program = program.term_width(columns);
    let template = format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{}\nOptions:\n{{options}}{{after-help}}",
        commands(&program)
    );
    program.help_template(template)
}

/// The options of a command under headings, if there are many.
fn grouped(command: Command) -> Command {
    let own = command.get_arguments().filter(|arg| !arg.is_positional());
    if own.count() + COMMON_OPTIONS <= FEW_OPTIONS {
        return command;
    }
    command.mut_args(|arg| match heading(&arg) {
        Some(heading) => arg.help_heading(heading),
        None => arg,
    })
}

fn heading(arg: &Arg) -> Option<&'static str> {
    match arg.get_id().as_str() {
        "dry_run" | "timings" | "format" => Some("Preview and format"),
        "cpu" | "mem" => Some("Instead of the configuration"),
        _ => None,
    }
}

/// The verbs and commands, each group under its heading.
fn commands(program: &Command) -> String {
    let list = program.clone().help_template("{subcommands}");
    let list = list.clone().render_help().to_string();
    let mut text = String::new();
    for line in list.lines() {
        let name = line
            .strip_prefix("  ")
            .and_then(|line| line.split(' ').next());
        let begins = |first: &(&str, _)| name == Some(first.0);
        let group = GROUPS
            .iter()
            .find(|group| group.members.first().is_some_and(begins));
        if let Some(group) = group {
            let before = if text.is_empty() { "" } else { "\n" };
            text.extend([before, group.heading, ":\n"]);
        }
        text.extend([line.trim_end(), "\n"]);
    }
    text
}
