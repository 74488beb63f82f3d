//! The script for rc(8): its calls, with stand-ins for the functions of rc.subr(8).

use crate::case::{root, sh_accepts};
use crate::place::Place;
use easy_bhyve::cli::invocation::{self, Admin, Call};
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// The part of rc.subr(8) that the script uses, as in `libexec/rc/rc.subr`; `rc.conf` lies beside it.
const RC_SUBR: &str = r#"
load_rc_config()
{
	. "${0%/*}/rc.conf"
}

run_rc_command()
{
	case " start stop restart $extra_commands " in
	*" $1 "*) ;;
	*) echo "$0: unknown directive '$1'." >&2; exit 1 ;;
	esac
	eval "command=\${${name}_program:-$command} enable=\$$rcvar command_of_it=\$${1}_cmd"
	if [ "$1" != status ] && [ "$enable" != YES ]; then
		echo "Cannot '$1' $name. Set $rcvar to YES"
		return 0
	fi
	# A VM runs, and what supervises it is a process of the program.
	if [ "$1" = start ] && [ -n "$command" ]; then
		echo "$name already running?" >&2
		return 1
	fi
	eval "$command_of_it"
}
"#;

/// Stands for the program: prints its words, one a line, and fails.
const PROGRAM: &str = "printf '%s\\n' \"$0\" \"$@\"\nexit 3\n";

fn script() -> String {
    std::fs::read_to_string(root().join("examples/rc.d/easy_bhyve")).unwrap()
}

/// A place with the script, its rc.subr(8) and this rc.conf(5).
fn place(rc_conf: &str) -> Place {
    let place = Place::new();
    let rc_subr = place.write("rc.subr", RC_SUBR);
    let (before, after) = script()
        .split_once("\n. /etc/rc.subr\n")
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
        .expect("the script has the line that reads rc.subr");
    let text = format!("{before}\n. '{}'\n{after}", rc_subr.display());
    place.write("easy_bhyve", text);
    place.write("rc.conf", rc_conf);
    place
}

/// The output of a call of the script, on both streams, and its status.
fn call(place: &Place, word: &str) -> (Option<i32>, String, String) {
    let output = Command::new("sh")
        .arg(place.path("easy_bhyve"))
        .arg(word)
        .env_clear()
        // As when the host shuts down.
        .env("HOME", "/")
        .env("PATH", "/sbin:/bin:/usr/sbin:/usr/bin")
        .current_dir("/")
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// A place whose program and configuration have blanks in their paths; both paths.
fn configured(enable: &str) -> (Place, String, String) {
    let place = place("");
    let program = place.script("a place/easy-bhyve", PROGRAM);
    let config = place.shown("a place/my.conf");
    let program = program.display().to_string();
    place.write(
        "rc.conf",
        format!(
            "easy_bhyve_enable={enable}\neasy_bhyve_config='{config}'\neasy_bhyve_program='{program}'\n"
        ),
    );
    (place, program, config)
}

#[test]
fn start_and_stop_call_the_program_with_exactly_these_words() {
    let (place, program, config) = configured("YES");
    for (word, verb) in [
        ("start", "autostart"),
        ("stop", "stop-all"),
        ("status", "status"),
    ] {
        let words = format!("{program}\n{verb}\n--config\n{config}\n");
        assert_eq!(call(&place, word), (Some(3), words, String::new()));
    }
}

#[test]
fn the_program_accepts_the_words_of_the_script() {
    let (place, _, config) = configured("YES");
    let understood = |word: &str| {
        let (_, words, _) = call(&place, word);
        let words: Vec<OsString> = words.lines().map(OsString::from).collect();
        let invocation = invocation::parse(&words, 80).unwrap();
        assert_eq!(invocation.config.as_deref(), Some(Path::new(&config)));
        invocation.request
    };
    assert!(matches!(
        understood("start"),
        Call::Admin(Admin::Autostart(dry_run)) if !dry_run.dry_run
    ));
    assert!(matches!(
        understood("stop"),
        Call::Admin(Admin::StopAll(args)) if !args.dry_run.dry_run && !args.force
    ));
    assert!(matches!(
        understood("status"),
        Call::Admin(Admin::Status(_))
    ));
}

#[test]
fn a_service_that_is_not_enabled_calls_nothing() {
    let said = "Cannot 'stop' easy_bhyve. Set easy_bhyve_enable to YES\n";
    let (place, ..) = configured("NO");
    assert_eq!(call(&place, "stop"), (Some(0), said.into(), String::new()));
    place.write("rc.conf", "");
    assert_eq!(call(&place, "stop"), (Some(0), said.into(), String::new()));
}

#[test]
fn the_defaults_are_the_paths_of_a_system_wide_installation() {
    let place = place("easy_bhyve_enable=YES\n");
    let text = std::fs::read_to_string(place.path("easy_bhyve")).unwrap();
    // The default program is outside of the test's directory, so its words are shown, and it is not called.
    let shown = text.replace("\t\"$program\" ", "\tprintf '%s\\n' \"$program\" ");
    assert_ne!(text, shown);
    place.write("easy_bhyve", shown);
    let words = "/usr/local/bin/easy-bhyve\nautostart\n--config\n/usr/local/etc/easy-bhyve.conf\n";
    assert_eq!(
        call(&place, "start"),
        (Some(0), words.into(), String::new())
    );
}

#[test]
fn every_sh_reads_the_script_and_rcorder_reads_its_header() {
    let script = script();
    sh_accepts(&script).unwrap();
    assert!(script.starts_with("#!/bin/sh\n"));
    let head: Vec<&str> = script
        .lines()
        .filter(|line| {
            let keyword = line
                .strip_prefix("# ")
                .and_then(|line| line.split_once(':'));
            keyword.is_some_and(|(word, _)| word.chars().all(|c| c.is_ascii_uppercase()))
        })
        .collect();
    assert_eq!(
        head,
        [
            "# PROVIDE: easy_bhyve",
            "# REQUIRE: LOGIN",
            "# KEYWORD: shutdown"
        ]
    );
}
