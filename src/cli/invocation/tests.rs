//! Tests of the meaning of words.

use super::{Admin, Call, TypedVerb, parse};
use crate::operation::options::Of;
use std::ffi::OsString;

/// The meaning of a call, as text: the verb or command, the VM, and what is set.
fn meaning(call: &str) -> String {
    let args: Vec<OsString> = call.split(' ').map(OsString::from).collect();
    let request = match parse(&args) {
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
        Call::Admin(Admin::Status(showing)) => (
            format!("{:?}", showing.format),
            "status",
            words(&[(showing.all, "all"), (showing.watch, "watch")]),
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
                (args.start.start.dry_run.dry_run, "dry"),
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
                (args.end.dry_run.dry_run, "dry"),
                (args.end.force, "force"),
                (args.end.quiet, "quiet"),
            ]);
            set.extend(args.with.cpu.as_ref().map(|cpu| format!("cpu={cpu}")));
            set.extend(args.with.mem.as_ref().map(|mem| format!("mem={mem}")));
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
