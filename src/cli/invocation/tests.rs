//! Tests of the meaning of words.

use super::complaint::ADMIN;
use super::help::definition_for_help;
use super::{Admin, Call, TypedVerb, definition, of_call, parse};
use crate::operation::options::Of;
use crate::verb::{GROUPS, Verb, examples};
use clap::Command;
use std::collections::BTreeSet;
use std::ffi::OsString;

/// The meaning of a call, as text: the verb or command, the VM, and what is set.
fn meaning(call: &str) -> String {
    let args: Vec<OsString> = call.split(' ').map(OsString::from).collect();
    let request = match parse(&args, 80) {
        Ok(invocation) => invocation.request,
        Err(error) => return error.what,
    };
    let (vm, verb, set) = match request {
        Call::Vm(work) => of_work(&work),
        Call::Admin(Admin::StopAll(args)) => (
            "all".to_owned(),
            "stop-all",
            words(&[
                (args.dry_run.dry_run, "dry"),
                (args.force, "force"),
                (args.quiet, "quiet"),
            ]),
        ),
        Call::Admin(Admin::Autostart(args)) => (
            "all".to_owned(),
            "autostart",
            words(&[(args.dry_run, "dry")]),
        ),
        Call::Admin(Admin::Status(args)) => (
            format!("{:?}", args.format.format.unwrap_or_default()),
            "status",
            words(&[(args.all, "all"), (args.watch, "watch")]),
        ),
        other => panic!("{other:?}"),
    };
    [verb.to_owned(), vm]
        .into_iter()
        .chain(set)
        .collect::<Vec<_>>()
        .join(" ")
}

fn words(set: &[(bool, &str)]) -> Vec<String> {
    let set = set.iter().filter(|(is_set, _)| *is_set);
    set.map(|(_, word)| (*word).to_owned()).collect()
}

fn of_work(work: &TypedVerb) -> (String, &'static str, Vec<String>) {
    let (vm, verb, set) = match work {
        TypedVerb::Boot(Of { vm, options: args }) => (
            vm,
            "boot",
            words(&[
                (args.start.start.shown.dry_run, "dry"),
                (args.start.pause, "pause"),
                (args.tty, "tty"),
                (args.console, "console"),
                (args.temp, "temp"),
            ]),
        ),
        TypedVerb::Console(Of { vm, options: args }) => (
            vm,
            "console",
            words(&[(args.dry_run.dry_run, "dry"), (args.force, "force")]),
        ),
        TypedVerb::Restart(Of { vm, options: args }) => {
            let mut set = words(&[
                (args.start.shown.dry_run, "dry"),
                (args.force, "force"),
                (args.quiet, "quiet"),
            ]);
            let with = &args.start.with;
            set.extend(with.cpu.as_ref().map(|cpu| format!("cpu={cpu}")));
            set.extend(with.mem.as_ref().map(|mem| format!("mem={mem}")));
            (vm, "restart", set)
        }
        TypedVerb::Shutdown(Of { vm, options: args }) => {
            let mut set = words(&[
                (args.end.dry_run.dry_run, "dry"),
                (args.end.force, "force"),
                (args.end.quiet, "quiet"),
            ]);
            set.splice(0..0, args.others.iter().map(|vm| format!("+{vm}")));
            (vm, "shutdown", set)
        }
        other => panic!("{other:?}"),
    };
    (vm.clone(), verb, set)
}

#[test]
fn the_words_of_a_vms_life_mean_the_same_in_both_forms() {
    for (link, words, wanted) in [
        ("a-boot", "boot a", "boot a"),
        ("a-boot --console", "boot a --console", "boot a console"),
        ("a-boot -T", "boot --temp a", "boot a temp"),
        ("a-boot -T -t", "boot a -t -T", "boot a tty temp"),
        (
            "a-boot -d -p --console --temp",
            "boot a --temp --console -p -d",
            "boot a dry pause console temp",
        ),
        ("a-console -f", "console a --force", "console a force"),
        ("a-console -d", "console a -d", "console a dry"),
        ("a-restart", "restart a", "restart a"),
        (
            "a-restart -d -f -q -c 2 -m 1G",
            "restart a -m 1G -c 2 --quiet --force --dry-run",
            "restart a dry force quiet cpu=2 mem=1G",
        ),
        ("a-shutdown", "shutdown a", "shutdown a"),
        ("a-shutdown b", "shutdown a b", "shutdown a +b"),
        (
            "a-shutdown -q b -f c",
            "shutdown -f a b -q c",
            "shutdown a +b +c force quiet",
        ),
    ] {
        assert_eq!(meaning(link), wanted, "{link}");
        assert_eq!(meaning(&format!("easy-bhyve {words}")), wanted, "{words}");
    }
}

#[test]
fn the_commands_of_easy_bhyve_itself_take_their_options() {
    for (words, wanted) in [
        ("stop-all", "stop-all all"),
        ("stop-all -d -f -q", "stop-all all dry force quiet"),
        ("autostart", "autostart all"),
        ("autostart -d", "autostart all dry"),
        ("status --watch", "status Text watch"),
        ("status -a --watch", "status Text all watch"),
        ("status --format json", "status Json"),
    ] {
        assert_eq!(meaning(&format!("easy-bhyve {words}")), wanted, "{words}");
    }
    assert_eq!(meaning("easy-bhyve"), "status Text");
}

