//! `check`: there is a configuration for every finding, and the finding stops a verb with the same text.

mod samples;

use crate::call::call;
use crate::fake::Fake;
use crate::host::build::USER;
use crate::host::{Fault, Host};
use crate::place::{PROGRAM, Place};
use crate::seat::Seat;
use easy_bhyve::finding::{FindingName, Severity};
use samples::{host, samples};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

fn findings(name: &str, config: &str) -> (u8, Vec<Value>) {
    let said = call(
        &mut host(name),
        config,
        &["easy-bhyve", "check", "--format", "json"],
    );
    let document: Value = serde_json::from_str(&said.out).expect(&said.err);
    (
        said.status,
        document["findings"].as_array().unwrap().clone(),
    )
}

#[test]
fn every_finding_has_a_configuration() {
    let mut seen = BTreeSet::new();
    for (name, config) in samples() {
        let known = FindingName::parse(name).expect(name);
        let (status, found) = findings(name, &config);
        let own = found.iter().find(|one| one["name"] == name);
        let Some(own) = own else { continue };
        assert_eq!(own["severity"], known.severity().to_string(), "{name}");
        let is_error = found.iter().any(|one| one["severity"] == "error");
        assert_eq!(status, u8::from(is_error), "{name}");
        let lines = u64::try_from(config.split('\n').count()).unwrap();
        assert!(own["line"].as_u64().unwrap() <= lines, "{name}");
        let message = own["message"].as_str().unwrap();
        let says_what_to_do = ["; write ", "; close it, or write ", " is neither "];
        let has_remedy = own["help"] != Value::Array(Vec::new())
            || says_what_to_do.iter().any(|words| message.contains(words));
        assert!(has_remedy, "{name} has no remedy: {own:#}");
        seen.insert(name);
    }
    let all: BTreeSet<&str> = FindingName::ALL.iter().map(|name| name.as_str()).collect();
    let without: Vec<_> = all.difference(&seen).collect();
    // No key of today ends in an underscore and another key, so no two VMs can claim one.
    // Owners and modes of files, and the files of profiles, are tested separately.
    let others = [
        "ambiguous-key",
        "group-writable",
        "include-foreign",
        "profile",
    ];
    assert_eq!(without, others.each_ref(), "no sample has them");
}

#[test]
fn a_finding_in_a_file_that_is_included_twice_is_reported_once() {
    let place = Place::new();
    place.write(
        "vms.conf",
        "bridge=bridge0 netif=igb0 a_id=1\n. ./b.conf\n. ./b.conf\n",
    );
    let check = || {
        let said = place.say(PROGRAM, ["check", "--format", "json"], "vms.conf");
        let document: Value = serde_json::from_str(&said.out).expect(&said.err);
        let found = document["findings"].as_array().unwrap().clone();
        let warnings = found.iter().filter(|one| one["severity"] == "warning");
        let lines = warnings.map(|one| format!("{}:{}", one["name"], one["line"]));
        lines.collect::<Vec<String>>()
    };
    place.write(
        "b.conf",
        "b_id=2 b_freebsd=YES b_hd0=/d\n# easy-bhyve: allow hidden-assignment\n\
         b_mem=1G\nb_mem=2G\nb_mem=3G\n# easy-bhyve: allow number-gap\nb_cpu=2\n",
    );
    let told = ["\"hidden-assignment\":4", "\"unused-allow\":6"];
    assert_eq!(check(), told);
    place.write("b.conf", "b_id=2 b_hd0=/d\n$(x)\n");
    let said = place.say(PROGRAM, ["check"], "vms.conf");
    assert_eq!(said.out.matches("error[command]").count(), 1, "{said:?}");
}

#[test]
fn a_finding_about_a_host_variable_is_reported_once_for_any_number_of_vms() {
    let config = "bridge=bridge0 netif=igb0\nvolroot=/vm,x\na_id=1 b_id=2 c_id=3\n";
    let (_, found) = findings("path-comma", config);
    let at_volroot = found.iter().filter(|one| one["line"] == 2);
    let names: Vec<&str> = at_volroot
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["path-comma", "volroot-missing"]);
}

