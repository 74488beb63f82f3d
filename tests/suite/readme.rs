//! The documents for users: what they show is what the program does.
//!
//! In a block `console` each line `$ COMMAND` is called, and what follows is its output; a block `conf` is
//! added to the configuration. All blocks of a document are one session on a simulated host. `BLESS=1`
//! writes the output.

use crate::call::{call_program, owner};
use crate::case::root;
use crate::fake::Fake;
use crate::host::Host;
use crate::place::Place;
use easy_bhyve::cli::invocation::parse;
use easy_bhyve::model::release::{Feature, Machine, Release};
use easy_bhyve::tools::firmware;
use easy_bhyve::verb::Verb;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Command;

/// The documents in which sessions are shown.
const DOCUMENTS: [&str; 2] = ["README.md", "examples/guide.ja.md"];

/// The programs of the host, and of Rust, that a document has its reader call.
const OTHERS: [&str; 9] = [
    "cargo",
    "install",
    "pkg",
    "zfs",
    "mkdir",
    "PATH=$HOME/bin/eb:$PATH;",
    "mv",
    "service",
    "sysrc",
];

/// The user of a document, on a host without a VM.
struct User {
    home: tempfile::TempDir,
    fake: Fake,
    /// The random UUIDs that `new` has written, the oldest first.
    uuids: Vec<String>,
}

impl User {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let host = Host::freebsd(14)
            .with_image("/iso/FreeBSD-15.0-RELEASE-amd64-disc1.iso", 1 << 30)
            .with_image("/iso/debian-13.2.0-amd64-netinst.iso", 1 << 30)
            .with_image("/iso/NetBSD-10.1-amd64.iso", 1 << 30);
        let mut fake = Fake::new(host, owner());
        // A terminal shows both streams in the order in which they are written.
        fake.err = fake.out.clone();
        fake.answer = Some(true);
        let home_variable = OsString::from("HOME");
        fake.environment.insert(home_variable, home.path().into());
        // The target of the links.
        fs::create_dir(home.path().join("bin")).unwrap();
        fs::write(home.path().join("bin/easy-bhyve"), "").unwrap();
        let uuids = Vec::new();
        Self { home, fake, uuids }
    }

    fn configure(&self, text: &str) {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true);
        let path = self.home.path().join("bin/easy-bhyve.conf");
        let mut file = file.open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// What a command prints; `~` stands for the home directory, and a random UUID is a certain one.
    fn call(&mut self, command: &str) -> String {
        let words = shlex::split(command).unwrap().into_iter();
        let words = words.map(OsString::from).collect();
        let program = self.home.path().join("bin/easy-bhyve");
        let said = call_program(&mut self.fake, program, words).out;
        self.fake.advance(60.0);
        let harm = self.fake.host().state.harm.clone();
        assert!(harm.is_empty(), "{command}: {harm:?}");
        let written = said.split("_uuid=").skip(1);
        let written = written.filter_map(|rest| rest.split(' ').next());
        self.uuids.extend(written.map(str::to_owned));
        let home = self.home.path().display().to_string();
        let mut said = said.replace(&home, "~").replace("\r\n", "\n");
        for (nth, uuid) in self.uuids.iter().enumerate() {
            said = said.replace(uuid, &format!("6f1c2a94-3d1b-4c53-b3ef-5f7f58bcec{nth:02}"));
        }
        if said.is_empty() || said.ends_with('\n') {
            said
        } else {
            said + "\n"
        }
    }
}

/// The blocks of a document: the word behind the fence, and the text.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.split_once('\n')).collect()
}

/// The document with the output of its commands as it is now.
fn played(text: &str) -> String {
    let mut user = User::new();
    let mut written = String::new();
    for (nth, part) in text.split("```").enumerate() {
        if nth > 0 {
            written.push_str("```");
        }
        match part.split_once('\n') {
            Some(("console", session)) if nth % 2 == 1 => {
                written.push_str("console\n");
                for line in session.lines() {
                    if let Some(command) = line.strip_prefix("$ ") {
                        written.extend([line, "\n", &user.call(command)]);
                    }
                }
            }
            Some(("conf", settings)) if nth % 2 == 1 => {
                user.configure(settings);
                written.push_str(part);
            }
            _ => written.push_str(part),
        }
    }
    written
}

#[test]
fn every_session_in_a_document_is_that_of_the_program() {
    for name in DOCUMENTS {
        let path = root().join(name);
        let text = fs::read_to_string(&path).unwrap();
        let commands = text.lines().filter(|line| line.starts_with("$ ")).count();
        assert!(commands >= 10, "{name}: {commands} commands");
        let played = played(&text);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &played).unwrap();
            continue;
        }
        similar_asserts::assert_eq!(text, played, "{name}");
    }
}

