//! The command line of the real program: both forms of a call, its options, and the use of its words.

use crate::place::{PROGRAM, Place, Said};
use crate::setup::VERBS;
use std::path::Path;

const CONFIG: &str = "\
bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=/iso/fbsd.iso
deb0_id=2 deb0_cd0=/iso/deb.iso
ubu_22_id=3 ubu_22_cd0=/iso/ubu.iso
";

fn place() -> Place {
    let place = Place::new();
    place.write("vms.conf", CONFIG);
    place
}

/// The text without the only name in it that differs between runs.
fn without_scratch(text: &str) -> String {
    let mut parts = text.split("/scratch/");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (vm, rest) = part.split_once('.').unwrap();
        let (suffix, rest) = rest.split_at(8);
        assert!(
            suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{suffix}"
        );
        plain.push_str(&format!("/scratch/{vm}.SCRATCH{rest}"));
    }
    plain
}

#[test]
fn a_link_gives_the_same_plan_as_the_words_in_every_format() {
    let place = place();
    for vm in ["fbsd0", "deb0", "ubu_22"] {
        for verb in ["install", "boot", "ttyboot", "console", "shutdown", "clean"] {
            let name = format!("{vm}-{verb}");
            let link = place.link(&format!("eb/{name}"), PROGRAM);
            for format in ["text", "sh", "json"] {
                let format = &["-d", "--format", format][..];
                let mut by_link = place.say(&link, format, "vms.conf");
                let mut by_words = place.say(PROGRAM, [&[verb, vm], format].concat(), "vms.conf");
                for said in [&mut by_link, &mut by_words] {
                    // This line is the call itself.
                    let (before, call) = said.out.split_once(SCRIPT).unwrap_or((&said.out, ""));
                    assert_eq!(format[2] == "text", call.ends_with(" -d --format sh\n"));
                    said.out = before.to_owned();
                }
                let as_words = |text: &str| {
                    // The title, then help lines, which name the verbs in the form of the call.
                    let mut text = without_scratch(text)
                        .replace(&format!("{name}: "), "easy-bhyve: ")
                        .replace(
                            &format!("\"command\": \"{name}\""),
                            "\"command\": \"easy-bhyve\"",
                        );
                    for verb in VERBS {
                        text = text.replace(
                            &format!(" {vm}-{verb}"),
                            &format!(" easy-bhyve {verb} {vm}"),
                        );
                    }
                    text
                };
                assert_eq!(
                    (
                        by_link.status,
                        as_words(&by_link.out),
                        as_words(&by_link.err)
                    ),
                    (
                        Some(0),
                        without_scratch(&by_words.out),
                        by_words.err.clone()
                    ),
                    "{name}"
                );
                assert_eq!(by_words.status, Some(0), "{name}");
            }
        }
    }
}

/// The last line of a preview begins with this.
const SCRIPT: &str = "# as a script that checks, waits and undoes: ";

/// The help of a verb without the part of its word form: the VM.
fn without_vm(help: &str, from: &str, to: &str) -> String {
    let mut text = help.replacen(from, to, 1);
    let line = text
        .lines()
        .find(|line| line.starts_with("  <VM>"))
        .unwrap()
        .to_owned();
    text = text.replacen(&format!("{line}\n"), "", 1);
    text.replacen("Arguments:\n\n", "", 1)
}

#[test]
fn help_shows_each_verb_in_the_form_in_which_it_was_called() {
    let place = place();
    for verb in VERBS {
        let (of_words, of_link) = match verb {
            "snapshot" => (" VM [WORD]...", " [WORD]..."),
            "rollback" => (" VM [SNAP]", " [SNAP]"),
            "clone" => (" VM NEW...", " NEW..."),
            "resize" => (" VM SIZE", " SIZE"),
            "shutdown" => (" VM [VM]...", " [VM]..."),
            _ => (" VM", ""),
        };
        let name = format!("fbsd0-{verb}");
        let link = place.link(&format!("eb/{name}"), PROGRAM);
        for option in ["-h", "--help"] {
            // Help needs no configuration.
            let words = place.say(PROGRAM, [verb, option], "missing");
            let usage = format!("Usage: easy-bhyve {verb} [OPTIONS]{of_words}\n");
            assert!(words.out.contains(&usage), "{}", words.out);
            assert_eq!((words.status, words.err.as_str()), (Some(0), ""));
            let usage_of_link = format!("Usage: {name} [OPTIONS]{of_link}\n");
            assert_eq!(
                place.say(&link, [option], "missing"),
                Said::new(
                    0,
                    without_vm(&words.out, &usage, &usage_of_link)
                        .replace(&format!("easy-bhyve {verb} deb0"), &name),
                    ""
                )
            );
        }
    }
    for command in COMMANDS {
        let said = place.say(PROGRAM, [command, "--help"], "missing");
        assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
        let usage = format!("\nUsage: easy-bhyve {command} [OPTIONS]\n");
        assert!(said.out.contains(&usage), "{}", said.out);
    }
    let said = place.say(PROGRAM, ["--help"], "missing");
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
    for word in VERBS.iter().chain(&COMMANDS) {
        let lines = said
            .out
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| line.split(' ').next() == Some(word));
        assert_eq!(lines.count(), 1, "{word}: {}", said.out);
    }
}

