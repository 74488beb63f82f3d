//! What a terminal and a pipe are like when the program has returned.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;

use crate::host::live::pty;
use crate::host::{Host, program};
use crate::machine::Machine;

/// Far longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

const CONFIG: &str = "bridge=bridge0 netif=igb0 volroot=zroot/vm privilege=@WORD@
fbsd0_id=1 fbsd0_freebsd=YES
";

/// A machine on which `fbsd0` can be booted by root, without an escalator between.
fn machine() -> Machine {
    let mut host = Host::freebsd(14).with_volume("zroot/vm/fbsd0", 1 << 30);
    host.state.guest.title_ms = 0;
    Machine::new(host, &CONFIG.replace("@WORD@", "none"))
}

/// Puts a shell script in the place of a program of the host, which goes to `real/`.
fn replace(machine: &Machine, name: &str, script: &str) {
    let real = machine.path().join("real");
    fs::create_dir_all(&real).unwrap();
    let place = machine.path().join("bin").join(name);
    fs::rename(&place, real.join(name)).unwrap();
    fs::write(&place, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(&place, Permissions::from_mode(0o755)).unwrap();
}

/// The program for a verb of `fbsd0`.
fn program(machine: &Machine, words: &[&str]) -> Command {
    let mut command = machine.program(words);
    command.env(program::UID, "0");
    command
}

/// The shell with what `-d` prints.
fn script(machine: &Machine, words: &[&str]) -> Command {
    let words: Vec<&str> = words.iter().copied().chain(["-d"]).collect();
    let shown = program(machine, &words).output().unwrap();
    assert!(shown.status.success(), "{shown:?}");
    let path = machine.path().join("script");
    fs::write(&path, shown.stdout).unwrap();
    let mut sh = machine.sh();
    sh.arg(path).env(program::UID, "0");
    sh
}

/// The same command in a session of its own whose terminal is its standard input, where there is
/// a program for that.
fn in_session(machine: &Machine, command: Command) -> Command {
    let Ok(setsid) = which::which("setsid") else {
        return command;
    };
    let mut wrapped = Command::new(setsid);
    wrapped
        .args(["--ctty", "--wait"])
        .arg(command.get_program())
        .args(command.get_args());
    let mut wrapped = machine.surround(wrapped);
    wrapped.env(program::UID, "0");
    wrapped
}

fn wait(child: &mut Child) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn modes(terminal: &OwnedFd) -> (Termios, OFlag) {
    let flags = fcntl(terminal.as_fd(), FcntlArg::F_GETFL).unwrap();
    (
        tcgetattr(terminal).unwrap(),
        OFlag::from_bits_truncate(flags),
    )
}

/// What was left of a terminal, and on it.
struct Seen {
    status: Option<i32>,
    written: String,
    /// Whether its modes are what they were.
    same_modes: bool,
    /// Whether the flags of its open file, which its user's shell shares, are what they were.
    same_flags: bool,
}

/// Runs a command on a terminal of its own.
fn on_terminal(mut command: Command) -> Seen {
    let terminal = pty::open().unwrap();
    let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
    let before = modes(&terminal.slave);
    let mut child = command
        .stdin(slave())
        .stdout(slave())
        .stderr(slave())
        .spawn()
        .unwrap();
    drop(command);
    let status = wait(&mut child);
    let after = modes(&terminal.slave);
    let mut written = Vec::new();
    fcntl(&terminal.master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    // It ends with an error: nothing more is there, since the other side stays open.
    let _ = fs::File::from(terminal.master).read_to_end(&mut written);
    Seen {
        status,
        written: String::from_utf8_lossy(&written).into_owned(),
        same_modes: before.0 == after.0,
        same_flags: before.1 == after.1,
    }
}

/// Makes the terminal raw and its open file non-blocking, as bhyve does, and dies of it.
const BHYVE: &str = r#"
stty raw -echo
/bin/dd iflag=nonblock count=0 of=/dev/null 2>/dev/null
stty -a >"$EASY_BHYVE_PLAYGROUND/raw"
kill -9 $$
"#;

#[test]
fn a_terminal_that_a_killed_bhyve_left_raw_is_as_it_was() {
    for by_script in [false, true] {
        let machine = machine();
        let words = ["easy-bhyve", "ttyboot", "fbsd0"];
        let command = if by_script {
            script(&machine, &words)
        } else {
            program(&machine, &words)
        };
        replace(&machine, "bhyve", BHYVE);
        let seen = on_terminal(in_session(&machine, command));
        let raw = fs::read_to_string(machine.path().join("raw")).unwrap();
        assert!(raw.contains("-icanon") && raw.contains("-echo "), "{raw}");
        assert!(seen.same_modes, "the terminal is another: {}", seen.written);
        // No program by which sh could undo O_NONBLOCK is in every base system.
        assert!(
            seen.same_flags || by_script,
            "its file is another: {}",
            seen.written
        );
        assert_eq!(seen.status, Some(1), "{}", seen.written);
        assert!(
            seen.written.contains("SIGKILL") || by_script,
            "{}",
            seen.written
        );
        assert!(machine.host().state.vms.is_empty(), "the VM's node is left");
    }
}

/// Leaves a process behind, as daemon(8) does; with `-f` it has none of the caller's streams.
const DAEMON: &str = r#"
case " $* " in
*" -f "*) /bin/sleep 600 </dev/null >/dev/null 2>&1 & ;;
*) /bin/sleep 600 & ;;
esac
echo $! >"$EASY_BHYVE_PLAYGROUND/pid"
exec "$EASY_BHYVE_PLAYGROUND/real/daemon" "$@"
"#;

/// Reads a command's output to its end, by when the process that it left must still be there.
fn output_while_vm_runs(machine: &Machine, mut command: Command) -> Output {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(command.output().unwrap()));
    let output = receiver.recv_timeout(LIMIT);
    let pid = fs::read_to_string(machine.path().join("pid")).expect("daemon was called");
    let pid = Pid::from_raw(pid.trim().parse().unwrap());
    let lives = kill(pid, None).is_ok();
    kill(pid, Signal::SIGKILL).unwrap();
    assert!(lives, "it has not outlived the command");
    output.expect("the end of its output, while the VM runs")
}

#[test]
fn who_reads_what_boot_says_sees_its_end_while_the_vm_runs() {
    for by_script in [false, true] {
        let machine = machine();
        let words = ["fbsd0-boot"];
        let command = if by_script {
            script(&machine, &words)
        } else {
            program(&machine, &words)
        };
        replace(&machine, "daemon", DAEMON);
        let output = output_while_vm_runs(&machine, command);
        assert!(output.status.success(), "{output:?}");
        assert!(
            machine.host().state.bhyve_of("fbsd0").is_some(),
            "{output:?}"
        );
    }
}
