//! The playground: the demonstration and the shell.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::machine::playground;
use crate::seat::Seat;
use crate::wait::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The playground in an environment without any setting of the caller.
fn command(arguments: &[&str], temporary: &Path) -> Command {
    let mut command = Command::new(playground());
    command
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TMPDIR", temporary)
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_demonstration_shows_every_scene_and_succeeds() {
    let temporary = tempfile::tempdir().unwrap();
    let output = command(&["--demo", "--fast"], temporary.path())
        .output()
        .unwrap();
    let said = text(&output.stdout);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new()),
        "{said}"
    );
    // The output of the scenes, in this order.
    let shown = [
        "This is a SIMULATION",
        "$ easy-bhyve init --yes",
        "wrote ",
        "made the volume zroot/vm/web0 of 20g",
        "links of web0",
        "The installation is complete.",
        "web0-install: the guest rebooted",
        "$ web0-boot -d",
        "# as a script that checks, waits and undoes: web0-boot -d --format sh",
        "note: nothing was written",
        "stderr: Unable to setup memory (12)",
        "undone: the VM node of web0, tap1",
        "web0-boot: web0 is running",
        "web0-snapshot: took zroot/vm/web0@_",
        "# reboot",
        "login: root",
        "# fault",
        "the guest had a triple fault",
        "web0-rollback: rolled back",
        "web0-shutdown: web0 has ended, and its resources are free",
    ];
    let lines = said.lines().count();
    assert!((60..=90).contains(&lines), "{lines} lines:\n{said}");
    let mut rest = said.as_str();
    for part in shown {
        let Some(at) = rest.find(part) else {
            panic!("{part:?} is not shown in its place:\n{said}");
        };
        rest = &rest[at + part.len()..];
    }
    let left = std::fs::read_dir(temporary.path()).unwrap().count();
    assert_eq!(left, 0, "its directory still exists");
}

/// The terminal of a user who types these lines in the shell.
fn played(lines: &str) -> Output {
    let temporary = tempfile::tempdir().unwrap();
    let mut shell = command(&[], temporary.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    drop(stdin);
    let output = shell.wait_with_output().unwrap();
    let left = std::fs::read_dir(temporary.path()).unwrap().count();
    assert_eq!(left, 0, "its directory still exists");
    output
}

#[test]
fn commands_of_standard_input_are_run_to_their_end() {
    let output = played(
        "fbsd0-resources -V 20g -s >/dev/null && zfs list -H -o name -t volume\n\
         db0-boot -d --config bin/easy-bhyve.conf\n\
         ifconfig -l\n\
         exit 3\n\
         echo never\n",
    );
    let (said, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{said}{err}");
    assert_eq!(said, "zroot/vm/fbsd0\nigb0 lo0\n", "{err}");
    assert!(err.contains("does not exist\n"), "{err}");
    let output = played("easy-bhyve status");
    assert_eq!(
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr)
        ),
        (Some(0), "no VM is running\n".to_owned(), String::new())
    );
}

#[test]
fn a_vm_with_firmware_boots_and_leaves_nothing_on_this_machine() {
    let temporary = tempfile::tempdir().unwrap();
    let mut shell = command(&[], temporary.path());
    shell.env("TERM", "vt100").current_dir(temporary.path());
    let mut seat = Seat::start(&shell);
    let new =
        "easy-bhyve new zz0 --os debian --cd ../iso/debian*.iso --disk 5G --links && zz0-install\r";
    seat.answer("playground$ ", new);
    seat.answer("first disk: ", "\r");
    seat.answer("Enter reboots: ", "\r");
    seat.answer(
        "playground$ ",
        "zz0-boot && zz0-shutdown && zz0-boot && zz0-shutdown\r",
    );
    for _ in 0..2 {
        seat.see("zz0 is running");
        seat.see("zz0 has ended");
    }
    seat.answer("playground$ ", "exit\r");
    seat.see("were removed.");
    let store = Path::new("/var/db/easy-bhyve/zz0");
    assert!(!store.exists(), "{}", store.display());
}

#[test]
fn the_program_that_is_called_again_is_easy_bhyve() {
    // Its own path stands in the scripts of the shells.
    let output = played("easy-bhyve completions bash");
    let script = text(&output.stdout);
    assert!(script.contains("/bin/easy-bhyve"), "{script}");
    assert!(!script.contains("playground"), "{script}");
    // What completes the words is asked of that path.
    let output = played("\"$(pwd -P)/bin/easy-bhyve\" --version");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("easy-bhyve "));
}

#[test]
fn an_interrupt_ends_the_commands_of_standard_input_and_removes_all() {
    let temporary = tempfile::tempdir().unwrap();
    let mut shell = command(&[], temporary.path());
    shell.stdin(Stdio::piped()).stdout(Stdio::piped());
    // The parent of this test may have ignored the signals.
    crate::machine::pass_on_no_ignored_signal();
    let mut shell = shell.spawn().unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    stdin.write_all(b"echo begun; sleep 60\n").unwrap();
    let mut begun = [0; 6];
    let mut stdout = shell.stdout.take().unwrap();
    stdout.read_exact(&mut begun).unwrap();
    kill(
        Pid::from_raw(shell.id().try_into().unwrap()),
        Signal::SIGINT,
    )
    .unwrap();
    until("the end of the playground", || {
        shell.try_wait().unwrap().is_some()
    });
    let left = std::fs::read_dir(temporary.path()).unwrap().count();
    assert_eq!(left, 0, "its directory still exists");
}

#[test]
fn a_wrong_argument_prints_the_usage() {
    let temporary = tempfile::tempdir().unwrap();
    let output = command(&["--dem"], temporary.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let err = text(&output.stderr);
    assert!(
        err.starts_with("usage: playground [--demo [--fast]]\n"),
        "{err}"
    );
}