/// The commands of easy-bhyve itself.
const COMMANDS: [&str; 5] = ["setup", "list", "status", "stop-all", "autostart"];

/// Every option: short, long, its value, and the option that it requires.
const OPTIONS: [(&str, &str, &[&str], &[&str]); 22] = [
    ("-d", "--dry-run", &[], &[]),
    ("-t", "--tty", &[], &[]),
    ("-c", "--cpu", &["2"], &[]),
    ("-m", "--mem", &["1g"], &[]),
    ("-p", "--pause", &[], &[]),
    ("-q", "--quiet", &[], &[]),
    ("-f", "--force", &[], &[]),
    ("-V", "--size", &["20g"], &[]),
    ("-s", "--sparse", &[], &["-V", "20g"]),
    ("-a", "--all", &[], &[]),
    ("--format", "--format", &["json"], &[]),
    ("-T", "--temp", &[], &[]),
    ("--console", "--console", &[], &[]),
    ("--watch", "--watch", &[], &[]),
    ("--origin", "--origin", &[], &[]),
    ("-n", "--lines", &["3"], &[]),
    ("--uefi-vars", "--uefi-vars", &[], &[]),
    ("--add", "--add", &[], &[]),
    ("--disk", "--disk", &["0"], &[]),
    ("--delete", "--delete", &["x"], &[]),
    ("--prune", "--prune", &["keep=1"], &[]),
    ("--tree", "--tree", &[], &[]),
];

/// The options of every verb besides `--config`, and its words besides the VM.
const ROWS: [(&str, &[&str], &str); 21] = [
    ("install", &[], "-d -c -m"),
    ("boot", &[], "-d -t -p -c -m -T --console"),
    ("ttyboot", &[], "-d -p -c -m"),
    ("console", &[], "-d -f"),
    ("vnc", &[], "-d --format"),
    ("resources", &[], "-d -a -V -s -c -m --format --origin"),
    ("shutdown", &["deb0"], "-d -f -q"),
    ("restart", &[], "-d -f -q -c -m"),
    ("clean", &[], "-d --uefi-vars"),
    ("log", &[], "-d -f -n"),
    ("resize", &["2G"], "-d -f --disk"),
    ("snapshot", &[], "-d -f --format --disk --delete --prune"),
    ("rollback", &["snap"], "-d -f --disk"),
    ("clone", &["new"], "-d --add"),
    ("history", &[], "--format --tree --disk"),
    ("promote", &[], "-d -f --disk"),
    ("setup", &[], "-d"),
    ("list", &[], "--format"),
    ("status", &[], "-a --watch --format"),
    ("stop-all", &[], "-d -f -q"),
    ("autostart", &[], "-d"),
];

/// Whether a row is that of a verb, not of a command; only a VM with a screen has a link for `vnc`.
fn is_verb(name: &str) -> bool {
    VERBS.contains(&name) || name == "vnc"
}

/// Whether the words of a call are accepted, so that it fails at the missing configuration.
fn is_accepted(place: &Place, program: &Path, words: &[&str]) -> bool {
    let said = place.say(program, words, "missing");
    match said.status {
        Some(1) => {
            assert!(
                said.err.contains("could not read the configuration"),
                "{words:?}: {said:?}"
            );
            true
        }
        Some(2) => {
            assert!(
                said.err.contains("\n  help: list all options: --help\n"),
                "{said:?}"
            );
            assert_eq!(said.out, "");
            false
        }
        _ => panic!("{words:?}: {said:?}"),
    }
}