#[test]
fn what_makes_no_sense_together_is_refused() {
    for (call, wanted) in [
        (
            "a-boot --console -t",
            "the argument '--console' cannot be used with '--tty'",
        ),
        (
            "a-boot -t --console",
            "the argument '--tty' cannot be used with '--console'",
        ),
        (
            "a-ttyboot --console",
            "unexpected argument '--console' found",
        ),
        ("a-ttyboot -T", "unexpected argument '-T' found"),
        ("a-restart b", "unexpected argument 'b' found"),
        (
            "easy-bhyve status --watch --format json",
            "the argument '--watch' cannot be used with '--format <FORMAT>'",
        ),
        ("easy-bhyve status -w", "unexpected argument '-w' found"),
        ("easy-bhyve autostart -f", "unexpected argument '-f' found"),
        ("easy-bhyve stop-all a", "unexpected argument 'a' found"),
    ] {
        assert_eq!(meaning(call), wanted, "{call}");
    }
}

#[test]
fn a_verb_or_command_alone_is_defined_as_among_all() {
    let whole = definition(None);
    for command in whole.get_subcommands() {
        let name = command.get_name();
        let alone = of_call(Some(&name.into())).unwrap();
        let alone = alone.find_subcommand(name).unwrap();
        let arguments =
            |command: &Command| format!("{:?}", command.get_arguments().collect::<Vec<_>>());
        assert_eq!(arguments(alone), arguments(command), "{name}");
        let groups = |command: &Command| format!("{:?}", command.get_groups().collect::<Vec<_>>());
        assert_eq!(groups(alone), groups(command), "{name}");
    }
    assert!(of_call(Some(&"bot".into())).is_none());
}

#[test]
fn every_verb_and_command_has_a_group_and_some_examples_that_are_understood() {
    let members = GROUPS.iter().flat_map(|group| group.members);
    let names: Vec<&str> = members.map(|(name, _)| *name).collect();
    let known = Verb::ALL.iter().map(|verb| verb.as_str()).chain(ADMIN);
    let known: BTreeSet<&str> = known.chain(["help"]).collect();
    assert_eq!(names.len(), known.len());
    assert_eq!(names.iter().copied().collect::<BTreeSet<&str>>(), known);
    for name in names.into_iter().filter(|name| *name != "help") {
        let calls = match Verb::parse(name) {
            Some(verb) => vec![format!("deb0-{verb}"), format!("easy-bhyve {verb} deb0")],
            None => vec![format!("easy-bhyve {name}")],
        };
        for call in calls {
            let examples: BTreeSet<String> = examples(name, &call).collect();
            assert!((2..=4).contains(&examples.len()), "{name}");
            for example in examples {
                let args: Vec<OsString> = example.split(' ').map(OsString::from).collect();
                let parsed = parse(&args, 80).map(|invocation| invocation.request);
                assert!(
                    matches!(parsed, Ok(Call::Vm(_) | Call::Admin(_))),
                    "{example}: {parsed:?}"
                );
            }
        }
    }
}

/// A text without the places where its lines are broken.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn help_has_every_option_and_argument_in_any_width_and_groups_many_options() {
    let known = definition(None);
    for columns in [40, 80, 100] {
        let shown = known.get_subcommands();
        for command in shown.filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let link = Verb::parse(name).map(|verb| (format!("web1-{verb}"), verb));
            let link = link.as_ref().map(|(name, verb)| (name.as_str(), *verb));
            for link in BTreeSet::from([None, link]) {
                let mut all = definition_for_help(link, columns);
                all.build();
                let shown = all.find_subcommand_mut(name).unwrap();
                let help = shown.render_help().to_string();
                let text = unwrapped(&help);
                for part in command
                    .get_arguments()
                    .filter(|arg| link.is_none() || arg.get_id() != "vm")
                {
                    let long = part.get_long().map(|long| format!("--{long}"));
                    let words = part.get_help().map(|help| unwrapped(&help.to_string()));
                    for part in long.into_iter().chain(words) {
                        assert!(text.contains(&part), "{part} in {columns}: {help}");
                    }
                }
                let about = command.get_about().unwrap().to_string();
                assert!(text.starts_with(&unwrapped(&about)), "{help}");
                let examples = help.split_once("\nExamples:\n").unwrap().1;
                let call = match link {
                    Some((link, _)) => link.to_owned(),
                    None => format!("easy-bhyve {name}"),
                };
                assert!(examples.matches(&call).count() >= 2, "{help}");
                let options = help.matches("\n  -").count() + help.matches("\n      --").count();
                let is_grouped = help.contains("\nPreview and format:\n");
                assert_eq!(is_grouped, options > 6, "{help}");
                let words = ["Usage: ", "  easy-bhyve "];
                let mut lines = help
                    .lines()
                    .filter(|line| !words.iter().any(|word| line.starts_with(word)));
                assert!(lines.all(|line| line.len() <= columns), "{columns}: {help}");
            }
        }
    }
}
