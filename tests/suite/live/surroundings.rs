//! The attributes of a caller do not reach the root side: umask, limits, signals, directory, descriptors.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Output;

use nix::sys::signal::Signal;
use nix::unistd::Group;

use super::faults::stderr;
use super::rig::quick;
use super::root::{bhyve, done, supervisor, with_guests};
use crate::machine::Machine;
use crate::place::skip;
use crate::wait::output_of;

/// Calls the program from a shell that has run this script before.
fn call_after(machine: &Machine, before: &str, words: &[&str]) -> Output {
    let program = machine.program(words);
    let mut sh = machine.sh();
    sh.args(["-c", &format!("{before}\nexec \"$0\" \"$@\"")])
        .arg(program.get_program())
        .args(program.get_args());
    output_of(sh)
}

#[track_caller]
fn succeeds(output: &Output, told: &str) {
    assert!(output.status.success(), "{told}: {}", stderr(output));
}

/// A file of proc(5) about a process; none if the system has no proc(5).
fn told_of(pid: i32, file: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}")).ok()
}

/// The process of the root side, and that of the guest.
fn both(machine: &Machine) -> [i32; 2] {
    [
        supervisor(machine).expect("a supervisor").pid,
        bhyve(machine).expect("a bhyve").pid,
    ]
}

/// Root's files can be read and changed by the intended users.
fn assert_modes(machine: &Machine, about: &str) {
    for (name, expected) in [
        ("run/easy-bhyve", 0o755),
        ("run/easy-bhyve/fbsd0.json", 0o644),
        ("run/easy-bhyve/fbsd0.pid", 0o600),
        ("log/easy-bhyve", 0o755),
        ("log/easy-bhyve/fbsd0.log", 0o640),
    ] {
        let metadata = fs::metadata(machine.path().join(name)).unwrap();
        let found = metadata.permissions().mode() & 0o777;
        assert_eq!(found, expected, "{name} at {about}: {found:o}");
    }
}

#[test]
fn files_that_existed_before_get_their_modes() {
    let machine = with_guests(quick());
    for (directory, name) in [("run", "fbsd0.pid"), ("log", "fbsd0.log")] {
        let directory = machine.path().join(directory).join("easy-bhyve");
        fs::create_dir_all(&directory).unwrap();
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
        let file = directory.join(name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    }
    succeeds(&call_after(&machine, "umask 022", &["fbsd0-boot"]), "022");
    assert_modes(&machine, "022");
}

#[test]
fn a_boot_works_and_its_files_have_their_modes_with_any_umask_of_its_caller() {
    for umask in ["000", "002", "077"] {
        let machine = with_guests(quick());
        let boot = call_after(&machine, &format!("umask {umask}"), &["fbsd0-boot"]);
        succeeds(&boot, umask);
        assert_modes(&machine, umask);
        let readers = Group::from_name("operator").unwrap();
        if let Some(readers) = readers.filter(|_| nix::unistd::geteuid().is_root()) {
            let log = fs::metadata(machine.path().join("log/easy-bhyve/fbsd0.log")).unwrap();
            assert_eq!(log.gid(), readers.gid.as_raw());
        }
    }
}

/// The limits of a caller; a lower existing limit is kept.
const LIMITS: &str = "low() { if (ulimit -S \"$@\") 2>/dev/null; then ulimit -S \"$@\"; fi; }
low -f 100000; low -n 100; low -t 3000; low -c 1000";

/// Whether a process has the highest limits; without proc(5) nothing is checked.
#[track_caller]
fn assert_lifted(pid: i32) {
    let Some(limits) = told_of(pid, "limits") else {
        skip("this system does not show the limits of a process");
        return;
    };
    let of = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name));
        let words: Vec<&str> = line.unwrap().split_whitespace().collect();
        (words[0].to_owned(), words[1].to_owned())
    };
    for name in ["Max file size", "Max open files", "Max cpu time"] {
        let (soft, hard) = of(name);
        assert_eq!(soft, hard, "{name} of {pid}");
    }
    assert_eq!(of("Max core file size").0, "0");
}