#[test]
fn every_other_command_in_a_document_is_one() {
    for name in DOCUMENTS {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for (kind, block) in blocks(&text) {
            assert!(["sh", "conf", "console"].contains(&kind), "{name}: {kind}");
            if kind != "sh" {
                continue;
            }
            let place = Place::new();
            let file = place.write("block", block);
            let read = Command::new("sh").arg("-n").arg(file).status().unwrap();
            assert!(read.success(), "{name}: {block}");
            for line in block.lines() {
                let words = shlex::split(line).unwrap();
                let first = words[0].as_str();
                if OTHERS.contains(&first) {
                    continue;
                }
                let words: Vec<OsString> = words.iter().map(OsString::from).collect();
                assert!(
                    first == "easy-bhyve" && parse(&words, 80).is_ok(),
                    "{name}: {line}"
                );
            }
        }
    }
}

#[test]
fn a_figure_in_readme_was_measured() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let measured = fs::read_to_string(root().join("tests/README.md")).unwrap();
    let words: Vec<&str> = readme.split_whitespace().collect();
    let figures = words
        .windows(2)
        .filter(|pair| pair[1].trim_end_matches([',', '.', ';', ':']) == "ms");
    let figures: Vec<String> = figures.map(|pair| format!("| {} ms (", pair[0])).collect();
    assert_eq!(figures.len(), 6, "{figures:?}");
    for figure in figures {
        assert!(measured.contains(&figure), "{figure}");
    }
}

#[test]
fn a_place_that_a_document_names_is_there() {
    for name in DOCUMENTS {
        let path = root().join(name);
        let text = fs::read_to_string(&path).unwrap();
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with('#')) {
            assert!(path.with_file_name(link).exists(), "{name}: {link}");
        }
    }
}

#[test]
fn readme_is_for_newcomers() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme.lines().count();
    assert!(
        lines <= 250,
        "{lines} lines: reference belongs into the manual pages"
    );
}

/// A text on one line.
fn unfolded(name: &str) -> String {
    let text = fs::read_to_string(root().join(name)).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_documents_name_the_releases_of_the_program() {
    let (first, supported) = (Release::FIRST, Release::SUPPORTED);
    let arm64 = Feature::Bhyve.since(Machine::Arm64).unwrap();
    let readme = unfolded("README.md");
    let manual = unfolded("src/manual/pages/operation.mdoc");
    for (text, said) in [
        (
            &readme,
            format!("FreeBSD {first} or later on amd64, or {arm64} or later on arm64"),
        ),
        (
            &readme,
            format!("project itself supports {supported} and later only"),
        ),
        (
            &manual,
            format!("{first} and later on amd64, and on {arm64} and later on arm64"),
        ),
        (
            &manual,
            format!("project itself supports {supported} and later only"),
        ),
    ] {
        assert!(text.contains(&said), "{said}");
    }
}

#[test]
fn readme_says_how_to_get_all_that_is_needed() {
    let readme = unfolded("README.md");
    let installation = readme
        .split(" ## ")
        .find(|part| part.starts_with("Installation"));
    let installation = installation.unwrap();
    for said in [
        "in a checkout of this repository",
        firmware::PACKAGE,
        "grub2-bhyve",
        &format!("on arm64: pkg install doas {}", firmware::U_BOOT_PACKAGE),
        "`easy-bhyve setup --completions`",
        "To remove all of it",
    ] {
        assert!(installation.contains(said), "{said}: {installation}");
    }
}

#[test]
fn the_guide_has_every_verb_and_says_which_are_new() {
    // Those of the script.
    let old =
        "install boot ttyboot console resources shutdown clean snapshot rollback clone history";
    let old: Vec<&str> = old.split(' ').collect();
    let guide = fs::read_to_string(root().join("examples/guide.ja.md")).unwrap();
    let rows = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| VMNAME-"));
    let rows: Vec<&str> = rows.filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(rows, Verb::ALL.map(Verb::as_str));
    let new = guide
        .lines()
        .find(|line| line.ends_with("は新しいコマンドです。"))
        .unwrap();
    let new: Vec<&str> = new.split('`').skip(1).step_by(2).collect();
    let verbs = Verb::ALL.map(Verb::as_str).into_iter();
    let expected: Vec<&str> = verbs.filter(|verb| !old.contains(verb)).collect();
    assert_eq!(new, expected);
}
