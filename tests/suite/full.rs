//! A file that cannot be written is reported with the reason and the remedy: a file system that is full or
//! read-only, a removed working directory, a missing program of the base system.

use crate::call::{Said, call, call_with_file};
use crate::fake::{Fake, Lost};
use crate::host::build::USER;
use crate::host::{Edit, Host};
use crate::place::{self, PROGRAM, Place, skip};
use nix::unistd::Uid;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES
deb0_id=2
";

/// Error numbers of this system, with the remedy in the message.
const ERRORS: [(i32, &str); 3] = [
    (
        nix::libc::ENOSPC,
        "help: the file system is full: see df -h ",
    ),
    (
        nix::libc::EDQUOT,
        "help: the quota is exceeded: see quota -v and df -h ",
    ),
    (
        nix::libc::EROFS,
        "help: the file system is mounted read-only: find it with df ",
    ),
];

fn host() -> Host {
    Host::freebsd(14)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
        .with_volume("zroot/vm/deb0", 1 << 30)
}

/// The output of a call on a host where no file can be written.
fn without_writes(number: i32, uid: u32, words: &[&str]) -> Said {
    let mut fake = Fake::new(host(), uid);
    fake.lose(Lost::Writes(number));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("easy-bhyve.conf");
    fs::write(&file, CONFIG).unwrap();
    call_with_file(&mut fake, &file, words)
}

#[test]
fn every_file_that_cannot_be_written_is_reported_with_reason_and_remedy() {
    for (number, remedy) in ERRORS {
        let why = std::io::Error::from_raw_os_error(number).to_string();
        for words in [
            // The lock, the configuration, and the links.
            &["fbsd0-boot"][..],
            &["deb0-boot"],
            &["easy-bhyve", "set", "fbsd0", "mem=1G"],
            &["easy-bhyve", "new", "web"],
            &["easy-bhyve", "setup"],
        ] {
            let said = without_writes(number, USER, words);
            assert_eq!(said.status, 1, "{words:?}: {said:?}");
            for part in [&why, remedy] {
                assert!(
                    said.err.contains(part),
                    "{words:?}: {part:?} is not in {}",
                    said.err
                );
            }
            for other in ["root's alone", "is the directory yours", "are the file and"] {
                assert!(!said.err.contains(other), "{words:?}: {}", said.err);
            }
        }
    }
}

#[test]
fn messages_of_programs_about_a_full_file_system_are_explained() {
    for (program, words, message, part) in [
        (
            "truncate",
            &["-s"][..],
            "truncate: /vm/web: No space left on device",
            "df -h",
        ),
        ("dd", &[], "dd: /vm/web: No space left on device", "df -h"),
        (
            "truncate",
            &["-s"],
            "truncate: /vm/web: Read-only file system",
            "mount",
        ),
        (
            "truncate",
            &["-s"],
            "truncate: /vm/web: Disc quota exceeded",
            "quota -v",
        ),
    ] {
        let mut fake = Fake::new(host().with_file("/vm/x", ""), USER);
        let config = "bridge=bridge0 volroot=/vm\nweb_id=1 web_freebsd=YES\n";
        fake.host().fail(program, 1, 1, &format!("{message}\n"));
        let all = [&["web-resources", "-V", "1G"][..], words].concat();
        let said = call(&mut fake, config, &all);
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.err.contains(message), "{said:?}");
        let mut helps = said.err.lines().filter(|line| line.starts_with("  help: "));
        assert!(helps.any(|help| help.contains(part)), "{said:?}");
    }
}