#[test]
fn the_limits_of_the_caller_are_not_those_of_a_guest() {
    let machine = with_guests(quick());
    succeeds(&call_after(&machine, LIMITS, &["fbsd0-boot"]), LIMITS);
    both(&machine).into_iter().for_each(assert_lifted);
}

#[test]
fn the_umask_and_limits_of_a_scripts_caller_are_not_those_of_a_guest() {
    let machine = with_guests(quick());
    let shown = output_of(machine.program(&["fbsd0-boot", "-d", "--format", "sh"]));
    succeeds(&shown, "-d");
    let script = machine.path().join("script");
    fs::write(&script, shown.stdout).unwrap();
    let mut sh = machine.sh();
    sh.args(["-c", &format!("{LIMITS}\numask 077\nexec sh script")]);
    succeeds(&output_of(sh), LIMITS);
    let guest = bhyve(&machine).expect("a bhyve").pid;
    assert_lifted(guest);
    if let Some(status) = told_of(guest, "status") {
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        assert_eq!(umask.map(str::trim), Some("0022"));
    }
}

#[test]
fn a_signal_that_the_caller_ignores_is_not_ignored_by_a_guest() {
    let ignored = [
        Signal::SIGQUIT,
        Signal::SIGALRM,
        Signal::SIGUSR2,
        Signal::SIGTSTP,
        Signal::SIGXFSZ,
        Signal::SIGCHLD,
        Signal::SIGHUP,
        Signal::SIGINT,
    ];
    let names: Vec<&str> = ignored.iter().map(|one| &one.as_str()[3..]).collect();
    let machine = with_guests(quick());
    let trap = format!("trap '' {}", names.join(" "));
    succeeds(&call_after(&machine, &trap, &["fbsd0-boot"]), &trap);
    for pid in both(&machine) {
        let Some(status) = told_of(pid, "status") else {
            skip("this system does not show the signals of a process");
            return;
        };
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
        let still: Vec<_> = ignored
            .iter()
            .filter(|one| mask >> (**one as i32 - 1) & 1 != 0)
            .collect();
        assert!(still.is_empty(), "{pid}: {still:?}");
    }
    succeeds(&call_after(&machine, &trap, &["fbsd0-shutdown"]), &trap);
}

#[test]
fn a_caller_that_has_blocked_signals_notices_the_end_of_its_children() {
    let machine = with_guests(quick());
    let mut env = machine.surround(std::process::Command::new("env"));
    env.args(["--block-signal=CHLD,TERM,INT,HUP", "true"]);
    if !output_of(env).status.success() {
        skip("env(1) of this system blocks no signals");
        return;
    }
    for words in [
        &["fbsd0-boot"][..],
        &["fbsd0-shutdown", "-f"],
        &["fbsd0-clean"],
    ] {
        let program = machine.program(words);
        let mut env = machine.surround(std::process::Command::new("env"));
        env.arg("--block-signal=CHLD,TERM,INT,HUP")
            .arg(program.get_program())
            .args(program.get_args());
        succeeds(&output_of(env), words[0]);
    }
}

#[test]
fn closed_descriptors_of_the_caller_are_not_those_of_a_guest() {
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let machine = with_guests(quick());
        let boot = call_after(&machine, &format!("exec {closed}"), &["fbsd0-boot"]);
        succeeds(&boot, closed);
        let pid = bhyve(&machine).expect("a bhyve").pid;
        for number in 0..3 {
            let link = format!("/proc/{pid}/fd/{number}");
            if Path::new("/proc/self/fd").exists() {
                assert!(fs::read_link(&link).is_ok(), "{closed}: {link}");
            }
        }
    }
}

#[test]
fn the_root_side_does_not_need_the_directory_of_its_caller() {
    let machine = with_guests(quick());
    machine.with(|host| *host = host.clone().with_leftover_vm("fbsd0", 256 << 20));
    done(&machine, &["fbsd0-clean"]);
    let host = machine.host();
    let is_root = |argv: &&Vec<String>| argv.iter().any(|word| word == "root-clean");
    let argv = host.calls().iter().map(|call| &call.argv).find(is_root);
    let words = &argv.expect("a call of the root side")[1..];
    let mut sh = machine.sh();
    sh.args([
        "-c",
        "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"",
        "sh",
    ])
    .args(words);
    succeeds(&output_of(sh), "root-clean");
}
