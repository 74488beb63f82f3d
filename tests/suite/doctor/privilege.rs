//! `doctor --privilege`: the rules of the escalators, each tried by a program in place of doas.

use super::CONFIG;
use crate::place::{PROGRAM, Place, Said};

/// The table that tries the escalator of this setting, on a host with these scripts in place of programs.
fn tried(privilege: &str, scripts: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let said = called(privilege, scripts, &[]);
    let rows: Vec<&str> = said.out.lines().collect();
    let (row, count) = (rows[0].to_owned(), rows[rows.len() - 1]);
    let one = ["1 passed", "1 warning", "1 failure"];
    assert!(one.iter().any(|one| count.contains(one)), "{count}");
    (said.status, row, said.err)
}

fn called(privilege: &str, scripts: &[(&str, &str)], words: &[&str]) -> Said {
    let place = Place::new();
    place.write("c.conf", format!("{CONFIG}privilege={privilege}\n"));
    std::fs::create_dir(place.path("programs")).unwrap();
    for (name, script) in scripts {
        place.script(&format!("programs/{name}"), script);
    }
    let output = place
        .call(PROGRAM)
        .env("EASY_BHYVE_CONFIG", place.path("c.conf"))
        .env("EASY_BHYVE_PATH", place.path("programs"))
        .args(["doctor", "--privilege"])
        .args(words)
        .output()
        .unwrap();
    Said::of(&output)
}

/// Permits both calls of the trial.
const PERMITS: &str = "case \"$*\" in\n\
    \"-n $2 --version\") exec \"$2\" \"$3\" ;;\n\
    \"-n daemon -c $4 --version\") exec \"$4\" \"$5\" ;;\n\
    esac\n\
    echo wrong: \"$*\" >&2; exit 3";

#[test]
fn the_rule_of_an_escalator_is_shown_and_tried() {
    let refuses = "echo \"sudo: $0\" >&2; exit 1";
    // Only the one in use counts.
    let (status, row, err) = tried("doas", &[("doas", PERMITS), ("sudo", refuses)]);
    assert_eq!(status, Some(0), "{row}");
    assert!(row.starts_with("pass "), "{row}");
    let found = "doas runs the program as root without a password, also in the background";
    assert!(row.ends_with(found), "{row}");
    for line in [
        "doas: /usr/local/etc/doas.conf: permit nopass ",
        "doas: without cmd: doas.conf(5) compares all words of a command or none",
        "sudo: sudoers, by visudo: ",
        "mdo: /etc/sysctl.conf, with mac_do loaded: security.mac.do.rules='gid=0>uid=0'",
        &format!(" ALL=(root) NOPASSWD: {PROGRAM}, /usr/sbin/daemon -c {PROGRAM} *"),
    ] {
        assert!(err.contains(line), "{line}: {err}");
    }
    // Root needs no rule for itself.
    assert!(!err.contains("nopass root"), "{err}");
    for said in ["Authorization required", "Authentication required"] {
        let script = format!("echo 'doas: {said}' >&2; exit 1");
        let (_, row, _) = tried("doas", &[("doas", &script)]);
        assert!(row.starts_with("warn "), "{row}");
        let found = "doas runs the program as root after it has asked for your password";
        assert!(row.ends_with(found), "{row}");
    }
    let script = "echo 'doas: Operation not permitted' >&2; exit 1";
    let (status, row, _) = tried("doas", &[("doas", script)]);
    assert_eq!(status, Some(1));
    assert!(row.starts_with("fail "), "{row}");
    let found = "does not run the program as root: doas: Operation not permitted";
    assert!(row.ends_with(found), "{row}");
}

#[test]
fn a_rule_for_the_program_alone_does_not_let_it_run_in_the_background() {
    let script = format!("[ \"$2\" = daemon ] && {{ echo 'doas: no' >&2; exit 1; }}\n{PERMITS}");
    let (status, row, _) = tried("doas", &[("doas", &script)]);
    assert_eq!(status, Some(1));
    let found = "doas does not run daemon, which starts the program, as root: doas: no";
    assert!(row.ends_with(found), "{row}");
}

#[test]
fn the_password_question_of_sudo_says_nothing_about_a_rule() {
    let script = "echo 'sudo: a password is required' >&2; exit 1";
    let (status, row, _) = tried("sudo", &[("sudo", script)]);
    assert_eq!(status, Some(0), "{row}");
    let found =
        "sudo asks for your password before it says whether a rule lets it run the program as root";
    assert!(row.starts_with("warn ") && row.ends_with(found), "{row}");
}

#[test]
fn a_host_without_the_escalator_fails() {
    let (status, row, _) = tried("sudo", &[("doas", PERMITS)]);
    assert_eq!(status, Some(1), "{row}");
    let found = "privilege is sudo, which is not installed";
    assert!(row.starts_with("fail ") && row.ends_with(found), "{row}");
}

#[test]
fn a_report_on_a_rule_names_no_user_and_no_place() {
    let refuses = "echo 'sudo: acme is not allowed to run x on acmehost' >&2; exit 1";
    let said = called("sudo", &[("sudo", refuses)], &["--report"]);
    assert_eq!((said.status, said.err.as_str()), (Some(1), ""), "{said:?}");
    let row = "| fail | privilege | sudo does not run the program as root: MESSAGE";
    assert!(said.out.contains(row), "{}", said.out);
    for private in ["acme", PROGRAM] {
        assert!(!said.out.contains(private), "{private}: {}", said.out);
    }
}
