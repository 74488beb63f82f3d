//! Text from outside is escaped: a terminal never gets control characters from it.

use crate::call::{Said, call};
use crate::fake::Fake;
use crate::host::Host;
use crate::host::build::USER;
use crate::place::{self, PROGRAM, Place};
use std::fmt::Write;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Text that would control a terminal or deceive its reader: the title of the window, a line
/// that is overwritten, C1's CSI, text that runs backwards, invisible characters.
const HOSTILE: &str = "\u{1b}]0;own\u{7}\r\u{8}\u{7f}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}";

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm
fbsd0_id=1 fbsd0_freebsd=YES fbsd0_cd0=/iso/fbsd.iso
";

fn host() -> Host {
    Host::freebsd(14)
        .with_image("/iso/fbsd.iso", 1 << 30)
        .with_volume("zroot/vm/fbsd0", 1 << 30)
}

/// The characters of a text that are not only displayed, each with its place.
fn obeyed(text: &[u8]) -> String {
    let mut found = String::new();
    for (at, chunk) in text.utf8_chunks().enumerate() {
        for character in chunk.valid().chars() {
            let is_fine = matches!(character, '\n' | '\t');
            let is_hidden = matches!(character,
                '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{feff}' | '\u{2028}' | '\u{2029}');
            if !is_fine && (character.is_control() || is_hidden) {
                let _ = write!(found, "{character:?} ");
            }
        }
        for byte in chunk.invalid().iter().filter(|byte| **byte < 0xa0) {
            let _ = write!(found, "{byte:#x} in piece {at} ");
        }
    }
    found
}

#[track_caller]
fn assert_shown(text: &str, said: &Said) {
    for stream in [&said.out, &said.err] {
        assert_eq!(obeyed(stream.as_bytes()), "", "{stream}");
    }
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains(text), "{text:?} is not in {all}");
}

/// A name or a title with [`HOSTILE`] in it, as it must be shown.
const SHOWN: &str = "^[]0;own^G^M^H^?M-BM^[2JM-bM^@M-.M-bM^AM-&M-bM^@M^KM-oM-;M-?";

#[test]
fn names_of_nodes_and_titles_are_escaped_and_are_in_no_line_to_paste() {
    let mut host = host().with_leftover_vm(&format!("x{HOSTILE}"), 1 << 20);
    let title = format!("bhyve: y{HOSTILE}");
    host.add_process(0, 1, "bhyve", &[&title]);
    let host = host.with_leftover_vm("my-vm", 1 << 20);
    let mut fake = Fake::new(host, USER);
    let said = call(&mut fake, CONFIG, &["easy-bhyve", "status"]);
    assert_shown(SHOWN, &said);
    let foreign = "foreign: VM node of my-vm, which is not a valid VM name: easy-bhyve does not change this node\n";
    assert!(said.out.contains(foreign), "{}", said.out);
    assert!(!said.out.contains("bhyvectl"), "{}", said.out);
    let mut rows = said.out.lines().filter(|line| line.starts_with("y^["));
    assert!(rows.any(|row| row.contains(" foreign ")), "{}", said.out);
    let json = call(
        &mut fake,
        CONFIG,
        &["easy-bhyve", "status", "--format", "json"],
    );
    assert_shown("\\u001b]0;own\\u0007\\r", &json);
    assert!(
        json.out.contains("\\u009b2J\\u202e\\u2066\\u200b\\ufeff"),
        "{}",
        json.out
    );
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(
        json["foreign_nodes"]
            .as_array()
            .unwrap()
            .contains(&"my-vm".into()),
        "{json}"
    );
}

