//! bhyve(8) as a real process: the guest boots, talks on its console, and ends.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::Host;
use super::super::call::{Call, Status};
use super::super::process::{Ending, Noise};
use super::super::program::{rename, with_host};
use super::super::state;
use super::console::{self, Console};
use super::system::{System, Wish};
use super::vnc::{self, Screen};
use super::{Bell, LOOK, alive};

/// SIGTERM of FreeBSD.
const SIGTERM: i32 = 15;

/// A guest that starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The process of its bhyve.
    pub pid: i32,
    /// The VM.
    pub vm: String,
    /// The device of its first serial line: `stdio` or a path.
    pub console: Option<String>,
    /// The system that was loaded; `None`: there is no code at the vCPU's entry point.
    pub system: Option<state::System>,
    /// The disk of an installer that asks before it installs.
    pub installs_on: Option<String>,
    /// vCPUs.
    pub cpus: u32,
    /// Bytes.
    pub memory: u64,
    /// Milliseconds until the login prompt; `None`: the prompt was shown already.
    pub boot_ms: Option<u64>,
    /// Milliseconds that it takes to stop.
    pub stop_ms: u64,
    /// The screen.
    pub screen: Option<Screen>,
    /// The output of bhyve itself.
    pub noise: Option<Noise>,
}

/// The state that the last look at the host has shown.
struct Seen {
    /// How the guest has ended.
    ended: Option<Status>,
    /// Whether the power button was pressed.
    pressed: bool,
    /// When the next event happens.
    next: Option<Duration>,
}

/// Runs a guest to its end.
pub(super) fn run(session: &Session, directory: &Path, bell: &mut Bell) -> io::Result<Status> {
    let start = Instant::now();
    if let Some(noise) = session.noise {
        // In addition to the behaviour of the guest, for as long as it runs.
        std::thread::spawn(move || noise.make());
    }
    if let Some(screen) = &session.screen {
        vnc::serve(screen, session.pid, &session.vm, directory);
    }
    // A null modem that is missing was destroyed with the guest: the first look shows that.
    let name = session.console.as_deref();
    let mut console = name.and_then(|name| Console::open(name).ok());
    if name == Some("stdio") {
        console::unblock_terminal()?;
    }
    let mut system = session.system.map(|kind| System::new(kind, session));
    if let (Some(system), None) = (&mut system, session.boot_ms) {
        // The title was never seen.
        system.at(Duration::MAX);
    }
    let mut look_at = start;
    let mut is_pressed = false;
    loop {
        if Instant::now() >= look_at {
            let seen = look(session, directory, bell.was_asked())?;
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
            look_at = Instant::now() + seen.next.map_or(LOOK, |next| next.min(LOOK));
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
        let woken = bell.wait(&files, Some(limit))?;
        drop(files);
        if woken.is_rung {
            look_at = Instant::now();
        }
        if woken.ready.contains(&true)
            && let Some(console) = &mut console
        {
            let typed = console.read();
            // Input is lost if nothing was loaded.
            let answer = system.as_mut().map(|system| system.type_in(&typed));
            let (said, wish) = answer.unwrap_or_default();
            console.write(&said);
            if let Some(wish) = wish {
                grant(wish, session, directory)?;
                look_at = Instant::now();
            }
        }
    }
}

fn write(console: Option<&mut Console>, text: &str) {
    if let Some(console) = console.filter(|_| !text.is_empty()) {
        console.write(text);
    }
}

/// Reads the state of the host. For a SIGTERM from outside of the host that state decides whether it
/// presses the button, or ends bhyve like any program (amd64/pm.c).
fn look(session: &Session, directory: &Path, is_asked: bool) -> io::Result<Seen> {
    with_host(directory, |host| {
        if is_asked {
            let _ = host.signal(session.pid, SIGTERM, 0);
        }
        let now = host.state.clock_ms;
        let process = host.state.processes.get(&session.pid);
        let guest = process.and_then(|process| process.guest.as_ref());
        let Some(guest) = guest else {
            let ended = host.state.ended.get(&session.pid).copied();
            return Seen {
                ended: Some(ended.unwrap_or(Status::Signal(9))),
                pressed: false,
                next: None,
            };
        };
        let events = [guest.title_at, guest.acpi_at, guest.end.map(|(at, _)| at)];
        let next = events.into_iter().flatten().min();
        Seen {
            ended: None,
            pressed: guest.pressed,
            next: next.map(|at| Duration::from_millis(at.saturating_sub(now))),
        }
    })
}

/// Carries out a request that was typed at the guest's console.
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
    let own = alive::own();
    let session = with_host(directory, |host| {
        rename(
            &mut host.state,
            |other| if other == pid { own } else { other },
        );
        host.enliven(own, own);
        found(host, own)
    })?;
    io::stdout().write_all(b"\n")?;
    io::stdout().flush()?;
    let Some(mut session) = session else {
        return Ok(1);
    };
    session.boot_ms = None;
    let status = run(&session, directory, &mut bell)?;
    super::super::program::leave(status)
}

/// The session of a guest, from the command line of its process.
fn found(host: &Host, pid: i32) -> Option<Session> {
    let process = host.state.processes.get(&pid)?;
    let call = Call::new(&process.argv);
    super::super::bhyve::session_of(host, pid, &call)
}
