//! `doctor`: each row on a host that is well, and on one that is not.

use crate::call::{Said, call_with_file};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::place::{PROGRAM, Place};
use case::{Case, Circumstance};
use nix::unistd::Uid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

mod case;
mod privilege;
mod report;

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm\ndeb_id=1\ndeb_mem=1G\n";

const SUBJECTS: [&str; 24] = [
    "release",
    "architecture",
    "cpu",
    "memory",
    "jail",
    "processes",
    "modules",
    "clock",
    "configuration",
    "privilege",
    "grub-bhyve",
    "firmware",
    "uplink",
    "address",
    "mtu",
    "packet filter",
    "disks",
    "pool",
    "space",
    "leftovers",
    "program",
    "log",
    "links",
    "path",
];

/// A host on which everything is well.
fn well() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/deb", 1 << 30)
        .with_commands(&["kldload vmm nmdm if_bridge"])
}

/// A user on a host, with a configuration in a directory of its own.
struct User {
    directory: tempfile::TempDir,
    fake: Fake,
}

impl User {
    fn new(host: Host, config: &str) -> Self {
        Self::of(host, config, USER)
    }

    fn of(host: Host, config: &str, uid: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("easy-bhyve.conf"), config).unwrap();
        let mut fake = Fake::new(host, uid);
        let links = directory.path().join("eb");
        fake.environment
            .insert("PATH".into(), OsString::from(links));
        Self { directory, fake }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("easy-bhyve.conf")
    }

    fn call(&mut self, words: &[&str]) -> Said {
        let words: Vec<&str> = ["easy-bhyve"].iter().chain(words).copied().collect();
        let file = self.file();
        call_with_file(&mut self.fake, &file, &words)
    }

    /// The rows, and whether one fails.
    fn rows(&mut self) -> Vec<Row> {
        let said = self.call(&["doctor", "--format", "json"]);
        assert_eq!(said.err, "", "{said:?}");
        let document: Value = serde_json::from_str(&said.out).unwrap();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let rows = document["rows"].as_array().unwrap().iter().map(|row| Row {
            subject: text(row, "subject"),
            verdict: text(row, "verdict"),
            finding: text(row, "finding"),
            remedy: text(row, "remedy"),
        });
        let rows: Vec<Row> = rows.collect();
        let fails = rows.iter().any(|row| row.verdict == "fail");
        assert_eq!(said.status, u8::from(fails), "{rows:?}");
        rows
    }
}

#[derive(Debug)]
struct Row {
    subject: String,
    verdict: String,
    finding: String,
    remedy: String,
}

#[test]
fn a_host_that_is_well_passes_every_row() {
    let mut user = User::new(well(), CONFIG);
    assert_eq!(user.call(&["setup"]).status, 0);
    user.fake.host().forget_calls();
    let rows = user.rows();
    let subjects: Vec<&str> = rows.iter().map(|row| row.subject.as_str()).collect();
    assert_eq!(subjects, SUBJECTS);
    for row in &rows {
        // The simulated host has no file of the program.
        let expected = if row.subject == "program" {
            "not-asked"
        } else {
            "pass"
        };
        assert_eq!(row.verdict, expected, "{row:?}");
        assert_eq!(row.remedy, "", "{row:?}");
    }
    // Nothing is changed, and nothing runs as root.
    let host = user.fake.host();
    let questions = [
        "sysctl -i",
        "kldstat",
        "ifconfig -a",
        "ps ",
        "zpool list",
        "zfs list",
        "pkg which",
    ];
    for logged in host.calls() {
        let call = crate::view::call(logged);
        assert!(questions.iter().any(|begin| call.contains(begin)), "{call}");
    }
}

