//! Each real shell, which asks the program for words at a TAB.

use super::CONFIG;
use crate::place::{self, Place};
use crate::seat::Seat;
use std::process::Command;

/// A home with links and scripts, and the shell on a terminal with its script read.
fn shell(name: &str, words: &[&str], term: &str) -> Option<(Place, Seat)> {
    let place = Place::new();
    let easy_bhyve = place.program("bin/easy-bhyve");
    place.write("bin/easy-bhyve.conf", CONFIG);
    place.write("iso/debian.iso", "");
    place.write("sp dir/a b.conf", CONFIG);
    place.script("bin/grub-install", "echo got \"$*\"\n");
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
    completes(seat, "./bin/easy-bhyve boot d", "boot db ");
    completes(seat, "easy-bhyve new x --cd iso/deb", "iso/debian.iso ");
    completes(seat, "easy-bhyve import libvirt iso/deb", "iso/debian.iso ");
    for home in ["~", "$HOME"] {
        // zsh and tcsh write only what is new.
        let typed = format!("easy-bhyve import libvirt {home}/iso/deb");
        completes(seat, &typed, "ian.iso ");
        let typed = format!("easy-bhyve --config={home}/iso/deb");
        completes(seat, &typed, "ian.iso ");
    }
}

/// Lines, each with what is then written.
#[track_caller]
fn completes_parts(seat: &mut Seat, parts: &[(&str, &str)]) {
    for (typed, shown) in parts {
        completes(seat, typed, shown);
    }
}

/// A command whose name only ends as that of a link has no words of ours.
#[track_caller]
fn leaves_others_alone(seat: &mut Seat) {
    completes(seat, "grub-install iso/deb", "iso/debian.iso ");
    seat.type_in("grub-install --pau\t,,\r");
    seat.see("got --pau,,");
}

#[test]
fn bash_completes() {
    let Some((_place, mut seat)) = shell("bash", &["--norc", "--noprofile", "-i"], "dumb") else {
        return;
    };
    completes_the_usual(&mut seat);
    leaves_others_alone(&mut seat);
    let parts = [
        ("easy-bhyve set db on_crash=r", "on_crash=restart "),
        ("easy-bhyve set db on_cr", "on_crash="),
        ("easy-bhyve os debi", "os debian "),
        ("web0-boot --format=s", "--format=sh "),
        ("web0-boot --pau", "web0-boot --pause "),
        ("db-vnc --dry", "db-vnc --dry-run "),
        ("easy-bhyve boot \"d", "\"db\" "),
        ("easy-bhyve boot 'd", "'db' "),
        ("easy-bhyve --config sp", "sp\\ dir/"),
        ("easy-bhyve --config sp\\ dir/a", "sp\\ dir/a\\ b.conf "),
        ("easy-bhyve --config \"sp dir/a", "\"sp dir/a b.conf\" "),
        ("easy-bhyve --config=sp\\ dir/a", "=sp\\ dir/a\\ b.conf "),
        (
            "easy-bhyve --config \"sp dir/a b.conf\" resou",
            "resources ",
        ),
        ("easy-bhyve set db cd0=iso/d", "cd0=iso/debian.iso "),
    ];
    completes_parts(&mut seat, &parts);
}

#[test]
fn zsh_completes() {
    let Some((_place, mut seat)) = shell("zsh", &["-f", "-i"], "dumb") else {
        return;
    };
    completes_the_usual(&mut seat);
    leaves_others_alone(&mut seat);
    // zsh writes only what is new.
    let parts = [
        ("easy-bhyve set db on_crash=r", "=restart "),
        ("web0-boot --pau", "se "),
        ("easy-bhyve --config=iso/deb", "ian.iso "),
        ("easy-bhyve set db cd0=iso/deb", "ian.iso "),
        ("easy-bhyve boot \"d", "b\" "),
        ("easy-bhyve --config sp\\ dir/a", "\\ b.conf "),
        ("easy-bhyve --config \"sp dir/a b.conf\" resou", "rces "),
    ];
    completes_parts(&mut seat, &parts);
}

#[test]
fn fish_completes() {
    let words = ["--private", "--no-config"];
    let Some((_place, mut seat)) = shell("fish", &words, "dumb") else {
        return;
    };
    completes_the_usual(&mut seat);
    leaves_others_alone(&mut seat);
    let parts = [
        ("easy-bhyve set db on_crash=r", "on_crash=restart "),
        ("web0-boot --pau", "--pause "),
        ("easy-bhyve boot \"d", "\"db\" "),
        ("easy-bhyve --config sp\\ dir/a", "a\\ b.conf "),
        (
            "easy-bhyve --config \"sp dir/a b.conf\" resou",
            "resources ",
        ),
        ("easy-bhyve --config=iso/deb", "--config=iso/debian.iso "),
    ];
    completes_parts(&mut seat, &parts);
    // The meaning of each word, as fish shows it beside.
    seat.type_in("complete -C 'easy-bhyve resou'\r");
    seat.see("resources\tShow the settings");
}

/// With fish's own completions, which find the command behind these words.
#[test]
fn fish_completes_behind_other_words() {
    let Some((_place, mut seat)) = shell("fish", &["--private"], "dumb") else {
        return;
    };
    for before in [
        "sudo",
        "doas",
        "command",
        "time",
        "not",
        "if",
        "x=1",
        "true; and",
    ] {
        completes(
            &mut seat,
            &format!("{before} easy-bhyve boot d"),
            "boot db ",
        );
        completes(&mut seat, &format!("{before} web0-boot --pau"), "--pause ");
    }
}

#[test]
fn tcsh_completes() {
    let Some((_place, mut seat)) = shell("tcsh", &["-f", "-i"], "vt100") else {
        return;
    };
    completes_the_usual(&mut seat);
    leaves_others_alone(&mut seat);
    let parts = [
        ("web0-boot --pau", "--pause "),
        ("./bin/eb/web0-boot --pau", "--pause "),
        ("web0-boot -d --format js", "json "),
        // The bell: the directory has a file, and its name continues.
        ("easy-bhyve import libvirt is", "is\u{7}o/"),
        ("easy-bhyve --config=iso/deb", "--config=iso/debian.iso "),
        ("easy-bhyve set db cd0=iso/deb", "cd0=iso/debian.iso "),
        ("easy-bhyve boot \"d", "\"db\" "),
    ];
    completes_parts(&mut seat, &parts);
    // Nothing is written where the names of files have nothing in common: it rings the bell.
    seat.type_in("easy-bhyve import libvirt \t,,");
    seat.see("libvirt \u{7},,");
}