#[test]
fn a_comment_silences_each_warning_and_no_error() {
    for (name, config) in samples() {
        let (_, found) = findings(name, &config);
        let Some(at) = found.iter().find(|one| one["name"] == name) else {
            continue;
        };
        // Findings whose line cannot have a comment beside it.
        if ["unterminated", "nul", "too-large"].contains(&name) {
            continue;
        }
        let line = usize::try_from(at["line"].as_u64().unwrap()).unwrap();
        let mut lines: Vec<String> = config.split('\n').map(str::to_owned).collect();
        lines.insert(line - 1, format!("# easy-bhyve: allow {name}"));
        let (_, left) = findings(name, &lines.join("\n"));
        let is_left = left.iter().any(|one| one["name"] == name);
        let known = FindingName::parse(name).unwrap();
        assert_eq!(is_left, known.severity() == Severity::Error, "{name}");
        let is_told = left.iter().any(|one| one["name"] == "unknown-allow");
        let is_parsers = !left.iter().any(|one| one["name"] == "disk-missing") && is_left;
        assert!(is_told == is_left || is_parsers, "{name}: {left:#?}");
    }
}

#[test]
fn a_comment_silences_a_warning_of_other_commands_too() {
    let start = "bridge=bridge0 volroot=zroot/vm\na_id=1\n";
    for words in [
        &["easy-bhyve", "setup", "-d"][..],
        &["easy-bhyve", "resources", "a"],
    ] {
        for (more, told) in [
            ("a_memory=1G # easy-bhyve: allow unknown-key\n", 0),
            ("# easy-bhyve: allow unknown-key\na_memory=1G\na_gb=1\n", 1),
            ("a_memory=1G # easy-bhyve: allow number-gap\n", 1),
        ] {
            let said = call(&mut host(""), &format!("{start}{more}"), words);
            assert_eq!(said.status, 0, "{}", said.err);
            let warnings = said.err.matches("is not a key, but").count();
            assert_eq!(warnings, told, "{words:?} {more}{}", said.err);
        }
    }
}

#[test]
fn a_verb_is_stopped_with_the_text_of_the_finding() {
    for (name, verb) in [
        ("duplicate-id", "boot"),
        ("memory", "boot"),
        ("cpu", "resources"),
        ("yes-or-no", "resources"),
        ("interface-name", "boot"),
        ("device-number", "boot"),
        ("conflicting-keys", "boot"),
        ("path-comma", "install"),
        ("path-percent", "install"),
        ("path-blank", "install"),
        ("path-equals", "boot"),
        ("read-only", "install"),
        ("grub-commands", "boot"),
        ("disk-twice", "boot"),
        ("tap-twice", "boot"),
        ("disk-missing", "boot"),
        ("netif-missing", "boot"),
        ("netif-wireless", "boot"),
        ("netif-bridge", "boot"),
        ("netif-twice", "boot"),
        ("volroot-unset", "boot"),
        ("unknown-os", "boot"),
        ("iso-version", "install"),
        ("prefix-assignment", "boot"),
        ("blank-around-equals", "list"),
    ] {
        let (_, config) = samples().find(|(other, _)| *other == name).unwrap();
        let (_, found) = findings(name, &config);
        let message = found.iter().find(|one| one["name"] == name).unwrap()["message"].clone();
        let mut host = host(name);
        let words: &[&str] = match verb {
            "list" => &["easy-bhyve", verb],
            // The id belongs to the earlier one of the two.
            _ if name == "duplicate-id" => &["easy-bhyve", verb, "b"],
            _ => &["easy-bhyve", verb, "a"],
        };
        let said = call(&mut host, &config, words);
        let message = message.as_str().unwrap();
        assert!(
            said.err.starts_with(&format!("easy-bhyve: {message}\n")),
            "{name}: {message}\n{}",
            said.err
        );
        assert_eq!(said.status, 1, "{name}");
    }
}

