//! Completions: the words that the program offers, and each real shell that asks for them.

mod shells;

use crate::call::call;
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::place::{PROGRAM, Place, Said};
use std::fs;

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
            "--dry-run -d --format --force -f --config --help -h",
        ),
        ("easy-bhyve -", "--config --help -h --version -V"),
        ("easy-bhyve boot -- -", ""),
        ("easy-bhyve boot -- w", "web0 web1"),
        ("easy-bhyve --config=c", "@files="),
        ("easy-bhyve set db cd0=", "@files="),
        ("easy-bhyve set db hd3=/x", "@files="),
        ("easy-bhyve set volroot=", "@files="),
        ("easy-bhyve set iso_path=", "@files="),
        ("easy-bhyve new x cd0=", "@files="),
        (
            "easy-bhyve set db if1_bridge=",
            "if1_bridge=bridge0 if1_bridge=none",
        ),
        // Commands whose names look like those of links.
        ("a-b-c-d -", "@default"),
        ("grub-install co", "@default"),
        ("gone-boot --pau", "@default"),
        ("web0-nothing -", "@default"),
        ("-- -x", "@default"),
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
        (vec!["gone-rollback", ""], "@default\n", 0),
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
fn bridges_and_uplinks_are_those_of_the_host() {
    let host =
        Host::freebsd(14).with_commands(&["ifconfig bridge7 create", "ifconfig tap9 create"]);
    let mut fake = Fake::new(host, USER);
    for (word, words) in [
        ("bridge=", "bridge=bridge0\nbridge=bridge7\nbridge=none\n"),
        ("netif=ig", "netif=igb0\n"),
        ("netif=t", ""),
    ] {
        let words_of_call = ["easy-bhyve", "complete", "--", "easy-bhyve", "set", word];
        let said = call(&mut fake, CONFIG, &words_of_call);
        assert_eq!(
            (said.status, said.err.as_str(), said.out.as_str()),
            (0, "", words)
        );
    }
    let host = fake.host();
    let calls = host.calls().iter().map(crate::view::call);
    let calls: Vec<String> = calls.collect();
    assert!(
        calls.iter().all(|call| call.ends_with("ifconfig -a")),
        "{calls:?}"
    );
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
