//! A user at a terminal who is asked for a password.

use std::path::Path;
use std::process::Command;

use super::ground::{Ground, PASSWORD as RIGHT, Rules, is_possible};
use super::meetings::BOOTED;
use super::terminal::{Terminal, prompt};
use super::{ALL, CONFIG, PASSWORD, host};
use crate::host::Host;
use crate::place::Said;
use crate::view;
use crate::wait::{until, wait_for};

/// The escalators, with further rules for sudoers.
const ESCALATORS: [(&str, &str); 3] = [("doas", ""), ("sudo", ""), ("sudo", "Defaults !use_pty\n")];

/// A call of the program whose streams are all the terminal.
fn at(terminal: &Terminal, ground: &Ground, words: &[&str]) -> Command {
    let mut command = ground.session(&["--ctty"], &ground.called(words));
    command
        .stdin(terminal.stream())
        .stdout(terminal.stream())
        .stderr(terminal.stream());
    command
}

/// Types the password at its prompt.
fn type_password(terminal: &mut Terminal, word: &str) {
    terminal.wait_for(prompt(word));
    terminal.press(&format!("{RIGHT}\n"));
}

/// A machine for each escalator, with the rules of all of them.
fn grounds(host: fn() -> Host, rules: Rules<'_>) -> Vec<(&'static str, Ground)> {
    let ground = |(word, defaults): (&'static str, &str)| {
        let sudo = rules.sudo.map(|rules| format!("{defaults}{rules}"));
        let rules = Rules {
            sudo: sudo.as_deref(),
            ..rules
        };
        (word, Ground::new(host(), &[word], rules, CONFIG))
    };
    ESCALATORS.map(ground).into()
}

#[test]
fn a_vm_boots_after_the_password_is_typed() {
    if !is_possible() {
        return;
    }
    for (word, ground) in grounds(host, PASSWORD) {
        let mut terminal = Terminal::new();
        let command = at(&terminal, &ground, &["fbsd0-boot"]);
        let said = terminal.run(command, |terminal| type_password(terminal, word));
        assert!(terminal.has_its_modes(), "{word}");
        let screen = terminal.screen();
        assert_eq!(said.status, Some(0), "{screen}");
        // The prompt begins a line.
        assert!(!screen.starts_with("fbsd0"), "{screen}");
        assert!(screen.ends_with(&BOOTED.replace('\n', "\r\n")), "{screen}");
        assert!(!screen.contains(RIGHT), "{screen}");
        let host = ground.machine.host();
        assert!(host.state.bhyve_of("fbsd0").is_some(), "{screen}");
    }
}

/// Waits for a file that another process makes.
fn wait_for_file(path: &Path) {
    until(&path.display().to_string(), || path.exists());
}

/// Replaces a program of the start: it waits until the test lets it continue, and reads
/// its whole input.
const HELD: &str = "case $1 in
net.link.tap.up_on_open=1)
	: >/usr/local/held
	until [ -e /usr/local/released ]; do sleep 0.01; done
	read -r stolen
esac
exec /usr/local/bin/real/sysctl \"$@\"
";

/// Replaces the loader, and reads a line at its menu.
const LOADER: &str = "IFS= read -r line
echo \"the loader has read: $line\"
exec /usr/local/bin/real/bhyveload \"$@\"
";

/// Replaces bhyve: a guest that makes the terminal raw, reads five keys, and halts.
const GUEST: &str = "stty raw -echo
echo 'guest ready'
keys=$(/bin/dd bs=1 count=5 2>/dev/null)
printf 'the guest has read: %s\\r\\n' \"$keys\"
exit 2
";

#[test]
fn input_behind_a_password_reaches_the_next_program_that_reads() {
    if !is_possible() {
        return;
    }
    // doas asks for every command, and drops the input before its prompt.
    let rules = Rules {
        doas: ALL.doas,
        ..PASSWORD
    };
    for (word, ground) in grounds(host, rules) {
        let directory = ground.machine.path();
        ground.replace("sysctl", HELD);
        ground.replace("bhyveload", LOADER);
        ground.replace("bhyve", GUEST);
        let mut terminal = Terminal::new();
        let command = at(&terminal, &ground, &["fbsd0-ttyboot"]);
        let said = terminal.run(command, |terminal| {
            if word == "sudo" {
                type_password(terminal, word);
            }
            wait_for_file(&directory.join("held"));
            terminal.press("menu 1\n");
            std::fs::write(directory.join("released"), "").unwrap();
            terminal.wait_for("the loader has read: menu 1");
            terminal.wait_for("guest ready");
            terminal.press("abc\u{3}e");
            terminal.wait_for("the guest has read: abc\u{3}e");
        });
        assert!(terminal.has_its_modes(), "{word}");
        let screen = terminal.screen();
        assert_eq!(said.status, Some(0), "{screen}");
        assert!(
            screen.ends_with("the guest halted; to see its log: fbsd0-log\r\n"),
            "{screen}"
        );
        assert!(ground.machine.host().state.vms.is_empty(), "{screen}");
    }
}

