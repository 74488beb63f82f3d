//! daemon(8) and programs of the real machine, as real processes.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{self, Signal};
use nix::unistd::{Pid, setsid};

use super::super::call::{Call, Status};
use super::super::daemon::Daemon;
use super::super::process::Process;
use super::super::program::{NOT_FOUND, UID, directory_of, start, with_host};
use super::role::without_role;
use super::{Bell, Role, alive};

/// Becomes a program of the real machine; that program calls programs of the host as the user that
/// doas or sudo has made it. Returns only if that fails.
pub(super) fn exec(call: &Call) -> io::Error {
    let Some((program, args)) = call.argv.split_first() else {
        return io::ErrorKind::InvalidInput.into();
    };
    without_role(Command::new(program).args(args))
        .env(UID, call.uid.to_string())
        .exec()
}

/// Starts the process in the background, and returns.
pub(super) fn leave(daemon: Daemon, uid: u32) -> io::Result<Status> {
    let directory = directory_of("daemon".as_ref())?;
    let is_quiet = daemon.is_quiet;
    let flags = [(daemon.changes_directory, "-c"), (is_quiet, "-f")];
    let flags = flags.iter().filter(|(is_set, _)| *is_set);
    let words = std::iter::once("daemon").chain(flags.map(|(_, flag)| *flag));
    let mut own = Call::new(words.chain(daemon.command.iter().map(String::as_str)));
    own.uid = uid;
    let output = daemon.output.clone();
    let mut command = Role::Daemon(daemon, uid).command(&std::env::current_exe()?, &directory)?;
    if is_quiet {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
    }
    if let Some(file) = output {
        let file = File::options().append(true).create(true).open(file)?;
        command.stdout(file.try_clone()?).stderr(file);
    }
    let pid = i32::try_from(command.spawn()?.id()).unwrap_or_default();
    with_host(&directory, |host| {
        // Until the process becomes its command it shows daemon's own words, perhaps only for a moment.
        let state = &host.state;
        if !state.processes.contains_key(&pid) && !state.ended.contains_key(&pid) {
            own.pid = Some(pid);
            host.add_called(&own);
        }
        // The process may have ended by now.
        let lives = |process: &Process| process.live.is_some();
        if !host.state.processes.get(&pid).is_some_and(lives) {
            host.state.processes.remove(&pid);
        }
    })?;
    Ok(Status::Exit(0))
}

/// The process in the background: becomes the command, or supervises it.
pub(super) fn stay(daemon: &Daemon, uid: u32, directory: &Path) -> io::Result<i32> {
    setsid()?;
    if daemon.changes_directory {
        std::env::set_current_dir("/")?;
    }
    if daemon.supervises {
        return supervise(daemon, uid, directory);
    }
    let mut call = Call::new(&daemon.command);
    call.uid = uid;
    call.background = true;
    call.env = std::env::vars().collect();
    call.pid = Some(alive::own());
    let status = start(directory, &call, 1)?;
    if status == NOT_FOUND {
        let program = call.program();
        writeln!(io::stderr(), "daemon: {program}: No such file or directory")?;
        return Ok(1);
    }
    Ok(status)
}

fn supervise(daemon: &Daemon, uid: u32, directory: &Path) -> io::Result<i32> {
    let mut bell = Bell::new(directory)?;
    bell.hear(Signal::SIGCHLD)?;
    let mut own = Call::new(
        ["daemon"]
            .iter()
            .copied()
            .chain(daemon.command.iter().map(String::as_str)),
    );
    own.uid = uid;
    own.pid = Some(alive::own());
    let pid = with_host(directory, |host| host.add_called(&own))?;
    let [child_file, own_file] = &daemon.pidfiles;
    write_pid(own_file.as_deref(), pid)?;
    let command = Daemon {
        supervises: false,
        restart_ms: None,
        ..daemon.clone()
    };
    let status = loop {
        let mut child = Role::Daemon(command.clone(), uid)
            .command(&std::env::current_exe()?, directory)?
            .spawn()?;
        let child_pid = i32::try_from(child.id()).unwrap_or_default();
        write_pid(child_file.as_deref(), child_pid)?;
        with_host(directory, |host| {
            if let Some(process) = host.state.processes.get_mut(&pid) {
                process.title = Some(format!("daemon: {}[{child_pid}]", daemon.title));
            }
        })?;
        let Some(status) = wait(&mut child, &mut bell)? else {
            // It forwards the signal and ends at once (usr.sbin/daemon/daemon.c).
            let _ = signal::kill(Pid::from_raw(child_pid), Signal::SIGTERM);
            break 0;
        };
        let Some(delay) = daemon.restart_ms else {
            break status;
        };
        if is_asked_within(Duration::from_millis(delay), &mut bell)? {
            break 0;
        }
    };
    for file in daemon.pidfiles.iter().flatten() {
        // Another process may have removed the file.
        let _ = std::fs::remove_file(file);
    }
    with_host(directory, |host| {
        host.end_process(pid, Status::Exit(status));
    })?;
    Ok(status)
}

/// Waits until the child has ended, or a signal requests the end of daemon.
fn wait(child: &mut Child, bell: &mut Bell) -> io::Result<Option<i32>> {
    loop {
        if let Some(status) = child.try_wait()? {
            let signal = status.signal().map(|signal| 128 + signal);
            return Ok(status.code().or(signal));
        }
        if bell.was_asked() {
            return Ok(None);
        }
        bell.wait(&[], None)?;
    }
}

/// Lets this time pass; whether a signal requests the end of daemon meanwhile.
fn is_asked_within(time: Duration, bell: &mut Bell) -> io::Result<bool> {
    let due = Instant::now() + time;
    while Instant::now() < due {
        if bell.was_asked() {
            return Ok(true);
        }
        bell.wait(&[], Some(due.saturating_duration_since(Instant::now())))?;
    }
    Ok(bell.was_asked())
}

fn write_pid(file: Option<&Path>, pid: i32) -> io::Result<()> {
    file.map_or(Ok(()), |file| std::fs::write(file, pid.to_string()))
}
