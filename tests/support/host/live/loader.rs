//! bhyveload(8) and grub-bhyve as real processes: a menu that boots when its time is over, a prompt.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::call::Status;
use super::super::grub_bhyve::script::{Grub, Leaves};
use super::super::program::with_host;
use super::super::state::{Kernel, System};
use super::Bell;
use super::console::Console;

/// A loader that starts.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its process.
    pub pid: i32,
    /// The VM.
    pub vm: String,
    /// The device of its console: `stdio` or a path.
    pub console: String,
    /// Its output so far.
    pub said: String,
    /// Its first action.
    pub first: First,
    /// Milliseconds that its menu is shown.
    pub menu_ms: u64,
    /// The interpreter of commands.
    pub shell: Shell,
}

/// The first action of a loader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// It shows a menu that boots when its time is over.
    Menu,
    /// It asks for commands.
    Prompt,
    /// It ends in this way, after a while.
    Leaves(Leaves),
    /// It never ends.
    Stuck,
}

/// The interpreter of a loader's commands.
#[derive(Clone, Debug)]
pub enum Shell {
    /// FreeBSD's loader.
    Userboot {
        /// Whether it finds a kernel.
        boots: bool,
    },
    /// grub.
    Grub(Box<Grub>),
}

impl Shell {
    fn prompt(&self) -> &'static str {
        match self {
            Self::Userboot { .. } => "OK ",
            Self::Grub(grub) => grub.asks(),
        }
    }

    /// The system that it boots.
    fn system(&self) -> System {
        match self {
            Self::Userboot { .. } => System::FreeBsd,
            Self::Grub(grub) => grub.system,
        }
    }

    /// The kernel that it has loaded, if that is known.
    fn kernel(&mut self) -> Option<Kernel> {
        match self {
            Self::Userboot { .. } => None,
            Self::Grub(grub) => grub.kernel.take(),
        }
    }

    /// Runs a command; its output, and how it ends the loader, if it does.
    fn command(&mut self, line: &str) -> (String, Option<Leaves>) {
        let boots = match self {
            Self::Grub(grub) => {
                let left = grub.lines(line);
                return (grub.take_said(), left);
            }
            Self::Userboot { boots } => *boots,
        };
        match line.split_whitespace().next() {
            None => (String::new(), None),
            Some("boot") if boots => (String::new(), Some(Leaves::Booted)),
            Some("boot" | "load") => ("can't load 'kernel'\n".into(), None),
            Some("quit" | "exit" | "reboot") => (String::new(), Some(Leaves::Exited)),
            Some("help" | "?") => ("boot  quit\n".into(), None),
            Some(other) => (format!("{other} not found\n"), None),
        }
    }
}

/// Runs a loader to its end.
pub(super) fn run(mut session: Session, directory: &Path, bell: &mut Bell) -> io::Result<Status> {
    let mut console = Console::open(&session.console)?;
    console.write(&session.said);
    let left = match session.first {
        First::Stuck | First::Leaves(Leaves::Waits) => loop {
            wait(&mut console, bell, None)?;
        },
        First::Leaves(left) => {
            rest(&mut console, bell, session.menu_ms)?;
            if session.shell.prompt() == "OK " && left == Leaves::Exited {
                console.write("can't load 'kernel'\n");
            }
            left
        }
        First::Menu => match menu(&mut console, bell, session.menu_ms)? {
            true => Leaves::Booted,
            false => prompt(&mut console, bell, &mut session.shell)?,
        },
        First::Prompt => prompt(&mut console, bell, &mut session.shell)?,
    };
    if let (Leaves::Booted, Shell::Userboot { .. }) = (left, &session.shell) {
        console.write("Booting [/boot/kernel/kernel]...\n");
    }
    console.restore();
    let status = match left {
        Leaves::Crashed(signal) => Status::Signal(signal),
        left => Status::Exit(i32::from(left == Leaves::Exited)),
    };
    let system = session.shell.system();
    let kernel = session.shell.kernel();
    with_host(directory, |host| {
        if left == Leaves::Booted {
            host.loaded(&session.vm, system, kernel);
        }
        host.end_process(session.pid, status);
    })?;
    Ok(status)
}

/// Waits for input.
fn wait(console: &mut Console, bell: &mut Bell, limit: Option<Duration>) -> io::Result<Vec<u8>> {
    let files = console.files();
    let is_typed = bell.wait(&files, limit)?.ready.contains(&true);
    drop(files);
    Ok(if is_typed { console.read() } else { Vec::new() })
}

/// Lets time pass; input is lost meanwhile.
fn rest(console: &mut Console, bell: &mut Bell, milliseconds: u64) -> io::Result<()> {
    let due = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < due {
        wait(
            console,
            bell,
            Some(due.saturating_duration_since(Instant::now())),
        )?;
    }
    Ok(())
}

/// Shows a menu; whether it boots, by Enter or at the end of its time. Any other key stops it.
fn menu(console: &mut Console, bell: &mut Bell, milliseconds: u64) -> io::Result<bool> {
    let due = Instant::now() + Duration::from_millis(milliseconds);
    let mut shown = None;
    loop {
        let left = due.saturating_duration_since(Instant::now());
        let seconds = left.as_millis().div_ceil(1000);
        if seconds == 0 {
            if shown.is_some() {
                console.write("\n");
            }
            return Ok(true);
        }
        if shown != Some(seconds) {
            console.write(&format!(
                "\rBooting in {seconds} s. Enter boots now, any other key stops. "
            ));
            shown = Some(seconds);
        }
        let whole = Duration::from_secs(u64::try_from(seconds - 1).unwrap_or(0));
        let second = left.saturating_sub(whole);
        match wait(console, bell, Some(second))?.first() {
            None => {}
            Some(b'\r' | b'\n') => {
                console.write("\n");
                return Ok(true);
            }
            Some(_) => {
                console.write("\n");
                return Ok(false);
            }
        }
    }
}

/// Takes commands until one ends the loader. At the end of its input it waits for more (term/emu/console.c).
fn prompt(console: &mut Console, bell: &mut Bell, shell: &mut Shell) -> io::Result<Leaves> {
    console.write(shell.prompt());
    let mut line = String::new();
    loop {
        for byte in wait(console, bell, None)? {
            match byte {
                b'\r' | b'\n' => {
                    console.write("\n");
                    let (said, left) = shell.command(&std::mem::take(&mut line));
                    console.write(&said);
                    match left {
                        Some(left) => return Ok(left),
                        None => console.write(shell.prompt()),
                    }
                }
                0x7f | 0x08 if line.pop().is_some() => console.write("\u{8} \u{8}"),
                0x20..0x7f => {
                    line.push(char::from(byte));
                    console.write(char::from(byte).encode_utf8(&mut [0; 4]));
                }
                _ => {}
            }
        }
    }
}