#[test]
fn text_and_data_name_the_same_places() {
    for (name, config) in samples() {
        let (_, found) = findings(name, &config);
        let said = call(&mut host(name), &config, &["easy-bhyve", "check"]);
        let places: Vec<&str> = said
            .out
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("--> "))
            .collect();
        let data: Vec<String> = found
            .iter()
            .map(|one| format!("easy-bhyve.conf:{}:{}", one["line"], one["column"]))
            .collect();
        assert_eq!(places, data, "{name}");
    }
}

#[test]
fn a_question_that_fails_skips_only_its_findings_and_is_reported() {
    for (program, names) in [
        (
            "sysctl",
            "too-many-cpus, not-on-this-host, host-cpus, host-memory, autostart-memory, total-memory",
        ),
        (
            "ifconfig",
            "bridge-without-uplink, netif-missing, netif-wireless, netif-bridge, uplink-vlan",
        ),
        ("zfs", "volroot-missing"),
    ] {
        let config = "bridge=bridge0 netif=em9 volroot=zroot/gone\na_id=1 a_cpu=9\n";
        let mut fake = host("");
        for nth in 1..=3 {
            let fault = Fault::Fail(2, format!("{program}: no\n"));
            fake.host().order(program, nth, fault);
        }
        let said = call(&mut fake, config, &["easy-bhyve", "check"]);
        let line = format!("not checked: {names}: {program} failed with status 2\n");
        assert!(said.out.contains(&line), "{program}: {}", said.out);
        let found = [
            "host-cpus",
            "netif-missing",
            "volroot-missing",
            "disk-missing",
        ];
        let found = found.map(|name| said.out.contains(&format!("[{name}]")));
        let expected = ["sysctl", "ifconfig", "zfs", ""].map(|other| other != program);
        assert_eq!(found, expected, "{program}: {}", said.out);
    }
}

#[test]
fn a_finding_stops_only_the_verb_that_it_would_harm() {
    let start = "bridge=bridge0 volroot=zroot/vm\na_id=1 a_freebsd=YES\n";
    let wrong = "a_mem=1.5G a_cd9=/x a_cpu=0 a_on_crash=pray a_gpt=gpt1 a_grub_root=gpt2\n";
    for (more, verb, is_stopped) in [
        (wrong, "boot", true),
        ("a_cd0=x a_cd9=/x a_autostart=on\n", "boot", false),
        ("a_grub_inst=x a_grub_install=y\n", "restart", false),
        ("a_cd0=/x,y\n", "install", true),
        (wrong, "resources", true),
        (wrong, "clean", false),
        (wrong, "snapshot", false),
        ("mem=much ebdir=\"$'\\xff'\" netif=-\n", "clean", false),
        ("netif=-\n", "history", false),
        (
            "a_if1=x a_hd1=x a_stop_timeout=0 mem=much bridge=\n",
            "log",
            false,
        ),
        ("a_hd1=x volroot=z//v\n", "clean", false),
        ("a_hd1=x\n", "snapshot", true),
        ("a_if1=x bridge=\n", "snapshot", false),
        ("a_if1=x\n", "clean", true),
        ("a_stop_timeout=0\n", "clean", true),
        ("b_id=1\n", "boot", true),
        ("b_id=1\n", "clean", false),
        ("a_cd0=/gone\n", "boot", false),
        ("a_cd0=/gone\n", "install", true),
        ("a_cd0='/my iso'\n", "boot", false),
        ("a_memory=1G a_gpt=gpt1\n", "boot", false),
    ] {
        let host = Host::freebsd(14).with_volume("zroot/vm/a", 1 << 30);
        let mut fake = Fake::new(host, USER);
        let said = call(
            &mut fake,
            &format!("{start}{more}"),
            &["easy-bhyve", verb, "a"],
        );
        assert_eq!(said.status == 1, is_stopped, "{verb} {more}{}", said.err);
    }
    for more in [
        "mem=much a_mem=1.5G",
        "bridge= a_if1=x",
        "a_cd0=x privilege=me",
    ] {
        let mut fake = Fake::new(Host::freebsd(14), USER);
        let config = format!("{start}{more}\n");
        let said = call(&mut fake, &config, &["easy-bhyve", "setup", "-d"]);
        assert!(said.out.contains("# a: "), "{more}: {}", said.err);
    }
}

