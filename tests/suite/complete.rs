//! Completions: the words that the program offers, and each real shell that asks for them.

use crate::call::call;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::place::{self, PROGRAM, Place, Said};
use crate::seat::Seat;
use std::fs;
use std::process::Command;

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm\nweb0_id=1\nweb1_id=2\ndb_id=3\n";

/// The words that are offered for a line, whose last word is being typed.
fn offered(place: &Place, line: &[&str]) -> Vec<String> {
    let words = ["complete", "--"].iter().chain(line);
    let said = place.say(PROGRAM, words, "c.conf");
    assert_eq!((said.status, said.err.as_str()), (Some(0), ""), "{line:?}");
    said.out.lines().map(str::to_owned).collect()
}

#[test]
fn each_place_of_a_line_has_its_own_words() {
    let place = Place::new();
    place.write("c.conf", CONFIG);
    place.write("os/mine.toml", "about = \"mine\"\n");
    for (line, expected) in [
        ("easy-bhyve res", "resize resources restart"),
        ("easy-bhyve help cons", "console"),
        ("easy-bhyve boot w", "web0 web1"),
        ("easy-bhyve --config c.conf boot d", "db"),
        ("easy-bhyve boot web0 --dry", "--dry-run"),
        ("easy-bhyve shutdown web0 w", "web0 web1"),
        ("easy-bhyve boot web0 w", ""),
        ("easy-bhyve inspect db", "db"),
        ("easy-bhyve inspect ./d", "@files"),
        ("easy-bhyve boot web0 -d --format ", "text sh json"),
        ("easy-bhyve boot web0 -d --format=s", "--format=sh"),
        ("easy-bhyve --config ", "@files"),
        ("easy-bhyve new x --cd ", "@files"),
        ("easy-bhyve new ", ""),
        ("easy-bhyve new x on_cr", "on_crash="),
        ("easy-bhyve set d", "db"),
        ("easy-bhyve set brid", "bridge="),
        (
            "easy-bhyve set db on_crash=",
            "on_crash=stop on_crash=restart",
        ),
        ("easy-bhyve set db if3_ma", "if3_mac="),
        ("easy-bhyve set db rng=Y", "rng=YES"),
        ("easy-bhyve set db mem=", ""),
        ("easy-bhyve set db os=deb", "os=debian"),
        ("easy-bhyve set db loader=u", "loader=uefi"),
        ("easy-bhyve set db hd0_type=n", "hd0_type=nvme"),
        ("easy-bhyve set db vnc=", "vnc=YES vnc=NO"),
        ("easy-bhyve set db vnc_s", "vnc_size="),
        ("easy-bhyve set db uefi", "uefi_vars="),
        ("easy-bhyve set db grub_bootpart=a", "grub_bootpart=auto"),
        ("easy-bhyve os open", "openbsd opensuse"),
        ("easy-bhyve new x --os mine", "mine"),
        ("easy-bhyve new x --os=win", "--os=windows"),
        ("easy-bhyve vnc d", "db"),
        ("db-vnc --format j", "json"),
        ("easy-bhyve set privilege=m", "privilege=mdo"),
        (
            "easy-bhyve man ",
            "easy-bhyve easy-bhyve.conf easy-bhyve-examples easy-bhyve.ja",
        ),
        ("easy-bhyve completions z", "zsh"),
        ("easy-bhyve import vm", "vm-bhyve"),
        ("easy-bhyve doctor --p", "--privilege"),
        ("easy-bhyve import libvirt ", "@files"),
        ("easy-bhyve nothing ", ""),
        ("easy-bhyve bo --f", ""),
        ("/home/user/bin/eb/web0-boot --pau", "--pause"),
        ("web0-boot -d --format j", "json"),
        ("web0-shutdown w", "web0 web1"),
        ("web0-boot w", ""),
        (
            "web0-console -",
            "--dry-run -d --format --force -f --config --help",
        ),
        ("a-b-c-d -", "--config --help"),
        ("-- -x", ""),
    ] {
        let mut words: Vec<&str> = line.split(' ').collect();
        if line.ends_with(' ') {
            words.pop();
            words.push("");
        }
        let found = offered(&place, &words);
        let sorted = |mut words: Vec<String>| {
            words.sort();
            words.join(" ")
        };
        let expected = expected.split_whitespace().map(str::to_owned).collect();
        assert_eq!(sorted(found), sorted(expected), "{line}");
    }
}

