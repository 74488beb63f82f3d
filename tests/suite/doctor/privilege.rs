//! `doctor --privilege`: the rules of the escalators, each tried by a program in place of doas.

use super::CONFIG;
use crate::place::{PROGRAM, Place, Said};
use std::process::Command;

/// The rows that try the escalators, on a host with this script in place of doas.
fn tried(doas: &str) -> (Option<i32>, String, String) {
    let place = Place::new();
    place.write("c.conf", CONFIG);
    std::fs::create_dir(place.path("programs")).unwrap();
    let text = place.write("script", format!("#!/bin/sh\n{doas}\n"));
    let mut install = Command::new("install");
    install
        .args(["-m", "755"])
        .arg(text)
        .arg(place.path("programs/doas"));
    assert!(install.status().unwrap().success());
    let output = place
        .call(PROGRAM)
        .env("EASY_BHYVE_CONFIG", place.path("c.conf"))
        .env(
            "EASY_BHYVE_PATH",
            format!("{}:/usr/bin:/bin", place.shown("programs")),
        )
        .args(["doctor", "--privilege"])
        .output()
        .unwrap();
    let said = Said::of(&output);
    // sudo may be installed on this machine.
    let row: String = said.out.lines().take(1).map(str::to_owned).collect();
    (said.status, row, said.err)
}

#[test]
fn the_rule_of_an_escalator_is_shown_and_tried() {
    let calls =
        "[ \"$1 $3\" = '-n --version' ] || { echo wrong: \"$*\"; exit 3; }; exec \"$2\" \"$3\"";
    let (_, row, err) = tried(calls);
    assert!(row.starts_with("pass "), "{row}");
    assert!(
        row.ends_with("doas runs the program as root without a password"),
        "{row}"
    );
    for line in [
        "doas: /usr/local/etc/doas.conf: permit nopass ",
        "sudo: sudoers, by visudo: ",
        "mdo: /etc/sysctl.conf, with mac_do loaded: security.mac.do.rules='gid=0>uid=0'",
        &format!(" ALL=(root) NOPASSWD: {PROGRAM}, /usr/sbin/daemon -c {PROGRAM} *"),
    ] {
        assert!(err.contains(line), "{line}: {err}");
    }
    for said in ["Authorization required", "Authentication required"] {
        let (_, row, _) = tried(&format!("echo 'doas: {said}' >&2; exit 1"));
        assert!(row.starts_with("warn "), "{row}");
        assert!(
            row.ends_with("after it has asked for your password"),
            "{row}"
        );
    }
    let (status, row, _) = tried("echo 'doas: Operation not permitted' >&2; exit 1");
    assert_eq!(status, Some(1));
    assert!(row.starts_with("fail "), "{row}");
    assert!(
        row.ends_with("does not run the program as root: doas: Operation not permitted"),
        "{row}"
    );
}
