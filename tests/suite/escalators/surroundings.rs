//! The installed escalators, the rules for parts of a run, and the environment of the caller.

use std::borrow::Cow;
use std::fs;

use super::ground::{Ground, Rules, is_possible};
use super::meetings::{BOOTED, MEETINGS};
use super::runs::End;
use super::{ALL, CONFIG, host};
use crate::host::shared;
use crate::place::{Said, write_script};

/// Boots with these escalators, this rule and these further settings.
fn boot(installed: &[&str], rules: Rules<'_>, settings: &str) -> Said {
    let ground = Ground::new(host(), installed, rules, &format!("{CONFIG}{settings}\n"));
    Said {
        out: String::new(),
        ..ground.run(&["fbsd0-boot"])
    }
}

#[test]
fn a_missing_escalator_is_named_and_an_installed_one_is_used() {
    if !is_possible() {
        return;
    }
    let only_doas = Rules { sudo: None, ..ALL };
    let only_sudo = Rules { doas: None, ..ALL };
    let missing = |word| {
        format!(
            "fbsd0-boot: privilege is {word}, which is not installed
  search path: /usr/local/bin
  help: install it: pkg install {word}
"
        )
    };
    let neither = "fbsd0-boot: neither doas nor sudo is installed
  search path: /usr/local/bin
  help: install one and permit yourself to use it: pkg install doas
  help: or run the command as root, or set privilege=mdo in easy-bhyve.conf
";
    let both: &[&str] = &["doas", "sudo"];
    for (installed, rules, settings, expected) in [
        (&[][..], ALL, "", Said::new(1, "", neither)),
        (
            &["doas"],
            ALL,
            "privilege=sudo",
            Said::new(1, "", missing("sudo")),
        ),
        (
            &["sudo"],
            ALL,
            "privilege=doas",
            Said::new(1, "", missing("doas")),
        ),
        (both, only_doas, "", Said::new(0, "", BOOTED)),
        (both, only_doas, "privilege=doas", Said::new(0, "", BOOTED)),
        (both, only_sudo, "privilege=sudo", Said::new(0, "", BOOTED)),
    ] {
        let said = boot(installed, rules, settings);
        assert_eq!(said, expected, "{installed:?} {settings}");
    }
}

#[test]
fn a_rule_for_a_command_of_root_is_no_rule_for_easy_bhyve() {
    if !is_possible() {
        return;
    }
    let rules = Rules {
        doas: Some("permit nopass user as root cmd kldload"),
        sudo: Some("user ALL=(root) NOPASSWD: /usr/local/bin/kldload"),
    };
    for (word, said, allow) in [
        (
            "doas",
            "doas: Operation not permitted",
            "permit the command in /usr/local/etc/doas.conf, for example: permit nopass YOU as root",
        ),
        (
            "sudo",
            "sudo: a password is required",
            "permit the command with visudo, for example: YOU ALL=(root) NOPASSWD: ALL",
        ),
    ] {
        let expected = format!(
            "fbsd0-boot: {word} did not run easy-bhyve
  output of {word}: {said}
  help: {allow}
"
        );
        assert_eq!(boot(&[word], rules, ""), Said::new(1, "", expected));
    }
}

#[test]
fn a_program_that_sudo_does_not_find_is_not_reported_as_a_refusal() {
    if !is_possible() {
        return;
    }
    let rules = Rules {
        sudo: Some("Defaults secure_path=/usr/bin\nuser ALL=(root) NOPASSWD: ALL"),
        ..ALL
    };
    let expected = "fbsd0-boot: sudo did not run easy-bhyve
  output of sudo: sudo: daemon: command not found
  help: the program is installed: add its directory to secure_path with visudo
";
    assert_eq!(boot(&["sudo"], rules, ""), Said::new(1, "", expected));
}

/// Every attribute of a caller that could misdirect a program.
const HOSTILE: &str = r#"
umask 077
mkdir -p "/usr/local/an odd * place"
cd "/usr/local/an odd * place"
exec 3</etc/passwd 4>&2 9>hidden <&-
export PATH=/usr/local/wrong:$PATH LC_ALL=C.UTF-8 LANG=de_DE.UTF-8 LANGUAGE=de IFS=: HOME=
export TMPDIR=/nowhere SUDO_USER=root DOAS_USER=root ENV=/nowhere POSIXLY_CORRECT=1
exec "$@"
"#;

/// A program that is first on the caller's path.
const WRONG: &str = "echo \"$0 $*\" >>/usr/local/wrong/called\nexit 7\n";

#[test]
fn nothing_depends_on_the_environment_the_path_or_the_descriptors_of_the_caller() {
    if !is_possible() {
        return;
    }
    for (title, term) in [
        ("all is allowed without a password", "unset TERM"),
        // curses needs a TERM that it knows.
        (
            "all is allowed, and grub reads the caller's files",
            "TERM=ansi",
        ),
        (
            "all but what puts the VM into the background is allowed",
            "unset TERM",
        ),
        (
            "a password is needed, and there is no terminal",
            "unset TERM",
        ),
    ] {
        let prelude = format!("{term}\n{HOSTILE}");
        let meeting = MEETINGS.iter().find(|meeting| meeting.title == title);
        let meeting = meeting.unwrap();
        for word in ["doas", "sudo"] {
            let ground = Ground::new((meeting.host)(), &[word], meeting.rules, CONFIG);
            let wrong = ground.machine.path().join("wrong");
            fs::create_dir(&wrong).unwrap();
            shared::allow(&wrong, 0o777).unwrap();
            for name in ["doas", "sudo", "ifconfig", "kldload", "ps", "bhyveload"] {
                write_script(&wrong.join(name), WRONG);
            }
            let mut words: Vec<Cow<'_, str>> = ["sh", "-c", &prelude, "sh"].map(Cow::from).into();
            words.extend(ground.called(meeting.words));
            let said = Said::of(&ground.session(&[], &words).output().unwrap());
            let end = End::of(&ground, said);
            similar_asserts::assert_eq!(hostile: end, plain: meeting.run(word, ""));
            assert!(!wrong.join("called").exists());
        }
    }
}

#[test]
fn the_script_of_a_boot_does_the_same() {
    if !is_possible() {
        return;
    }
    for words in [["fbsd0-boot"], ["deb0-boot"]] {
        for word in ["doas", "sudo"] {
            let ground = Ground::new(host(), &[word], ALL, CONFIG);
            for name in [
                "cat", "date", "mkdir", "mktemp", "rm", "sh", "sleep", "stty",
            ] {
                ground.add(name);
            }
            let shown = ground.run(&[words[0], "-d", "--format", "sh"]);
            assert_eq!((shown.status, shown.err.as_str()), (Some(0), ""));
            fs::write(ground.machine.path().join("script"), shown.out).unwrap();
            let mut script = ground.session(&[], &["/bin/sh", "/usr/local/script"]);
            let said = Said::of(&script.output().unwrap());
            assert_eq!((said.status, said.err.as_str()), (Some(0), ""));
            let by_script = End::of(&ground, said);

            let ground = Ground::new(host(), &[word], ALL, CONFIG);
            let itself = End::of(&ground, ground.run(&words));
            similar_asserts::assert_eq!(by_script.changes(), itself.changes());
            similar_asserts::assert_eq!(by_script.left(), itself.left());
        }
    }
}