#[test]
fn every_verb_command_option_and_setting_is_offered() {
    use easy_bhyve::config::settings::{HOST, VM};
    let place = Place::new();
    place.write("c.conf", CONFIG);
    let help = place.say(PROGRAM, ["--help"], "c.conf").out;
    let commands = offered(&place, &["easy-bhyve", ""]);
    let (list, _) = help.split_once("\nOptions:\n").unwrap();
    let listed = list.lines().filter_map(|line| line.strip_prefix("  "));
    let listed = listed
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty());
    let mut count = 0;
    for name in listed {
        count += 1;
        assert!(commands.iter().any(|command| command == name), "{name}");
        let help = place.say(PROGRAM, [name, "--help"], "c.conf").out;
        let options = offered(&place, &["easy-bhyve", name, "-"]);
        let words = help
            .split([' ', ',', '\n'])
            .filter(|word| word.starts_with("--") && word.len() > 2);
        for option in words.filter(|_| name != "help") {
            let option = option.trim_end_matches(['.', ')']);
            assert!(
                options.iter().any(|one| one == option),
                "{name} {option}: {options:?}"
            );
        }
    }
    assert_eq!(count, commands.len());
    assert!(!commands.iter().any(|command| command == "complete"));
    let settings = offered(&place, &["easy-bhyve", "set", "db", ""]);
    for row in &VM {
        assert!(
            settings.contains(&format!("{}=", row.numbered(0))),
            "{}",
            row.name
        );
    }
    let settings = offered(&place, &["easy-bhyve", "set", ""]);
    for row in HOST.iter().filter(|row| !row.name.starts_with("BRIDGE")) {
        assert!(settings.contains(&format!("{}=", row.name)), "{}", row.name);
    }
}

#[test]
fn snapshots_are_listed_without_root_and_nothing_else_is_asked() {
    let host = Host::freebsd(14)
        .with_volume("zroot/vm/web0", 1 << 30)
        .with_commands(&[
            "zfs snapshot zroot/vm/web0@_202601020304-old",
            "zfs snapshot zroot/vm/web0@_202601020305-new",
        ]);
    let mut fake = Fake::new(host, USER);
    for (line, words, asked) in [
        (
            vec!["web0-rollback", ""],
            "_202601020305-new\n_202601020304-old\n",
            1,
        ),
        (
            vec!["web0-clone", "@_202601020304"],
            "@_202601020304-old\n",
            1,
        ),
        (vec!["web0-clone", "@_202601020304-old", ""], "", 0),
        (vec!["easy-bhyve", "rollback", "web0", "x"], "", 1),
        (vec!["db-rollback", ""], "", 1),
        (vec!["gone-rollback", ""], "", 0),
        (vec!["web0-boot", "-"], "", 0),
        (vec!["easy-bhyve", "boot", ""], "web0\nweb1\ndb\n", 0),
    ] {
        fake.host().forget_calls();
        let words_of_call: Vec<&str> = ["easy-bhyve", "complete", "--"]
            .into_iter()
            .chain(line.clone())
            .collect();
        let said = call(&mut fake, CONFIG, &words_of_call);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{line:?}");
        if line != ["web0-boot", "-"] {
            assert_eq!(said.out, words, "{line:?}");
        }
        let host = fake.host();
        let calls: Vec<String> = host.calls().iter().map(crate::view::call).collect();
        assert_eq!(calls.len(), asked, "{line:?}: {calls:?}");
        assert!(
            calls.iter().all(|call| call.contains("] zfs list ")),
            "{calls:?}"
        );
    }
}

#[test]
fn a_configuration_that_cannot_be_used_has_no_vms_and_no_message() {
    let place = Place::new();
    place.write("c.conf", "web0_id=1\nweb0_mem=$(id)\n");
    assert_eq!(
        offered(&place, &["easy-bhyve", "boot", ""]),
        Vec::<String>::new()
    );
    assert_eq!(offered(&place, &["easy-bhyve", "boo"]), ["boot"]);
    assert_eq!(offered(&place, &[]), Vec::<String>::new());
}

#[test]
fn setup_writes_the_scripts_and_names_the_lines_for_the_shells() {
    let place = Place::new();
    let program = place.program("bin/easy-bhyve");
    place.write("bin/easy-bhyve.conf", CONFIG);
    let call = |words: &[&str]| Said::of(&place.call(&program).args(words).output().unwrap());
    let said = call(&["setup", "--completions", "-d"]);
    assert_eq!(said.status, Some(0), "{said:?}");
    assert!(!place.path("bin/completions").exists());
    for _ in 0..2 {
        let said = call(&["setup", "--completions"]);
        assert_eq!(said.status, Some(0), "{said:?}");
        for (shell, rc) in [
            ("bash", "~/.bashrc"),
            ("zsh", "~/.zshrc"),
            ("fish", "~/.config/fish/config.fish"),
            ("tcsh", "~/.cshrc"),
        ] {
            let path = place.path(format!("bin/completions/easy-bhyve.{shell}"));
            let line = format!(
                "completions for {shell}: add to {rc}: source {}",
                path.display()
            );
            assert!(said.err.contains(&line), "{line}: {}", said.err);
            let script = fs::read_to_string(path).unwrap();
            assert_eq!(script, call(&["completions", shell]).out);
            assert!(script.contains(program.to_str().unwrap()), "{script}");
        }
    }
    // A script of an older version is replaced.
    place.write("bin/completions/easy-bhyve.zsh", "old\n");
    call(&["setup", "--completions"]);
    let script = fs::read_to_string(place.path("bin/completions/easy-bhyve.zsh")).unwrap();
    assert_eq!(script, call(&["completions", "zsh"]).out);
}

