//! Inspects a disk. A guest has written it, so as root the bytes are parsed by a child: this program once
//! more, with the open disk as its standard input, no rights but to read it, and limits. Its answer is
//! bounded in size and time. An ordinary user's process has no rights that a guest could gain.

use super::blank::OpenDisk;
use super::child::ended;
use super::{Ended, liveness};
use crate::inspect::{self, report::Report};
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use nix::unistd::{Gid, Uid, close, geteuid, setgid, setgroups, setuid};
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The first word of the child's call.
const WORD: &str = "root-inspect";
/// How long the child may take; most need a few milliseconds.
const TIME: Duration = Duration::from_secs(10);
/// The most bytes of an answer.
const ANSWER: usize = 1 << 20;
/// The most memory of the child in bytes; the program itself needs about 10 MiB.
const MEMORY: rlim_t = 256 << 20;
/// The most processor time of the child in seconds.
const CPU: rlim_t = 5;
/// The ids of the user and of the group nobody (`etc/master.passwd`, `etc/group`).
const NOBODY: u32 = 65534;

/// The descriptors that it may have inherited, with those of its caller's caller.
const INHERITED: std::ops::Range<i32> = 3..1024;

/// What the child answers.
#[derive(Debug, Deserialize, Serialize)]
enum Answer {
    /// What is on the disk.
    Report(Box<Report>),
    /// Why the disk could not be inspected.
    Failed(String),
}

/// See [`super::Look::inspect`]; `program` is this program's file.
pub(super) fn inspect(program: &Path, path: &Path, directory: Option<&str>) -> io::Result<Report> {
    let disk = OpenDisk::open(path)?;
    if geteuid().is_root() {
        by_child(program, disk.file, directory, TIME)
    } else {
        inspect::inspect(&disk, directory)
    }
}

/// Lets the child inspect a disk within this time.
fn by_child(
    program: &Path,
    disk: File,
    directory: Option<&str>,
    time: Duration,
) -> io::Result<Report> {
    let mut child = Command::new(program)
        .arg(WORD)
        .args(directory)
        .env_clear()
        .stdin(disk)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let answer = answer(&mut child, Instant::now() + time);
    // After its answer the child has nothing more to do.
    let killed = child.kill();
    let status = child.wait()?;
    killed?;
    match serde_json::from_slice(&answer?) {
        Ok(Answer::Report(report)) => Ok(*report),
        Ok(Answer::Failed(why)) => Err(io::Error::other(why)),
        Err(_) => Err(io::Error::other(match ended(status) {
            Ended::Exit(status) => format!("the process that reads it failed with status {status}"),
            Ended::Signal(signal) => format!("the process that reads it died of signal {signal}"),
        })),
    }
}

/// All that the child writes until it closes its standard output.
fn answer(child: &mut Child, end: Instant) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let Some(mut stdout) = child.stdout.take() else {
        return Ok(answer);
    };
    let mut chunk = [0; 16 << 10];
    loop {
        liveness::wait(&[stdout.as_fd()], Some(end))?;
        if Instant::now() >= end {
            let what = "the process that reads it did not end in time";
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        if !liveness::is_readable(stdout.as_fd()) {
            continue;
        }
        match stdout.read(&mut chunk)? {
            0 => return Ok(answer),
            length => answer.extend_from_slice(chunk.get(..length).unwrap_or_default()),
        }
        if answer.len() > ANSWER {
            let what = "the process that reads it answered too much";
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, what));
        }
    }
}

/// The directory for the menu in a call of the child; none if these words are another call.
pub fn called(args: &[OsString]) -> Option<Option<&str>> {
    let is_child = args.get(1).is_some_and(|word| word == WORD);
    is_child.then(|| args.get(2).map(OsString::as_os_str).and_then(OsStr::to_str))
}

/// Inspects standard input as the child; returns the exit status.
pub fn serve(directory: Option<&str>, out: &mut dyn Write) -> u8 {
    let inspected = disk().and_then(|disk| inspect::inspect(&disk, directory));
    let answer = match inspected {
        Ok(report) => Answer::Report(Box::new(report)),
        Err(error) => Answer::Failed(error.to_string()),
    };
    let written = serde_json::to_writer(&mut *out, &answer).map_err(io::Error::from);
    u8::from(written.and_then(|()| out.flush()).is_err())
}

/// The disk at standard input, after all rights are dropped.
fn disk() -> io::Result<OpenDisk> {
    // A child also inherits the locks of its VM.
    for inherited in INHERITED {
        let _ = close(inherited);
    }
    let disk = OpenDisk::of(File::from(io::stdin().as_fd().try_clone_to_owned()?))?;
    confine()?;
    Ok(disk)
}

/// Leaves this process no rights but to use its open files.
fn confine() -> io::Result<()> {
    for (resource, most) in LIMITS {
        setrlimit(*resource, *most, *most)?;
    }
    if geteuid().is_root() {
        setgroups(&[])?;
        setgid(Gid::from_raw(NOBODY))?;
        setuid(Uid::from_raw(NOBODY))?;
    }
    #[cfg(target_os = "freebsd")]
    capsicum::enter()?;
    Ok(())
}

const LIMITS: &[(Resource, rlim_t)] = &[
    #[cfg(target_os = "linux")]
    (Resource::RLIMIT_AS, MEMORY),
    #[cfg(target_os = "freebsd")]
    (Resource::RLIMIT_VMEM, MEMORY),
    (Resource::RLIMIT_DATA, MEMORY),
    (Resource::RLIMIT_CPU, CPU),
    (Resource::RLIMIT_CORE, 0),
    (Resource::RLIMIT_FSIZE, 0),
    (Resource::RLIMIT_NPROC, 0),
    // Open files stay open.
    (Resource::RLIMIT_NOFILE, 0),
];

#[cfg(test)]
mod tests {
    use super::{ANSWER, by_child};
    use std::fs::{self, File, Permissions};
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    /// The time of a child that ends by itself or by an error, however busy the machine is.
    const ENOUGH: Duration = Duration::from_secs(60);

    /// What is reported of a child that runs these lines of sh(1) and has this time.
    fn reported(lines: &str, time: Duration) -> std::io::Error {
        let place = tempfile::tempdir().expect("a directory");
        let program = place.path().join("program");
        fs::write(&program, format!("#!/bin/sh\n{lines}\n")).expect("written");
        fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("changed");
        loop {
            let disk = File::open("/dev/null").expect("opened");
            let error = by_child(&program, disk, None, time);
            let error = error.expect_err(lines);
            // A process that another test has just forked may still hold the file open for writing.
            if error.kind() != ErrorKind::ExecutableFileBusy {
                return error;
            }
        }
    }

    #[test]
    fn a_child_that_dies_hangs_or_floods_is_an_error() {
        for (lines, what) in [
            ("exit 3", "failed with status 3"),
            ("echo '{\"Report\":{}}'; exit 0", "failed with status"),
            ("kill -SEGV $$", "died of signal 11"),
            ("exec >&-; exec sleep 600", "died of signal 9"),
            ("echo '{\"Failed\":\"why\"}'", "why"),
        ] {
            let error = reported(lines, ENOUGH);
            assert!(error.to_string().contains(what), "{lines}: {error}");
        }
        let late = reported("exec sleep 600", Duration::from_millis(500));
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        let flood = format!("exec head -c {} /dev/zero", ANSWER + 1);
        assert_eq!(reported(&flood, ENOUGH).kind(), ErrorKind::QuotaExceeded);
    }
}
