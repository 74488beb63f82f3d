//! Simulated programs as real processes: a guest runs and writes to its console, a loader
//! shows its menu, cu(1) relays, daemon(8) runs in the background.
//!
//! The host's state is authoritative: time ends a guest there, and a signal that is sent through
//! kill(1) acts there. A process follows it, and SIGUSR1 tells the process to read it again. A guest
//! brings a SIGTERM of kill(2) into the state; other effects on a real process alone, such as
//! SIGKILL, are found by the next process that loads the state.

pub mod alive;
pub mod guest;
pub mod loader;
pub mod pty;

mod bell;
mod console;
mod detach;
mod line;
mod nmdm;
mod noise;
mod role;
mod system;
pub mod vnc;

use std::io;
use std::path::Path;
use std::time::Duration;

use super::call::{Call, Status};
use super::daemon::Daemon;
use super::program::with_host;
pub(super) use bell::Bell;
pub(super) use nmdm::start as start_nmdm;
pub use role::Role;

/// The longest time between two looks at the state: the process that should have notified this one may
/// have been killed.
const LOOK: Duration = Duration::from_secs(5);

/// How a program continues after its command line was accepted.
#[derive(Clone, Debug)]
pub enum Session {
    /// As this program of the real machine.
    Foreign(Call),
    /// As a guest.
    Guest(guest::Session),
    /// As a loader.
    Loader(loader::Session),
    /// As cu(1) on this line.
    Line(String),
    /// As daemon(8), for this user.
    Detach(Daemon, u32),
    /// As an `ifconfig destroy` that waits until the tap of this index is closed.
    Destroy(u32),
}

/// Runs a session to its end.
///
/// # Errors
/// If the state directory cannot be used, or was removed.
pub(super) fn run(session: Session, directory: &Path, bell: &mut Bell) -> io::Result<Status> {
    if !matches!(
        session,
        Session::Guest(_) | Session::Line(_) | Session::Detach(..)
    ) {
        bell.be_mortal()?;
    }
    match session {
        Session::Foreign(call) => Err(detach::exec(&call)),
        Session::Guest(guest) => guest::run(&guest, directory, bell),
        Session::Loader(loader) => loader::run(loader, directory, bell),
        Session::Line(line) => line::run(&line, directory, bell),
        Session::Detach(daemon, uid) => detach::leave(daemon, uid),
        Session::Destroy(index) => destroy(index, directory, bell),
    }
}

/// Waits without end.
///
/// # Errors
/// If the state directory was removed: then the wait ends, too.
pub(super) fn hang(bell: &mut Bell) -> io::Result<Status> {
    bell.be_mortal()?;
    loop {
        bell.wait(&[], None)?;
    }
}

fn destroy(index: u32, directory: &Path, bell: &mut Bell) -> io::Result<Status> {
    loop {
        let is_there = with_host(directory, |host| {
            let mut all = host.state.interfaces.values();
            let is_there = all.any(|interface| interface.index == index);
            if !is_there {
                host.end_process(alive::own(), Status::Exit(0));
            }
            is_there
        })?;
        if !is_there {
            return Ok(Status::Exit(0));
        }
        bell.wait(&[], Some(LOOK))?;
    }
}