#[test]
fn a_program_that_everybody_may_replace_is_a_failure_whoever_owns_it() {
    let place = Place::new();
    let program = place.program("open/own/easy-bhyve");
    let open = place.path("open");
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    if Uid::effective().is_root() {
        chown(place.path("open/own"), Some(USER), None).unwrap();
    }
    let mut call = place.call(program);
    let output = call.args(["doctor", "--format", "json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut rows = document["rows"].as_array().unwrap().iter();
    let row = rows.find(|row| row["subject"] == "program").unwrap();
    assert_eq!(row["verdict"], "fail", "{row}");
    let remedy = format!("chmod go-w {}", open.display());
    assert_eq!(row["remedy"], remedy.as_str(), "{row}");
}

#[test]
fn every_row_has_a_host_on_which_it_does_not_pass() {
    let mut ailing = BTreeSet::new();
    for case in Case::all() {
        let uid = if case.is.contains(&Circumstance::Root) {
            0
        } else {
            USER
        };
        let config = format!("{CONFIG}{}", case.config);
        let rows = User::of(case.host(), &config, uid).rows();
        let mut of_subject = rows.iter().filter(|row| row.subject == case.subject);
        let is_it = |row: &&Row| {
            row.verdict == case.verdict
                && row.finding.contains(&case.finding)
                && row.remedy.contains(&case.remedy)
        };
        assert!(of_subject.any(|row| is_it(&row)), "{case:?}\n{rows:#?}");
        if case.verdict != "pass" {
            ailing.insert(case.subject);
        }
    }
    // The others have tests of their own.
    let own = ["clock", "log", "links", "path", "program"].map(str::to_owned);
    ailing.extend(own);
    let all: BTreeSet<String> = SUBJECTS.map(str::to_owned).into();
    assert_eq!(ailing, all);
}

#[test]
fn taps_links_and_path_have_remedies() {
    let mut user = User::new(well().with_tap("tap9", "easy-bhyve:gone"), CONFIG);
    user.fake
        .environment
        .insert("PATH".into(), "/bin:/usr/bin".into());
    let rows = user.rows();
    let row = |subject: &str| rows.iter().find(|row| row.subject == subject).unwrap();
    assert_eq!(row("leftovers").finding, "the tap tap9 of gone is left");
    assert_eq!(row("leftovers").remedy, "ifconfig tap9 destroy, as root");
    assert_eq!(
        (row("links").verdict.as_str(), row("path").verdict.as_str()),
        ("warn", "warn")
    );
    assert_eq!(row("links").remedy, "easy-bhyve setup");
    let links = user.directory.path().join("eb");
    assert_eq!(user.call(&["setup"]).status, 0);
    let count = std::fs::read_dir(&links).unwrap().count();
    let found = format!(
        "missing or out of date in {}: {count} links",
        links.display()
    );
    assert_eq!(row("links").finding, found);
    let remedy = format!(
        "add to ~/.profile: PATH={}:$PATH; export PATH",
        links.display()
    );
    assert_eq!(row("path").remedy, remedy);
}

#[test]
fn the_table_shows_each_remedy_below_its_row() {
    let mut user = User::new(well().without_program("grub-bhyve"), CONFIG);
    let said = user.call(&["doctor"]);
    assert_eq!((said.status, said.err.as_str()), (1, ""));
    let row = format!(
        "{:9}  {:13}  it is not installed, and deb needs it\n{:9}  {:13}  -> install it: pkg install grub2-bhyve\n",
        "fail", "grub-bhyve", "", ""
    );
    assert!(said.out.contains(&row), "{}", said.out);
    let counts = "21 passed, 1 warning, 1 failure, 1 not asked\n";
    assert!(said.out.ends_with(counts), "{}", said.out);
}

#[test]
fn a_report_has_no_private_name() {
    let config = "bridge=bridge0 netif=igb0 volroot=zroot/secret\nacme_id=1\nacme_hd0=/dev/zvol/zroot/secret/acme\n\
                  acme_cd0=/home/user_bob/acme.iso\nprivilege=mdo\nhost_id=2\n";
    let mut host = well()
        .with_leftover_vm("acme", 1 << 20)
        .with_tap("tap9", "easy-bhyve:elsewhere");
    let mut rules = host.state.sysctls["hw.ncpu"].clone();
    "uid=1017>uid=0".clone_into(&mut rules.value);
    host.state
        .sysctls
        .insert("security.mac.do.rules".into(), rules);
    let mut user = User::new(host, config);
    user.fake
        .environment
        .insert("HOME".into(), "/home/user_bob".into());
    // A user's name, which a row has.
    user.fake
        .environment
        .insert("SUDO_USER".into(), "igb0".into());
    let said = user.call(&["doctor", "--report"]);
    for private in [
        "acme",
        "secret",
        "bob",
        "vmhost",
        "elsewhere",
        "zroot",
        "1017",
        "igb0",
        user.directory.path().to_str().unwrap(),
    ] {
        assert!(!said.out.contains(private), "{private}: {}", said.out);
    }
    assert!(
        said.out
            .contains("| verdict | subject | finding | remedy |\n|---|---|---|---|\n"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("| warn | leftovers | the VM node of VM"),
        "{}",
        said.out
    );
    // The name of a VM can be a word of a row that has no VM.
    let jail = "| pass | jail | this is the host itself |";
    assert!(said.out.contains(jail), "{}", said.out);
    assert_eq!(
        user.call(&["doctor", "--report", "--format", "json"])
            .status,
        2
    );
}

#[test]
fn a_report_on_a_wrong_configuration_has_no_private_name_either() {
    let mut user = User::new(well(), "acme_id=1\nacme_cpu=$(id)\n");
    let said = user.call(&["doctor", "--report"]);
    let row = "| fail | configuration | command-substitution: The output of a command: ";
    assert!(said.out.contains(row), "{}", said.out);
    for private in ["acme", user.directory.path().to_str().unwrap()] {
        assert!(!said.out.contains(private), "{private}: {}", said.out);
    }
}

#[test]
fn rows_that_need_the_configuration_are_not_judged_without_one() {
    let needs = [
        "memory",
        "grub-bhyve",
        "firmware",
        "uplink",
        "address",
        "disks",
        "pool",
        "space",
        "links",
        "path",
    ];
    let bare = || {
        let mut host = well().without_program("grub-bhyve");
        host.remove_firmware();
        host
    };
    let mut wrong = User::new(bare(), "deb_id=1\ndeb_cpu=$(id)\n");
    let mut missing = User::new(bare(), "");
    std::fs::remove_file(missing.file()).unwrap();
    for (user, is_new) in [(&mut wrong, false), (&mut missing, true)] {
        let rows = user.rows();
        let subjects: Vec<&str> = rows.iter().map(|row| row.subject.as_str()).collect();
        assert_eq!(subjects, SUBJECTS);
        for row in &rows {
            let is_unknown = row
                .finding
                .ends_with("there is no configuration that can be read");
            // The default is known.
            let needs_it = needs.contains(&&*row.subject) || row.subject == "privilege" && !is_new;
            assert_eq!(is_unknown, needs_it, "{row:?}");
            assert!(!is_unknown || row.verdict == "not-asked", "{row:?}");
        }
    }
    let said = wrong.call(&["doctor", "--privilege"]);
    let row = "not asked  privilege  there is no configuration that can be read\n";
    assert!(said.out.starts_with(row), "{}", said.out);
}

#[test]
fn another_system_says_what_could_not_be_asked() {
    let place = Place::new();
    place.write("c.conf", CONFIG);
    let said = place.say(PROGRAM, ["doctor"], "c.conf");
    assert_eq!(said.err, "", "{said:?}");
    // Only the place of the program's own file can be unsafe.
    let failures = said.out.lines().filter(|line| line.starts_with("fail "));
    let mut others = failures.filter(|line| !line.contains("  program  "));
    assert_eq!(others.next(), None, "{}", said.out);
    for subject in ["disks", "pool", "space"] {
        let row = format!("not asked  {subject:13}  this host is not FreeBSD\n");
        assert!(said.out.contains(&row), "{row}: {}", said.out);
    }
    let unknown = said
        .out
        .lines()
        .filter(|line| line.ends_with("this host is not FreeBSD"));
    assert!(unknown.count() >= 14, "{}", said.out);
}
