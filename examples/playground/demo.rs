//! A VM's whole life, played by itself: each command is shown with its output.

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

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(300);

/// A command, and what is typed when its output ends in a text.
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
        "Links for every VM of the configuration.",
        "easy-bhyve setup",
    ),
    scene("The VMs.", "easy-bhyve list"),
    scene("The settings of one.", "fbsd0-resources"),
    scene("Its disk, 20 GB, sparse.", "fbsd0-resources -V 20g -s"),
    Scene {
        remark: "The installer, on this terminal; Enter is typed twice.",
        line: "fbsd0-install",
        typed: &[("first disk: ", "\r"), ("Enter reboots: ", "\r")],
    },
    scene("The commands that a boot would run now.", "fbsd0-boot -d"),
    scene("The boot itself.", "fbsd0-boot"),
    Scene {
        remark: "The console: root logs in, asks a question, and leaves by ~. after Enter.",
        line: "fbsd0-console",
        typed: &[
            ("login: ", "root\r"),
            ("~ # ", "uname\r"),
            ("~ # ", "exit\r"),
            ("login: ", "\r~."),
        ],
    },
    scene("What runs.", "easy-bhyve status"),
    scene("The power button.", "fbsd0-shutdown"),
    scene(
        "A snapshot before an experiment.",
        "fbsd0-snapshot before the experiment",
    ),
    scene("The snapshots.", "fbsd0-snapshot"),
    scene("Back to it.", "fbsd0-rollback"),
    scene("Another VM's disk from it.", "fbsd0-clone fbsd1"),
    scene("Where the VM comes from.", "fbsd0-history"),
    scene("Nothing is left behind.", "easy-bhyve status"),
];

/// Plays every scene; 0 if all of them succeed.
pub(super) fn play() -> io::Result<i32> {
    // A signal interrupts what is waited for, and that ends the play as any failure.
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
        "This is a SIMULATION: easy-bhyve is real, the FreeBSD host and the guests are pretended.\n",
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

/// Runs a scene on a terminal of its own, and shows what is written there.
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
    // The terminal ends with the last process that has it.
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

/// What is written next; `None` at the end.
fn read(master: &mut File, start: Instant) -> io::Result<Option<String>> {
    let mut bytes = [0; 4096];
    loop {
        let left = LIMIT.saturating_sub(start.elapsed());
        let limit = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut files = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut files, limit)? == 0 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not end"));
        }
        match master.read(&mut bytes) {
            Ok(length) if length > 0 => {
                let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
                return Ok(Some(text.into_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // EIO: nobody has the other side any more.
            _ => return Ok(None),
        }
    }
}
