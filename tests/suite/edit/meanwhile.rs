//! Another process saves the file during its replacement: neither a run nor its script loses the
//! text of that process.

use super::{HOST, entries_of, place, say};
use crate::place::{PROGRAM, Place, Said};
use crate::wait::until;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

/// Programs of the script before each of which the file may be saved.
const PROGRAMS: [&str; 7] = ["cksum", "mktemp", "cp", "cat", "mv", "ln", "rm"];

/// Runs the program of its name; before the requested call it saves the file, by a
/// rename or into the file as it was opened at first (descriptor 9).
const STUB: &str = r#"name=${0##*/}
echo "$name" >>"$CALLS"
if [ "$(wc -l <"$CALLS")" -eq "$NTH" ]; then
	case $SAVE in
	rename) printf '%s' "$SAVED" >"$FILE.tmp"; /bin/mv -f "$FILE.tmp" "$FILE" ;;
	in-place) /bin/sh -c ': >/dev/fd/9; printf %s "$SAVED" >/dev/fd/9' ;;
	esac
fi
exec "/bin/$name" "$@"
"#;

/// The path of a program of the system.
fn real(name: &str) -> String {
    let found = which::which_in(name, Some("/bin:/usr/bin"), "/").unwrap();
    found.display().to_string()
}

/// The script of an edit in a place of its own, with programs before which the file is saved.
fn script(place: &Place) -> String {
    let output = place
        .call(PROGRAM)
        .env("EASY_BHYVE_CONFIG", place.path("c.conf"))
        .env(
            "EASY_BHYVE_PATH",
            format!("{}:/bin:/usr/bin", place.path("stubs").display()),
        )
        .args(["set", "a", "mem=1G", "-d", "--format", "sh"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{:?}", Said::of(&output));
    for name in PROGRAMS {
        let stub = STUB
            .replace("/bin/$name", &real(name))
            .replace("/bin/mv", &real("mv"));
        place.script(&format!("stubs/{name}"), &stub);
    }
    String::from_utf8(output.stdout).unwrap()
}

/// The texts of the configuration and of the files beside it.
fn texts(directory: &Path) -> Vec<String> {
    let names = entries_of(directory);
    let files = names.iter().filter(|name| name.starts_with("c.conf"));
    files
        .map(|name| fs::read_to_string(directory.join(name)).unwrap())
        .collect()
}

#[test]
fn a_script_loses_no_text_that_is_saved_before_any_of_its_programs() {
    let saved = format!("{HOST}a_id=1\n# saved\n");
    for save in ["rename", "in-place"] {
        for nth in 1.. {
            let place = place("a_id=1\n");
            let script = script(&place);
            let file = place.path("c.conf");
            let run = format!("exec 9<>'{}'\n{script}", file.display());
            let output = Command::new("/bin/sh")
                .args(["-c", &run])
                .env("CALLS", place.write("calls", ""))
                .env("NTH", nth.to_string())
                .env("SAVE", save)
                .env("SAVED", &saved)
                .env("FILE", &file)
                .output()
                .unwrap();
            let said = Said::of(&output);
            let calls = fs::read_to_string(place.path("calls")).unwrap();
            let all = texts(&place.path(""));
            let what = format!("{save} before call {nth} of {calls:?}: {said:?}, {all:#?}");
            if calls.lines().count() < nth {
                assert_eq!((said.status, nth > 5), (Some(0), true), "{what}");
                break;
            }
            let is_last = calls.lines().count() == nth;
            let there = fs::read_to_string(&file).unwrap();
            match said.status {
                // The old file was removed already: text written into it cannot be kept.
                Some(0) if save == "in-place" && is_last => {}
                // The new file was replaced by the saved one.
                Some(0) => assert_eq!((there, all.len()), (saved.clone(), 1), "{what}"),
                Some(1) => {
                    assert!(said.err.contains("has changed since it was read"), "{what}");
                    assert_eq!((there, all.len()), (saved.clone(), 1), "{what}");
                }
                _ => panic!("{what}"),
            }
        }
    }
}

#[test]
fn a_busy_editor_and_many_runs_lose_no_text_of_each_other() {
    let place = place("a_id=1\n");
    let file = place.path("c.conf");
    let is_over = AtomicBool::new(false);
    let (mut done, mut refused) = (0, 0);
    let saves = thread::scope(|scope| {
        let editor = scope.spawn(|| {
            // Reads, adds a line, and saves by a rename: it loses only changes in between.
            let mut saves = 0_u32;
            while !is_over.load(Relaxed) {
                saves += 1;
                let text = format!("{HOST}a_id=1\n# save {saves}\n");
                let next = file.with_extension("next");
                fs::write(&next, &text).unwrap();
                fs::rename(&next, &file).unwrap();
                // Only a run can change the file, and it keeps the line, or restores it.
                let line = format!("# save {saves}\n");
                until(&format!("save {saves} is there"), || {
                    fs::read_to_string(&file).unwrap().contains(&line)
                });
            }
            saves
        });
        for number in 0..60 {
            let said = say(&place, &["set", "a", &format!("mem={}M", 300 + number)]);
            match said.status {
                Some(0) => done += 1,
                _ => refused += 1,
            }
        }
        is_over.store(true, Relaxed);
        editor.join().unwrap()
    });
    assert!(
        saves > 60 && done + refused == 60,
        "{saves} {done} {refused}"
    );
}