#[test]
fn a_terminal_that_closes_ends_the_programs_of_root_on_it() {
    if !is_possible() {
        return;
    }
    let quick = || {
        let mut host = host();
        host.state.guest.acpi_ms = Some(0);
        host
    };
    for (word, ground) in grounds(quick, ALL) {
        let mut terminal = Terminal::new();
        let mut client = at(&terminal, &ground, &["fbsd0-ttyboot"]).spawn().unwrap();
        terminal.wait_for("login: ");
        terminal.hang_up("root");
        let status = wait_for("the end of the client", || client.try_wait().unwrap());
        assert!(!status.success(), "{word}: {status}");
        until("the end of the VM", || {
            let state = ground.machine.host().state;
            let mut taps = state.interfaces.keys();
            state.vms.is_empty() && taps.all(|name| !name.starts_with("tap"))
        });
        assert_eq!(ground.machine.host().state.harm, Vec::<String>::new());
    }
}

/// The input at each prompt in place of the password, and the message for it.
const NO_PASSWORD: [(&str, &[&str], &str); 4] = [
    (
        "doas",
        &["wrong\n"],
        "fbsd0-boot: doas did not run easy-bhyve
  output of doas: doas: Authentication failed
  help: permit the command in /usr/local/etc/doas.conf, for example: permit nopass YOU as root
",
    ),
    // With a further line, for an interrupt that comes just before doas reads.
    (
        "doas",
        &["\u{3}\n"],
        "fbsd0-boot: root-boot (run by doas) was terminated by SIGINT before completion
  help: free possible leftovers: fbsd0-clean
",
    ),
    (
        "sudo",
        &["wrong\n", "wrong\n", "wrong\n"],
        "fbsd0-boot: sudo did not run easy-bhyve
  output of sudo: sudo: 3 incorrect password attempts
  help: permit the command with visudo, for example: YOU ALL=(root) NOPASSWD: ALL
",
    ),
    (
        "sudo",
        &["\u{4}"],
        "fbsd0-boot: sudo did not run easy-bhyve
  output of sudo: sudo: a password is required
  help: permit the command with visudo, for example: YOU ALL=(root) NOPASSWD: ALL
",
    ),
];

#[test]
fn without_the_password_host_and_terminal_are_unchanged() {
    if !is_possible() {
        return;
    }
    for (word, typed, told) in NO_PASSWORD {
        let ground = Ground::new(host(), &[word], PASSWORD, CONFIG);
        let before = view::lines(&ground.machine.host());
        let mut terminal = Terminal::new();
        let command = at(&terminal, &ground, &["fbsd0-boot"]);
        let said = terminal.run(command, |terminal| {
            for keys in typed {
                terminal.wait_for(prompt(word));
                terminal.press(keys);
            }
        });
        assert!(terminal.has_its_modes(), "{word}");
        let screen = terminal.screen().replace("\r\n", "\n");
        assert_eq!(said.status, Some(1), "{screen}");
        assert!(screen.ends_with(told), "{screen}");
        assert!(!screen.contains("wrong"), "{screen}");
        assert_eq!(view::lines(&ground.machine.host()), before, "{screen}");
    }
}

#[test]
fn a_question_of_the_program_and_a_password_are_both_answered() {
    if !is_possible() {
        return;
    }
    // Ctrl-C ends the question without a newline.
    for (typed, left, status) in [
        ("y\n", &["one"][..], 0),
        ("YES\n", &["one"], 0),
        ("n\n", &["one", "two"], 1),
        ("yesterday\n", &["one", "two"], 1),
        ("\u{3}", &["one", "two"], 1),
    ] {
        for (word, ground) in grounds(with_two_snapshots, PASSWORD) {
            let mut terminal = Terminal::new();
            let command = at(&terminal, &ground, &["fbsd0-rollback", "one"]);
            let said = terminal.run(command, |terminal| {
                type_password(terminal, word);
                terminal.wait_for("[y/N] ");
                terminal.press(typed);
            });
            assert!(terminal.has_its_modes(), "{word}");
            let screen = terminal.screen();
            assert_eq!(said, Said::new(status, "", ""), "{typed:?}: {screen}");
            let host = ground.machine.host();
            let disk = &host.state.datasets["zroot/vm/fbsd0"];
            let found: Vec<&String> = disk.snapshots.keys().collect();
            assert_eq!(found, left, "{typed:?}: {screen}");
        }
    }
}

fn with_two_snapshots() -> Host {
    host().with_commands(&[
        "zfs snapshot zroot/vm/fbsd0@one",
        "zfs snapshot zroot/vm/fbsd0@two",
    ])
}
