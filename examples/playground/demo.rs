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

use super::host::live::pty;
use super::host::{GuestPlan, program};
use super::place::Place;

/// The time limit of a command.
const LIMIT: Duration = Duration::from_secs(60);

/// The pause in which a viewer reads.
const READING: Duration = Duration::from_millis(900);

/// The pause between two letters that are typed.
const TYPING: Duration = Duration::from_millis(25);

/// Whether a scene's command succeeds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Succeeds,
    Fails,
}

/// A command, and what is typed when its output has a text.
struct Scene {
    line: &'static str,
    /// Shown behind the command, unless it is empty.
    remark: &'static str,
    typed: &'static [(&'static str, &'static str)],
    end: End,
    /// What the simulated bhyve says instead of starting.
    fault: Option<&'static str>,
    /// If so, it is run until its output has this; only the last run is shown.
    until: Option<&'static str>,
}

impl Scene {
    /// Whether it ends so.
    fn ends_so(&self, status: ExitStatus) -> bool {
        status.success() == (self.end == End::Succeeds)
    }
}

const fn scene(line: &'static str, remark: &'static str) -> Scene {
    Scene {
        line,
        remark,
        typed: &[],
        end: End::Succeeds,
        fault: None,
        until: None,
    }
}

const fn mistake(line: &'static str, remark: &'static str) -> Scene {
    Scene {
        end: End::Fails,
        ..scene(line, remark)
    }
}

const fn typing(
    line: &'static str,
    remark: &'static str,
    typed: &'static [(&'static str, &'static str)],
) -> Scene {
    Scene {
        typed,
        ..scene(line, remark)
    }
}

const SCENES: &[Scene] = &[
    scene("easy-bhyve init --yes", "writes the settings of this host"),
    scene(
        "easy-bhyve new web0 --os freebsd --cd iso/FreeBSD-15.0-RELEASE-amd64-disc1.iso --disk 20g --links mem=2G",
        "adds a VM",
    ),
    typing(
        "web0-install",
        "runs the installer on this terminal",
        &[("first disk: ", "\r"), ("Enter reboots: ", "\r")],
    ),
    scene("web0-boot -d", "shows the commands of a boot"),
    mistake("easy-bhyve set web0 mem=lots", "a mistake"),
    Scene {
        fault: Some("Unable to setup memory (12)\n"),
        ..mistake(
            "web0-boot",
            "bhyve does not start: the steps before it are undone",
        )
    },
    scene(
        "web0-boot && web0-snapshot before the experiment",
        "now it starts",
    ),
    typing(
        "web0-console",
        "reboots the guest, and crashes it",
        &[
            ("login: ", "root\r"),
            ("~ # ", "reboot\r"),
            ("login: ", "root\r"),
            ("~ # ", "fault\r"),
            ("\n", "\r~."),
        ],
    ),
    // The crash is noticed, and its resources are freed, in the background.
    Scene {
        until: Some("freed: "),
        ..scene("web0-log -n 4", "")
    },
    Scene {
        until: Some("rolled back"),
        ..scene("web0-rollback", "")
    },
    scene("web0-boot && web0-shutdown", "presses the power button"),
];

/// How the scenes are shown.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Whether there is time to read between them.
    pub(super) is_paced: bool,
    /// Whether the output is a terminal.
    pub(super) is_watched: bool,
}

/// Runs every scene; 0 if each of them ends as it is to.
pub(super) fn play(manner: Manner) -> io::Result<i32> {
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
    place.leave_configuration()?;
    say(
        "This is a SIMULATION: easy-bhyve is real, the FreeBSD host and the guests are simulated.\n",
    )?;
    for scene in SCENES {
        say("\n$ ")?;
        for letter in scene.line.chars() {
            say(letter.encode_utf8(&mut [0; 4]))?;
            pause(manner, TYPING)?;
        }
        let remark = match scene.remark {
            "" => "\n".to_owned(),
            remark => format!("  # {remark}\n"),
        };
        say(&remark)?;
        pause(manner, READING)?;
        if let Some(message) = scene.fault {
            program::with_host(&place.path(""), |host| host.fail("bhyve", 1, 4, message))?;
        }
        let status = match scene.until {
            Some(text) => last_of(scene, text, &place, manner)?,
            None => perform(scene, &place, manner, &mut say)?,
        };
        if !scene.ends_so(status) {
            writeln!(
                io::stderr(),
                "playground: {} ended with {status}",
                scene.line
            )?;
            return Ok(1);
        }
        pause(manner, READING)?;
    }
    Ok(0)
}