#[test]
fn output_of_programs_is_escaped_in_messages_and_in_the_log() {
    for (program, words) in [
        ("bhyveload", &["fbsd0-boot"][..]),
        ("bhyve", &["fbsd0-boot"]),
        ("kldload", &["fbsd0-boot"]),
        ("ifconfig", &["fbsd0-boot"]),
        ("zfs", &["fbsd0-snapshot"]),
        ("zfs", &["fbsd0-snapshot", "word"]),
        ("zfs", &["fbsd0-history"]),
        ("doas", &["fbsd0-boot"]),
    ] {
        let mut fake = Fake::new(host(), USER);
        fake.host()
            .fail(program, 1, 1, &format!("{program}: {HOSTILE}\n"));
        let said = call(&mut fake, CONFIG, words);
        assert_ne!(said.status, 0, "{program}: {said:?}");
        // The output of a program on the terminal goes there directly.
        if words != ["fbsd0-snapshot"] {
            assert_shown(SHOWN, &said);
        }
        for log in fake.logs().values() {
            assert_eq!(obeyed(log.as_bytes()), "", "{log}");
            assert!(log.contains(SHOWN), "{log}");
        }
    }
}

#[test]
fn typed_words_and_the_called_name_are_escaped() {
    for words in [
        &[&format!("easy-bhyve{HOSTILE}"), "nothing"][..],
        &["easy-bhyve", HOSTILE],
        &["easy-bhyve", "boot", HOSTILE],
        &["easy-bhyve", "set", "fbsd0", HOSTILE],
        &["easy-bhyve", "set", "fbsd0", &format!("{HOSTILE}=1")],
        &["easy-bhyve", "new", HOSTILE],
        &["fbsd0-rollback", HOSTILE],
        &["fbsd0-clone", HOSTILE],
        &["fbsd0-snapshot", HOSTILE],
        &["fbsd0-boot", "-m", HOSTILE],
    ] {
        let said = call(&mut Fake::new(host(), USER), CONFIG, words);
        assert_ne!(said.status, 0, "{words:?}");
        assert_shown("^[]0;own^G", &said);
    }
}

/// The output of a call by the real program, byte for byte.
fn said(place: &Place, words: &[&str]) -> (Option<i32>, Vec<u8>) {
    let mut call = place.call(PROGRAM);
    let output = call
        .args(words)
        .env("EASY_BHYVE_PATH", "/bin:/usr/bin")
        .output()
        .unwrap();
    (
        output.status.code(),
        [output.stdout, output.stderr].concat(),
    )
}

/// Configurations with hostile text in each place where it is possible.
fn configurations() -> Vec<String> {
    let host = "bridge=bridge0 netif=igb0";
    vec![
        format!("{host} volroot=zroot/vm\na_id=1\n{HOSTILE}\n"),
        format!("{host} volroot=zroot/vm\na_id=1\na_{HOSTILE}=1\n"),
        format!("{host} volroot=zroot/vm\na_id='{HOSTILE}'\n"),
        format!("{host} volroot='/x{HOSTILE}'\na_id=1\n"),
        format!("{host} volroot='{HOSTILE}'\na_id=1\n"),
        format!("{host} volroot=zroot/vm\na_id=1 a_mem='{HOSTILE}' # {HOSTILE}\n"),
        format!("{host} volroot=zroot/vm\na_id=1 a_if0='{HOSTILE}'\n"),
        format!("{host} volroot=zroot/vm\na_id=1 a_memory=1 # {HOSTILE}\n. './{HOSTILE}'\n"),
        format!("{host} volroot=zroot/vm\na_id=1 # easy-bhyve: allow {HOSTILE}\n"),
        format!("{host} volroot=zroot/vm ebdir='{HOSTILE}'\na_id=1\n"),
        format!(
            "{host} volroot=zroot/vm\na_id=1 a_cd0='/iso/{HOSTILE}' a_grub_boot='{HOSTILE}' \
             a_hd1='/disk\n/{HOSTILE}'\n"
        ),
    ]
}