#[test]
fn every_verb_takes_its_own_options_and_no_other_in_both_forms() {
    let place = place();
    for (verb, words, listed) in ROWS {
        let listed: Vec<&str> = listed.split(' ').collect();
        let has_link = is_verb(verb);
        let link = place.link(&format!("eb/fbsd0-{verb}"), PROGRAM);
        for (short, long, value, company) in OPTIONS {
            // The same letter has another name where it means something else.
            let long = if (verb, short) == ("log", "-f") {
                "--follow"
            } else {
                long
            };
            for option in [short, long] {
                let mut given = vec![option];
                given.extend(value);
                if listed.contains(&short) {
                    given.extend(company);
                }
                // With -d, --format is accepted for every verb that has -d.
                let wanted = listed.contains(&short);
                let vm: &[&str] = if has_link { &["fbsd0"] } else { &[] };
                let call = [&[verb], vm, words, &given[..]].concat();
                assert_eq!(
                    is_accepted(&place, Path::new(PROGRAM), &call),
                    wanted,
                    "{call:?}"
                );
                if has_link && option == short {
                    let call = [&given[..], words].concat();
                    assert_eq!(is_accepted(&place, &link, &call), wanted, "{verb} {call:?}");
                }
            }
        }
    }
}

#[test]
fn the_plan_as_data_is_accepted_for_every_verb_with_a_dry_run() {
    let place = place();
    for (verb, words, listed) in ROWS {
        let vm: &[&str] = if is_verb(verb) { &["fbsd0"] } else { &[] };
        let call = [&[verb], vm, words, &["-d", "--format", "json"]].concat();
        let has_dry_run = listed.split(' ').any(|option| option == "-d");
        assert_eq!(
            is_accepted(&place, Path::new(PROGRAM), &call),
            has_dry_run,
            "{call:?}"
        );
        let call = [&[verb], vm, words, &["--config", "missing"]].concat();
        assert!(is_accepted(&place, Path::new(PROGRAM), &call), "{call:?}");
        let call = [&[verb], vm, words, &["--format", "xml"]].concat();
        assert!(!is_accepted(&place, Path::new(PROGRAM), &call), "{call:?}");
    }
    assert!(!is_accepted(
        &place,
        Path::new(PROGRAM),
        &["resources", "fbsd0", "-s"]
    ));
}

#[test]
fn an_unknown_verb_or_vm_is_answered_by_the_nearest_one() {
    let place = place();
    let file = place.shown("vms.conf");
    let link = place.link("eb/fbsd0-boto", PROGRAM);
    assert_eq!(
        place.say(&link, ["-d"], "vms.conf"),
        Said::new(
            2,
            "",
            "fbsd0-boto: there is no verb \"boto\"\n  \
             help: the nearest verb is boot: fbsd0-boot\n  \
             help: list all verbs: easy-bhyve --help\n"
        )
    );
    assert_eq!(
        place.say(PROGRAM, ["shutdwon", "fbsd0"], "vms.conf").err,
        "easy-bhyve: there is no command \"shutdwon\"\n  \
         help: the nearest command is shutdown\n  \
         help: list all commands: easy-bhyve --help\n"
    );
    let swapped = place.say(PROGRAM, ["fbsd0", "boot"], "vms.conf");
    assert_eq!(swapped.status, Some(2));
    assert!(
        swapped
            .err
            .contains("help: the verb comes first: easy-bhyve boot fbsd0\n")
    );
    let hyphened = place.say(PROGRAM, ["fbsd0-boot"], "vms.conf");
    assert_eq!(hyphened.status, Some(2));
    assert!(
        hyphened
            .err
            .contains("help: write easy-bhyve boot fbsd0, or call the link fbsd0-boot\n")
    );

    let unknown = |title: &str, vm: &str, known: &str| {
        Said::new(
            2,
            "",
            format!("{title}: there is no VM \"{vm}\" in {file}\n  VMs: {known}\n"),
        )
    };
    assert_eq!(
        place.say(PROGRAM, ["boot", "deb1", "-d"], "vms.conf"),
        unknown("easy-bhyve", "deb1", "deb0 fbsd0 ubu_22")
    );
    for (name, vm, known) in [
        ("fbsd1-boot", "fbsd1", "fbsd0 deb0 ubu_22"),
        ("deb12.5-boot", "deb12.5", "deb0 fbsd0 ubu_22"),
        ("ubu_2-boot", "ubu_2", "ubu_22 fbsd0 deb0"),
        ("a-b-boot", "a-b", "deb0 fbsd0 ubu_22"),
    ] {
        let link = place.link(&format!("eb/{name}"), PROGRAM);
        assert_eq!(
            place.say(&link, ["-d"], "vms.conf"),
            unknown(name, vm, known)
        );
    }
}
