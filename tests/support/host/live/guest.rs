//! bhyve(8) as a real process: the guest boots, talks on its console, and ends.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::super::Host;
use super::super::call::{Call, Status};
use super::super::process::Ending;
use super::super::program::{rename, with_host};
use super::super::state;
use super::Bell;
use super::console::Console;
use super::system::{System, Wish};

/// A guest that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its process.
    pub pid: i32,
    /// The VM.
    pub vm: String,
    /// Where its first serial line leads: `stdio` or a device.
    pub console: Option<String>,
    /// What was loaded; `None`: nothing is where the vCPU starts.
    pub system: Option<state::System>,
    /// The disk of an installer that asks before it installs.
    pub installs_on: Option<String>,
    /// vCPUs.
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Milliseconds until the login prompt.
    pub boot_ms: u64,
    /// Milliseconds that it takes to stop.
    pub stop_ms: u64,
}

/// What a look at the host has shown.
struct Seen {
    /// How it has ended.
    ended: Option<Status>,
    /// Whether it listens to its power button.
    has_acpi: bool,
    /// Whether that was pressed.
    pressed: bool,
    /// When something happens next.
    next: Option<Duration>,
}

/// Runs a guest to its end.
pub(super) fn run(session: &Session, directory: &Path, bell: &mut Bell) -> io::Result<Status> {
    let console = open(session, bell)?;
    live(session, console, directory, bell)
}

/// A guest's console and how it hears SIGTERM.
struct Open {
    console: Option<Console>,
    /// Whether SIGTERM ends it.
    is_deaf: Arc<AtomicBool>,
    /// Whether SIGTERM came and did not.
    is_asked: Arc<AtomicBool>,
}

fn open(session: &Session, bell: &Bell) -> io::Result<Open> {
    // Without ACPI SIGTERM ends bhyve as any program (amd64/pm.c).
    let is_deaf = Arc::new(AtomicBool::new(true));
    let is_asked = Arc::new(AtomicBool::new(false));
    let signal = Signal::SIGTERM as i32;
    signal_hook::flag::register_conditional_default(signal, Arc::clone(&is_deaf))?;
    signal_hook::flag::register(signal, Arc::clone(&is_asked))?;
    bell.hear(signal)?;
    let console = match &session.console {
        Some(name) => Some(Console::open(name)?),
        None => None,
    };
    Ok(Open {
        console,
        is_deaf,
        is_asked,
    })
}

fn live(session: &Session, open: Open, directory: &Path, bell: &mut Bell) -> io::Result<Status> {
    let Open {
        mut console,
        is_deaf,
        is_asked,
    } = open;
    let start = Instant::now();
    let mut system = session.system.map(|kind| System::new(kind, session));
    let mut look_at = start;
    let mut is_pressed = false;
    loop {
        if Instant::now() >= look_at {
            let seen = look(session, directory, is_asked.swap(false, Ordering::Relaxed))?;
            is_deaf.store(!seen.has_acpi, Ordering::Relaxed);
            if let Some(status) = seen.ended {
                if let (Some(console), Status::Exit(_)) = (&console, status) {
                    console.restore();
                }
                return Ok(status);
            }
            if seen.pressed && !is_pressed {
                is_pressed = true;
                let said = system.as_mut().map(System::press).unwrap_or_default();
                write(console.as_mut(), &said);
            }
            look_at = Instant::now() + seen.next.unwrap_or(Duration::from_secs(3600));
        }
        let said = system.as_mut().map(|system| system.at(start.elapsed()));
        write(console.as_mut(), &said.unwrap_or_default());
        let until_line = system
            .as_ref()
            .and_then(System::next)
            .map(|at| at.saturating_sub(start.elapsed()));
        let until_look = look_at.saturating_duration_since(Instant::now());
        let limit = until_line.map_or(until_look, |line| line.min(until_look));
        let files = console.as_ref().map(Console::files).unwrap_or_default();
        let before = Instant::now();
        let ready = bell.wait(&files, Some(limit))?;
        let is_typed = ready.contains(&true);
        drop(files);
        if is_typed && let (Some(console), Some(system)) = (&mut console, &mut system) {
            let typed = console.read();
            let (said, wish) = system.type_in(&typed);
            console.write(&said);
            if let Some(wish) = wish {
                grant(wish, session, directory)?;
                look_at = Instant::now();
            }
        } else if before.elapsed() < limit {
            // It has rung.
            look_at = Instant::now();
        }
    }
}

fn write(console: Option<&mut Console>, text: &str) {
    if let Some(console) = console.filter(|_| !text.is_empty()) {
        console.write(text);
    }
}

/// Looks at the host; a signal that came outside of it presses the button.
fn look(session: &Session, directory: &Path, is_asked: bool) -> io::Result<Seen> {
    with_host(directory, |host| {
        if is_asked {
            let _ = host.signal(session.pid, Signal::SIGTERM as i32, 0);
        }
        let now = host.state.clock_ms;
        let process = host.state.processes.get(&session.pid);
        let guest = process.and_then(|process| process.guest.as_ref());
        let Some(guest) = guest else {
            let ended = host.state.ended.get(&session.pid).copied();
            return Seen {
                ended: Some(ended.unwrap_or(Status::Signal(9))),
                has_acpi: false,
                pressed: false,
                next: None,
            };
        };
        let events = [guest.title_at, guest.acpi_at, guest.end.map(|(at, _)| at)];
        let next = events.into_iter().flatten().min();
        Seen {
            ended: None,
            has_acpi: process.is_some_and(|process| process.sigignore != 0),
            pressed: guest.pressed,
            next: next.map(|at| Duration::from_millis(at.saturating_sub(now))),
        }
    })
}

/// Does what the person at the console has asked of the guest.
fn grant(wish: Wish, session: &Session, directory: &Path) -> io::Result<()> {
    with_host(directory, |host| match wish {
        Wish::End(ending) => {
            let at = host.state.clock_ms + stop_ms(ending, session);
            if let Some(guest) = host
                .state
                .processes
                .get_mut(&session.pid)
                .and_then(|process| process.guest.as_mut())
            {
                guest.end = Some((at, ending));
            }
        }
        Wish::Install => {
            if let Some(disk) = &session.installs_on {
                host.install_on(disk);
            }
        }
    })
}

/// A proper end takes its time, a fault does not.
fn stop_ms(ending: Ending, session: &Session) -> u64 {
    match ending {
        Ending::PowerOff | Ending::Reboot | Ending::Halt => session.stop_ms.min(1_000),
        _ => 0,
    }
}

/// Becomes the process of a guest that ran when the host was set up.
pub(super) fn resume(pid: i32, directory: &Path) -> io::Result<i32> {
    use std::io::Write;
    nix::unistd::setsid()?;
    let mut bell = Bell::new(directory)?;
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let session = with_host(directory, |host| {
        rename(
            &mut host.state,
            |other| if other == pid { own } else { other },
        );
        host.enliven(own, own);
        found(host, own)
    })?;
    let Some(session) = session else {
        return Ok(1);
    };
    let console = open(&session, &bell)?;
    io::stdout().write_all(b"\n")?;
    io::stdout().flush()?;
    let status = live(&session, console, directory, &mut bell)?;
    super::super::program::leave(status)
}

/// The session of a guest by the command line of its process.
fn found(host: &Host, pid: i32) -> Option<Session> {
    let process = host.state.processes.get(&pid)?;
    let call = Call::new(&process.argv);
    super::super::bhyve::session_of(host, pid, &call)
}