/// A home with links and scripts, and the shell on a terminal with its script read.
fn shell(name: &str, words: &[&str], term: &str) -> Option<(Place, Seat)> {
    let place = Place::new();
    let easy_bhyve = place.program("bin/easy-bhyve");
    place.write("bin/easy-bhyve.conf", CONFIG);
    place.write("iso/debian.iso", "");
    let mut setup = place.call(&easy_bhyve);
    assert!(
        setup
            .args(["setup", "--completions"])
            .output()
            .unwrap()
            .status
            .success()
    );
    // What is called by its name is completed by its name.
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        place.shown("bin/eb"),
        place.shown("bin")
    );
    let mut shell = Command::new(name);
    shell
        .env_clear()
        .env("PATH", path)
        .env("HOME", place.path(""))
        .env("TERM", term)
        .env("EASY_BHYVE_PATH", place.path("no programs"))
        .current_dir(place.path(""))
        .args(words);
    let is_there = Command::new(name).arg("-c").arg("exit 0").output();
    if is_there.is_err() {
        place::skip(&format!("{name} is not installed"));
        return None;
    }
    let mut seat = Seat::start(&shell);
    let script = place.shown(&format!("bin/completions/easy-bhyve.{name}"));
    seat.type_in(&format!("source {script}; echo re''ady\r"));
    seat.see("ready");
    Some((place, seat))
}

/// Types a line with a TAB in it and then Enter; the echoed words must be these.
#[track_caller]
fn completes(seat: &mut Seat, typed: &str, shown: &str) {
    // The line is only printed.
    seat.type_in(typed);
    seat.type_in("\t");
    seat.see(shown);
    // The line is dropped.
    seat.type_in("\u{15}");
}

/// What every shell completes: a command, a VM, the name of a file.
#[track_caller]
fn completes_the_usual(seat: &mut Seat) {
    completes(seat, "easy-bhyve resou", "easy-bhyve resources ");
    completes(seat, "easy-bhyve boot d", "boot db ");
    completes(seat, "easy-bhyve new x --cd iso/deb", "iso/debian.iso ");
}

#[test]
fn bash_completes() {
    let Some((_place, mut seat)) = shell("bash", &["--norc", "--noprofile", "-i"], "dumb") else {
        return;
    };
    completes_the_usual(&mut seat);
    let line = "easy-bhyve set db on_crash=r";
    completes(&mut seat, line, "on_crash=restart ");
    completes(&mut seat, "easy-bhyve set db on_cr", "on_crash=");
    completes(&mut seat, "easy-bhyve os debi", "os debian ");
    completes(&mut seat, "web0-boot --format=s", "--format=sh ");
    completes(&mut seat, "web0-boot --pau", "web0-boot --pause ");
    completes(&mut seat, "db-vnc --dry", "db-vnc --dry-run ");
}

#[test]
fn zsh_completes() {
    let Some((_place, mut seat)) = shell("zsh", &["-f", "-i"], "dumb") else {
        return;
    };
    completes_the_usual(&mut seat);
    // zsh writes only what is new.
    completes(&mut seat, "easy-bhyve set db on_crash=r", "=restart ");
    completes(&mut seat, "web0-boot --pau", "se ");
}

#[test]
fn fish_completes() {
    let words = ["--private", "--no-config"];
    let Some((_place, mut seat)) = shell("fish", &words, "dumb") else {
        return;
    };
    completes_the_usual(&mut seat);
    let line = "easy-bhyve set db on_crash=r";
    completes(&mut seat, line, "on_crash=restart ");
    completes(&mut seat, "web0-boot --pau", "--pause ");
    // The meaning of each word, as fish shows it beside.
    seat.type_in("complete -C 'easy-bhyve resou'\r");
    seat.see("resources\tShow the settings");
}

#[test]
fn tcsh_completes() {
    let Some((_place, mut seat)) = shell("tcsh", &["-f", "-i"], "vt100") else {
        return;
    };
    completes_the_usual(&mut seat);
    completes(&mut seat, "web0-boot --pau", "--pause ");
    completes(&mut seat, "web0-boot -d --format js", "json ");
}