#[test]
fn the_text_of_a_configuration_and_the_names_of_its_files_are_escaped() {
    for (number, config) in configurations().into_iter().enumerate() {
        let place = Place::new();
        let file = format!("d{HOSTILE}\n/c.conf");
        place.write(&file, config);
        for words in [
            &["check"][..],
            &["check", "--format", "json"],
            &["list"],
            &["list", "--format", "json"],
            &["resources", "a"],
            &["resources", "a", "--format", "json"],
            &["boot", "a", "-d"],
            &["boot", "a", "-d", "--format", "json"],
            &["ttyboot", "a", "-d"],
            &["install", "a", "-d"],
            &["resources", "a", "-d", "-V", "1G"],
            &["set", "a", "mem=2G", "-d"],
            &["set", "a", "mem=2G"],
            &["new", "b", "-d"],
            &["setup", "-d"],
            &["setup"],
            &["boot", "b"],
        ] {
            let all = [&["--config", &file][..], words].concat();
            let (_, text) = said(&place, &all);
            let shown = String::from_utf8_lossy(&text);
            assert_eq!(obeyed(&text), "", "{number} {words:?}: {shown}");
            // A name is shown within its line.
            assert!(!shown.contains("\n/c.conf"), "{number} {words:?}: {shown}");
        }
    }
}

#[test]
fn the_excerpt_of_a_configuration_points_to_the_right_place() {
    let place = Place::new();
    place.write("c.conf", "a_id=1\nx='\u{1b}é\u{9b}' a_mem=lots\n");
    let (status, text) = said(&place, &["--config", "c.conf", "resources", "a"]);
    let text = String::from_utf8(text).unwrap();
    let wanted = format!(
        " --> {}:2:15\n  |\n2 | x='^[éM-BM^[' a_mem=lots\n  |                     ^^^^\n",
        place.shown("c.conf")
    );
    assert_eq!(status, Some(1));
    assert!(text.contains(&wanted), "{text}");
}

/// A shell that reads `$'…'` as FreeBSD's sh does.
pub(crate) fn shell() -> Option<&'static str> {
    let mut shells = ["/bin/sh", "bash"].into_iter();
    shells.find(|shell| {
        let asked = Command::new(shell)
            .args(["-c", "[ $'\\101' = A ]"])
            .status();
        asked.is_ok_and(|status| status.success())
    })
}

#[test]
fn sh_reads_back_settings_and_written_files() {
    let Some(shell) = shell() else {
        place::skip("no shell here reads $'…'");
        return;
    };
    let value = format!("/a\\'\\{HOSTILE}é\n\tb");
    let place = Place::new();
    place.write(
        "c.conf",
        "bridge=bridge0 netif=igb0 volroot=zroot/vm\na_id=1 a_freebsd=YES\n",
    );
    let setting = format!("grub_boot={value}");
    let words = ["--config", "c.conf", "set", "a", "freebsd=NO", &setting];
    let before = fs::read(place.path("c.conf")).unwrap();
    let (status, script) = said(&place, &[&words[..], &["-d", "--format", "sh"]].concat());
    assert_eq!((status, obeyed(&script)), (Some(0), String::new()));
    assert_eq!(said(&place, &words).0, Some(0));
    let after = fs::read(place.path("c.conf")).unwrap();
    // The text of a file is written by means that every sh has.
    place.write("c.conf", before);
    let script = place.write("script", script);
    let mut sh = Command::new("/bin/sh");
    assert!(sh.arg(script).status().unwrap().success());
    assert_eq!(fs::read(place.path("c.conf")).unwrap(), after);

    let (status, lines) = said(&place, &["--config", "c.conf", "resources", "a"]);
    assert_eq!((status, obeyed(&lines)), (Some(0), String::new()));
    let mut sh = Command::new(shell);
    let text = String::from_utf8(lines).unwrap() + "\nprintf %s \"$grub_bootcmd\"";
    let read = sh.arg0("sh").args(["-c", &text]).output().unwrap();
    assert_eq!(String::from_utf8(read.stdout).unwrap(), value);
}