#[test]
fn a_log_that_cannot_be_written_is_reported_with_the_remedy() {
    let mut fake = Fake::new(host(), USER);
    fake.lose(Lost::Logs);
    let said = call(&mut fake, CONFIG, &["fbsd0-boot"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains("the log cannot be written: "), "{said:?}");
}

#[test]
fn a_removed_working_directory_is_reported() {
    let place = Place::new();
    place.write("c.conf", CONFIG);
    fs::create_dir(place.path("gone")).unwrap();
    let script = format!("cd gone && rmdir ../gone && exec '{PROGRAM}' list");
    let mut sh = place.call("/bin/sh");
    sh.args(["-c", &script])
        .env("EASY_BHYVE_CONFIG", place.path("c.conf"))
        .env("PATH", "/bin:/usr/bin");
    let said = place::Said::of(&sh.output().unwrap());
    let err = "easy-bhyve: the working directory no longer exists\n  \
               help: change to an existing directory, for example: cd\n";
    assert_eq!(said, place::Said::new(1, "", err));
}

#[test]
fn a_missing_program_of_the_base_system_is_named() {
    for (program, words) in [
        ("ps", &["easy-bhyve", "status"][..]),
        ("ps", &["easy-bhyve", "list"]),
        ("ps", &["fbsd0-boot"]),
        ("ps", &["fbsd0-shutdown"]),
        ("ps", &["fbsd0-console"]),
        ("ps", &["easy-bhyve", "stop-all"]),
        ("ifconfig", &["fbsd0-boot"]),
        ("sysctl", &["fbsd0-boot"]),
    ] {
        let mut fake = Fake::new(host().with_leftover_vm("fbsd0", 1 << 20), USER);
        fake.host().edit(&Edit::Uninstall(program.into()));
        let said = call(&mut fake, CONFIG, words);
        assert_eq!(said.status, 1, "{words:?}: {said:?}");
        let begins = format!("{program} is not installed\n");
        let help = format!(
            "  help: {program} is part of FreeBSD: check that this host is FreeBSD with a complete base system\n"
        );
        for part in [&begins, &help] {
            assert!(
                said.err.contains(part),
                "{words:?}: {part} is not in {}",
                said.err
            );
        }
    }
}

/// Runs a script of sh(1) as root with private mounts, in which `$1` is a directory and `$2` the
/// program.
fn with_mounts(directory: &Path, script: &str) -> Option<Output> {
    if !Uid::effective().is_root() {
        println!("not tested: only root can mount");
        return None;
    }
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--mount", "sh", "-euc", script, "sh"])
        .arg(directory)
        .arg(PROGRAM);
    let output = unshare.output().ok();
    if output.is_none() {
        skip("unshare cannot make private mounts");
    }
    output
}

#[test]
fn a_real_file_system_that_is_full_or_read_only_leaves_the_file_unchanged() {
    for (option, why, help) in [
        (
            "size=8k",
            "No space left on device",
            "the file system is full: see df -h ",
        ),
        (
            "ro",
            "Read-only file system",
            "the file system is mounted read-only: find it with df ",
        ),
    ] {
        let place = Place::new();
        fs::create_dir(place.path("d")).unwrap();
        let script = format!(
            "mount --make-rprivate /
             mount -t tmpfs -o size=8k tmpfs \"$1\"
             printf 'a_id=1\\nvolroot=zroot/vm bridge=b\\n' >\"$1/c.conf\"
             head -c 4096 /dev/zero >\"$1/rest\" || :
             mount -o remount,{option} \"$1\"
             status=0
             \"$2\" --config \"$1/c.conf\" set a mem=1G || status=$?
             cat \"$1/c.conf\"; ls -A \"$1\"
             exit $status"
        );
        let Some(output) = with_mounts(&place.path("d"), &script) else {
            return;
        };
        let said = place::Said::of(&output);
        let directory = place.shown("d");
        let err = format!("easy-bhyve: could not replace {directory}/c.conf: {why} (os error ");
        assert!(said.err.starts_with(&err), "{said:?}");
        assert!(
            said.err.contains(&format!("  help: {help}{directory}")),
            "{said:?}"
        );
        assert_eq!(said.status, Some(1));
        assert_eq!(
            said.out,
            "a_id=1\nvolroot=zroot/vm bridge=b\nc.conf\nrest\n"
        );
    }
}
