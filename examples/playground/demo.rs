//! The life of a VM as a demonstration: each command is shown with its output.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::os::fd::AsFd;

use super::host::GuestPlan;
use super::host::live::pty;
use super::place::Place;

/// The time limit of a command.
const LIMIT: Duration = Duration::from_secs(300);

/// A command, and what is typed when its output ends with a text.
struct Scene {
    remark: &'static str,
    line: &'static str,
    typed: &'static [(&'static str, &'static str)],
}

const fn scene(remark: &'static str, line: &'static str) -> Scene {
    Scene {
        remark,
        line,
        typed: &[],
    }
}

const SCENES: &[Scene] = &[
    scene(
        "Make the links for every VM of the configuration.",
        "easy-bhyve setup",
    ),
    scene("List the VMs.", "easy-bhyve list"),
    scene("Show the settings of one VM.", "fbsd0-resources"),
    scene(
        "Create the disk, 20 GB, sparse.",
        "fbsd0-resources -V 20g -s",
    ),
    Scene {
        remark: "Run the installer on this terminal; Enter is typed twice.",
        line: "fbsd0-install",
        typed: &[("first disk: ", "\r"), ("Enter reboots: ", "\r")],
    },
    scene(
        "Show the commands that a boot would run now.",
        "fbsd0-boot -d",
    ),
    scene("Boot the VM.", "fbsd0-boot"),
    Scene {
        remark: "Connect to the console: log in, run a command, and leave by ~. after Enter.",
        line: "fbsd0-console",
        typed: &[
            ("login: ", "root\r"),
            ("~ # ", "uname\r"),
            ("~ # ", "exit\r"),
            ("login: ", "\r~."),
        ],
    },
    scene("Show what runs.", "easy-bhyve status"),
    scene("Press the power button.", "fbsd0-shutdown"),
    scene(
        "Take a snapshot before an experiment.",
        "fbsd0-snapshot before the experiment",
    ),
    scene("List the snapshots.", "fbsd0-snapshot"),
    scene("Roll back to the snapshot.", "fbsd0-rollback"),
    scene("Clone the disk for another VM.", "fbsd0-clone fbsd1"),
    scene("Show the origin of the disk.", "fbsd0-history"),
    scene("Show that nothing is left.", "easy-bhyve status"),
];

/// Runs every scene; 0 if all of them succeed.
pub(super) fn play() -> io::Result<i32> {
    // A signal interrupts a wait, which ends the demonstration like any failure.
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        signal_hook::flag::register(signal as i32, Arc::new(AtomicBool::new(false)))?;
    }
    let place = Place::new(GuestPlan {
        title_ms: 200,
        acpi_ms: Some(1_500),
        button_ms: Some(700),
        loader_ms: 1_000,
        ..GuestPlan::default()
    })?;
    say(
        "This is a SIMULATION: easy-bhyve is real, the FreeBSD host and the guests are simulated.\n",
    )?;
    for scene in SCENES {
        say(&format!("\n# {}\n$ {}\n", scene.remark, scene.line))?;
        let status = perform(scene, &place)?;
        if !status.success() {
            writeln!(
                io::stderr(),
                "playground: {} ended with {status}",
                scene.line
            )?;
            return Ok(1);
        }
    }
    Ok(0)
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Runs a scene on a terminal of its own, and shows its output.
fn perform(scene: &Scene, place: &Place) -> io::Result<ExitStatus> {
    let terminal = pty::open()?;
    let end = |end: &OwnedFd| end.try_clone().map(Stdio::from);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("exec {}", scene.line)])
        .stdin(end(&terminal.slave)?)
        .stdout(end(&terminal.slave)?)
        .stderr(end(&terminal.slave)?);
    let mut shell = place.surround(shell);
    let mut child = shell.spawn()?;
    // The terminal ends with the last process that has it open.
    drop((shell, terminal.slave));
    let mut master = File::from(terminal.master);
    let mut typed = scene.typed.iter();
    let mut next = typed.next();
    let mut unread = String::new();
    let start = Instant::now();
    while let Some(text) = read(&mut master, start)? {
        say(&text.replace('\r', ""))?;
        unread += &text;
        while let Some((prompt, keys)) = next {
            let Some(at) = unread.find(prompt) else { break };
            unread.drain(..at + prompt.len());
            master.write_all(keys.as_bytes())?;
            next = typed.next();
        }
    }
    child.wait()
}

/// The next output; `None` at the end.
fn read(master: &mut File, start: Instant) -> io::Result<Option<String>> {
    let mut bytes = [0; 4096];
    loop {
        let left = LIMIT.saturating_sub(start.elapsed());
        let limit = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut files = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut files, limit)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the command does not end",
            ));
        }
        match master.read(&mut bytes) {
            Ok(length) if length > 0 => {
                let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
                return Ok(Some(text.into_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // EIO: no process has the other side open any more.
            _ => return Ok(None),
        }
    }
}