#[test]
fn a_finding_hides_no_other_and_its_mere_consequences_are_not_reported() {
    let long = "much_too_long_name0";
    for (config, names) in [
        ("bridge=b\na_id=1\na_hd0=rel\n", &["relative-path"][..]),
        (
            "bridge=b volroot=z/v\na_id=1\na_freebsd=YESS\na_hd0='/my disk'\n",
            &["yes-or-no"],
        ),
        ("volroot=z/v\na_id=1\na_if0_bridge=@\n", &["interface-name"]),
        ("bridge=@ volroot=z/v\na_id=1 b_id=2\n", &["interface-name"]),
        ("bridge=b volroot=z//v\na_id=1 b_id=2\n", &["dataset"]),
        (
            "bridge=b volroot=z/v\na_id=1 a_if0=@ b_id=2 b_if0=tap1\n",
            &["interface-name"],
        ),
        (
            "bridge=b\na_id=1\na_hd1=/x a_if0=@\na_cd0=rel\n",
            &["missing-hd0", "interface-name", "relative-path"],
        ),
        (
            "bridge=b volroot=z/v\na_id=x\na_hd0=/x a_hd1=/x a_if1=@\na_mem=much\n",
            &["id", "disk-twice", "interface-name", "memory"],
        ),
        (
            "bridge=b volroot=/vm\nb_id=2 b_hd0=/vm/c\nc_id=3\n",
            &["shared-disk"],
        ),
        (
            "bridge=b volroot=/vm\na_id=1 a_hd0=rel\nb_id=2 b_hd0=/vm/a\n",
            &["relative-path"],
        ),
    ] {
        let (_, found) = findings("", &config.replace('@', long));
        let of_host = ["disk-missing", "volroot-missing", "bridge-without-uplink"];
        let told: Vec<&str> = found
            .iter()
            .filter_map(|one| one["name"].as_str())
            .filter(|name| !of_host.contains(name))
            .collect();
        assert_eq!(told, names, "{config}");
    }
}

#[test]
fn many_vms_without_problems_are_checked() {
    let mut config = String::from("bridge=bridge0 volroot=zroot/vm\n");
    for id in 0..32_768 {
        let _ = writeln!(config, "vm{id}_id={id} vm{id}_mem=1G vm{id}_hd1=/vm/{id}");
        // Of so many addresses that bhyve derives, some are alike.
        let (high, low) = (id / 256, id % 256);
        let _ = writeln!(config, "vm{id}_if0_mac=2:0:0:0:{high:x}:{low:x}");
    }
    let mut foreign = Host::freebsd(14);
    foreign.state.programs.clear();
    let mut fake = Fake::new(foreign, USER);
    let said = call(&mut fake, &config, &["easy-bhyve", "check"]);
    let last = said.out.lines().last();
    assert_eq!(last, Some("no problems in easy-bhyve.conf"));
    let _ = writeln!(config, "vm7_cpu=none vm8_hd1=/vm/7");
    let (_, found) = findings("", &config);
    let found: Vec<&Value> = found
        .iter()
        .map(|one| &one["name"])
        .filter(|name| *name != "disk-missing")
        .collect();
    let all = [
        "bridge-without-uplink",
        "hidden-assignment",
        "total-memory",
        "cpu",
        "shared-disk",
    ];
    assert_eq!(found, all);
}

#[test]
fn findings_are_coloured_on_a_terminal_unless_disabled() {
    let place = Place::new();
    place.write("easy-bhyve.conf", "volroot=zroot/vm a_id=1 a_memory=1G\n");
    for (variable, is_coloured) in [("LANG", true), ("NO_COLOR", false)] {
        let mut command = place.call(PROGRAM);
        command
            .args(["check", "--config"])
            .arg(place.path("easy-bhyve.conf"))
            .env("TERM", "xterm")
            .env(variable, "1");
        let left = Seat::start(&command).end();
        assert!(left.written.contains("unknown-key"), "{}", left.written);
        assert_eq!(left.written.contains('\u{1b}'), is_coloured, "{variable}");
    }
}