/// Runs a scene until its output has this text, and shows its last run.
fn last_of(scene: &Scene, until: &str, place: &Place, manner: Manner) -> io::Result<ExitStatus> {
    let start = Instant::now();
    loop {
        let mut output = String::new();
        let status = perform(scene, place, manner, &mut |text| {
            output += text;
            Ok(())
        })?;
        if output.contains(until) || start.elapsed() >= LIMIT {
            return say(&output).map(|()| status);
        }
    }
}

/// Waits if the scenes are paced.
///
/// # Errors
/// If a signal has come.
fn pause(manner: Manner, time: Duration) -> io::Result<()> {
    let time = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    if manner.is_paced {
        poll(&mut [], time)?;
    }
    Ok(())
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Runs a scene on a terminal of its own, and passes its output on.
fn perform(
    scene: &Scene,
    place: &Place,
    manner: Manner,
    pass: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<ExitStatus> {
    let terminal = pty::open()?;
    let end = |end: &OwnedFd| end.try_clone().map(Stdio::from);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", scene.line])
        .stdin(end(&terminal.slave)?)
        .stdout(end(&terminal.slave)?)
        .stderr(end(&terminal.slave)?);
    let mut shell = place.surround(shell);
    if !manner.is_watched {
        // Neither colours nor a line that is drawn again.
        shell.env("TERM", "dumb");
    }
    let mut child = shell.spawn()?;
    // The terminal ends with the last process that has it open.
    drop((shell, terminal.slave));
    let mut master = File::from(terminal.master);
    let mut typed = scene.typed.iter();
    let mut next = typed.next();
    let mut unread = String::new();
    let mut shown = Shown::default();
    let start = Instant::now();
    while let Some(text) = read(&mut master, start)? {
        pass(&shown.of(&text))?;
        unread += &text;
        while let Some((prompt, keys)) = next {
            let Some(at) = unread.find(prompt) else { break };
            unread.drain(..at + prompt.len());
            pause(manner, READING)?;
            master.write_all(keys.as_bytes())?;
            next = typed.next();
        }
    }
    pass(&shown.rest())?;
    child.wait()
}

/// The output of a command; the lines of a file and of a guest that boots or stops are counted, not shown.
#[derive(Default)]
struct Shown {
    /// The number of lines that are not shown so far.
    hidden: Option<usize>,
    /// The beginning of a line.
    begun: String,
    /// The number of its bytes that are shown.
    said: usize,
}

impl Shown {
    /// Lines that are not shown begin with one of these.
    const BEGINS: [&str; 9] = [
        "# Settings of this host",
        "Consoles: ",
        "Booting ",
        "CPU: ",
        "real memory ",
        "Connected",
        "Partitioning ",
        "Stopping services.",
        "waiting for ",
    ];

    /// The line behind them has one of these.
    const ENDS: [&str; 6] = [
        "easy-bhyve: wrote",
        "web0-install: ",
        "web0-shutdown: ",
        "Enter installs ",
        "Enter reboots",
        "login: ",
    ];

    /// What is shown of the next output.
    fn of(&mut self, text: &str) -> String {
        let mut shown = String::new();
        for piece in text.split_inclusive('\n') {
            self.begun += piece;
            self.change(&mut shown);
            if self.hidden.is_none() {
                shown += self.begun.get(self.said..).unwrap_or_default();
                self.said = self.begun.len();
            }
            if piece.ends_with('\n') {
                self.hidden = self.hidden.map(|lines| lines + 1);
                self.begun.clear();
                self.said = 0;
            }
        }
        shown
    }

    /// Whether the line that has begun ends the messages, or begins them.
    fn change(&mut self, shown: &mut String) {
        match self.hidden {
            Some(lines) if Self::ENDS.iter().any(|end| self.begun.contains(end)) => {
                shown.extend(["[... ", &lines.to_string(), " lines]\r\n"]);
                self.hidden = None;
            }
            None if self.said == 0
                && Self::BEGINS
                    .iter()
                    .any(|start| self.begun.starts_with(start)) =>
            {
                self.hidden = Some(0);
            }
            _ => {}
        }
    }

    /// What is shown at the end of the output.
    fn rest(self) -> String {
        match self.hidden {
            Some(lines) if lines > 0 => format!("[... {lines} lines]\r\n"),
            _ => String::new(),
        }
    }
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
