//! A signal arrives while a script replaces the file: the file exists in any case.

use super::{HOST, entries_of, place};
use crate::place::{PROGRAM, Place, Said};
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Programs of the script behind each of which a signal may arrive.
const PROGRAMS: [&str; 6] = ["cksum", "mktemp", "cp", "mv", "ln", "rm"];

/// Runs the program of its name; behind the requested call the signal is sent, to the shell
/// or to the whole group as from a terminal.
const STUB: &str = r#""@REAL@" "$@"
status=$?
echo "${0##*/}" >>"$CALLS"
if [ "$(wc -l <"$CALLS")" -eq "$NTH" ]; then
	case $TO in
	shell) kill -"$SIGNAL" "$PPID" ;;
	group) kill -"$SIGNAL" 0 ;;
	esac
fi
exit "$status"
"#;

/// The script of an edit, with programs behind which a signal is sent.
fn script(place: &Place) -> Vec<u8> {
    let path = format!("{}:/bin:/usr/bin", place.path("stubs").display());
    let output = place
        .call(PROGRAM)
        .env("EASY_BHYVE_CONFIG", place.path("c.conf"))
        .env("EASY_BHYVE_PATH", path)
        .args(["set", "a", "mem=1G", "-d", "--format", "sh"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{:?}", Said::of(&output));
    for name in PROGRAMS {
        let real = which::which_in(name, Some("/bin:/usr/bin"), "/").unwrap();
        let stub = STUB.replace("@REAL@", real.to_str().unwrap());
        place.script(&format!("stubs/{name}"), &stub);
    }
    output.stdout
}

#[test]
fn the_file_exists_whenever_a_signal_arrives() {
    let old = format!("{HOST}a_id=1\n");
    let new = format!("{old}a_mem=1G\n");
    for (signal, to) in [
        ("INT", "shell"),
        ("INT", "group"),
        ("TERM", "shell"),
        ("HUP", "group"),
    ] {
        let mut ended = [0, 0];
        for nth in 1.. {
            let place = place("a_id=1\n");
            let text = script(&place);
            let mut sh = Command::new("/bin/sh");
            sh.arg(place.write("script", text))
                .env("CALLS", place.write("calls", ""))
                .env("NTH", nth.to_string())
                .env("SIGNAL", signal)
                .env("TO", to)
                .process_group(0);
            // The parent of this test may have ignored the signals.
            crate::machine::pass_on_no_ignored_signal();
            let said = Said::of(&sh.output().unwrap());
            let calls = fs::read_to_string(place.path("calls")).unwrap();
            let names = entries_of(&place.path(""));
            let what = format!("{signal} to {to} behind {nth} of {calls:?}: {said:?}, {names:?}");
            let there = fs::read_to_string(place.path("c.conf"));
            let there = there.unwrap_or_else(|error| panic!("{error}: {what}"));
            let is_done = said.status == Some(0);
            assert_eq!(there, *(if is_done { &new } else { &old }), "{what}");
            let of_file = names.iter().filter(|name| name.starts_with("c.conf"));
            assert_eq!(of_file.count(), 1, "{what}");
            ended[usize::from(is_done)] += 1;
            if calls.lines().count() < nth {
                break;
            }
        }
        // After mv(1) the replacement is complete.
        assert!(ended[1] >= 5, "{signal} to {to}: {ended:?}");
    }
}
